"""Where training starts: two pretrained towers joined by random projections, or a whole model."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from koclip.checkpoints.checkpoint import (
    POSITIONS,
    Naming,
    check_padding,
    form_of,
    positions_from_zero,
    read_tensors,
    sized_by_file,
    tensor_problems,
    vision_type,
    without_filler,
)
from koclip.checkpoints.parameter_shapes import parameter_shapes
from koclip.checkpoints.tensor_files import StoredTensor, open_tensors
from koclip.checkpoints.tensor_names import (
    PUBLISHED_TOWERS,
    current_name,
    tower_prefix,
    tower_tensor,
)
from koclip.config import DUAL_ENCODER, ModelConfig, parse_config, read_raw_config
from koclip.errors import KoCLIPError
from koclip.hub import ModelFiles, Progress, locate
from koclip.image_processor import ImageProcessor
from koclip.model import KoCLIP
from koclip.precision import on_device
from koclip.processor import KoCLIPProcessor
from koclip.tokenizer import TextTokenizer
from koclip.towers.dual_encoder import INITIAL_LOGIT_SCALE

if TYPE_CHECKING:
    from koclip.training.config import TrainConfig

Shapes = dict[str, jax.ShapeDtypeStruct]
"""Parameters by path, as `tensor_problems` takes them."""

_log = logging.getLogger(__name__)

# The spread of what BERT, ViT and the original KoCLIP draw new dense layers from.
_INITIAL_SPREAD = 0.02
_POOLERS = ("text_tower.pooler", "vision_tower.pooler")
_PROJECTIONS = ("text_projection", "visual_projection")
# Names of the 1,000 ImageNet classes, and of the labels of other heads.
_HEAD_SETTINGS = ("id2label", "label2id")


def initial_model(config: TrainConfig, *, progress: Progress | None = None) -> KoCLIP:
    """The model that a training run begins with: `config.model`, or else the two towers joined.

    Raises:
        KoCLIPError: as `KoCLIP.from_pretrained` and `join_towers` do.
    """
    if config.model:
        return KoCLIP.from_pretrained(config.model, progress=progress, precision="float32")
    return join_towers(
        config.text_tower,
        config.vision_tower,
        projection_dim=config.projection_dim,
        seed=config.seed,
        progress=progress,
    )


def join_towers(
    text_tower: str,
    vision_tower: str,
    *,
    projection_dim: int = 512,
    seed: int = 0,
    progress: Progress | None = None,
) -> KoCLIP:
    """Builds a KoCLIP from a pretrained text encoder and a pretrained image encoder.

    Both are Hub ids or folders in a published form (safetensors, msgpack or bin), with or without
    a head: `klue/roberta-large` or another RoBERTa or BERT; `openai/clip-vit-base-patch32`, of
    which the image half is taken; `google/vit-large-patch16-224`. The tokenizer is the text
    tower's. Pictures are prepared as for CLIP whatever the image tower, as in the original.

    The projections, and a pooler that a checkpoint lacks, are drawn from `seed`.

    A RoBERTa reads row pad + 1 + i of its position table for token i. Those rows are kept and
    the ones before them left out, so that token i starts with the vector it was pretrained with
    and positions count from 0, as in the published models: a table of 514 rows becomes the 512
    that koclip-base has. (The original read row i of a 512-row table instead, two rows from where
    the tower had learned it, and trained the difference away.)

    Raises:
        KoCLIPError: a tower is not found, not of a supported kind, damaged or without a tokenizer;
            or tensors are missing, unknown or misshapen, all of which are named in one message.
    """
    text_files = locate(text_tower, progress=progress)
    if text_files.tokenizer is None:
        raise KoCLIPError("tokenizer_missing", name=text_files.name)
    vision_files = locate(vision_tower, progress=progress)
    config = _joined_config(text_files, vision_files, projection_dim)
    text = _open_tower("text_tower", text_files, "text")
    vision = _open_tower("vision_tower", vision_files, config.vision.model_type)
    config = sized_by_file(config, text.stored, text.naming)
    shapes = flatten_dict(parameter_shapes(config), sep=".")
    parameters = _initial_projections(shapes, seed) | _read_towers(shapes, (text, vision), seed)
    check_padding(text.weights, config.text)
    if config.text.positions_after_padding:
        parameters[POSITIONS] = without_filler(parameters[POSITIONS], config.text)
        config = positions_from_zero(config)
    name = f"{text_files.name}+{vision_files.name}"
    processor = KoCLIPProcessor(
        TextTokenizer.from_folder(text_files.tokenizer, config.text),
        ImageProcessor.for_model(None, config),
        model_name=name,
    )
    files = ModelFiles(
        name=name,
        folder=text_files.folder,
        weights=text_files.weights,
        tokenizer=text_files.tokenizer,
        revision=f"{text_files.revision}+{vision_files.revision}",
        source=text_files.source,
    )
    return KoCLIP(config, unflatten_dict(parameters, sep="."), processor, files)


# config.json ---------------------------------------------------------------------------------


def _joined_config(text: ModelFiles, vision: ModelFiles, projection_dim: int) -> ModelConfig:
    """One config for both towers, checked first one by one so that an error names its file."""
    parts = {"text_config": _read_settings(text), "vision_config": _read_settings(vision)}
    blank = {"model_type": DUAL_ENCODER, "text_config": {}, "vision_config": {}}
    for (part, settings), files in zip(parts.items(), (text, vision), strict=True):
        parse_config(blank | {part: settings}, files.folder / "config.json")
    config = parse_config(blank | parts | {"projection_dim": projection_dim})
    if (kind := vision_type(config)) not in PUBLISHED_TOWERS:
        known = ", ".join(name for name in PUBLISHED_TOWERS if name != "text")
        path = vision.folder / "config.json"
        raise KoCLIPError("config_unsupported", path=path, part="image", kind=kind, known=known)
    return config


def _read_settings(files: ModelFiles) -> dict[str, Any]:
    """A tower's own config.json; of a whole CLIP's, the image half."""
    raw = read_raw_config(files.folder / "config.json")
    if raw.get("model_type") == "clip" and isinstance(raw.get("vision_config"), dict):
        raw = raw["vision_config"] | {"model_type": "clip_vision_model"}
    return {key: value for key, value in raw.items() if key not in _HEAD_SETTINGS}


# weights -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tower:
    """The checkpoint of one tower."""

    name: str
    """What our parameters call it: "text_tower" or "vision_tower"."""
    weights: Path
    stored: Mapping[str, StoredTensor]
    naming: Naming
    ignored: re.Pattern[str]


def _open_tower(name: str, files: ModelFiles, kind: str) -> _Tower:
    stored = {current_name(key): tensor for key, tensor in open_tensors(files.weights).items()}
    form = form_of(files.weights)
    prefix = tower_prefix(stored, kind, form)
    naming = partial(tower_tensor, tower=kind, form=form, prefix=prefix)
    return _Tower(name, files.weights, stored, naming, PUBLISHED_TOWERS[kind].ignored)


def _read_towers(shapes: Shapes, towers: tuple[_Tower, ...], seed: int) -> dict[str, jax.Array]:
    """The parameters of both towers by path, a missing pooler drawn from `seed`.

    Raises one error that names every problem of both files.
    """
    new, wanted, problems = {}, {}, []
    for tower in towers:
        of_tower = {p: s for p, s in shapes.items() if p.startswith(f"{tower.name}.")}
        pooler = {p: s for p, s in of_tower.items() if p.rpartition(".")[0] in _POOLERS}
        if pooler and not any(tower.naming(path).name in tower.stored for path in pooler):
            _log.warning(
                "%s has no pooler. A new one starts from random numbers (seed %d).",
                tower.weights,
                seed,
            )
            new |= _initial_dense(pooler, seed)
            of_tower = {p: s for p, s in of_tower.items() if p not in pooler}
        wanted[tower.name] = of_tower
        found = tensor_problems(tower.stored, of_tower, tower.naming, tower.ignored)
        problems += [f"{tower.weights}: {line}" for line in found]
    if problems:
        paths = ", ".join(str(tower.weights) for tower in towers)
        raise KoCLIPError("weights_mismatch", path=paths, details="\n".join(problems))
    for tower in towers:
        new |= on_device(read_tensors(tower.stored, wanted[tower.name], tower.naming))
    return new


def _initial_projections(shapes: Shapes, seed: int) -> dict[str, jax.Array]:
    """What no tower brings: both projections, and the logit scale that CLIP begins with."""
    projections = {p: s for p, s in shapes.items() if p.rpartition(".")[0] in _PROJECTIONS}
    scale = jnp.asarray(INITIAL_LOGIT_SCALE, jnp.float32)
    return _initial_dense(projections, seed) | {"logit_scale": scale}


def _initial_dense(shapes: Shapes, seed: int) -> dict[str, jax.Array]:
    """Normal kernels and zero biases; a layer's numbers depend on `seed` and its path alone."""
    values = {}
    for path, shape in shapes.items():
        rng = np.random.default_rng([seed, *path.encode()])
        is_bias = path.endswith(".bias")
        value = np.zeros(shape.shape) if is_bias else rng.normal(0, _INITIAL_SPREAD, shape.shape)
        values[path] = jnp.asarray(value, jnp.float32)
    return values
