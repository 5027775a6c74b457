"""Token ids and pixels → features, through compiled functions of few shapes.

XLA compiles a function anew for every shape, at about a second each. So batches and texts are
padded to a few sizes; the padding is masked or cut off and changes no result.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from koclip.checkpoint import Parameters
from koclip.config import ModelConfig
from koclip.dual_encoder import DualEncoder

BATCH_SIZES = (1, 2, 4, 8, 16, 32)
TEXT_LENGTHS = (8, 16, 32, 64, 128, 256, 512)


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


class Encoder:
    """Runs the two towers of one model. Weights are arguments of the compiled functions: as
    constants they would be copied into every one of them."""

    def __init__(self, config: ModelConfig, parameters: Parameters) -> None:
        self.config = config
        self.parameters = parameters

    def text_features(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        """[B, T] ids and mask → float32 [B, projection_dim], not normalised."""
        length = input_ids.shape[1]
        padded = min(_round_up(length, TEXT_LENGTHS), self.config.text.max_tokens) - length
        input_ids = np.pad(
            input_ids, ((0, 0), (0, padded)), constant_values=self.config.text.pad_token_id
        )
        attention_mask = np.pad(attention_mask, ((0, 0), (0, padded)))
        encode = partial(_text_features, self.config, self.parameters)
        return self._in_batches(encode, input_ids, attention_mask)

    def image_features(self, pixel_values: np.ndarray) -> np.ndarray:
        """[B, H, W, 3] → float32 [B, projection_dim], not normalised."""
        return self._in_batches(
            partial(_image_features, self.config, self.parameters), pixel_values
        )

    def _in_batches(self, encode: Callable[..., jax.Array], *inputs: np.ndarray) -> np.ndarray:
        """`encode` over slices of at most the largest batch size, each padded to one of them."""
        count = len(inputs[0])
        largest = BATCH_SIZES[-1]
        features = np.empty((count, self.config.projection_dim), np.float32)
        for start in range(0, count, largest):
            rows = slice(start, min(start + largest, count))
            size = rows.stop - rows.start
            missing = _round_up(size, BATCH_SIZES) - size
            batch = [np.concatenate([x[rows], np.repeat(x[:1], missing, 0)]) for x in inputs]
            features[rows] = np.asarray(encode(*batch))[:size]
        return features


def _round_up(size: int, sizes: tuple[int, ...]) -> int:
    return next((s for s in sizes if s >= size), size)
