"""Small pictures and caption files for tests of training data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def save_picture(path: Path, level: int = 0, size: tuple[int, int] = (12, 10)) -> Path:
    """A picture of one grey level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)
    return path


def level_of(pixels: np.ndarray | Image.Image) -> int:
    """The grey level of a picture that `save_picture` saved."""
    return int(np.asarray(pixels).reshape(-1, 3).mean(axis=0)[0].round())


def write_lines(path: Path, rows: Iterable[dict]) -> Path:
    """JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
