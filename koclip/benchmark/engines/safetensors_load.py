"""Reading the same bytes into memory, and no more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from safetensors.numpy import load_file

from koclip.benchmark.engines import Task


def open_engine(weights: str) -> Callable[[Task], Callable[[], np.ndarray]]:
    opened = {}

    def load() -> None:
        opened.update(load_file(weights))

    def served_bytes() -> np.ndarray:
        return np.asarray(sum(array.nbytes for array in opened.values()))

    return lambda task: served_bytes if "served" in task else load
