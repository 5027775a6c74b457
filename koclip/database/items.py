"""What is known about the images of a database: JSON lines, parsed when an item is asked for."""

from __future__ import annotations

import json
import mmap
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import numpy as np

from koclip.errors import KoCLIPError
from koclip.visible_text import in_utf8


@dataclass(frozen=True)
class ImageItem:
    """What is known about one image; only `id` and `file` are always there."""

    id: str
    file: str
    """A path inside the database's folder or an absolute one, a URL, or what a picture was called
    in an archive or data set: then a thumbnail is all that can be shown."""
    caption_ko: str = ""
    caption_en: str = ""
    kind: str = ""
    """"photo" or "illustration", where it was noted."""
    license: str = ""
    author: str = ""
    source: str = ""
    title: str = ""
    taken: str = ""
    """When, as ISO 8601: 2024-05-31T14:03:00."""
    width: int = 0
    height: int = 0
    """Pixels, upright; 0 if unknown."""
    sha256: str = ""
    """Of the encoded picture."""
    size: int = 0
    """Bytes of the encoded picture."""
    mtime: int = 0
    """When the file was last changed, in nanoseconds since 1970; 0 if unknown."""
    extra: Mapping[str, str | int | float] = field(default_factory=dict, hash=False)
    """Any further columns."""

    def to_line(self) -> bytes:
        """A line of JSON, without what is not known."""
        known = {key: value for key, value in asdict(self).items() if value}
        # A file name that is no UTF-8 becomes the JSON escape \udc….
        return json.dumps(known, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


_NUMBERS = {"width", "height", "size", "mtime"}
_KNOWN = {f.name for f in fields(ImageItem)}


def parse_item(number: int, line: str | bytes) -> ImageItem:
    """From a line of JSON; unknown keys are left out.

    Raises:
        ValueError: it is no item; says so with the line's `number`.
    """
    try:
        known = {k: v for k, v in json.loads(line).items() if k in _KNOWN}
        for key, value in known.items():
            kind = int if key in _NUMBERS else dict if key == "extra" else str
            if type(value) is not kind:
                raise TypeError(f"{key} is no {kind.__name__}")
            if kind is str and key != "file":
                known[key] = in_utf8(value)
        if b"\0" in os.fsencode(known["file"]):  # which is a file's name or bytes that were one
            raise ValueError("no file has such a name")
        return ImageItem(**known)
    except Exception as error:
        raise ValueError(f"line {number}: {error}") from error


def leads_outside(file: str) -> bool:
    """Whether an item's file is an absolute path on any system, or one that climbs out of the
    database's folder. URLs of the web are not."""
    if "://" in file:
        return not re.match("https?://", file, re.IGNORECASE)
    path = PureWindowsPath(file)  # which knows both kinds of slashes
    return bool(path.anchor) or ".." in path.parts


def read_items(path: Path) -> list[ImageItem]:
    """All items of a file, which may have empty lines.

    Raises:
        KoCLIPError: a line is no item.
    """
    try:
        # Not splitlines: captions may hold other line separators than "\n".
        lines = path.read_text(encoding="utf-8").split("\n")
        return [parse_item(n, line) for n, line in enumerate(lines, start=1) if line.strip()]
    except ValueError as error:
        raise KoCLIPError("database_unreadable", path=path, reason=error) from error


class ItemLines:
    """A file of one item per line, mapped into memory: it remains readable when it is deleted."""

    def __init__(self, path: Path, rows: int) -> None:
        self.path, self.rows = path, rows
        with path.open("rb") as file:
            self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    @cached_property
    def _ends(self) -> np.ndarray:
        """Where each line ends, after a 0."""
        ends = np.flatnonzero(np.frombuffer(self._text, np.uint8) == ord("\n")) + 1
        if len(ends) != self.rows or (self.rows and ends[-1] != len(self._text)):
            reason = f"{len(ends)} lines instead of {self.rows}"
            raise KoCLIPError("database_unreadable", path=self.path, reason=reason)
        return np.concatenate([[0], ends])

    def __getitem__(self, row: int) -> ImageItem:
        start, end = self._ends[row : row + 2].tolist()
        try:
            return parse_item(row + 1, self._text[start:end])
        except ValueError as error:
            raise KoCLIPError("database_unreadable", path=self.path, reason=error) from error


class _Part(NamedTuple):
    lines: ItemLines
    live: np.ndarray


class StoredItems(Sequence[ImageItem]):
    """The items of several segments, without removed rows; an item is parsed when asked for.

    Raises a KoCLIPError then, if its line is damaged.
    """

    def __init__(self, parts: Sequence[tuple[ItemLines, np.ndarray | None]]) -> None:
        """Of each segment, the lines and the rows that have not been removed (None for all)."""
        self._parts = [
            _Part(lines, np.arange(lines.rows) if live is None else live) for lines, live in parts
        ]
        self._ends = np.cumsum([0, *(len(part.live) for part in self._parts)])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int | slice) -> ImageItem | list[ImageItem]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(index)
        part = int(np.searchsorted(self._ends, number, side="right")) - 1
        lines, live = self._parts[part]
        return lines[int(live[number - self._ends[part]])]

    def __iter__(self) -> Iterator[ImageItem]:
        return (lines[row] for lines, live in self._parts for row in live.tolist())
