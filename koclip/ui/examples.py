"""The bundled example pictures, with the labels and queries that suit each."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from koclip.assets import assets_dir

_FOLDER = assets_dir() / "examples"

QUERIES = (
    ("고양이", "a cat"),
    ("눈 덮인 산", "a snowy mountain"),
    ("커피 한 잔", "a cup of coffee"),
    ("바닷가", "the seaside"),
    ("하늘을 나는 새", "a bird in the sky"),
    ("빨간 꽃", "red flowers"),
)
"""What to search the gallery for, and what it means."""


@functools.cache
def samples() -> list[dict]:
    """The bundled example pictures with their labels and queries, as examples.json lists them."""
    return json.loads((_FOLDER / "examples.json").read_text(encoding="utf-8"))


def sample(file: str) -> dict:
    """One of `samples()` by its file name."""
    return next(sample for sample in samples() if sample["file"] == file)


def example_path(file: str) -> str:
    """Where a bundled example picture is."""
    return str(_FOLDER / file)


def example_name(path: str | None) -> str | None:
    """The file name of the example that the picture at `path` is a copy of, or None."""
    name = Path(path).name if path else None
    if name not in {sample["file"] for sample in samples()}:
        return None
    same = Path(path).read_bytes() == (_FOLDER / name).read_bytes()
    return name if same else None
