"""Building a database, or bringing it up to date: only what is new or changed is embedded.

A picture whose size and time of change are those of last time is taken as it is. Any other is
read, and its SHA-256 looked up: content that the database had before is not embedded again, under
whatever name it comes. (Copies that are new together are each embedded.)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from koclip.database.compaction import compact_segments
from koclip.database.image_database import ImageDatabase, read_manifest
from koclip.database.items import ImageItem
from koclip.database.manifest import MANIFEST, Manifest
from koclip.database.picture_task import Seen, Task, measured_as, note
from koclip.database.segments import EMBEDDINGS
from koclip.database.sources import Candidate, list_candidates
from koclip.database.writer import DatabaseWriter, locked, remove_left_overs
from koclip.errors import KoCLIPError
from koclip.hub import Progress
from koclip.images import ImageSource
from koclip.picture_stream import EmbeddedBatch, embed_stream
from koclip.vector_store import CompactForm

if TYPE_CHECKING:
    from koclip.model import KoCLIP

SEGMENT_IMAGES = 4096
SEGMENT_SECONDS = 60.0
"""A segment is committed after that many images or seconds."""
_WAITING_BYTES = 64_000_000  # of thumbnails, after which it is committed, too
Embed = Callable[..., Iterator[EmbeddedBatch]]
"""Called as `koclip.picture_stream.embed_stream` is, with `Task`s for keys."""


class BuildResult(NamedTuple):
    """What a build did."""

    database: ImageDatabase
    broken: list[tuple[str, KoCLIPError]]
    """What could not be read, and why."""
    embedded: int
    """Pictures that the model saw."""
    reused: int
    """Pictures whose rows were there already."""
    removed: int
    """Pictures that the database had and no longer has."""


def build(
    model: KoCLIP,
    sources: Sequence[str | os.PathLike],
    into: str | os.PathLike,
    *,
    progress: Progress | None = None,
    compact: CompactForm | None = None,
    add: bool = False,
    rebuild: bool = False,
    rehash: bool = False,
    fetch: bool = False,
    thumbnails: bool = False,
    title: str | None = None,
    embed: Embed = embed_stream,
    segment_images: int = SEGMENT_IMAGES,
    segment_seconds: float = SEGMENT_SECONDS,
) -> BuildResult:
    """Makes the folder `into` a database of all pictures in `sources`.

    Pictures are committed in parts, so that a build that was interrupted goes on where it was.

    Args:
        progress: called with (folder name, pictures so far, pictures in all).
        sources: see `koclip.database.sources.list_candidates`.
        compact: a copy of the embeddings in this type is stored beside them: searches find the
            same, and read a half or a quarter as much.
        add: keep images of the database that are not in `sources`; else they are dropped.
        rebuild: embed everything, whatever is there and whatever model made it.
        rehash: read all files, even if their size and time have not changed.
        fetch: fetch pictures that are given as URLs; only their thumbnails are kept.
        thumbnails: keep small copies of files, too.
        title: what the database is called from now on.
        embed: what embeds; `koclip.scale.ray_stream.RayStream` does it on many machines.

    Raises:
        KoCLIPError: a source or the database cannot be read, another model made it, someone else
            is building it, the disk is full, or there is no readable image.
    """
    folder = Path(into)
    with ExitStack() as resources:
        candidates = list_candidates(sources, folder, resources, fetch)
        if not candidates:
            raise KoCLIPError("database_no_images", path=", ".join(map(str, sources)))
        resources.enter_context(locked(folder))
        previous, writer = _opened(model, folder, compact, rebuild)
        if title is not None and title != writer.manifest.title:
            writer.rename(title)
        building = _Build(previous, writer, rehash, thumbnails)
        stream = embed(model, building.tasks(candidates), note)
        resources.enter_context(closing(stream))
        committed = time.monotonic()
        try:
            for batch in stream:
                building.take(batch.keys, batch.rows, batch.notes)
                building.broken += [(task.candidate.item.file, e) for task, e in batch.broken]
                if progress:
                    progress(folder.name, building.done, len(candidates))
                is_late = time.monotonic() - committed > segment_seconds
                if is_late or building.has_much or building.waiting >= segment_images:
                    building.commit()
                    committed = time.monotonic()
        except KeyboardInterrupt:
            building.commit()
            raise
        removed = building.finish(add)
        compact_segments(writer, segment_images)
        if previous is None:
            (folder / EMBEDDINGS).unlink(missing_ok=True)  # of the first schema
        database = ImageDatabase.open(folder)
    return BuildResult(database, building.broken, building.embedded, building.reused, removed)


def _opened(
    model: KoCLIP, folder: Path, compact: CompactForm | None, rebuild: bool
) -> tuple[ImageDatabase | None, DatabaseWriter]:
    """What there is to go on from, if anything, and what writes."""
    preprocessing = model.processor.image_processor.to_json()
    dimension = model.config.projection_dim
    manifest = Manifest(model.name, model.revision, dimension, preprocessing)
    if rebuild or not (folder / MANIFEST).is_file():
        _clean(folder)
        return None, DatabaseWriter(folder, manifest, compact)
    previous = ImageDatabase.open(folder)
    previous.check_model(model)
    remove_left_overs(folder, previous.manifest)
    if previous.manifest is None:  # the first schema has no hashes
        return None, DatabaseWriter(folder, manifest, compact)
    copy = previous.store.segments[-1].store.copy
    compact = compact or (copy and copy.values.dtype.name)
    return previous, DatabaseWriter(folder, previous.manifest, compact)


def _clean(folder: Path) -> None:
    """Before everything is made anew; what is there remains until something better is."""
    try:
        manifest = read_manifest(folder)
    except Exception:  # it may be damaged in any way
        manifest = None
    remove_left_overs(folder, manifest)


class _Build:
    """The state of one build: what the database had, and what waits to be committed."""

    def __init__(
        self,
        previous: ImageDatabase | None,
        writer: DatabaseWriter,
        rehash: bool,
        thumbnails: bool,
    ) -> None:
        self.previous, self.writer = previous, writer
        self.rehash, self.thumbnails = rehash, thumbnails
        self.broken: list[tuple[str, KoCLIPError]] = []
        self.embedded = self.reused = 0
        self._items: list[ImageItem] = []
        self._rows: list[np.ndarray] = []
        self._small: dict[int, bytes] = {}
        self._replaced: list[int] = []
        self._by_file: dict[str, int] = {}
        self._by_hash: dict[str, int] = {}
        for number, item in enumerate(previous.items if previous else ()):
            self._by_file[item.file] = number
            self._by_hash[item.sha256] = number
        self._gone = np.ones(len(self._by_file), bool)
        """Of the database's images, those that no source has had so far."""

    @property
    def done(self) -> int:
        """Candidates that have been dealt with."""
        return self.embedded + self.reused + len(self.broken)

    @property
    def waiting(self) -> int:
        """Images that are not committed."""
        return len(self._items)

    @property
    def has_much(self) -> bool:
        """Whether the thumbnails that wait take much memory."""
        return sum(map(len, self._small.values())) > _WAITING_BYTES

    def tasks(
        self, candidates: Iterable[Candidate]
    ) -> Iterator[tuple[Task, Callable[[], ImageSource]]]:
        """What has to be read; images that remain as they are need not be."""
        for candidate in candidates:
            number = self._by_file.get(candidate.item.file)
            if number is not None and self._is_unchanged(candidate, number):
                self._gone[number] = False
                self.reused += 1
            else:
                task = Task(candidate, self.thumbnails or not candidate.is_file)
                yield task, partial(self._read, task)

    def _is_unchanged(self, candidate: Candidate, number: int) -> bool:
        old = self.previous.items[number]
        if self.rehash or measured_as(candidate.item, old) != old:
            return False
        is_link = "://" in old.file
        return is_link or (candidate.size, candidate.mtime) == (old.size, old.mtime)

    def _read(self, task: Task) -> ImageSource:
        """The picture; its unit row, which stands for it, if the database has one."""
        source = task.read()
        task.twin = self._by_hash.get(task.sha256)
        if task.twin is None:
            return source
        return self.previous.store.rows_at(np.array([task.twin]))[0]

    def take(self, tasks: Sequence[Task], rows: np.ndarray, seen: Sequence[Seen | None]) -> None:
        """Notes what was embedded, to be committed."""
        for task, row, one in zip(tasks, rows, seen, strict=True):
            item = task.candidate.item
            if task.twin is None:
                item = replace(
                    item, width=one.width, height=one.height, taken=item.taken or one.taken
                )
                small = one.thumbnail
                self.embedded += 1
            else:
                item = measured_as(item, self.previous.items[task.twin])
                small = self.previous.thumbnail(task.twin) if task.has_thumbnail else None
                self.reused += 1
            if small:
                self._small[len(self._items)] = small
            size, mtime = task.size, task.candidate.mtime
            self._items.append(replace(item, sha256=task.sha256, size=size, mtime=mtime))
            self._rows.append(row)
            number = self._by_file.get(item.file)
            if number is not None and self._gone[number]:
                self._gone[number] = False
                self._replaced.append(number)

    def commit(self, removed: Iterable[int] = ()) -> None:
        """Makes what waits part of the database, and removes images: `removed`, and those that
        what waits replaces."""
        numbers = np.array([*self._replaced, *removed], np.int64)
        if not (self._items or len(numbers)):
            return
        rows = np.stack(self._rows) if self._rows else np.empty((0, 0), np.float32)
        removed_rows = self.previous.places(numbers) if self.previous else {}
        self.writer.commit(self._items, rows, self._small, removed_rows)
        self._items, self._rows, self._small, self._replaced = [], [], {}, []

    def finish(self, add: bool) -> int:
        """The last commit; returns how many images were removed that nothing replaces.

        Raises:
            KoCLIPError: no image would be left.
        """
        gone = [] if add else np.flatnonzero(self._gone).tolist()
        left = self.writer.manifest.images + len(self._items) - len(self._replaced) - len(gone)
        if not left:
            raise KoCLIPError("database_no_images", path=self.writer.folder)
        self.commit(gone)
        return len(gone)
