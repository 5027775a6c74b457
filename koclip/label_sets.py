"""Ready label sets, so that nobody must type: animals, food, … and 1,000 everyday things."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from koclip.assets import assets_dir
from koclip.errors import KoCLIPError


class Label(NamedTuple):
    """What one thing is called."""

    ko: str
    en: str


LABEL_SETS: dict[str, Label] = {
    "animals": Label("동물", "Animals"),
    "food": Label("음식", "Food"),
    "vehicles": Label("탈것", "Vehicles"),
    "places": Label("장소", "Places"),
    "moods": Label("감정·분위기", "Emotions and moods"),
    "everyday": Label("일상 속 1,000가지", "1,000 everyday things"),
}
"""The sets by name, with their titles, in the order to show them in."""


@cache
def label_set(name: str) -> tuple[Label, ...]:
    """The labels of a set of `LABEL_SETS`.

    Raises:
        KoCLIPError: there is no set of that name.
    """
    if name not in LABEL_SETS:
        raise KoCLIPError("label_set_unknown", name=name, known=", ".join(LABEL_SETS))
    text = (assets_dir() / "labels" / f"{name}.tsv").read_text(encoding="utf-8")
    return tuple(Label(*line.split("\t")) for line in text.splitlines())


@cache
def glossary() -> dict[str, str]:
    """The labels of all sets, each once → what they are in English."""
    return {label.ko: label.en for name in LABEL_SETS for label in label_set(name)}
