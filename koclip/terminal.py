"""What commands print: aligned tables in which Hangul takes two columns, and progress."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Sequence

Row = dict[str, object]


def print_table(rows: Sequence[Row]) -> None:
    """The rows under their keys; nothing without rows."""
    if not rows:
        return
    cells = [list(rows[0])] + [[_cell(value) for value in row.values()] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (c + " " * (w - _width(c)) for c, w in zip(line, widths, strict=True))
        print("  ".join(padded).rstrip())


def show_progress(what: str, done: int, total: int) -> None:
    """One line on standard error that rewrites itself, when that is a terminal."""
    if sys.stderr.isatty():
        end = "" if done < total else "\n"
        print(f"\r{what} {done}/{total}", end=end, file=sys.stderr, flush=True)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "–" if value is None else str(value)


def _width(text: str) -> int:
    """Columns on a terminal, where Hangul takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def terminal_language() -> str:
    """The terminal's language, "ko" or another."""
    settings = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next(filter(None, settings), "en")[:2].lower()
