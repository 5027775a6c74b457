"""The tiles of one picture, embedded as `rank_patches` does, in both ways, or each by itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.samples import pictures
from koclip.compilation import use_compilation_cache
from koclip.dense import embed_boxes
from koclip.images import open_image
from koclip.model import KoCLIP
from koclip.text_to_patch import cut, embed_tiles


def open_engine(model: str, precision: str) -> Callable[[Task], Callable[[], np.ndarray]]:
    use_compilation_cache()
    opened = KoCLIP.from_pretrained(model, precision=precision)
    picture = open_image(pictures(0, 1)[0])

    def prepare(task: Task) -> Callable[[], np.ndarray]:
        tiles = cut(picture, **task["tiles"])
        if task["seen"] == "in one pass":
            return lambda: embed_boxes(opened, picture, [tile.box for tile in tiles])
        if task["seen"] == "in chunks":
            return lambda: embed_tiles(opened, picture, tiles)
        return lambda: np.concatenate([embed_tiles(opened, picture, [tile]) for tile in tiles])

    return prepare
