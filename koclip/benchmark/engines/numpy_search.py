"""Search as anyone would write it with NumPy, and the reading of the matrix alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.inputs import unit_rows


def open_engine(count: int, width: int) -> Callable[[Task], Callable[[], np.ndarray]]:
    rows = unit_rows(count, width)

    def prepare(task: Task) -> Callable[[], np.ndarray]:
        if task.get("read"):
            return _reading(rows)
        queries = unit_rows(task["queries"], width, seed=1)
        return lambda: _search(queries, rows, task["k"])

    return prepare


def _search(queries: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    scores = queries @ rows.T
    best = np.argpartition(scores, -k, axis=1)[:, -k:]
    return -np.sort(-np.take_along_axis(scores, best, axis=1), axis=1)


def _reading(rows: np.ndarray) -> Callable[[], np.ndarray]:
    """Every number once, by all processors; the largest is the least that can be made of them."""
    processors = os.cpu_count()
    threads = ThreadPoolExecutor(processors)
    parts = np.array_split(rows.reshape(-1), processors)
    return lambda: np.asarray(list(threads.map(np.max, parts)))
