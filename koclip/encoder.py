"""Token ids and pixels → features, through compiled functions of few shapes.

XLA compiles a function anew for every shape, at about a second each. So batches and texts are
padded to a few sizes; the padding is masked or cut off and changes no result.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from koclip.batching import BATCH_SIZES, MicroBatcher
from koclip.checkpoints.checkpoint import Parameters
from koclip.config import ModelConfig
from koclip.towers.dual_encoder import DualEncoder

TEXT_LENGTHS = (8, 16, 32, 64, 128, 256, 512)
_WINDOWS = (16, 64, 256)  # of one picture


@partial(jax.jit, static_argnames="config")
def _text_features(
    config: ModelConfig, parameters: Parameters, input_ids: jax.Array, attention_mask: jax.Array
) -> jax.Array:
    return DualEncoder(config).apply(
        {"params": parameters}, input_ids, attention_mask, method="text_features"
    )


@partial(jax.jit, static_argnames="config")
def _image_features(
    config: ModelConfig, parameters: Parameters, pixel_values: jax.Array
) -> jax.Array:
    return DualEncoder(config).apply({"params": parameters}, pixel_values, method="image_features")


@partial(jax.jit, static_argnames="config")
def _window_features(
    config: ModelConfig, parameters: Parameters, pixel_values: jax.Array, windows: jax.Array
) -> jax.Array:
    return DualEncoder(config).apply(
        {"params": parameters}, pixel_values, windows, method="window_features"
    )


class Encoder:
    """Runs the two towers of one model. Weights are arguments of the compiled functions: as
    constants they would be copied into every one of them. Calls of several threads are joined."""

    def __init__(self, config: ModelConfig, parameters: Parameters) -> None:
        self.config = config
        self.parameters = parameters
        self._texts, self._images = (
            MicroBatcher(partial(_of_few_sizes, function, config, parameters))
            for function in (_text_features, _image_features)
        )
        self._one_picture = threading.Lock()

    def text_features(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """[B, T] ids and mask → float32 [B, projection_dim], not normalised."""
        length = input_ids.shape[1]
        padded = min(_round_up(length, TEXT_LENGTHS), self.config.text.max_tokens) - length
        input_ids = np.pad(
            input_ids, ((0, 0), (0, padded)), constant_values=self.config.text.pad_token_id
        )
        attention_mask = np.pad(attention_mask, ((0, 0), (0, padded)))
        return self._texts.run(input_ids, attention_mask)

    def image_features(self, pixel_values: np.ndarray) -> np.ndarray:
        """[B, H, W, 3] → float32 [B, projection_dim], not normalised."""
        return self._images.run(pixel_values)

    def window_features(self, pixel_values: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """[1, H, W, 3] and [N, h, w] → float32 [N, projection_dim], not normalised; see
        `EfficientNetLite`. One picture at a time: a large one takes 150 MB, and all processors."""
        padded = _padded(windows, _WINDOWS)
        with self._one_picture:
            features = _window_features(self.config, self.parameters, pixel_values, padded)
            return np.asarray(features)[: len(windows)]

    def compile_texts(self, count: int, length: int) -> None:
        """Makes ready for batches of `count` texts of up to `length` tokens.

        In the calling thread, beside whoever is answered meanwhile: in a batch, a shape that must
        be compiled first holds up all who wait for the next one.
        """
        ids = np.full((count, length), self.config.text.pad_token_id, np.int32)
        _of_few_sizes(_text_features, self.config, self.parameters, ids, np.ones_like(ids))

    def compile_images(self, count: int) -> None:
        """Makes ready for batches of `count` images, as `compile_texts`."""
        edge = self.config.vision.image_size
        pixels = np.zeros((count, edge, edge, 3), np.float32)
        _of_few_sizes(_image_features, self.config, self.parameters, pixels)


def _of_few_sizes(
    encode: Callable[..., jax.Array],
    config: ModelConfig,
    parameters: Parameters,
    *inputs: np.ndarray,
) -> np.ndarray:
    """`encode` of at most as many rows as the largest batch size, padded to one of the sizes."""
    count = len(inputs[0])
    if not count:
        return np.empty((0, config.projection_dim), np.float32)
    batch = [_padded(array, BATCH_SIZES) for array in inputs]
    return np.asarray(encode(config, parameters, *batch))[:count]


def _padded(rows: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """The first row again and again after the last, up to one of the sizes."""
    missing = _round_up(len(rows), sizes) - len(rows)
    return np.concatenate([rows, np.repeat(rows[:1], missing, 0)])


def _round_up(size: int, sizes: tuple[int, ...]) -> int:
    return next((s for s in sizes if s >= size), size)
