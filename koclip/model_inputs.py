"""Checks of the arrays that callers make themselves, before the towers see them."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from koclip.config import TextConfig
from koclip.errors import KoCLIPError


def as_tokens(
    input_ids: np.ndarray, attention_mask: np.ndarray | None, config: TextConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Token ids and mask as int32 [B, T] each; no mask means no padding.

    Raises:
        KoCLIPError: wrong shapes, more tokens than positions, or ids outside the vocabulary.
    """
    ids = _as_array(input_ids)
    _check_tokens(ids, config)
    mask = np.ones_like(ids) if attention_mask is None else _as_array(attention_mask)
    if mask.shape != ids.shape or mask.dtype.kind not in "biuf":
        raise KoCLIPError("mask_bad_shape", mask=_described(mask), tokens=_described(ids))
    # One type each: a compiled function is made anew for another.
    return ids.astype(np.int32), mask.astype(bool).astype(np.int32)


def as_pixels(pixel_values: np.ndarray, edge: int) -> np.ndarray:
    """Pixels as float32 [B, edge, edge, 3].

    Raises:
        KoCLIPError: they are not in that shape.
    """
    pixels = _as_array(pixel_values)
    is_real = any(jnp.issubdtype(pixels.dtype, kind) for kind in (jnp.integer, jnp.floating))
    if pixels.shape[1:] != (edge, edge, 3) or not is_real:
        expected = f"[B, {edge}, {edge}, 3]"
        raise KoCLIPError("pixels_bad_shape", expected=expected, shape=_described(pixels))
    return pixels.astype(np.float32)


def _as_array(values: object) -> np.ndarray:
    """NumPy's, but rows of different lengths become an array of objects instead of an error."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.asarray(values, object)


def _described(array: np.ndarray) -> str:
    return f"{list(array.shape)} {array.dtype}"


def _check_tokens(ids: np.ndarray, config: TextConfig) -> None:
    if ids.ndim != 2 or ids.size == 0 or ids.dtype.kind not in "iu":
        raise KoCLIPError("tokens_bad_shape", shape=_described(ids))
    outside = ids[(ids < 0) | (ids >= config.vocab_size)]
    if outside.size:
        raise KoCLIPError("token_out_of_range", value=outside[0], limit=config.vocab_size - 1)
    if ids.shape[1] > config.max_tokens:
        # With offset positions padding takes no position, but a padded row this long is a mistake.
        raise KoCLIPError(
            "text_too_long", tokens=ids.shape[1], limit=config.max_tokens, start=ids[0, :5].tolist()
        )
