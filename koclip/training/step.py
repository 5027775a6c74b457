"""One training step, the same numbers on any mesh of devices and with any accumulation.

The batch is split over the mesh's axis "data" and everything else is on every device. The step is
written for the global batch and XLA inserts the communication, so each example is contrasted with
all others wherever they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import flatten_dict, unflatten_dict
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from koclip.checkpoints.checkpoint import Parameters
from koclip.training.config import TrainConfig
from koclip.training.gradients import (
    LOGIT_BIAS,
    LOGIT_SCALE,
    Batch,
    Penalty,
    Towers,
    batch_loss,
    loss_and_gradients,
)
from koclip.training.loss import MAX_LOGIT_SCALE, SIGMOID_LOGIT_BIAS, LossOutput
from koclip.training.optimizer import FlatParameters, split_locked


class TrainState(NamedTuple):
    """All that a step changes, and the locked parameters."""

    step: jax.Array
    """Steps taken, int32."""
    trained: FlatParameters
    """float32. The sigmoid loss's bias is among them as "logit_bias"; no tower knows it."""
    locked: FlatParameters
    optimizer: optax.OptState

    @property
    def parameters(self) -> Parameters:
        """The model's parameters as a nested dict."""
        flat = self.trained | self.locked
        flat.pop(LOGIT_BIAS, None)
        return unflatten_dict(flat, sep=".")


class StepMetrics(NamedTuple):
    """Scalars of the batch before the update, float32."""

    loss: jax.Array
    """The penalty included."""
    image_accuracy: jax.Array
    text_accuracy: jax.Array
    logit_scale: jax.Array
    """What cosines were multiplied by."""
    gradient_norm: jax.Array
    """Before clipping."""


TrainStep = Callable[[TrainState, Batch], tuple[TrainState, StepMetrics]]


def data_mesh(devices: list[jax.Device] | None = None) -> Mesh:
    """A mesh of all devices of all processes, or of `devices`, along "data"."""
    return Mesh(np.asarray(devices or jax.devices()), ("data",))


def global_batch(batch: Batch, mesh: Mesh) -> Batch:
    """The batch on the devices: each process passes its own rows, in the order of the processes."""
    sharding = NamedSharding(mesh, PartitionSpec("data"))
    return {
        name: jax.make_array_from_process_local_data(sharding, np.asarray(value))
        for name, value in batch.items()
    }


def initial_state(
    parameters: Parameters,
    config: TrainConfig,
    optimizer: Callable[[FlatParameters], optax.GradientTransformation],
    mesh: Mesh,
) -> TrainState:
    """Step 0 on every device of `mesh`; copies `parameters`.

    `optimizer` makes the transformation for the parameters that turn out to be trained.

    Raises:
        KoCLIPError: a `locked` pattern matches nothing, or everything.
    """
    replicated = NamedSharding(mesh, PartitionSpec())
    flat = flatten_dict(parameters, sep=".")
    if config.loss == "sigmoid":
        flat.setdefault(LOGIT_BIAS, np.float32(SIGMOID_LOGIT_BIAS))
    flat = {path: np.asarray(value, np.float32) for path, value in flat.items()}
    # No aliases: a step gives its state's memory away, and the caller keeps the parameters.
    flat = jax.device_put(flat, replicated, may_alias=False)
    trained, locked = split_locked(flat, config.locked)
    init = jax.jit(optimizer(trained).init, out_shardings=replicated)
    step = jax.device_put(np.zeros((), np.int32), replicated)
    return TrainState(step, trained, locked, init(trained))


def make_train_step(
    towers: Towers,
    config: TrainConfig,
    optimizer: optax.GradientTransformation,
    mesh: Mesh,
    penalty: Penalty | None = None,
) -> TrainStep:
    """A compiled step. It gives the memory of the state that it is passed to the new one."""
    replicated, rows = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((), ("data",)))

    def step(state: TrainState, batch: Batch) -> tuple[TrainState, StepMetrics]:
        output, gradients = loss_and_gradients(
            towers, config, mesh, state.trained, state.locked, batch, penalty
        )
        scale = jnp.exp((state.trained | state.locked)[LOGIT_SCALE])
        updates, optimizer_state = optimizer.update(gradients, state.optimizer, state.trained)
        trained = optax.apply_updates(state.trained, updates)
        if LOGIT_SCALE in trained:
            trained[LOGIT_SCALE] = jnp.minimum(trained[LOGIT_SCALE], MAX_LOGIT_SCALE)
        metrics = StepMetrics(*output, scale, optax.tree.norm(gradients))
        return TrainState(state.step + 1, trained, state.locked, optimizer_state), metrics

    return jax.jit(
        step, in_shardings=(replicated, rows), out_shardings=replicated, donate_argnums=0
    )


def make_loss(
    towers: Towers, config: TrainConfig, mesh: Mesh
) -> Callable[[TrainState, Batch], LossOutput]:
    """The compiled loss of a batch, without penalty and gradients, for validation."""
    replicated, rows = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((), ("data",)))

    def loss(state: TrainState, batch: Batch) -> LossOutput:
        return batch_loss(towers, config, state.trained | state.locked, batch)

    return jax.jit(loss, in_shardings=(replicated, rows), out_shardings=replicated)
