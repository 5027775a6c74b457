"""Settings of a run: checked all at once, read from a preset or a file."""

from __future__ import annotations

import dataclasses
import json

import pytest

from koclip.errors import KoCLIPError
from koclip.training.config import DataSource, ProjectionSettings, TrainConfig
from koclip.training.recipes import PRESETS, load_config, parse_config

LEAST = {"batch_size": 8, "steps": 1}


def test_every_bad_value_is_named_at_once():
    with pytest.raises(KoCLIPError) as caught:
        TrainConfig(
            batch_size=8,
            per_device_batch_size=8,
            learning_rate=float("nan"),
            loss="triplet",
            locked=("(",),
            data=(DataSource("a.json", weight=0),),
            warmup_steps=True,
            adam_b1=1,
        )
    message = str(caught.value)
    for part in (
        "batch_size, per_device_batch_size: give one of the two",
        "epochs, steps: give one of the two",
        "learning_rate: nan is not a number from 0",
        "loss: 'triplet' is not one of softmax, sigmoid",
        "locked: ('(',) is not a list of regular expressions",
        "data: ",
        "warmup_steps: True",
        "adam_b1: 1 is not",
    ):
        assert part in message
    assert "seed" not in message
    assert "올바" in caught.value.localized("ko") or "고칠" in caught.value.localized("ko")


@pytest.mark.parametrize("field", dataclasses.fields(TrainConfig), ids=lambda field: field.name)
def test_every_setting_is_checked(field):
    nonsense = object()
    with pytest.raises(KoCLIPError, match=f"(?m)^{field.name}: <object"):
        TrainConfig(**LEAST | {field.name: nonsense})


def test_towers_or_a_whole_model():
    with pytest.raises(KoCLIPError, match="model: leave it out"):
        TrainConfig(**LEAST, model="koclip-base", text_tower="klue/roberta-large")


@pytest.mark.parametrize(
    ("name", "vision"),
    [
        ("koclip-base", "openai/clip-vit-base-patch32"),
        ("koclip-large", "google/vit-large-patch16-224"),
    ],
)
def test_published_recipes(name, vision):
    config = load_config(name)
    assert config == PRESETS[name]
    assert (config.text_tower, config.vision_tower) == ("klue/roberta-large", vision)
    assert (config.learning_rate, config.weight_decay, config.epochs) == (5e-5, 0.1, 40)
    assert (config.per_device_batch_size, config.max_length) == (64, 96)
    assert (config.schedule, config.warmup_steps, config.augment) == ("linear", 0, "original")
    assert config.projection_dim == 512
    assert config.locked == ()
    assert config.total_steps(steps_per_epoch=100) == 4000


FULL = {
    "preset": "koclip-base",
    "data": ["a.json", {"path": "b.jsonl", "images": "pictures", "weight": 2}],
    "validation": "c.json",
    "locked": ["vision_tower"],
    "learning_rate_multipliers": {"text_tower": 0.1, ".*": 1},
    "batch_size": 128,
    "steps": 7,
}
EXPECTED = dataclasses.replace(
    PRESETS["koclip-base"],
    data=(DataSource("a.json"), DataSource("b.jsonl", "pictures", weight=2)),
    validation=(DataSource("c.json"),),
    locked=("vision_tower",),
    learning_rate_multipliers=(("text_tower", 0.1), (".*", 1)),
    batch_size=128,
    per_device_batch_size=None,
    steps=7,
    epochs=None,
)


def test_json_file(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(FULL))
    assert load_config(path) == EXPECTED
    changed = load_config(str(path), {"seed": 5, "epochs": 2})
    assert changed == dataclasses.replace(EXPECTED, seed=5, epochs=2, steps=None)


def test_toml_file(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(
        """
        preset = "koclip-base"
        validation = "c.json"
        locked = ["vision_tower"]
        batch_size = 128
        steps = 7
        data = ["a.json", {path = "b.jsonl", images = "pictures", weight = 2}]
        [learning_rate_multipliers]
        text_tower = 0.1
        ".*" = 1
        """
    )
    assert load_config(path) == EXPECTED


def test_what_is_written_is_read_back():
    assert parse_config(EXPECTED.to_json()) == EXPECTED


def test_a_whole_model_replaces_the_towers_of_a_preset():
    config = load_config("koclip-base", {"model": "koclip-large"})
    assert (config.model, config.text_tower, config.vision_tower) == ("koclip-large", None, None)


@pytest.mark.parametrize(
    ("suffix", "data"),
    [(".json", b"{"), (".json", b"[1]"), (".json", b"\xff"), (".toml", b"{"), (".toml", b"\xff")],
)
def test_unreadable_files(tmp_path, suffix, data):
    path = tmp_path / f"run{suffix}"
    path.write_bytes(data)
    with pytest.raises(KoCLIPError, match=f"run{suffix}: the training configuration cannot be"):
        load_config(path)


def test_unknown_names_are_told():
    with pytest.raises(KoCLIPError, match="koclip-base, koclip-large"):
        load_config("koclip-huge")
    with pytest.raises(KoCLIPError, match="no training configuration 'huge'"):
        parse_config({"preset": "huge"})
    with pytest.raises(KoCLIPError) as caught:
        parse_config(LEAST | {"learning_rat": 1, "seed": -1})
    assert "learning_rat: unknown" in str(caught.value)
    assert "seed: -1 is not a whole number of at least 0" in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        {"data": 3},
        {"data": [{"file": "a.json"}]},
        {"data": [{"path": "a.json", "weight": "two"}]},
        {"locked": "vision_tower"},
        {"learning_rate_multipliers": {"a": -1}},
        {"learning_rate_multipliers": [["a"]]},
        {"learning_rate_multipliers": 3},
    ],
)
def test_structures_of_the_wrong_form(bad):
    with pytest.raises(KoCLIPError, match=f"{next(iter(bad))}: "):
        parse_config(LEAST | bad)


def test_precision(monkeypatch):
    config = TrainConfig(**LEAST)
    monkeypatch.setattr("jax.default_backend", lambda: "cpu")
    assert config.dtype == "float32"
    monkeypatch.setattr("jax.default_backend", lambda: "tpu")
    assert config.dtype == "bfloat16"
    assert dataclasses.replace(config, precision="float32").dtype == "float32"


def test_the_recipe_of_koclip_mini_trains_projections():
    recipe = load_config("koclip-mini", {"projections": {"views": 1}})
    assert recipe.projections == ProjectionSettings(views=1)
    assert parse_config(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    "bad", [{"views": 0}, {"views": 1.5}, {"feature_dropout": 1}, {"korean_share": 2}, {"x": 1}, 3]
)
def test_bad_projection_settings_are_named(bad):
    with pytest.raises(KoCLIPError, match="projections: "):
        load_config("koclip-mini", {"projections": bad})
