"""Photographs of a data set → unit rows, decoded in one thread while another computes."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from koclip.batching import BATCH_SIZES
from koclip.errors import KoCLIPError
from koclip.images import open_image
from koclip.model import KoCLIP

if TYPE_CHECKING:
    from koclip.training.hub_datasets import DatasetImage

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how many are done, how many in all)."""

_BATCH = BATCH_SIZES[-1]
_THREADS = 2  # one decodes and resizes while the other computes


def embed_photos(
    model: KoCLIP, paths: Sequence[Path | DatasetImage], progress: Progress | None = None
) -> np.ndarray:
    """float32 unit rows [photos, D].

    Raises:
        KoCLIPError: a photograph is missing or unreadable; it is named.
    """
    batches = [paths[i : i + _BATCH] for i in range(0, len(paths), _BATCH)]
    rows = []
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for batch in pool.map(lambda b: model.embed_images(list(map(open_photo, b))), batches):
                rows.append(batch)
                if progress:
                    progress("photos", sum(map(len, rows)), len(paths))
        except BaseException:
            pool.shutdown(cancel_futures=True)  # an interrupt need not wait for thousands
            raise
    return np.concatenate(rows)


def open_photo(path: Path | DatasetImage) -> Image.Image:
    """`open_image`, whose message names the file.

    Raises:
        KoCLIPError: the photograph is missing or unreadable.
    """
    try:
        return open_image(path if isinstance(path, Path) else path.read())
    except KoCLIPError as error:
        raise KoCLIPError("evaluation_photo_unreadable", path=path, reason=error) from error


def whole_picture(model: KoCLIP) -> KoCLIP:
    """`model` without its centre crop, for photographs that were squashed to squares before."""
    edge = model.config.vision.image_size
    images = dataclasses.replace(model.processor.image_processor, size=(edge, edge), crop=None)
    whole = copy.copy(model)
    whole.processor = dataclasses.replace(model.processor, image_processor=images)
    return whole
