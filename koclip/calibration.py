"""Whether eight bits are enough for a model, and how its weights are to be smoothed for them.

Both are found once for each model, by running it in float32 on a few texts and pictures, and kept
in the user's cache folder: later the weights are read straight into eight bits.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from flax.traverse_util import flatten_dict

from koclip.assets import assets_dir
from koclip.config import ModelConfig
from koclip.files import user_cache, write_whole
from koclip.hub import ModelFiles
from koclip.images import open_images
from koclip.processor import KoCLIPProcessor
from koclip.similarity import unit_rows
from koclip.towers.dual_encoder import DualEncoder

log = logging.getLogger(__name__)

LEAST_AGREEMENT = 0.999
"""The least cosine of float32 and int8 embeddings at which "auto" takes int8."""

_FORMAT = 2  # of what is kept; counted up when int8 is computed in another way
_TEXTS = (
    "고양이",
    "이것은 강아지 이다.",
    "소파 위에서 자고 있는 고양이 두 마리",
    "눈 덮인 산 아래 호숫가에 텐트가 있다.",
    "붉은 노을이 지는 도시의 밤거리를 사람들이 우산을 쓰고 걸어간다",
    "a red bus on a street",
)
_PICTURES = ("cat", "boats", "coffee", "city-night")


class Probe(NamedTuple):
    """A few inputs of a model."""

    input_ids: np.ndarray
    attention_mask: np.ndarray
    pixel_values: np.ndarray


@dataclass(frozen=True)
class Calibration:
    """What running a model on a probe has shown."""

    largest: dict[str, np.ndarray]
    """The largest magnitude of each input channel [in], by the path of the linear layer."""
    agreement: float
    """The least cosine of a float32 embedding and its int8 counterpart."""


def probe(processor: KoCLIPProcessor, config: ModelConfig) -> Probe:
    """Korean sentences and bundled photographs; a model without a tokenizer gets any token ids."""
    pictures = open_images([assets_dir() / "examples" / f"{name}.webp" for name in _PICTURES])
    pixels = processor.image_processor(pictures)
    if processor.tokenizer:
        ids, mask = processor.tokenizer.truncated(_TEXTS, 32)
    else:
        length = min(16, config.text.max_tokens)
        ids = np.random.default_rng(0).integers(config.text.vocab_size, size=(4, length))
        ids, mask = ids.astype(np.int32), np.ones_like(ids, np.int32)
    return Probe(ids, mask, pixels)


def calibrate(
    config: ModelConfig,
    parameters: dict,
    inputs: Probe,
    in_int8: Callable[[dict[str, np.ndarray]], dict],
) -> tuple[Calibration, dict]:
    """Runs float32 parameters on a probe; returns the calibration, and the parameters in int8.

    Args:
        parameters: nested as `DualEncoder.init` makes them; emptied, so that they are not in
            memory together with those in int8.
        in_int8: `Calibration.largest` → the same parameters as they are served.
    """
    expected, largest = _run_noting(config, parameters, *inputs)
    parameters.clear()
    layers = flatten_dict(largest, sep=".")
    largest = {path.removesuffix(".largest"): np.asarray(value) for path, value in layers.items()}
    served = in_int8(largest)
    actual = _run(config, served, *inputs)
    cosines = [
        (unit_rows(a) * unit_rows(b)).sum(axis=-1) for a, b in zip(expected, actual, strict=True)
    ]
    return Calibration(largest, float(np.concatenate(cosines).min())), served


@partial(jax.jit, static_argnames="config")
def _run(config: ModelConfig, parameters: dict, *inputs: jax.Array) -> tuple[jax.Array, jax.Array]:
    return DualEncoder(config).apply({"params": parameters}, *inputs)


@partial(jax.jit, static_argnames="config")
def _run_noting(config: ModelConfig, parameters: dict, *inputs: jax.Array) -> tuple:
    variables = {"params": parameters}
    features, noted = DualEncoder(config).apply(variables, *inputs, mutable=["inputs"])
    return features, noted["inputs"]


def read_calibration(files: ModelFiles) -> Calibration | None:
    """What was kept of this model; None if there is nothing, or nothing readable."""
    try:
        with np.load(_place(files)) as kept:
            arrays = dict(kept)
        return Calibration(agreement=float(arrays.pop("agreement")), largest=arrays)
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged file can fail anywhere in zipfile
        log.info("%s is calibrated anew: %s", files.name, error)
        return None


def keep_calibration(files: ModelFiles, calibration: Calibration) -> None:
    """Writes it into the cache folder, if that can be."""
    data = io.BytesIO()
    np.savez(data, agreement=calibration.agreement, **calibration.largest)
    place = _place(files)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, data.getvalue())
    except OSError as error:  # it is found again the next time
        log.info("the calibration of %s was not kept: %s", files.name, error)


def _place(files: ModelFiles) -> Path:
    about = f"{_FORMAT} {files.revision} {files.weights.name} {files.weights.stat().st_size}"
    name = hashlib.sha256(about.encode()).hexdigest()[:32]
    return user_cache() / "calibration" / f"{name}.npz"
