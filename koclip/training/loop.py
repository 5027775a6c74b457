"""A training run: steps, measurements and checkpoints, from step 0 or from where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh

from koclip.checkpoints.checkpoint import Parameters
from koclip.errors import KoCLIPError
from koclip.training.config import TrainConfig
from koclip.training.gradients import Batch, Penalty, Towers
from koclip.training.loss import LossOutput
from koclip.training.optimizer import make_optimizer
from koclip.training.recorder import Recorder
from koclip.training.state import checkpoints, restore_checkpoint, save_checkpoint
from koclip.training.step import (
    TrainState,
    data_mesh,
    global_batch,
    initial_state,
    make_loss,
    make_train_step,
)

Callback = Callable[[int, Parameters], None]
"""Called with (steps done, parameters) after each checkpoint, on the first process only."""


def train(
    towers: Towers,
    parameters: Parameters,
    batches: Callable[[int], Iterator[Batch]],
    config: TrainConfig,
    output: str | Path,
    *,
    steps_per_epoch: int,
    validation: Callable[[], Iterable[Batch]] | None = None,
    penalty: Penalty | None = None,
    callbacks: Sequence[Callback] = (),
    resume: bool = False,
    mesh: Mesh | None = None,
) -> Parameters:
    """Trains `parameters` and returns them trained.

    With several processes (`jax.distributed`) each calls this alike and passes its own rows of
    every batch; only the first writes, and all of them read `output` to resume.

    Args:
        towers: features of a batch. Parameters are any nested dict with a scalar "logit_scale".
        batches: batches from a step on, `batches(k)` being the tail of `batches(0)`.
        output: folder for metrics.csv, training.json and checkpoints.
        steps_per_epoch: validation follows every so many steps.
        validation: the batches whose mean loss is the validation loss.
        penalty: see `koclip.training.gradients.Penalty`.
        callbacks: for example what saves the model.
        resume: go on from the newest checkpoint in `output`, if there is one.
        mesh: devices to train on; all of them if None.

    Raises:
        KoCLIPError: settings do not fit the parameters or the devices, `output` holds another run,
            or the loss is no longer a number.
    """
    output, mesh = Path(output), mesh or data_mesh()
    if not resume and checkpoints(output):
        raise KoCLIPError("training_output_taken", folder=output)
    total = config.total_steps(steps_per_epoch)
    optimizer = partial(make_optimizer, config, total_steps=total)
    state = initial_state(parameters, config, optimizer, mesh)
    if resume:
        state = restore_checkpoint(output, state, config, mesh) or state
    recorder = Recorder(
        config,
        output,
        batch_size=config.global_batch_size(mesh.size),
        first=int(state.step),
        total=total,
        steps_per_epoch=steps_per_epoch,
    )
    step = make_train_step(towers, config, optimizer(state.trained), mesh, penalty)
    loss = make_loss(towers, config, mesh)
    stream = batches(recorder.first)
    with ExitStack() as stack:
        stack.callback(recorder.close)
        if hasattr(stream, "close"):  # a generator, whose workers are to end with the run
            stack.callback(stream.close)
        for number in range(recorder.first + 1, total + 1):
            state, metrics = step(state, global_batch(next(stream), mesh))
            recorder.stepped(number, metrics)
            is_last = number == total
            ends_epoch = is_last or number % steps_per_epoch == 0
            every = config.checkpoint_every
            if validation and ends_epoch:
                with recorder.pause(metrics):
                    recorder.validated(number, _mean_loss(loss, state, validation(), mesh))
            if is_last or (number % every == 0 if every else ends_epoch):
                with recorder.pause(metrics):
                    recorder.check_finite(number, metrics)
                    _checkpoint(output, state, config, mesh, callbacks)
    if recorder.first == total:  # it may have stopped between the last checkpoint and a callback
        _checkpoint(output, state, config, mesh, callbacks)
    return state.parameters


def _checkpoint(
    output: Path,
    state: TrainState,
    config: TrainConfig,
    mesh: Mesh,
    callbacks: Sequence[Callback],
) -> None:
    if jax.process_index() == 0:
        save_checkpoint(output, state, config, mesh)
        for callback in callbacks:
            callback(int(state.step), state.parameters)


def _mean_loss(
    loss: Callable[[TrainState, Batch], LossOutput],
    state: TrainState,
    batches: Iterable[Batch],
    mesh: Mesh,
) -> LossOutput:
    """The mean over the batches, each of which counts the same, as in the original."""
    outputs = [loss(state, global_batch(batch, mesh)) for batch in batches]
    if not outputs:
        raise KoCLIPError("training_validation_empty")
    return LossOutput(*np.mean(jax.device_get(outputs), axis=0))
