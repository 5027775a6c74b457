"""Adding to a database: one process at a time, and nothing that is lost when it is killed.

A commit writes the files of a new segment, makes sure that they are on the disk, and only then
replaces the manifest. Whatever a killed or failed build left behind is named by no manifest, and
removed by the next build. So are segments that were rewritten: until then, whoever opened the
database before goes on reading them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from koclip.database.items import ImageItem
from koclip.database.manifest import SEGMENTS, Manifest, SegmentEntry
from koclip.database.segments import new_segment
from koclip.errors import KoCLIPError
from koclip.files import remove_unfinished, sync_folder, write_whole
from koclip.vector_store import CompactForm

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    def _lock(file) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:

    def _lock(file) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


_LOCK = ".koclip-lock"


class DatabaseWriter:
    """The database in a folder, while this process alone changes it."""

    def __init__(self, folder: Path, manifest: Manifest, compact: CompactForm | None) -> None:
        """
        Args:
            manifest: what commits add to.
            compact: the type of the compact copies of new segments.
        """
        self.folder, self.manifest, self.compact = folder, manifest, compact
        self._number = manifest.next_number

    def commit(
        self,
        items: Sequence[ImageItem],
        rows: np.ndarray,
        thumbnails: Mapping[int, bytes],
        removed: Mapping[str, Set[int]] | None = None,
    ) -> None:
        """Adds a segment, if there are items, and removes rows: both, or nothing.

        Args:
            rows: float32 unit rows [items, D].
            thumbnails: WebP, by row.
            removed: rows by the name of the segment that they are in.

        Raises:
            KoCLIPError: the disk is full, or cannot be written for another reason.
        """
        removed = removed or {}
        segments = [
            replace(s, removed=tuple(sorted(removed[s.name].union(s.removed))))
            if s.name in removed
            else s
            for s in self.manifest.segments
        ]
        if items:
            segments.append(self._written(items, rows, thumbnails))
        self._swap(segments)

    def rename(self, title: str) -> None:
        """Gives the database another title.

        Raises:
            KoCLIPError: as `commit`.
        """
        self.manifest = replace(self.manifest, title=title)
        if self.manifest.segments:  # without any it is written with the first
            self._swap(self.manifest.segments)

    def merge(
        self,
        old: Sequence[SegmentEntry],
        items: Sequence[ImageItem],
        rows: np.ndarray,
        thumbnails: Mapping[int, bytes],
    ) -> None:
        """Puts one segment in the place of neighbours of which it has the rows that are left.

        Raises:
            KoCLIPError: as `commit`.
        """
        at = self.manifest.segments.index(old[0])
        new = [self._written(items, rows, thumbnails)] if items else []
        segments = self.manifest.segments
        self._swap([*segments[:at], *new, *segments[at + len(old) :]])

    def _written(
        self, items: Sequence[ImageItem], rows: np.ndarray, thumbnails: Mapping[int, bytes]
    ) -> SegmentEntry:
        entry, contents = new_segment(self._number, items, rows, thumbnails, self.compact)
        place = self.folder / SEGMENTS / entry.name
        try:
            place.mkdir(parents=True, exist_ok=True)
            for name, data in contents.items():
                write_whole(place / name, data)
            for changed in (place, place.parent, self.folder):
                sync_folder(changed)
        except OSError as error:
            shutil.rmtree(place, ignore_errors=True)  # on a full disk, room is needed
            raise self._unwritable(error) from error
        self._number += 1
        return entry

    def _swap(self, segments: Sequence[SegmentEntry]) -> None:
        manifest = replace(self.manifest, segments=tuple(segments))
        try:
            manifest.write(self.folder)
        except OSError as error:
            raise self._unwritable(error) from error
        self.manifest = manifest

    def _unwritable(self, error: OSError) -> KoCLIPError:
        return KoCLIPError("database_unwritable", path=self.folder, reason=error.strerror)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else builds in `folder` meanwhile; the system ends the lock with the process.

    Raises:
        KoCLIPError: somebody does, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("a")
    except OSError as error:
        raise KoCLIPError("database_unwritable", path=folder, reason=error.strerror) from error
    with file:
        try:
            _lock(file)
        except OSError as error:
            raise KoCLIPError("database_locked", path=folder) from error
        yield


def remove_left_overs(folder: Path, manifest: Manifest | None) -> None:
    """Removes what no manifest names; only while `folder` is locked."""
    remove_unfinished(folder)
    named = {segment.name for segment in manifest.segments} if manifest else ()
    for place in (folder / SEGMENTS).glob("*"):
        if place.name not in named:
            shutil.rmtree(place, ignore_errors=True)
