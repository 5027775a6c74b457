"""Photographs that someone brings, as files or in a ZIP → a database that is only in memory."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from koclip.database import ImageDatabase, ImageItem
from koclip.errors import KoCLIPError
from koclip.files import is_file, write_whole
from koclip.limits import MAX_PHOTOS, MAX_PHOTOS_MEGABYTES
from koclip.photo_files import list_photo_files
from koclip.picture_stream import embed_stream
from koclip.thumbnails import thumbnail

if TYPE_CHECKING:
    from koclip.model import KoCLIP


@dataclass(frozen=True)
class PhotoCollection:
    """A searchable collection; its pictures are thumbnails."""

    database: ImageDatabase
    thumbnails: dict[str, bytes] = field(repr=False)
    """WebP of each picture, by the item's file."""
    broken: list[tuple[str, KoCLIPError]]
    """Names of files that were left out, and why."""
    total: int
    """How many files there are to read."""

    @property
    def done(self) -> int:
        """How many files have been read."""
        return len(self.database) + len(self.broken)

    def save_zip(self, path: str | os.PathLike) -> None:
        """Writes a ZIP that, unpacked, `ImageDatabase.open` and `koclip search` open."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:  # its pictures cannot be compressed further
            for name, data in [*self.database.to_files(), *self.thumbnails.items()]:
                archive.writestr(name, data)
        write_whole(Path(path), content.getvalue())


def room_for(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which uploads, of all that one session has, are within the limits of photos, and which not.

    What is in archives counts when it is read.
    """
    kept: list[str] = []
    refused: list[str] = []
    total = 0
    for path in filter(is_file, paths):
        size = Path(path).stat().st_size
        if len(kept) < MAX_PHOTOS and total + size <= MAX_PHOTOS_MEGABYTES * 1_000_000:
            kept.append(path)
            total += size
        else:
            refused.append(path)
    return kept, refused


def read_photos(model: KoCLIP, paths: Sequence[str | os.PathLike]) -> Iterator[PhotoCollection]:
    """Embeds pictures and those in ZIP files and folders; the collection so far after every batch.

    The limits are those of `koclip.limits`. What is left out, or unreadable, is told in
    `broken`. Of each picture only its thumbnail and its unit row stay in memory.

    Raises:
        KoCLIPError: there is no picture at all, or none that can be read.
    """
    with ExitStack() as resources:
        files, broken = list_photo_files(paths, resources)
        if not files and not broken:
            raise KoCLIPError("photos_none")
        total = len(files) + len(broken)
        items: list[ImageItem] = []
        rows = [np.empty((0, model.config.projection_dim), np.float32)]
        thumbnails: dict[str, bytes] = {}
        sources = ((file.name, file.read) for file in files)
        stream = embed_stream(model, sources, note=lambda name, picture: thumbnail(picture))
        for batch in resources.enter_context(closing(stream)):  # no archive closes before it ends
            for name, small in zip(batch.keys, batch.notes, strict=True):
                id = f"{len(items) + 1:04d}"
                items.append(ImageItem(id=id, file=f"images/{id}.webp", title=name))
                thumbnails[items[-1].file] = small
            rows.append(batch.rows)
            broken = broken + batch.broken
            database = ImageDatabase(list(items), np.concatenate(rows), model.name, model.revision)
            yield PhotoCollection(database, dict(thumbnails), broken, total)
    if not items:
        raise KoCLIPError("photos_unreadable", count=len(broken), reason=broken[0][1])
