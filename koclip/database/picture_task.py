"""A picture on its way into a database, and what is learnt of it on the way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, Image

from koclip.database.items import ImageItem
from koclip.database.sources import Candidate
from koclip.errors import KoCLIPError
from koclip.thumbnails import thumbnail

_MEASURED = ("width", "height", "sha256", "size", "mtime")


@dataclass
class Task:
    """A picture that is to be read, and what is learnt about its content."""

    candidate: Candidate
    has_thumbnail: bool
    sha256: str = ""
    size: int = 0
    twin: int | None = None
    """The number of an image in the database that has the same content."""

    def read(self) -> bytes | Path:
        """The picture's file, or its content; notes its hash and size.

        Raises:
            KoCLIPError: it cannot be read.
        """
        source = self.candidate.read()
        self.sha256, self.size = _digest(source)
        return source


class Seen(NamedTuple):
    """What is noted of a picture while it is whole."""

    width: int
    height: int
    taken: str
    thumbnail: bytes | None


def note(task: Task, picture: Image.Image) -> Seen:
    """What `Embed` notes of each picture, since it does not keep it."""
    width, height, taken = picture.width, picture.height, _taken(picture)
    return Seen(width, height, taken, thumbnail(picture) if task.has_thumbnail else None)


def measured_as(item: ImageItem, other: ImageItem) -> ImageItem:
    """`item` with what was measured of `other`, a picture of the same content."""
    measured = {name: getattr(other, name) for name in _MEASURED}
    return replace(item, taken=item.taken or other.taken, **measured)


def _digest(source: bytes | Path) -> tuple[str, int]:
    """SHA-256 and size of a file or its content.

    Raises:
        KoCLIPError: the file cannot be read.
    """
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest(), len(source)
    try:
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
    except FileNotFoundError as error:
        raise KoCLIPError("image_not_found", path=source) from error
    except OSError as error:
        raise KoCLIPError("image_unreadable", reason=error.strerror) from error


def _taken(picture: Image.Image) -> str:
    """When the camera says that it took the picture, as ISO 8601; empty if it does not."""
    try:
        exif = picture.getexif()
        camera = exif.get_ifd(ExifTags.IFD.Exif)
        text = camera.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
        return datetime.strptime(text.strip("\0 "), "%Y:%m:%d %H:%M:%S").isoformat()
    except Exception:  # damaged EXIF fails in many ways, and says nothing about the pixels
        return ""
