"""Pictures → 8-bit pixels for training: as the original did, as at inference, or augmented."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
from PIL import Image

from koclip.errors import KoCLIPError
from koclip.image_processor import ImageProcessor

Transform = Callable[[Image.Image, np.random.Generator, str], np.ndarray]
"""(RGB picture, random numbers, its caption) → uint8 [H, W, 3], to be normalised."""

_CROP_AREA = (0.5, 1.0)  # captions tell of the whole picture, so most of it is kept
_CROP_ASPECT = (3 / 4, 4 / 3)
_JITTER = 0.2
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_NAMES_A_SIDE = re.compile(r"왼|오른|좌측|우측|좌우|\b(?:left|right)\b", re.IGNORECASE)


def make_transform(name: str, processor: ImageProcessor) -> Transform:
    """What a picture goes through before it is normalised with `processor.normalize`.

    Args:
        name: "none" (as at inference), "original" (the resize and centre crop that the published
            models were trained with), "crop" (a random part, mirrored half the time unless the
            caption names left or right, colours slightly off) or "crop-no-flip".

    Raises:
        KoCLIPError: there is no such transform.
    """
    height, width = processor.crop or processor.size
    transforms: dict[str, Transform] = {
        "none": lambda image, _rng, _caption: np.asarray(processor.crop_square(image)),
        "original": lambda image, _rng, _caption: original_pixels(image, height),
        "crop": lambda image, rng, caption: _augmented(
            image, rng, (width, height), flip=not _NAMES_A_SIDE.search(caption)
        ),
        "crop-no-flip": lambda image, rng, _caption: _augmented(
            image, rng, (width, height), flip=False
        ),
    }
    if name not in transforms:
        raise KoCLIPError("augment_unknown", name=name, known=", ".join(transforms))
    return transforms[name]


def original_pixels(image: Image.Image, edge: int = 224) -> np.ndarray:
    """The 2021 training transform up to its normalisation: uint8 [edge, edge, 3].

    Short edge to `edge` by bicubic interpolation of a tensor, which torchvision did without
    antialiasing, then the centre. Only the pixels of the crop are computed. Follows torch's kernel
    operation by operation: its coefficient is -0.75 (Pillow's is -0.5), and where a value lies
    halfway between two levels the order and rounding of its float32 operations decide.
    """
    pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    short = min(height, width)
    rows, row_weights = _cubic_taps(height, int(edge * height / short), edge)
    columns, column_weights = _cubic_taps(width, int(edge * width / short), edge)
    top = rows.min()
    pixels = pixels[top : rows.max() + 1].astype(np.float32)
    across = _weighted_sum([pixels[:, c] for c in columns], column_weights[:, None, :, None])
    down = _weighted_sum([across[r - top] for r in rows], row_weights[:, :, None, None])
    return np.rint(np.clip(down, 0, 255)).astype(np.uint8)


def _cubic_taps(size: int, resized: int, crop: int) -> tuple[np.ndarray, np.ndarray]:
    """The four source positions and weights, both [4, crop], of the middle `crop` of `resized`."""
    start = round((resized - crop) / 2)
    centres = np.arange(start, start + crop).astype(np.float32) + np.float32(0.5)
    centres = _multiply_add(np.float32(size) / np.float32(resized), centres, -0.5)
    left = np.floor(centres)
    t = centres - left
    a = np.float32(-0.75)

    def near(x: np.ndarray) -> np.ndarray:  # Keys' kernel for |x| <= 1
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: np.ndarray) -> np.ndarray:  # and for 1 < |x| < 2
        return _multiply_add(a * x - 5 * a, x, 8 * a) * x - 4 * a

    weights = np.stack([far(t + 1), near(t), near(1 - t), far((1 - t) + 1)])
    positions = left.astype(np.int64) + np.arange(-1, 3)[:, None]
    return np.clip(positions, 0, size - 1), weights


def _weighted_sum(taps: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    total = taps[1] * weights[1]
    for i in (0, 2, 3):
        total = _multiply_add(taps[i], weights[i], total)
    return total


def _multiply_add(x: np.ndarray, y: np.ndarray, z: np.ndarray | float) -> np.ndarray:
    """float32 `x * y + z`, rounded once as the processor's fused instruction does."""
    product = np.multiply(x, y, dtype=np.float64)
    return np.add(product, z, out=product).astype(np.float32)


def _augmented(
    image: Image.Image, rng: np.random.Generator, size: tuple[int, int], flip: bool
) -> np.ndarray:
    """A random part of `image` at (width, height) `size`, mirrored or not, colours jittered.

    Takes the same random numbers whether it may flip or not.
    """
    box = _random_box(rng, *image.size)
    mirrored = rng.random() < 0.5
    brightness, contrast, saturation = 1 + _JITTER * rng.uniform(-1, 1, 3).astype(np.float32)
    image = image.convert("RGB").resize(size, Image.Resampling.BICUBIC, box)
    pixels = np.asarray(image)[:, ::-1] if flip and mirrored else np.asarray(image)
    grey = (pixels @ _LUMA)[..., None]
    mean = grey.mean()
    coloured = grey + (pixels - grey) * saturation
    coloured = (mean + (coloured - mean) * contrast) * brightness
    return np.rint(np.clip(coloured, 0, 255)).astype(np.uint8)


def _random_box(
    rng: np.random.Generator, width: int, height: int
) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of a random part, drawn like torchvision's RandomResizedCrop; what
    does not fit is shrunk, not drawn again, so that a drawn-out picture is not distorted more."""
    area = width * height * rng.uniform(*_CROP_AREA)
    aspect = math.exp(rng.uniform(*np.log(_CROP_ASPECT)))
    box_width, box_height = math.sqrt(area * aspect), math.sqrt(area / aspect)
    fit = min(1.0, width / box_width, height / box_height)
    box_width, box_height = min(width, box_width * fit), min(height, box_height * fit)
    left, top = rng.random() * (width - box_width), rng.random() * (height - box_height)
    return left, top, min(width, left + box_width), min(height, top + box_height)
