"""KoCLIP's own exact search."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.inputs import unit_rows
from koclip.similarity import top_k


def open_engine(count: int, width: int) -> Callable[[Task], Callable[[], np.ndarray]]:
    rows = unit_rows(count, width)

    def prepare(task: Task) -> Callable[[], np.ndarray]:
        queries = unit_rows(task["queries"], width, seed=1)
        return lambda: top_k(queries, rows, task["k"])[1]

    return prepare
