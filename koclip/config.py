"""What a model is made of: frozen settings, read from any published form of config.json.

Three forms are read: `hybrid-clip` (koclip/koclip-base and -large, the Flax originals),
`vision-text-dual-encoder` (koclip/koclip-base-pt and whatever transformers' class of that name
saved) and `koclip` (koclip-mini). Keys that mean nothing here are ignored.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koclip.errors import KoCLIPError
from koclip.files import read_json

HYBRID_CLIP = "hybrid-clip"
DUAL_ENCODER = "vision-text-dual-encoder"
KOCLIP = "koclip"


@dataclass(frozen=True)
class TextConfig:
    """A BERT or RoBERTa encoder; the defaults are those of transformers' RobertaConfig."""

    vocab_size: int = 50265
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    max_position_embeddings: int = 512
    type_vocab_size: int = 1
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 1
    positions_after_padding: bool = False
    """Token positions count from 0, or (True) from `pad_token_id + 1` over the non-padding ids.

    The Flax originals were trained and run from 0; the PyTorch form does what RoBERTa does."""
    pooling: str = "first"
    """`first`: a dense tanh layer on the first token (BERT, RoBERTa); `mean`: the mean token."""
    normalize_pooled: bool = False
    prompt_prefix: str = ""

    @property
    def max_tokens(self) -> int:
        """The longest text, in tokens, that the position table has rows for."""
        skipped = self.pad_token_id + 1 if self.positions_after_padding else 0
        return self.max_position_embeddings - skipped


@dataclass(frozen=True)
class ViTConfig:
    """A vision transformer: CLIP's (`clip_vision_model`) or the original ViT (`vit`)."""

    model_type: str = "clip_vision_model"
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "quick_gelu"
    image_size: int = 224
    patch_size: int = 32
    layer_norm_eps: float = 1e-5

    @property
    def num_positions(self) -> int:
        """One position per patch and one for the class token."""
        return (self.image_size // self.patch_size) ** 2 + 1


@dataclass(frozen=True)
class EfficientNetConfig:
    """An EfficientNet-lite classifier (Tan & Le 2019; the lite family's scaling coefficients)."""

    image_size: int = 260
    width_coefficient: float = 1.1
    depth_coefficient: float = 1.2
    num_classes: int = 1000
    temperature: float = 1.0
    """What the classifier's logits are divided by before the softmax."""
    top_k: int = 10
    """How many classes keep their probability; the others count as 0."""
    pooled_features: bool = False
    """Whether the square roots of the mean features follow the probabilities."""


VisionConfig = ViTConfig | EfficientNetConfig


@dataclass(frozen=True)
class ModelConfig:
    """The two towers and the space where they meet."""

    text: TextConfig
    vision: VisionConfig
    projection_dim: int = 512
    text_projection_bias: bool = False
    model_type: str = dataclasses.field(default=HYBRID_CLIP, compare=False)
    """The form it was read from; makes no difference to what is computed, nor to `==`."""
    raw: dict[str, Any] = dataclasses.field(default_factory=dict, compare=False, hash=False)
    """config.json as it was read, so that saving loses nothing."""


_VIT_DEFAULTS = {
    "clip_vision_model": ViTConfig(),
    "vit": ViTConfig("vit", hidden_act="gelu", patch_size=16, layer_norm_eps=1e-12),
}
_TEXT_TYPES = ("roberta", "bert", "xlm-roberta", "camembert")
_CHOICES = {
    "hidden_act": ("gelu", "gelu_new", "quick_gelu", "relu"),
    "pooling": ("first", "mean"),
}
# Far beyond any model, and small enough that a damaged setting cannot exhaust time or memory.
_MOST = {"num_hidden_layers": 256, "image_size": 4096, "patch_size": 1024}
_MOST_WHOLE, _MOST_FRACTION = 1 << 20, 10.0
_VISION_TYPES = (*_VIT_DEFAULTS, "clip", "efficientnet-lite")


def read_config(path: str | Path) -> ModelConfig:
    """Reads a config.json.

    Raises:
        KoCLIPError: the file is not JSON, a tower is of an unknown kind, or a value makes no sense.
    """
    return parse_config(read_raw_config(path), path)


def read_raw_config(path: str | Path) -> dict[str, Any]:
    """Any config.json, as it is.

    Raises:
        KoCLIPError: the file holds no JSON object.
    """
    path = Path(path)
    try:
        raw = read_json(path)
    except (OSError, ValueError, RecursionError) as error:
        raise KoCLIPError("config_not_json", path=path, reason=error) from error
    if not isinstance(raw, dict):
        raise KoCLIPError("config_not_json", path=path, reason="not an object")
    return raw


def parse_config(raw: dict[str, Any], path: str | Path = "config.json") -> ModelConfig:
    """The settings in `raw`, a decoded config.json; `path` only names it in error messages."""
    form = raw.get("model_type")
    if form not in (HYBRID_CLIP, DUAL_ENCODER, KOCLIP):
        known = ", ".join((HYBRID_CLIP, DUAL_ENCODER, KOCLIP))
        raise KoCLIPError("config_unsupported", path=path, part="model", kind=form, known=known)
    return ModelConfig(
        text=_parse_text(_required(raw, "text_config", path), form, path),
        vision=_parse_vision(_required(raw, "vision_config", path), path),
        projection_dim=_number(raw, "projection_dim", 512, path),
        text_projection_bias=form == KOCLIP,
        model_type=form,
        raw=raw,
    )


def _required(raw: dict[str, Any], key: str, path: str | Path) -> dict[str, Any]:
    if not isinstance(raw.get(key), dict):
        raise KoCLIPError("config_missing_key", path=path, key=key)
    return raw[key]


def _parse_text(raw: dict[str, Any], form: str, path: str | Path) -> TextConfig:
    kind = raw.get("model_type", "roberta")
    if kind not in _TEXT_TYPES:
        known = ", ".join(_TEXT_TYPES)
        raise KoCLIPError("config_unsupported", path=path, part="text", kind=kind, known=known)
    is_bert = kind == "bert"
    defaults = TextConfig(
        vocab_size=30522 if is_bert else 50265,
        type_vocab_size=2,
        pad_token_id=0 if is_bert else 1,
        positions_after_padding=form == DUAL_ENCODER and not is_bert,
    )
    return _fill(defaults, raw, path)


def _parse_vision(raw: dict[str, Any], path: str | Path) -> VisionConfig:
    kind = raw.get("model_type", "clip_vision_model")
    if kind not in _VISION_TYPES:
        known = ", ".join(_VISION_TYPES)
        raise KoCLIPError("config_unsupported", path=path, part="image", kind=kind, known=known)
    if kind == "clip":  # a whole CLIP was named; its image half is nested
        raw, kind = _required(raw, "vision_config", path), "clip_vision_model"
    if kind == "efficientnet-lite":
        return _fill(EfficientNetConfig(), raw, path)
    return _fill(_VIT_DEFAULTS[kind], raw | {"model_type": kind}, path)


def _fill(defaults: Any, raw: dict[str, Any], path: str | Path) -> Any:
    """`defaults` with every field that `raw` gives, each checked to be of the field's type."""
    values = {}
    for field in dataclasses.fields(defaults):
        default = getattr(defaults, field.name)
        if raw.get(field.name) is None:
            continue
        if isinstance(default, (bool, str)):
            if not isinstance(raw[field.name], type(default)):
                _bad_value(field.name, raw[field.name], type(default).__name__, path)
            values[field.name] = raw[field.name]
        else:
            values[field.name] = _number(raw, field.name, default, path)
    config = dataclasses.replace(defaults, **values)
    for key, choices in _CHOICES.items():
        if getattr(config, key, choices[0]) not in choices:
            _bad_value(key, getattr(config, key), " | ".join(choices), path)
    heads = getattr(config, "num_attention_heads", None)
    if heads and config.hidden_size % heads:
        _bad_value("num_attention_heads", heads, f"a divisor of {config.hidden_size}", path)
    patch = getattr(config, "patch_size", None)
    if patch and patch > config.image_size:
        _bad_value("patch_size", patch, f"at most image_size, {config.image_size}", path)
    return config


def _number(raw: dict[str, Any], key: str, default: int | float, path: str | Path) -> int | float:
    value = raw.get(key, default)
    whole = isinstance(default, int)
    least = 0 if key == "pad_token_id" else 1 if whole else 0.0
    most = _MOST.get(key, _MOST_WHOLE if whole else _MOST_FRACTION)
    right_type = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not right_type or not least <= value <= most:  # NaN is not either
        kind = "a whole number" if whole else "a number"
        _bad_value(key, value, f"{kind} from {least} to {most}", path)
    return value


def _bad_value(key: str, value: object, expected: str, path: str | Path) -> None:
    raise KoCLIPError("config_bad_value", path=path, key=key, value=value, expected=expected)
