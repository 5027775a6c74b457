"""One table from published tensor names to our parameter paths.

The Flax and the PyTorch form spell the same modules; they differ in the separator, in the last
word (`kernel`, `scale` and `embedding` are all `weight` in PyTorch) and in the layout of some
weights. So a row names a module once, and its kind says what the last words and the layouts are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """A published layout: `read` brings an array into ours (Flax Linen's), `write` takes it back.

    Both return views."""

    read: Callable[[np.ndarray], np.ndarray]
    write: Callable[[np.ndarray], np.ndarray]


SAME = Layout(lambda x: x, lambda x: x)
TRANSPOSED = Layout(np.transpose, np.transpose)  # [out, in] is [in, out] in ours
FILTERS_FIRST = Layout(  # [out, in, height, width] is [height, width, in, out] in ours
    lambda x: x.transpose(2, 3, 1, 0), lambda x: x.transpose(3, 2, 0, 1)
)
ONE_FILTER_EACH = Layout(  # [channels, 1, height, width] is [height, width, channels] in ours
    lambda x: x[:, 0].transpose(1, 2, 0), lambda x: x.transpose(2, 0, 1)[:, None]
)
LEADING_ONES = {  # ViT publishes bare parameters with leading axes of length 1
    1: Layout(lambda x: x[0], lambda x: x[None]),
    2: Layout(lambda x: x[0, 0], lambda x: x[None, None]),
}


class Kind(NamedTuple):
    """How one sort of module spells and stores its weight; a `bias` is the same in all forms."""

    ours: str
    flax: str
    torch: str
    flax_layout: Layout = SAME
    torch_layout: Layout = SAME


DENSE = Kind("kernel", "kernel", "weight", torch_layout=TRANSPOSED)
CONV = Kind("kernel", "kernel", "weight", torch_layout=FILTERS_FIRST)
DEPTHWISE = Kind("kernel", "kernel", "weight", torch_layout=ONE_FILTER_EACH)
NORM = Kind("scale", "scale", "weight")
TABLE = Kind("embedding", "embedding", "weight")
VALUE = Kind("", "", "")
VALUE_IN_TABLE = Kind("", "embedding", "weight")
VIT_CLASS_TOKEN = Kind("", "", "", LEADING_ONES[2], LEADING_ONES[2])
VIT_POSITIONS = Kind("", "", "", LEADING_ONES[1], LEADING_ONES[1])

_BERT_LAYER = "text_model.encoder.layer.{i}"
_CLIP = "vision_model.vision_model"
_CLIP_LAYER = f"{_CLIP}.encoder.layers.{{i}}"
_VIT_LAYER = "vision_model.encoder.layer.{i}"

TEXT_ROWS = [
    ("text_model.embeddings.word_embeddings", "text_tower.token_embedding", TABLE),
    ("text_model.embeddings.position_embeddings", "text_tower.position_embedding", TABLE),
    ("text_model.embeddings.token_type_embeddings", "text_tower.token_type_embedding", TABLE),
    ("text_model.embeddings.LayerNorm", "text_tower.embedding_norm", NORM),
    (f"{_BERT_LAYER}.attention.self.query", "text_tower.block_{i}.attention.query", DENSE),
    (f"{_BERT_LAYER}.attention.self.key", "text_tower.block_{i}.attention.key", DENSE),
    (f"{_BERT_LAYER}.attention.self.value", "text_tower.block_{i}.attention.value", DENSE),
    (f"{_BERT_LAYER}.attention.output.dense", "text_tower.block_{i}.attention.out", DENSE),
    (f"{_BERT_LAYER}.attention.output.LayerNorm", "text_tower.block_{i}.attention_norm", NORM),
    (f"{_BERT_LAYER}.intermediate.dense", "text_tower.block_{i}.feed_forward.up", DENSE),
    (f"{_BERT_LAYER}.output.dense", "text_tower.block_{i}.feed_forward.down", DENSE),
    (f"{_BERT_LAYER}.output.LayerNorm", "text_tower.block_{i}.feed_forward_norm", NORM),
    ("text_model.pooler.dense", "text_tower.pooler", DENSE),
]
CLIP_VISION_ROWS = [
    (f"{_CLIP}.embeddings.class_embedding", "vision_tower.class_token", VALUE),
    (f"{_CLIP}.embeddings.patch_embedding", "vision_tower.patch_embedding", CONV),
    (f"{_CLIP}.embeddings.position_embedding", "vision_tower.position_embedding", VALUE_IN_TABLE),
    (f"{_CLIP}.pre_layrnorm", "vision_tower.pre_norm", NORM),  # sic: published with this spelling
    (f"{_CLIP_LAYER}.self_attn.q_proj", "vision_tower.block_{i}.attention.query", DENSE),
    (f"{_CLIP_LAYER}.self_attn.k_proj", "vision_tower.block_{i}.attention.key", DENSE),
    (f"{_CLIP_LAYER}.self_attn.v_proj", "vision_tower.block_{i}.attention.value", DENSE),
    (f"{_CLIP_LAYER}.self_attn.out_proj", "vision_tower.block_{i}.attention.out", DENSE),
    (f"{_CLIP_LAYER}.layer_norm1", "vision_tower.block_{i}.attention_norm", NORM),
    (f"{_CLIP_LAYER}.mlp.fc1", "vision_tower.block_{i}.feed_forward.up", DENSE),
    (f"{_CLIP_LAYER}.mlp.fc2", "vision_tower.block_{i}.feed_forward.down", DENSE),
    (f"{_CLIP_LAYER}.layer_norm2", "vision_tower.block_{i}.feed_forward_norm", NORM),
    (f"{_CLIP}.post_layernorm", "vision_tower.post_norm", NORM),
]
VIT_ROWS = [
    ("vision_model.embeddings.cls_token", "vision_tower.class_token", VIT_CLASS_TOKEN),
    (
        "vision_model.embeddings.patch_embeddings.projection",
        "vision_tower.patch_embedding",
        CONV,
    ),
    (
        "vision_model.embeddings.position_embeddings",
        "vision_tower.position_embedding",
        VIT_POSITIONS,
    ),
    (
        f"{_VIT_LAYER}.attention.attention.query",
        "vision_tower.block_{i}.attention.query",
        DENSE,
    ),
    (f"{_VIT_LAYER}.attention.attention.key", "vision_tower.block_{i}.attention.key", DENSE),
    (
        f"{_VIT_LAYER}.attention.attention.value",
        "vision_tower.block_{i}.attention.value",
        DENSE,
    ),
    (f"{_VIT_LAYER}.attention.output.dense", "vision_tower.block_{i}.attention.out", DENSE),
    (f"{_VIT_LAYER}.layernorm_before", "vision_tower.block_{i}.attention_norm", NORM),
    (f"{_VIT_LAYER}.intermediate.dense", "vision_tower.block_{i}.feed_forward.up", DENSE),
    (f"{_VIT_LAYER}.output.dense", "vision_tower.block_{i}.feed_forward.down", DENSE),
    (f"{_VIT_LAYER}.layernorm_after", "vision_tower.block_{i}.feed_forward_norm", NORM),
    ("vision_model.layernorm", "vision_tower.post_norm", NORM),
    ("vision_model.pooler.dense", "vision_tower.pooler", DENSE),
]
EFFICIENTNET_ROWS = [
    ("vision_model.stem", "vision_tower.stem", CONV),
    ("vision_model.blocks.{i}.expand", "vision_tower.block_{i}.expand", DENSE),
    ("vision_model.blocks.{i}.depthwise", "vision_tower.block_{i}.depthwise", DEPTHWISE),
    ("vision_model.blocks.{i}.project", "vision_tower.block_{i}.project", DENSE),
    ("vision_model.head", "vision_tower.head", DENSE),
    ("vision_model.classifier", "vision_tower.classifier", DENSE),
]
SHARED_ROWS = [
    ("text_projection", "text_projection", DENSE),
    ("visual_projection", "visual_projection", DENSE),
    ("logit_scale", "logit_scale", VALUE),
]
ROWS_BY_VISION_TYPE = {
    "clip_vision_model": TEXT_ROWS + CLIP_VISION_ROWS + SHARED_ROWS,
    "vit": TEXT_ROWS + VIT_ROWS + SHARED_ROWS,
    "efficientnet-lite": TEXT_ROWS + EFFICIENTNET_ROWS + SHARED_ROWS,
}

# Buffers that older transformers releases stored although they hold no weights.
IGNORED_NAMES = re.compile(r".*[./]position_ids$")


class PublishedTower(NamedTuple):
    """How a tower is spelled in a checkpoint of its own."""

    part: str
    """What the rows above call it."""
    prefixes: tuple[str, ...]
    """What it is called beside a head; without a head its names begin with nothing."""
    ignored: re.Pattern[str]
    """Heads, and the other half of a CLIP."""


def _heads(*names: str) -> re.Pattern[str]:
    return re.compile(rf"({'|'.join(names)})([./]|$)|{IGNORED_NAMES.pattern}")


PUBLISHED_TOWERS = {
    "text": PublishedTower(
        "text_model", ("roberta", "bert"), _heads("lm_head", "cls", "classifier", "qa_outputs")
    ),
    "clip_vision_model": PublishedTower(
        _CLIP,
        ("vision_model",),
        _heads("text_model", "text_projection", "visual_projection", "logit_scale", "classifier"),
    ),
    "vit": PublishedTower("vision_model", ("vit",), _heads("classifier")),
}

# Norms in checkpoints that were converted from TensorFlow.
_TENSORFLOW_NORM = {"gamma": "weight", "beta": "bias"}


class PublishedTensor(NamedTuple):
    """What one of our parameters is called in a published form, and how it is laid out there."""

    name: str
    layout: Layout


def published_tensor(path: str, vision_type: str, form: str) -> PublishedTensor:
    """The published counterpart of the parameter at `path` ("text_tower.block_0.….kernel").

    `form` is "flax" (names joined by "/") or "torch" (joined by ".").
    """
    published, kind, is_bias = _row_of(path, vision_type)
    leaf, layout = (
        (kind.flax, kind.flax_layout) if form == "flax" else (kind.torch, kind.torch_layout)
    )
    if is_bias:
        leaf, layout = "bias", SAME
    name = f"{published}.{leaf}" if leaf else published
    return PublishedTensor(name.replace(".", _separator(form)), layout)


def tower_tensor(path: str, tower: str, form: str, prefix: str) -> PublishedTensor:
    """As `published_tensor`, in the checkpoint of one tower, whose names begin with `prefix`.

    `tower` is a key of `PUBLISHED_TOWERS`; `prefix` is what `tower_prefix` found.
    """
    # A text tower is spelled alike beside any image tower.
    name, layout = published_tensor(path, "vit" if tower == "text" else tower, form)
    part = PUBLISHED_TOWERS[tower].part.replace(".", _separator(form))
    return PublishedTensor(prefix + name.removeprefix(part + _separator(form)), layout)


def tower_prefix(names: Collection[str], tower: str, form: str) -> str:
    """What the names of a tower begin with in a checkpoint of its own, "" when there is no head."""
    for prefix in PUBLISHED_TOWERS[tower].prefixes:
        prefix += _separator(form)
        if any(name.startswith(prefix) for name in names):
            return prefix
    return ""


def current_name(name: str) -> str:
    """`name`, where a norm converted from TensorFlow has `gamma` and `beta`, as it is now."""
    module, _, leaf = name.rpartition(".")
    return f"{module}.{_TENSORFLOW_NORM[leaf]}" if leaf in _TENSORFLOW_NORM else name


def _separator(form: str) -> str:
    return "/" if form == "flax" else "."


def _row_of(path: str, vision_type: str) -> tuple[str, Kind, bool]:
    """The published module of the parameter at `path`, its kind, and whether this is its bias."""
    index = re.search(r"block_(\d+)", path)
    template = path.replace(index[0], "block_{i}") if index else path
    module, _, leaf = template.rpartition(".")
    for published, ours, kind in ROWS_BY_VISION_TYPE[vision_type]:
        is_bias = leaf == "bias" and module == ours
        if is_bias or template == (f"{ours}.{kind.ours}" if kind.ours else ours):
            return published.format(i=index[1] if index else ""), kind, is_bias
    raise KeyError(path)
