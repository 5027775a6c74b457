"""faiss' exact index, IndexFlatIP."""

from __future__ import annotations

from collections.abc import Callable

import faiss
import numpy as np

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.inputs import unit_rows


def open_engine(count: int, width: int) -> Callable[[Task], Callable[[], np.ndarray]]:
    index = faiss.IndexFlatIP(width)
    index.add(unit_rows(count, width))

    def prepare(task: Task) -> Callable[[], np.ndarray]:
        queries = unit_rows(task["queries"], width, seed=1)
        return lambda: index.search(queries, task["k"])[0]

    return prepare
