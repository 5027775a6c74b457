"""Pictures → pixels, as the models were trained on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from koclip.config import HYBRID_CLIP, ModelConfig
from koclip.errors import KoCLIPError
from koclip.files import read_json

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

# A picture more drawn-out than this is first cut to its middle: only the centre is looked at,
# and resizing a 10,000 × 1 strip by its short edge would make two million columns.
_MAX_ASPECT = 32
_FARTHEST = 1000.0  # pixels are 0 to 1; beyond, what the model takes would not be finite
# Our mark in a saved preprocessor_config.json: transformers has no name for it, and ignores it.
_CROP_ROUNDS_UP = "koclip_crop_rounds_up"


@dataclass(frozen=True)
class ImageProcessor:
    """Resize, centre crop, normalise.

    The defaults are CLIP's, which all published KoCLIP models were trained with, koclip-large
    included although its tower is a ViT.
    """

    size: int | tuple[int, int] = 224
    """The short edge, or (height, width)."""
    crop: tuple[int, int] | None = (224, 224)
    """(height, width) of the centre crop."""
    crop_rounds_up: bool = False
    """An odd margin's spare pixel is cut at the top left, as the 2021 CLIPFeatureExtractor did;
    transformers has cut it at the bottom right since 4.30."""
    resample: int = Image.Resampling.BICUBIC
    mean: tuple[float, ...] = CLIP_MEAN
    std: tuple[float, ...] = CLIP_STD

    def __call__(self, images: Sequence[Image.Image]) -> np.ndarray:
        """PIL images of any mode → float32 [B, H, W, 3]."""
        if not images:
            return np.empty((0, *(self.crop or self.size), 3), np.float32)
        squares = (np.asarray(self.crop_square(image)) for image in images)
        return np.stack([self.normalize(pixels) for pixels in squares])

    def normalize(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [..., 3] → float32 of the same shape, as the model takes it."""
        normalized = np.empty(pixels.shape, np.float32)
        for channel, values in enumerate(self._values):
            normalized[..., channel] = values[pixels[..., channel]]
        return normalized

    @cached_property
    def _values(self) -> np.ndarray:
        """float32 [3, 256]: what the model takes for each 8-bit value of a channel.

        Looking them up takes half the time of computing them for every pixel.
        """
        mean, std = (np.asarray(x, np.float32) for x in (self.mean, self.std))
        levels = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
        return np.ascontiguousarray(((levels - mean) / std).T)

    def crop_square(self, image: Image.Image) -> Image.Image:
        """The part of `image` that the model sees, at the size it sees it."""
        image = _middle(image if image.mode == "RGB" else image.convert("RGB"))
        if isinstance(self.size, int):
            width, height = (self.size * edge // min(image.size) for edge in image.size)
        else:
            height, width = self.size
        # Across, then down, as Pillow did until 13, which takes the cheaper order: 8-bit rounding
        # between the two makes one pixel in thirty another.
        image = image.resize((width, image.height), self.resample)
        image = image.resize((width, height), self.resample)
        if self.crop is None:
            return image
        crop_height, crop_width = self.crop
        left, top = self._offset(width, crop_width), self._offset(height, crop_height)
        return image.crop((left, top, left + crop_width, top + crop_height))

    def _offset(self, size: int, crop: int) -> int:
        margin = (size - crop) / 2
        return math.ceil(margin) if self.crop_rounds_up else math.floor(margin)

    @classmethod
    def for_model(cls, folder: Path | None, config: ModelConfig) -> ImageProcessor:
        """As preprocessor_config.json in `folder` says, else CLIP's for the model's image size."""
        edge = config.vision.image_size
        path = folder / "preprocessor_config.json" if folder else None
        if path is None or not path.is_file() or config.model_type == HYBRID_CLIP:
            return cls(edge, (edge, edge), crop_rounds_up=config.model_type == HYBRID_CLIP)
        try:
            return cls._from_json(read_json(path), edge)
        except Exception as error:  # wrong types fail in many ways
            raise KoCLIPError("preprocessing_unreadable", path=path, reason=error) from error

    @classmethod
    def _from_json(cls, raw: dict, edge: int) -> ImageProcessor:
        raw = {key: value for key, value in raw.items() if value is not None}
        for step in ("do_resize", "do_rescale", "do_normalize"):
            if not raw.get(step, True):
                raise ValueError(f"{step} is off")
        if not math.isclose(raw.get("rescale_factor", 1 / 255), 1 / 255):
            raise ValueError(f"rescale_factor is {raw['rescale_factor']}")
        size = raw.get("size", edge)
        if isinstance(size, dict):
            size = size.get("shortest_edge") or (size["height"], size["width"])
        elif not raw.get("do_center_crop"):
            size = (size, size)
        crop = raw.get("crop_size", edge)
        crop = (crop, crop) if isinstance(crop, int) else (crop["height"], crop["width"])
        processor = cls(
            size,
            crop if raw.get("do_center_crop") else None,
            raw.get(_CROP_ROUNDS_UP, False),
            Image.Resampling(raw.get("resample", Image.Resampling.BICUBIC)),
            tuple(map(float, raw.get("image_mean", CLIP_MEAN))),
            tuple(map(float, raw.get("image_std", CLIP_STD))),
        )
        if (processor.crop or processor.size) != (edge, edge):
            raise ValueError(f"pictures would not be {edge}×{edge} pixels")
        for length in size if isinstance(size, tuple) else (size,):
            if not isinstance(length, int) or not edge <= length <= 4 * edge:
                raise ValueError(f"size {length} for pictures of {edge}×{edge} pixels")
        for numbers, least in ((processor.mean, -_FARTHEST), (processor.std, 1 / _FARTHEST)):
            if len(numbers) != 3 or not all(least <= number <= _FARTHEST for number in numbers):
                raise ValueError("image_mean and image_std must be three numbers each")
        if not isinstance(processor.crop_rounds_up, bool):
            raise ValueError(f"{_CROP_ROUNDS_UP} is neither true nor false")
        return processor

    def to_json(self) -> dict:
        """The settings as transformers' CLIPImageProcessor spells them."""
        is_edge = isinstance(self.size, int)
        height, width = self.crop or self.size
        return {
            "image_processor_type": "CLIPImageProcessor",
            "do_convert_rgb": True,
            "do_resize": True,
            "size": {"shortest_edge": self.size}
            if is_edge
            else {"height": self.size[0], "width": self.size[1]},
            "resample": int(self.resample),
            "do_center_crop": self.crop is not None,
            "crop_size": {"height": height, "width": width},
            _CROP_ROUNDS_UP: self.crop_rounds_up,
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
        }


def _middle(image: Image.Image) -> Image.Image:
    width, height = image.size
    limit = min(width, height) * _MAX_ASPECT
    if max(width, height) <= limit:
        return image
    left, top = max(0, (width - limit) // 2), max(0, (height - limit) // 2)
    return image.crop((left, top, width - left, height - top))
