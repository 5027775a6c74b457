"""What commands print: aligned tables in which Hangul takes two columns, and progress."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from collections.abc import Sequence

from koclip.visible_text import as_json, in_one_line

Row = dict[str, object]


def print_rows(rows: Sequence[Row], with_json: bool) -> None:
    """As JSON or as a table; nothing of it is taken for a command by the terminal."""
    if with_json:
        print(as_json(rows))
    else:
        print_table(rows)


def complain(text: str) -> None:
    """Says on standard error what went wrong."""
    print(f"koclip: {text}", file=sys.stderr)


def write_any_text() -> None:
    """Lets standard output and error take characters that their encoding has not, as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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
        print(f"\r{in_one_line(what)} {done}/{total}", end=end, file=sys.stderr, flush=True)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, tuple):
        return ",".join(map(_cell, value))
    return "–" if value is None else in_one_line(str(value))


def _width(text: str) -> int:
    """Columns on a terminal, where Hangul takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def terminal_language() -> str:
    """The terminal's language, "ko" or another."""
    settings = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next(filter(None, settings), "en")[:2].lower()
