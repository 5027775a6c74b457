"""Photographs that someone brings, as files or in a ZIP → a database that is only in memory."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from koclip.database import IMAGE_SUFFIXES, ImageDatabase, ImageItem
from koclip.errors import KoCLIPError
from koclip.picture_stream import embed_stream

if TYPE_CHECKING:
    from koclip.model import KoCLIP

MAX_PHOTOS = 1000
MAX_MEGABYTES = 20
"""Of one picture, unpacked."""
_THUMBNAIL = 320  # pixels along the longer side; all that is kept of a picture


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

    def save_zip(self, path: Path) -> None:
        """Writes a ZIP that, unpacked, `ImageDatabase.open` and `koclip search` open."""
        with TemporaryDirectory() as folder, zipfile.ZipFile(path, "w") as archive:
            replace(self.database, folder=Path(folder)).save()
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, file.name)
            for name, thumbnail in self.thumbnails.items():
                archive.writestr(name, thumbnail)


def read_photos(model: KoCLIP, paths: Sequence[str]) -> Iterator[PhotoCollection]:
    """Embeds pictures and those in ZIP files; the collection so far after every batch.

    Archives are read member by member and never unpacked into a folder. At most 1,000 pictures of
    at most 20 MB are taken; what is left out, or unreadable, is told in `broken`.

    Raises:
        KoCLIPError: there is no picture at all.
    """
    sources, broken = _sources(paths)
    if not sources and not broken:
        raise KoCLIPError("photos_none")
    total = len(sources) + len(broken)
    items: list[ImageItem] = []
    rows = [np.empty((0, model.config.projection_dim), np.float32)]
    thumbnails: dict[str, bytes] = {}
    for batch in embed_stream(model, sources, note=_thumbnail):
        for name, thumbnail in zip(batch.keys, batch.notes, strict=True):
            file = f"images/{len(items) + 1:04d}.webp"
            items.append(ImageItem(id=f"{len(items) + 1:04d}", file=file, title=name))
            thumbnails[file] = thumbnail
        rows.append(batch.rows)
        broken = broken + batch.broken
        database = ImageDatabase(list(items), np.concatenate(rows), model.name, model.revision)
        yield PhotoCollection(database, dict(thumbnails), broken, total)
    if not items:
        raise KoCLIPError("photos_unreadable", count=len(broken), reason=broken[0][1])


Source = tuple[str, Callable[[], bytes | Path]]


def _sources(paths: Sequence[str]) -> tuple[list[Source], list[tuple[str, KoCLIPError]]]:
    """What opens each picture, by its name; and what is left out from the beginning."""
    sources: list[Source] = []
    broken: list[tuple[str, KoCLIPError]] = []
    for path in map(Path, paths):
        if path.suffix.lower() != ".zip":
            sources.append((path.name, partial(_checked_file, path)))
            continue
        try:
            sources += _members(path)
        except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
            broken.append((path.name, KoCLIPError("zip_unreadable", reason=error)))
    if len(sources) > MAX_PHOTOS:
        first = sources[MAX_PHOTOS][0]
        broken.append((first, KoCLIPError("photos_too_many", limit=MAX_PHOTOS)))
    return sources[:MAX_PHOTOS], broken


def _members(path: Path) -> Iterator[Source]:
    """The pictures in a ZIP file; what a Mac or a folder adds to it is no picture."""
    archive = zipfile.ZipFile(path)
    for member in archive.infolist():
        name = PurePosixPath(member.filename)
        hidden = name.name.startswith(".") or "__MACOSX" in name.parts
        if not (member.is_dir() or hidden) and name.suffix.lower() in IMAGE_SUFFIXES:
            yield name.name, partial(_read_member, archive, member)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.flag_bits & 0x1:
        raise KoCLIPError("zip_encrypted")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise KoCLIPError("zip_link")
    limit = MAX_MEGABYTES * 1_000_000
    try:
        with archive.open(member) as file:
            content = file.read(limit + 1)  # what the archive says of sizes may be a lie
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError) as error:
        raise KoCLIPError("image_unreadable", reason=error) from error
    if len(content) > limit:
        raise KoCLIPError("photo_too_large", limit=MAX_MEGABYTES)
    return content


def _checked_file(path: Path) -> Path:
    if path.is_file() and path.stat().st_size > MAX_MEGABYTES * 1_000_000:
        raise KoCLIPError("photo_too_large", limit=MAX_MEGABYTES)
    return path


def _thumbnail(picture: Image.Image) -> bytes:
    small = picture.copy()
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()
