"""For which layers of a model eight bits are enough, and how weights are smoothed for them.

Both are found once for each model, by running it in float32 on a few texts and pictures, block by
block, and kept in the user's cache folder: later the weights are read straight into eight bits.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from flax.traverse_util import flatten_dict

from koclip.assets import assets_dir
from koclip.config import ModelConfig, ViTConfig
from koclip.files import user_cache, write_whole
from koclip.hub import ModelFiles
from koclip.images import open_images
from koclip.precision import LAYERS, LAYERS_AFTER_NORMS, EightBitLayers
from koclip.processor import KoCLIPProcessor
from koclip.similarity import unit_rows
from koclip.towers.dual_encoder import DualEncoder

log = logging.getLogger(__name__)

LEAST_AGREEMENT = 0.999
"""The least cosine of float32 and int8 embeddings at which "auto" takes int8 for a tower."""

_FORMAT = 3  # of what is kept; counted up when int8 is computed in another way
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
    """The least cosine of a float32 embedding and its counterpart with all layers in int8."""
    layers: EightBitLayers
    """The layers that can be in int8 so that no embedding is below `LEAST_AGREEMENT`."""


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
    read: Callable[[Callable[[str], bool]], dict],
    inputs: Probe,
    in_int8: Callable[[dict[str, np.ndarray], EightBitLayers], dict],
) -> tuple[Calibration, dict]:
    """Runs a model on a probe in float32 and in int8; returns what that has shown, and the
    parameters with as much in int8 as can be.

    A tower that is too far off with all layers in int8 is tried with `LAYERS_AFTER_NORMS`.

    Args:
        read: which paths are wanted → these parameters in float32, nested as `DualEncoder.init`
            makes them. Asked for what is outside of the transformer blocks, and then for one block
            after the other: no two of them are in memory in float32 at a time.
        in_int8: `Calibration.largest` and which layers → all parameters as they are served.
    """
    parameters = read(lambda path: not _BLOCK.match(path))
    for tower, settings in (("text_tower", config.text), ("vision_tower", config.vision)):
        for i in range(getattr(settings, "num_hidden_layers", 0)):
            block = f"block_{i}"
            parameters[tower][block] = partial(_read_block, read, tower, block)
    expected, largest = _run(config, parameters, inputs)
    parameters.clear()
    layers = dict.fromkeys(expected, LAYERS)
    served = in_int8(largest, layers)
    agreement = least = _least_cosines(config, served, inputs, expected)
    for fewer in (LAYERS_AFTER_NORMS, ()):
        far_off = [tower for tower, cosine in least.items() if cosine < LEAST_AGREEMENT]
        if not far_off:
            break
        layers |= dict.fromkeys(far_off, fewer)
        served = None  # before more is read
        served = in_int8(largest, layers)
        least = _least_cosines(config, served, inputs, expected)
    return Calibration(largest, min(agreement.values()), layers), served


def _least_cosines(
    config: ModelConfig, served: dict, inputs: Probe, expected: dict[str, np.ndarray]
) -> dict[str, float]:
    """By tower, of what it has made of the probe and what was expected."""
    actual, _ = _run(config, served, inputs)
    return {
        tower: float((unit_rows(rows) * unit_rows(actual[tower])).sum(axis=-1).min())
        for tower, rows in expected.items()
    }


_BLOCK = re.compile(r"\w+_tower\.block_\d+\.")


def _read_block(read: Callable[[Callable[[str], bool]], dict], tower: str, block: str) -> dict:
    return read(lambda path: path.startswith(f"{tower}.{block}."))[tower][block]


def _run(
    config: ModelConfig, parameters: dict, inputs: Probe
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The features of each tower that can have weights in int8, and `Calibration.largest`.

    Not compiled as a whole: one block is, and run as often as there are blocks.
    """
    runs = [("text_tower", "text_features", (inputs.input_ids, inputs.attention_mask))]
    if isinstance(config.vision, ViTConfig):
        runs.append(("vision_tower", "image_features", (inputs.pixel_values,)))
    rows, largest = {}, {}
    for tower, method, arrays in runs:
        features, noted = DualEncoder(config).apply(
            {"params": parameters}, *arrays, method=method, mutable=["inputs"]
        )
        rows[tower] = np.asarray(features)
        for path, value in flatten_dict(noted["inputs"], sep=".").items():
            largest[path.removesuffix(".largest")] = np.asarray(value)
    return rows, largest


def read_calibration(files: ModelFiles) -> Calibration | None:
    """What was kept of this model; None if there is nothing, or nothing readable."""
    try:
        with np.load(_place(files)) as kept:
            arrays = dict(kept)
        agreement = float(arrays.pop("agreement"))
        layers = {
            tower: tuple(arrays.pop(tower).tolist())
            for tower in ("text_tower", "vision_tower")
            if tower in arrays
        }
        return Calibration(arrays, agreement, layers)
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged file can fail anywhere in zipfile
        log.info("%s is calibrated anew: %s", files.name, error)
        return None


def keep_calibration(files: ModelFiles, calibration: Calibration) -> None:
    """Writes it into the cache folder, if that can be."""
    data = io.BytesIO()
    layers = {tower: np.array(names, np.str_) for tower, names in calibration.layers.items()}
    np.savez(data, agreement=calibration.agreement, **layers, **calibration.largest)
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
