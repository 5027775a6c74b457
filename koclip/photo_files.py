"""Which pictures are among the files that someone brings, and how each is read.

Archives are read member by member, as bytes, and never unpacked into a folder: what a member is
called cannot lead anywhere.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from koclip.errors import KoCLIPError
from koclip.files import IMAGE_SUFFIXES, image_files, is_folder
from koclip.limits import (
    MAX_LIST_MEGABYTES,
    MAX_PHOTO_MEGABYTES,
    MAX_PHOTOS,
    MAX_PHOTOS_MEGABYTES,
)
from koclip.tokenizer import clean_text

_MEMBER_SUFFIXES = IMAGE_SUFFIXES | {".heic", ".heif", ".zip"}
"""Members that someone misses if they are left out without a word; others are no pictures."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Of compression: `zipfile` unpacks the others without any limit of size."""
_ENCRYPTED, _UTF8 = 0x1, 0x800  # flags of a member
_NAME_LENGTH = 80


class PhotoFile(NamedTuple):
    """A file that should be a picture."""

    name: str
    """To be shown."""
    size: int
    """In bytes, unpacked, as far as the file system or the archive says."""
    read: Callable[[], bytes | Path]
    """Raises a KoCLIPError if the file cannot be read."""
    path: str = ""
    """In its archive."""


def list_photo_files(
    paths: Sequence[str | os.PathLike], archives: ExitStack
) -> tuple[list[PhotoFile], list[tuple[str, KoCLIPError]]]:
    """The pictures among `paths`: files, folders and ZIP archives.

    Args:
        archives: closes the archives, which are read until then.

    Returns:
        The pictures, and the names of what is left out with the reason for each.
    """
    files: list[PhotoFile] = []
    broken: list[tuple[str, KoCLIPError]] = []
    total = 0
    for found in _found(paths, archives):
        name, size = found.name, found.size
        if len(files) + len(broken) == MAX_PHOTOS:
            broken.append((name, KoCLIPError("photos_too_many", limit=MAX_PHOTOS)))
            break
        if size > MAX_PHOTO_MEGABYTES * 1_000_000:
            broken.append((name, KoCLIPError("photo_too_large", limit=MAX_PHOTO_MEGABYTES)))
            continue
        total += size
        if total > MAX_PHOTOS_MEGABYTES * 1_000_000:
            broken.append((name, KoCLIPError("photos_too_much", limit=MAX_PHOTOS_MEGABYTES)))
            break
        files.append(found)
    return files, broken


def _found(paths: Sequence[str | os.PathLike], archives: ExitStack) -> Iterator[PhotoFile]:
    for path in map(Path, paths):
        if is_folder(path):
            yield from map(_on_disk, image_files(path))
        elif path.suffix.lower() != ".zip":
            yield _on_disk(path)
        else:
            try:
                yield from open_archive(path, archives, MAX_LIST_MEGABYTES * 1_000_000)
            except KoCLIPError as refusal:
                yield PhotoFile(shown_name(path.name), 0, partial(_refuse, refusal))


class _ArchiveFile(io.BufferedReader):
    """An archive's file, of which `longest` bytes are read at once at most, if that is set: the
    list of members is read as a whole."""

    longest: int | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        if self.longest is not None and size is not None and size > self.longest:
            raise KoCLIPError("zip_long_list", limit=self.longest // 1_000_000)
        return super().read(size)


def open_archive(
    path: Path, archives: ExitStack, longest_list: int | None = None
) -> Iterator[PhotoFile]:
    """The pictures in a ZIP archive, which `archives` closes.

    Args:
        longest_list: bytes of the list of members.

    Raises:
        KoCLIPError: it is none, or damaged, or has too many members.
    """
    try:
        file = archives.enter_context(_ArchiveFile(io.FileIO(path)))
        file.longest = longest_list
        archive = archives.enter_context(zipfile.ZipFile(file))
        file.longest = None
    except KoCLIPError:
        raise
    except Exception as error:  # a damaged archive can fail anywhere in its directory
        raise KoCLIPError("zip_unreadable", reason=error) from error
    return _members(archive)


def _on_disk(path: Path) -> PhotoFile:
    try:
        size = path.stat().st_size
    except OSError:  # reading it tells why
        size = 0
    return PhotoFile(shown_name(path.name), size, lambda: path)


def _members(archive: zipfile.ZipFile) -> Iterator[PhotoFile]:
    """The pictures in an archive; what a Mac or a folder adds to it is no picture."""
    for member in archive.infolist():
        path = PurePosixPath(_decoded(member).replace("\\", "/"))
        is_hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in path.parts)
        suffix = path.suffix.lower()
        if member.is_dir() or is_hidden or suffix not in _MEMBER_SUFFIXES:
            continue
        name = shown_name(path.name)
        if refusal := _refusal(member, suffix):
            yield PhotoFile(name, 0, partial(_refuse, refusal), str(path))
        else:
            read = partial(_read_member, archive, member)
            yield PhotoFile(name, member.file_size, read, str(path))


def _refusal(member: zipfile.ZipInfo, suffix: str) -> KoCLIPError | None:
    if suffix == ".zip":
        return KoCLIPError("zip_nested")
    if member.flag_bits & _ENCRYPTED:
        return KoCLIPError("zip_encrypted")
    if stat.S_ISLNK(member.external_attr >> 16):
        return KoCLIPError("zip_link")
    if member.compress_type not in _METHODS:
        return KoCLIPError("zip_method")
    return None


def _refuse(error: KoCLIPError) -> bytes:
    raise error


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    limit = MAX_PHOTO_MEGABYTES * 1_000_000
    try:
        with archive.open(member) as file:
            content = file.read(limit + 1)  # what the archive says of sizes may be a lie
    except Exception as error:  # a damaged member can fail anywhere in its decoder
        raise KoCLIPError("image_unreadable", reason=error) from error
    if len(content) > limit:
        raise KoCLIPError("photo_too_large", limit=MAX_PHOTO_MEGABYTES)
    return content


def _decoded(member: zipfile.ZipInfo) -> str:
    """The member's name, when it does not say its encoding: a Mac's UTF-8 or Korean Windows'."""
    if member.flag_bits & _UTF8:
        return member.filename
    for encoding in ("utf-8", "cp949"):
        try:
            return member.filename.encode("cp437").decode(encoding)  # what zipfile took it for
        except UnicodeError:
            continue
    return member.filename


def shown_name(name: str) -> str:
    """A file's name on one short line, without what cannot be seen or turns text around."""
    return "".join(filter(str.isprintable, clean_text(name)))[:_NAME_LENGTH] or "?"
