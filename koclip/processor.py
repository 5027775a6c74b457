"""Texts and pictures → what the model takes, called like the original's processor."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from koclip.errors import KoCLIPError
from koclip.image_processor import ImageProcessor
from koclip.images import ImageSource, open_images
from koclip.tokenizer import TextTokenizer


class Inputs(dict):
    """Model inputs by name, `inputs["input_ids"]` or `inputs.input_ids`, for `model(**inputs)`."""

    def __getattr__(self, name: str):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class KoCLIPProcessor:
    """What `load_koclip` returns beside the model; called like the original's processor."""

    tokenizer: TextTokenizer | None
    image_processor: ImageProcessor
    model_name: str = dataclasses.field(default="", kw_only=True)

    @property
    def text_tokenizer(self) -> TextTokenizer:
        """The tokenizer; an error if the model came without."""
        if self.tokenizer is None:
            raise KoCLIPError("tokenizer_missing", name=self.model_name)
        return self.tokenizer

    def tokenize(self, texts: str | Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """Texts → ids and mask, int32 [B, T]; an error if the model came without a tokenizer."""
        return self.text_tokenizer(texts)

    def __call__(
        self,
        text: str | Sequence[str] | None = None,
        images: ImageSource | Sequence[ImageSource] | None = None,
        return_tensors: str = "np",
        padding: bool = True,
    ) -> Inputs:
        """Texts and/or images → `input_ids`, `attention_mask` [B, T], `pixel_values` [B, H, W, 3].

        `return_tensors` is "np" or "jax". `padding` is there for the original's quickstart:
        a batch is always padded to its longest text.
        """
        del padding
        if return_tensors not in ("np", "jax"):
            raise KoCLIPError("tensors_unknown", kind=return_tensors)
        inputs = Inputs()
        if text is not None:
            inputs["input_ids"], inputs["attention_mask"] = self.tokenize(text)
        if images is not None:
            inputs["pixel_values"] = self.image_processor(open_images(images))
        if return_tensors == "jax":
            import jax.numpy as jnp

            return Inputs({name: jnp.asarray(value) for name, value in inputs.items()})
        return inputs
