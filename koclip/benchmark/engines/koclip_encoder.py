"""KoCLIP's own towers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.inputs import pixels, tokens
from koclip.compilation import use_compilation_cache
from koclip.model import KoCLIP


def open_engine(model: str, precision: str) -> Callable[[Task], Callable[[], np.ndarray]]:
    """`model` as for `KoCLIP.from_pretrained`."""
    use_compilation_cache()
    opened = KoCLIP.from_pretrained(model, precision=precision)

    def prepare(task: Task) -> Callable[[], np.ndarray]:
        if task["tower"] == "image":
            encode = partial(opened.get_image_features, pixels(task))
        else:
            encode = partial(opened.get_text_features, *tokens(task))
        return lambda: np.asarray(encode())

    return prepare
