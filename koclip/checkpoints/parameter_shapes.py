"""The shapes of a model's parameters, from its config alone.

`DualEncoder.init` tells them too, but tracing it takes longer than reading koclip-mini's weights:
2.3 s of EfficientNet's shifted products, the first time in a process. That both agree is tested.
"""

from __future__ import annotations

import jax
import numpy as np

from koclip.config import EfficientNetConfig, ModelConfig, TextConfig, ViTConfig
from koclip.towers.efficientnet import HEAD_CHANNELS, STEM_CHANNELS, blocks
from koclip.towers.layers import QUERY_KEY_VALUE


def parameter_shapes(config: ModelConfig) -> dict:
    """The nested dict of `jax.ShapeDtypeStruct` that a model of `config` has."""
    text, vision = config.text, config.vision
    if isinstance(vision, ViTConfig):
        vision_tower, pooled = _vision_transformer(vision), vision.hidden_size
    else:
        vision_tower = _efficientnet(vision)
        pooled = vision.num_classes + (HEAD_CHANNELS if vision.pooled_features else 0)
    return {
        "text_tower": _text_tower(text),
        "vision_tower": vision_tower,
        "text_projection": _layer(
            text.hidden_size, config.projection_dim, bias=config.text_projection_bias
        ),
        "visual_projection": _layer(pooled, config.projection_dim, bias=False),
        "logit_scale": _array(),
    }


def _array(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, np.float32)


def _layer(*kernel: int, bias: bool = True) -> dict:
    """A dense layer or a convolution; the last axis is the output's."""
    return {"kernel": _array(*kernel)} | ({"bias": _array(kernel[-1])} if bias else {})


def _norm(width: int) -> dict:
    return {"scale": _array(width), "bias": _array(width)}


def _transformer_blocks(config: TextConfig | ViTConfig) -> dict:
    width, hidden = config.hidden_size, config.intermediate_size
    block = {
        "attention": {name: _layer(width, width) for name in (*QUERY_KEY_VALUE, "out")},
        "attention_norm": _norm(width),
        "feed_forward": {"up": _layer(width, hidden), "down": _layer(hidden, width)},
        "feed_forward_norm": _norm(width),
    }
    return {f"block_{i}": block for i in range(config.num_hidden_layers)}


def _text_tower(config: TextConfig) -> dict:
    width = config.hidden_size
    tables = {
        "token_embedding": config.vocab_size,
        "position_embedding": config.max_position_embeddings,
        "token_type_embedding": config.type_vocab_size,
    }
    pooler = {"pooler": _layer(width, width)} if config.pooling == "first" else {}
    return {
        **{name: {"embedding": _array(rows, width)} for name, rows in tables.items()},
        "embedding_norm": _norm(width),
        **_transformer_blocks(config),
        **pooler,
    }


def _vision_transformer(config: ViTConfig) -> dict:
    width, size = config.hidden_size, config.patch_size
    is_clip = config.model_type == "clip_vision_model"
    return {
        "patch_embedding": _layer(size, size, 3, width, bias=not is_clip),
        "class_token": _array(width),
        "position_embedding": _array(config.num_positions, width),
        **_transformer_blocks(config),
        "post_norm": _norm(width),
        **({"pre_norm": _norm(width)} if is_clip else {"pooler": _layer(width, width)}),
    }


def _efficientnet(config: EfficientNetConfig) -> dict:
    tower = {"stem": _layer(3, 3, 3, STEM_CHANNELS)}
    channels = STEM_CHANNELS
    for number, block in enumerate(blocks(config)):
        hidden = channels * block.expansion
        expand = {"expand": _layer(channels, hidden)} if block.expansion > 1 else {}
        tower[f"block_{number}"] = {
            **expand,
            "depthwise": _layer(block.kernel, block.kernel, hidden),
            "project": _layer(hidden, block.channels),
        }
        channels = block.channels
    return tower | {
        "head": _layer(channels, HEAD_CHANNELS),
        "classifier": _layer(HEAD_CHANNELS, config.num_classes),
    }
