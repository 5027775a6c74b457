"""The original's database: one line per image, of its file name, a tab and comma-joined floats."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from koclip.database.items import ImageItem

COCO_IMAGES = "http://images.cocodataset.org/val2017/"


def read_tsv(path: Path) -> tuple[list[ImageItem], np.ndarray]:
    """features/val2017/{model}.tsv of the original Space: 5,000 lines, no header.

    Returns the items and their rows [N, D] as they are stored: not of unit length.

    Raises:
        ValueError: a line is no such line; says which.
    """
    with path.open(encoding="utf-8") as lines:
        names, rows = _parse(lines)
    return [ImageItem(id=name, file=COCO_IMAGES + name) for name in names], np.stack(rows)


def _parse(lines: Iterable[str]) -> tuple[list[str], list[np.ndarray]]:
    names, rows = [], []
    for number, line in enumerate(lines, start=1):
        name, tab, values = line.rstrip("\n").partition("\t")
        try:
            with np.errstate(over="ignore"):  # what float32 cannot hold is told by isfinite below
                row = np.array(values.split(","), np.float32)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        as_before = not rows or row.shape == rows[0].shape
        if not (name and tab and as_before and np.isfinite(row).all()):
            raise ValueError(f"line {number}: not a file name, a tab and as many numbers as before")
        names.append(name)
        rows.append(row)
    if not rows:
        raise ValueError("it is empty")
    return names, rows
