"""Training recipes: presets by name, and settings read from a file."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from koclip.errors import KoCLIPError
from koclip.training.config import ONE_OF, DataSource, ProjectionSettings, TrainConfig

_ORIGINAL = TrainConfig(
    text_tower="klue/roberta-large",
    per_device_batch_size=64,
    epochs=40,
)
"""The recipe of 2021 (train.sh of jaketae/koclip); the defaults above are its other values."""

PRESETS = {
    "koclip-base": dataclasses.replace(_ORIGINAL, vision_tower="openai/clip-vit-base-patch32"),
    "koclip-large": dataclasses.replace(_ORIGINAL, vision_tower="google/vit-large-patch16-224"),
    "koclip-mini": TrainConfig(
        model="runs/koclip-mini-towers",  # where assets/koclip-mini/build.py puts them
        projections=ProjectionSettings(),
        projection_dim=384,
        batch_size=384,
        epochs=18,
        learning_rate=2e-3,
        learning_rate_multipliers=(("text_projection", 0.3), ("l.*_scale", 2.5)),
        schedule="cosine",
        warmup_steps=40,
        weight_decay=0.05,
        augment="crop",
        max_length=64,
    ),
}


def load_config(name: str | Path, changes: Mapping[str, Any] | None = None) -> TrainConfig:
    """A preset by name, or a .json or .toml file, with `changes` to single keys.

    A file may name a preset to start from as "preset".

    Raises:
        KoCLIPError: no such preset or file, not readable, unknown keys or bad values.
    """
    if str(name) in PRESETS:
        return parse_config({"preset": str(name)} | dict(changes or {}))
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise KoCLIPError("training_no_config", name=name, known=", ".join(PRESETS)) from error
    except (ValueError, RecursionError) as error:
        raise KoCLIPError("training_config_unreadable", path=path, reason=error) from error
    if not isinstance(raw, dict):
        raise KoCLIPError("training_config_unreadable", path=path, reason="not an object")
    return parse_config(_layered(raw, changes or {}))


def parse_config(raw: Mapping[str, Any]) -> TrainConfig:
    """The settings in `raw`, which only holds what JSON can."""
    values = dict(raw)
    preset = values.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        raise KoCLIPError("training_no_config", name=preset, known=", ".join(PRESETS))
    values = _layered(PRESETS[preset].to_json() if preset else {}, values)
    values = {key: _from_json(key, value) for key, value in values.items()}
    known = {field.name for field in dataclasses.fields(TrainConfig)}
    problems = [f"{key}: unknown" for key in values if key not in known]
    try:
        config = TrainConfig(**{key: values[key] for key in values if key in known})
    except KoCLIPError as error:
        problems.append(error.values["details"])
    if not problems:
        return config
    if values.keys() - known:
        problems.append(f"known: {', '.join(sorted(known))}")
    raise KoCLIPError("training_bad_config", details="\n".join(problems))


def _layered(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with the settings in `above`; what is given there wins over other ways to say it."""
    others = {first: (second,) for pair in ONE_OF for first, second in (pair, pair[::-1])}
    others |= {"model": ("text_tower", "vision_tower"), "text_tower": ("model",)}
    replaced = {other for key in others if above.get(key) for other in others[key]}
    return {key: value for key, value in below.items() if key not in replaced} | dict(above)


def _from_json(key: str, value: Any) -> Any:
    """Lists as the tuples that `TrainConfig` has; whatever does not fit is left for its check."""
    if key in ("data", "validation"):
        return tuple(map(_source, value if isinstance(value, list) else [value]))
    if key == "projections" and isinstance(value, Mapping):
        names = {field.name for field in dataclasses.fields(ProjectionSettings)}
        return ProjectionSettings(**value) if names.issuperset(value) else value
    if key == "learning_rate_multipliers" and isinstance(value, Mapping):
        return tuple(value.items())
    if isinstance(value, list):
        return tuple(tuple(each) if isinstance(each, list) else each for each in value)
    return value


def _source(raw: Any) -> Any:
    if isinstance(raw, str):
        return DataSource(raw)
    names = {field.name for field in dataclasses.fields(DataSource)}
    is_source = isinstance(raw, Mapping) and "path" in raw and names.issuperset(raw)
    return DataSource(**raw) if is_source else raw
