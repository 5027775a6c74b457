"""Parts of a picture from one pass over all of it, instead of one pass for each part.

The image tower of koclip-mini is convolutional: it takes a picture of any size and has features
for every place of it. The mean of those in a part stands for the part, where otherwise the part is
resized and embedded as a picture of its own. (As in MaskCLIP, C. Zhou et al. 2022, the head that
pools the whole picture is applied to places.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from koclip import similarity
from koclip.config import EfficientNetConfig
from koclip.errors import KoCLIPError

if TYPE_CHECKING:
    from koclip.model import KoCLIP
    from koclip.text_to_patch import Box

ENLARGED = 2.5
"""How much longer the edge is than that of a picture that is embedded as a whole.

The pass takes 6.25 times as long as for one picture, an eighth of `LOCALISING`'s 50 tiles. In the
200 free scenes of `koclip.evaluation.scenes` it pointed at .70 of the things, as the tiles one by
one do; at .64 when enlarged 2 times, .50 at 1.5 and .32 at 1.
"""
_CELL = 32  # pixels from one place of the features to the next


def is_dense(model: KoCLIP) -> bool:
    """Whether `embed_boxes` takes the model. Of the vision transformers it has not been measured
    whether their patches know what is in them."""
    return isinstance(model.config.vision, EfficientNetConfig)


def embed_boxes(model: KoCLIP, picture: Image.Image, boxes: Sequence[Box]) -> np.ndarray:
    """Unit rows [boxes, D].

    Raises:
        KoCLIPError: the model cannot do that.
    """
    if not is_dense(model):
        raise KoCLIPError("dense_unsupported", model=model.name)
    edge = round(model.config.vision.image_size * ENLARGED)
    processor = model.processor.image_processor
    squashed = picture.convert("RGB").resize((edge, edge), processor.resample)
    pixels = processor.normalize(np.asarray(squashed))[None]
    return similarity.unit_rows(
        model.get_window_features(pixels, windows(boxes, picture.size, -(-edge // _CELL)))
    )


def windows(boxes: Sequence[Box], size: tuple[int, int], places: int) -> np.ndarray:
    """How much of each box lies in each place of a grid over the picture.

    Args:
        size: width and height of the picture, in the boxes' pixels.
        places: along each edge.

    Returns:
        float32 [boxes, places, places], row-major; each sums up to 1.
    """
    left, top, right, bottom = np.array(boxes, np.float64).T
    across = _shares(left, right, size[0], places)
    down = _shares(top, bottom, size[1], places)
    return (down[:, :, None] * across[:, None, :]).astype(np.float32)


def _shares(starts: np.ndarray, ends: np.ndarray, length: int, places: int) -> np.ndarray:
    """[boxes, places]: along one edge."""
    edges = np.linspace(0, length, places + 1)
    inside = np.minimum(edges[1:], ends[:, None]) - np.maximum(edges[:-1], starts[:, None])
    return np.clip(inside, 0, None) / (ends - starts)[:, None]
