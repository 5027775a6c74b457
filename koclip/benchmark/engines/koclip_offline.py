"""koclip-mini without a server: files and sentences in, unit rows out, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import numpy as np

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.samples import pictures, texts
from koclip.compilation import use_compilation_cache
from koclip.model import KoCLIP


def open_engine() -> Callable[[Task], Callable[[], np.ndarray]]:
    use_compilation_cache()
    model = KoCLIP.from_pretrained("koclip-mini")

    def prepare(task: Task) -> Callable[[], np.ndarray]:
        if task["kind"] == "text":
            # Never the same again: what was embedded lately is remembered.
            places = count(0, task["batch"])
            return lambda: model.embed_texts(texts(next(places), task["batch"]))
        return partial(model.embed_images, pictures(0, task["batch"]))

    return prepare
