"""Trains the toy until it kills itself, as a lost machine would.

python -m tests.training.killed_worker OUTPUT (batch STEP | write COUNT)
"""

from __future__ import annotations

import os
import signal
import sys

import koclip.files
from koclip.training.loop import train
from tests.training import toy

CONFIG = toy.config(steps=17, checkpoint_every=5, accumulation=2, max_gradient_norm=1.0)
STEPS_PER_EPOCH = 4


def run(output: str, batches=toy.batches, **options) -> dict:
    return train(
        toy.TOWERS,
        toy.parameters(),
        batches,
        CONFIG,
        output,
        steps_per_epoch=STEPS_PER_EPOCH,
        validation=lambda: [toy.batch(1000), toy.batch(1001)],
        **options,
    )


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(output: str, when: str, count: str) -> None:
    def batches(first: int):
        for i, batch in enumerate(toy.batches(first), first):
            if when == "batch" and i == int(count):
                die()
            yield batch

    fsync, calls = os.fsync, []

    def dying_fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if when == "write" and len(calls) == int(count):
            die()
        fsync(descriptor)

    koclip.files.os.fsync = dying_fsync
    run(output, batches)


if __name__ == "__main__":
    main(*sys.argv[1:])
