"""Training recipes: presets by name, and settings read from a file."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from koclip.errors import KoCLIPError
from koclip.training.config import ONE_OF, DataSource, TrainConfig

_ORIGINAL = TrainConfig(
    text_tower="klue/roberta-large",
    per_device_batch_size=64,
    epochs=40,
)
"""The recipe of 2021 (train.sh of jaketae/koclip); the defaults above are its other values."""

PRESETS = {
    "koclip-base": dataclasses.replace(_ORIGINAL, vision_tower="openai/clip-vit-base-patch32"),
    "koclip-large": dataclasses.replace(_ORIGINAL, vision_tower="google/vit-large-patch16-224"),
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
    except (OSError, ValueError) as error:
        known = ", ".join(PRESETS)
        raise KoCLIPError("training_no_config", name=name, known=known) from error
    try:
        raw = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise KoCLIPError("config_not_json", path=path, reason=error) from error
    if not isinstance(raw, dict):
        raise KoCLIPError("config_not_json", path=path, reason="not an object")
    return parse_config(raw | dict(changes or {}))


def parse_config(raw: Mapping[str, Any]) -> TrainConfig:
    """The settings in `raw`, which only holds what JSON can."""
    values = dict(raw)
    preset = values.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        raise KoCLIPError("training_no_config", name=preset, known=", ".join(PRESETS))
    base = PRESETS[preset].to_json() if preset else {}
    if values.get("model"):
        base |= {"text_tower": None, "vision_tower": None}
    for first, second in (*ONE_OF, *(pair[::-1] for pair in ONE_OF)):
        if values.get(first) is not None and second not in values:
            base.pop(second, None)  # what is given here wins over the preset's other way
    values = {key: _from_json(key, value) for key, value in (base | values).items()}
    known = {field.name for field in dataclasses.fields(TrainConfig)}
    unknown = "\n".join(f"{key}: unknown" for key in values if key not in known)
    try:
        config = TrainConfig(**{key: values[key] for key in values if key in known})
    except KoCLIPError as error:
        if not unknown:
            raise
        unknown += "\n" + error.values["details"]
    if unknown:
        raise KoCLIPError("training_bad_config", details=unknown)
    return config


def _from_json(key: str, value: Any) -> Any:
    """Lists as the tuples that `TrainConfig` has; whatever does not fit is left for its check."""
    if key in ("data", "validation"):
        return tuple(map(_source, value if isinstance(value, list) else [value]))
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
