"""Settings of every published form, unknown and strange ones included."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from koclip.checkpoints.parameter_shapes import parameter_shapes
from koclip.config import EfficientNetConfig, ViTConfig, parse_config, read_config
from koclip.errors import KoCLIPError
from tests.conftest import ORACLE

FLAX = ORACLE / "flax/tiny-base/config.json"


@pytest.fixture
def raw() -> dict:
    return json.loads(FLAX.read_text())


def test_the_flax_form_counts_positions_from_zero_and_the_torch_form_after_padding():
    flax = read_config(FLAX)
    torch = read_config(ORACLE / "pt/tiny-base-safetensors/config.json")
    assert (flax.text.positions_after_padding, flax.text.max_tokens) == (False, 40)
    assert (torch.text.positions_after_padding, torch.text.max_tokens) == (True, 38)
    assert flax.projection_dim == torch.projection_dim == 24
    assert flax.vision == torch.vision


def test_bert_counts_positions_from_zero_in_both_forms(raw):
    raw["text_config"]["model_type"] = "bert"
    for form in ("hybrid-clip", "vision-text-dual-encoder"):
        assert not parse_config(raw | {"model_type": form}).text.positions_after_padding


def test_activations_and_epsilons_of_the_published_models():
    base, large = (
        read_config(ORACLE / f"full/koclip-{size}.config.reconstructed.json")
        for size in ("base", "large")
    )
    assert (base.text.hidden_act, base.vision.hidden_act) == ("gelu", "quick_gelu")
    assert (large.text.hidden_act, large.vision.hidden_act) == ("gelu", "gelu")
    assert base.vision.num_positions == 50
    assert large.vision.num_positions == 197
    assert (base.vision.layer_norm_eps, large.vision.layer_norm_eps) == (1e-5, 1e-12)


def test_unknown_keys_are_tolerated_and_null_means_the_default(raw):
    plain = parse_config(copy.deepcopy(raw))
    raw["text_config"] |= {"future": {"x": [1]}, "layer_norm_eps_2": "?", "type_vocab_size": None}
    raw["vision_config"] |= {"attn_implementation": "flash", "image_std": []}
    raw |= {"torch_dtype": "float32", "transformers_version": None}
    assert parse_config(raw).vision == plain.vision
    assert parse_config(raw).text.type_vocab_size == 2


def test_a_whole_clip_as_the_image_tower(raw):
    vision = raw["vision_config"]
    raw["vision_config"] = {"model_type": "clip", "vision_config": vision, "text_config": {}}
    assert parse_config(raw).vision == parse_config(raw | {"vision_config": vision}).vision


def test_an_efficientnet_as_the_image_tower(raw):
    vision = {"model_type": "efficientnet-lite", "top_k": 5}
    raw["vision_config"] = vision
    assert parse_config(raw).vision == EfficientNetConfig(top_k=5, pooled_features=False)
    raw["vision_config"] = vision | {"pooled_features": True}
    config = parse_config(raw)
    assert config.vision == EfficientNetConfig(top_k=5, pooled_features=True)
    projection = parameter_shapes(config)["visual_projection"]["kernel"]
    assert projection.shape == (1000 + 1280, 24)
    raw["vision_config"] = vision | {"pooled_features": 1}
    with pytest.raises(KoCLIPError, match="'pooled_features'"):
        parse_config(raw)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (None, "clip"),
        (None, None),
        ("text_config", "gpt2"),
        ("text_config", ["roberta"]),
        ("vision_config", "resnet"),
    ],
)
def test_an_unsupported_type_is_named_with_those_that_are_supported(raw, part, kind):
    (raw[part] if part else raw)["model_type"] = kind
    with pytest.raises(KoCLIPError) as caught:
        parse_config(raw, "folder/config.json")
    for words in ("folder/config.json", f"'{kind}'", "Supported:"):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("text_config", "hidden_size", 0),
        ("text_config", "hidden_size", -32),
        ("text_config", "hidden_size", "32"),
        ("text_config", "hidden_size", 32.0),
        ("text_config", "hidden_size", True),
        ("text_config", "hidden_size", [32]),
        ("text_config", "hidden_size", 10**30),
        ("text_config", "vocab_size", 1 << 40),
        ("text_config", "num_hidden_layers", 10**9),
        ("text_config", "num_attention_heads", 5),
        ("text_config", "pad_token_id", -1),
        ("text_config", "layer_norm_eps", float("nan")),
        ("text_config", "layer_norm_eps", float("inf")),
        ("text_config", "layer_norm_eps", -1e-5),
        ("text_config", "layer_norm_eps", "1e-5"),
        ("text_config", "hidden_act", "swish"),
        ("text_config", "hidden_act", 1),
        ("text_config", "pooling", "max"),
        ("text_config", "positions_after_padding", 1),
        ("vision_config", "image_size", 1 << 20),
        ("vision_config", "patch_size", 33),
        ("vision_config", "patch_size", 0),
        ("vision_config", "num_attention_heads", 7),
        (None, "projection_dim", 0),
        (None, "projection_dim", None),
        (None, "projection_dim", "24"),
    ],
)
def test_a_senseless_value_is_named(raw, part, key, value):
    (raw[part] if part else raw)[key] = value
    with pytest.raises(KoCLIPError) as caught:
        parse_config(raw)
    assert caught.value.code == "config_bad_value"
    assert f"'{key}'" in str(caught.value)
    assert str(value) in str(caught.value)


@pytest.mark.parametrize("key", ["text_config", "vision_config"])
@pytest.mark.parametrize("value", [None, [], "x"])
def test_a_missing_part_is_named(raw, key, value):
    with pytest.raises(KoCLIPError, match=key):
        parse_config(raw | {key: value})
    with pytest.raises(KoCLIPError, match="vision_config"):
        parse_config(raw | {"vision_config": {"model_type": "clip", "vision_config": value}})


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"5", b"null", b"\xff\xfe\x00", b"[" * 100_000, b"9" * 10_000, b"{}" * 2],
    ids=lambda data: repr(data[:8]),
)
def test_a_file_that_is_no_json_object(tmp_path, data):
    (tmp_path / "config.json").write_bytes(data)
    with pytest.raises(KoCLIPError, match=r"config\.json"):
        read_config(tmp_path / "config.json")


def test_no_file(tmp_path):
    with pytest.raises(KoCLIPError):
        read_config(tmp_path / "config.json")
    with pytest.raises(KoCLIPError):
        read_config(Path(tmp_path))


def test_the_largest_sizes_that_are_accepted_still_have_shapes(raw):
    """What `_MOST` lets through must not overflow where sizes are multiplied."""
    most = {"hidden_size": 1 << 20, "intermediate_size": 1 << 20, "num_attention_heads": 1}
    raw["text_config"] |= most | {"vocab_size": 1 << 20, "num_hidden_layers": 256}
    raw["vision_config"] |= most | {"image_size": 1024, "patch_size": 1024}
    config = parse_config(raw)
    assert isinstance(config.vision, ViTConfig)
    shapes = parameter_shapes(config)
    assert len(shapes["text_tower"]) == 256 + 5
    assert shapes["vision_tower"]["patch_embedding"]["kernel"].shape == (1024, 1024, 3, 1 << 20)
