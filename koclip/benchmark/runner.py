"""Turns: every engine works a little, then the next, round after round.

The speed of a shared or virtual machine drifts by tens of percent within minutes. Engines that ran
one after the other could not be compared; in turns, the drift meets all of them.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from koclip.benchmark.engines import Task
from koclip.benchmark.worker import Worker

_TURN = 0.25  # seconds of a turn, as far as whole calls allow
_MOST_CALLS = 200
_LEAST_ROUNDS, _MOST_ROUNDS = 3, 9


class Contestant(NamedTuple):
    """An engine's name in the results, its process, and what it is to do."""

    name: str
    worker: Worker
    task: Task


def contest(contestants: Sequence[Contestant], budget: float) -> dict[str, tuple[float, ...]]:
    """Seconds of one call by contestant, the median of a turn for each round.

    All tasks must have been answered once. Short calls are repeated within a turn, after one that
    does not count: it brings the weights back into the caches. Three to nine rounds, as many as
    take about `budget` seconds.
    """
    calls, cost = {}, 0.0
    for name, worker, task in contestants:
        seconds = worker.time(task, 1, warm=False)[0]
        calls[name] = int(np.clip(_TURN / seconds, 1, _MOST_CALLS))
        cost += seconds * (calls[name] + (calls[name] > 1))
    rounds = int(np.clip(budget / cost, _LEAST_ROUNDS, _MOST_ROUNDS))
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, worker, task in contestants:
            seconds = worker.time(task, calls[name], warm=calls[name] > 1)
            samples[name].append(statistics.median(seconds))
    return {name: tuple(seconds) for name, seconds in samples.items()}
