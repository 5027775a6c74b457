"""Trains the toy on this process's share of the devices and writes down the numbers.

python -m tests.training.mesh_worker RESULT.npz ACCUMULATION [PROCESS_INDEX COORDINATOR]
"""

from __future__ import annotations

import itertools
import sys
from functools import partial
from pathlib import Path

import jax
import numpy as np
from flax.traverse_util import flatten_dict

from koclip.training.gradients import loss_and_gradients
from koclip.training.loop import train
from koclip.training.metrics import read_metrics
from koclip.training.step import data_mesh, global_batch
from tests.training import toy


def own_rows(first: int):
    """The rows of the processes follow each other in the global batch. Some share a picture, so
    that it matters where a row is."""
    for batch in (toy.batch(step, 32, ids=True) for step in itertools.count(first)):
        share = 32 // jax.process_count()
        start = jax.process_index() * share
        yield {name: rows[start : start + share] for name, rows in batch.items()}


def main(result: str, accumulation: str, *processes: str) -> None:
    if processes:
        jax.distributed.initialize(processes[1], 2, int(processes[0]))
    config = toy.config(batch_size=32, steps=6, accumulation=int(accumulation))
    mesh = data_mesh()
    trained = flatten_dict(toy.parameters(), sep=".")
    compute = partial(loss_and_gradients, toy.TOWERS, config, mesh, penalty=toy.penalty)
    output, gradients = jax.jit(compute, out_shardings=jax.NamedSharding(mesh, jax.P()))(
        trained, {}, global_batch(next(own_rows(0)), mesh)
    )
    folder = Path(result).with_suffix(f".run{jax.process_index()}")
    parameters = train(
        toy.TOWERS,
        toy.parameters(),
        own_rows,
        config,
        folder,
        steps_per_epoch=3,
        validation=lambda: [next(own_rows(99))],
        penalty=toy.penalty,
    )
    numbers = {f"gradient {path}": value for path, value in gradients.items()}
    numbers |= {f"trained {k}": v for k, v in flatten_dict(parameters, sep=".").items()}
    if jax.process_index() == 0:
        rows = read_metrics(folder / "metrics.csv")
        losses = np.array([float(row["loss"]) for row in rows])
        np.savez(result, devices=len(mesh.devices), loss=output.loss, losses=losses, **numbers)
    else:
        assert not folder.exists()


if __name__ == "__main__":
    main(*sys.argv[1:])
