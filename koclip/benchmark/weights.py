"""Models of the published sizes with random weights, so that measuring needs no download."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from flax.serialization import msgpack_serialize
from flax.traverse_util import flatten_dict, unflatten_dict

from koclip.checkpoints.checkpoint import Parameters, vision_type
from koclip.checkpoints.parameter_shapes import parameter_shapes
from koclip.checkpoints.tensor_names import published_tensor
from koclip.config import HYBRID_CLIP, ModelConfig, TextConfig, ViTConfig
from koclip.files import write_whole
from koclip.towers.dual_encoder import INITIAL_LOGIT_SCALE

TINY_TEXT = TextConfig(100, 64, 1, 2, 128, max_position_embeddings=64, layer_norm_eps=1e-5)
TINY_VISION = ViTConfig("clip_vision_model", 64, 1, 2, 128, image_size=32, patch_size=16)
ROBERTA_LARGE = TextConfig(32_000, 1024, 24, 16, 4096, layer_norm_eps=1e-5)
VIT_B32 = ViTConfig()
VIT_L16 = ViTConfig("vit", 1024, 24, 16, 4096, "gelu", patch_size=16, layer_norm_eps=1e-12)

_DEVIATION = 0.02  # of weights, as RoBERTa, CLIP and ViT are initialised
_OUTLIERS = 4  # channels of a layer
_GAINS = (20.0, 30.0)


def only(tower: TextConfig | ViTConfig) -> ModelConfig:
    """A model with one tower to measure; the other is as small as can be."""
    if isinstance(tower, TextConfig):
        return ModelConfig(tower, TINY_VISION)
    return ModelConfig(TINY_TEXT, tower)


def random_parameters(config: ModelConfig, seed: int = 0) -> Parameters:
    """Weights as before training: normal ones, norms that are nearly the identity."""
    generator = np.random.default_rng(seed)
    flat = {}
    for path, leaf in sorted(flatten_dict(parameter_shapes(config), sep=".").items()):
        values = generator.standard_normal(leaf.shape, np.float32) * np.float32(_DEVIATION)
        flat[path] = values + 1 if path.endswith(".scale") else values
    flat["logit_scale"] = np.float32(INITIAL_LOGIT_SCALE)
    return unflatten_dict(flat, sep=".")


def add_outliers(parameters: Parameters, seed: int = 0) -> None:
    """Gives the transformer blocks of both towers what makes trained ones hard to quantise.

    In trained BERTs and RoBERTas a few channels, the same in all layers, have far larger gains and
    biases in the layer norms (Kovaleva et al. 2021, "BERT Busters"), and a few hidden units of the
    feed-forward layers fire far more strongly. So 4 channels of the norms and 4 columns of `up`
    are scaled by 20 to 30. Where norms follow residuals such gains multiply from norm to norm
    until nothing else is left in a vector; so of three norms one has them, the next takes them
    back and the third leaves things alone.
    """
    generator = np.random.default_rng(seed)
    for tower in ("text_tower", "vision_tower"):
        blocks = [part for name, part in parameters[tower].items() if name.startswith("block_")]
        width = len(blocks[0]["attention_norm"]["scale"])
        channels = generator.choice(width, _OUTLIERS, replace=False)
        gains = generator.uniform(*_GAINS, _OUTLIERS).astype(np.float32)
        norms = [
            block[part] for block in blocks for part in ("attention_norm", "feed_forward_norm")
        ]
        for place, norm in enumerate(norms):
            factor = (gains, 1 / gains, 1)[place % 3]
            norm["scale"][channels] *= factor
            norm["bias"][channels] *= factor
        for block in blocks:
            up = block["feed_forward"]["up"]["kernel"]
            units = generator.choice(up.shape[1], _OUTLIERS, replace=False)
            up[:, units] *= gains


def save_flax_model(folder: Path, config: ModelConfig, parameters: Parameters) -> None:
    """Writes config.json and flax_model.msgpack into `folder`, as koclip-base is published."""
    folder.mkdir()
    tree = {}
    for path, value in flatten_dict(parameters, sep=".").items():
        name, layout = published_tensor(path, vision_type(config), "flax")
        tree[name] = np.asarray(layout.write(value), order="C")
    write_whole(folder / "flax_model.msgpack", msgpack_serialize(unflatten_dict(tree, sep="/")))
    raw = {
        "model_type": HYBRID_CLIP,
        "projection_dim": config.projection_dim,
        "text_config": asdict(config.text),
        "vision_config": asdict(config.vision),
    }
    write_whole(folder / "config.json", json.dumps(raw).encode())
