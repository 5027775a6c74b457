"""usearch's exact search."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from usearch.index import MetricKind, search

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.inputs import unit_rows


def open_engine(count: int, width: int) -> Callable[[Task], Callable[[], np.ndarray]]:
    rows = unit_rows(count, width)

    def prepare(task: Task) -> Callable[[], np.ndarray]:
        queries = unit_rows(task["queries"], width, seed=1)

        def call() -> np.ndarray:
            matches = search(rows, queries, task["k"], MetricKind.IP, exact=True)
            return 1 - np.atleast_2d(matches.distances)  # its distance is 1 − the dot product

        return call

    return prepare
