"""database.json: which model made a database, and which segments it consists of.

The manifest is what makes files part of a database. It is replaced whole, after the files that it
names are on the disk, so that at any instant there is the old database or the new one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from koclip.files import sync_folder, write_whole

SCHEMA_VERSION = 2
MANIFEST, SEGMENTS = "database.json", "segments"
_NAME = re.compile(r"\d{6,}-[0-9a-f]{12}")
_FILE = re.compile(r"[\w-]+\.\w+")


@dataclass(frozen=True)
class FileDigest:
    """What a file must be like."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> FileDigest:
        """Of a file's content."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class SegmentEntry:
    """Some rows of a database, in files that never change."""

    name: str
    """Of the folder below segments/: a number that counts on, and a hash of its content."""
    rows: int
    files: Mapping[str, FileDigest]
    removed: tuple[int, ...] = ()
    """Rows that are no longer part of the database, ascending."""

    @property
    def live(self) -> np.ndarray | None:
        """int64 [rows − removed], the rows that are; None for all."""
        if not self.removed:
            return None
        return np.delete(np.arange(self.rows), self.removed)

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> SegmentEntry:
        """Raises ValueError, TypeError or KeyError if `entry` makes no sense."""
        name, rows, removed = entry["name"], entry["rows"], entry["removed"]
        files = {file: FileDigest(**digest) for file, digest in entry["files"].items()}
        if not (_NAME.fullmatch(name) and all(map(_FILE.fullmatch, files))):
            raise ValueError(f"'{name}' or a file in it has a name that no segment has")
        ascending = all(a < b for a, b in zip([-1, *removed], [*removed, rows], strict=True))
        if type(rows) is not int or not all(type(n) is int for n in removed) or not ascending:
            raise ValueError(f"{name}: its rows, or those removed, make no sense")
        return cls(name, rows, files, tuple(removed))


@dataclass(frozen=True)
class Manifest:
    """What database.json says."""

    model: str
    revision: str
    dimension: int
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    """What was done to the pictures, as in preprocessor_config.json."""
    title: str = ""
    segments: tuple[SegmentEntry, ...] = ()

    @property
    def images(self) -> int:
        """Rows that have not been removed."""
        return sum(segment.rows - len(segment.removed) for segment in self.segments)

    @property
    def next_number(self) -> int:
        """Of a segment that is added."""
        return max((int(s.name.split("-")[0]) for s in self.segments), default=0) + 1

    def to_json(self) -> bytes:
        """The content of database.json."""
        values = {"schema_version": SCHEMA_VERSION, "images": self.images, "normalized": True}
        return (json.dumps(values | asdict(self), ensure_ascii=False, indent=2) + "\n").encode()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Manifest:
        """Raises ValueError, TypeError or KeyError if `values` make no sense."""
        if values["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema version {values['schema_version']} is not {SCHEMA_VERSION}")
        texts = [values[key] for key in ("model", "revision", "title")]
        if not all(isinstance(text, str) for text in texts) or type(values["dimension"]) is not int:
            raise ValueError("the model, its revision, the title or the dimension makes no sense")
        segments = tuple(map(SegmentEntry.from_json, values["segments"]))
        model, revision, title = texts
        preprocessing = dict(values["preprocessing"])
        return cls(model, revision, values["dimension"], preprocessing, title, segments)

    def write(self, folder: Path) -> None:
        """Replaces the manifest in `folder`."""
        write_whole(folder / MANIFEST, self.to_json())
        sync_folder(folder)
