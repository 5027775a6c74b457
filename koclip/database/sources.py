"""What a database is built from: folders, ZIP archives, tables and data sets → candidates."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from koclip.database.fetch import fetch_picture
from koclip.database.items import ImageItem, read_items
from koclip.errors import KoCLIPError
from koclip.files import HUB, image_files, is_file, is_folder
from koclip.photo_files import open_archive
from koclip.visible_text import in_utf8

_PLACES = ("file", "url", "image", "path", "filename", "file_name", "file_path", "image_url")
_COLUMNS = {"caption": "caption_ko", "text": "caption_ko", "licence": "license"}
_TEXTS = {"id", "caption_ko", "caption_en", "kind", "license", "author", "source", "title", "taken"}


class Candidate(NamedTuple):
    """A picture that should be in the database."""

    item: ImageItem
    """What its source says about it."""
    read: Callable[[], bytes | Path]
    """Raises a KoCLIPError if the picture cannot be read."""
    size: int | None = None
    """Bytes, and when it was changed: a picture of which both are the same has not changed. None if
    that cannot be told without reading it."""
    mtime: int = 0
    is_file: bool = True
    """Whether the picture can be shown from where it is."""


def list_candidates(
    sources: Sequence[str | os.PathLike], folder: Path, archives: ExitStack, fetch: bool = False
) -> list[Candidate]:
    """The pictures of all sources, each place once.

    Args:
        sources: folders, .zip and .csv files, and "hub:owner/dataset".
        folder: of the database; what is below it is named from there.
        archives: closes what is read until then.
        fetch: whether pictures that are URLs may be fetched.

    Raises:
        KoCLIPError: a source is not there, or is none, or cannot be read.
    """
    candidates: dict[str, Candidate] = {}
    ids: set[str] = set()
    for source in sources:
        for candidate in _of_source(source, folder, archives, fetch):
            item = candidate.item
            if item.file in candidates:
                continue
            if item.id in ids:
                candidate = candidate._replace(item=replace(item, id=in_utf8(item.file)))
            ids.add(candidate.item.id)
            candidates[item.file] = candidate
    return list(candidates.values())


def _of_source(
    source: str | os.PathLike, folder: Path, archives: ExitStack, fetch: bool
) -> Iterator[Candidate]:
    if isinstance(source, str) and source.startswith(HUB):
        return _dataset(source.removeprefix(HUB))
    path = Path(source)
    if is_folder(path):
        return _folder(path, folder, fetch)
    if not is_file(path):
        raise KoCLIPError("folder_not_found", path=path)
    if path.suffix.lower() == ".zip":
        return _archive(path, archives)
    if path.suffix.lower() == ".csv":
        return _table(path, folder, fetch)
    raise KoCLIPError("source_unknown", path=path)


def _folder(source: Path, folder: Path, fetch: bool) -> Iterator[Candidate]:
    """What its items.jsonl lists, with all that is noted there, then any others below it."""
    listed = read_items(source / "items.jsonl") if (source / "items.jsonl").is_file() else []
    for item in listed:
        yield _placed(item, source, folder, fetch)
    files = {item.file for item in listed}
    for path in image_files(source):
        name = path.relative_to(source).as_posix()
        if name not in files:
            yield _placed(ImageItem(id=in_utf8(name), file=name), source, folder, fetch)


def _placed(item: ImageItem, base: Path, folder: Path, fetch: bool) -> Candidate:
    """A URL, or a file below `base`."""
    if "://" in item.file:
        read = partial(fetch_picture if fetch else _not_fetched, item.file)
        return Candidate(item, read, is_file=False)
    path = base / item.file
    absolute, root = Path(os.path.normpath(base.resolve() / item.file)), folder.resolve()
    name = absolute.relative_to(root) if absolute.is_relative_to(root) else absolute
    item = replace(item, file=name.as_posix())
    try:
        stat = path.stat()
    except ValueError as error:  # no file can have such a name
        return Candidate(item, partial(_refuse, KoCLIPError("image_unreadable", reason=error)))
    except OSError:  # reading it tells why
        return Candidate(item, partial(_on_disk, path))
    return Candidate(item, partial(_on_disk, path), stat.st_size, stat.st_mtime_ns)


def _on_disk(path: Path) -> Path:
    return path


def _refuse(error: KoCLIPError) -> bytes:
    raise error


def _not_fetched(url: str) -> bytes:
    raise KoCLIPError("url_not_fetched", url=url)


def _archive(path: Path, archives: ExitStack) -> Iterator[Candidate]:
    changed = path.stat().st_mtime_ns
    for member in open_archive(path, archives):
        item = ImageItem(id=member.path, file=f"{path.name}/{member.path}", title=member.name)
        yield Candidate(item, member.read, member.size, changed, is_file=False)


def _table(path: Path, folder: Path, fetch: bool) -> Iterator[Candidate]:
    """A CSV file: a column of files or URLs, and any others; paths are relative to it."""
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        columns = [name for name in reader.fieldnames or () if name]
        place = next((name for name in _PLACES if name in columns), None)
        if place is None:
            reason = f"no column of {', '.join(_PLACES)}"
            raise KoCLIPError("captions_unreadable", path=path, line=1, reason=reason)
        for row in reader:
            if not row[place] or None in row:
                reason = "no file" if not row[place] else "more values than columns"
                line = reader.line_num
                raise KoCLIPError("captions_unreadable", path=path, line=line, reason=reason)
            yield _placed(_described(row, place), path.parent, folder, fetch)
    except csv.Error as error:
        line = reader.reader.line_num
        raise KoCLIPError("captions_unreadable", path=path, line=line, reason=error) from error


def _text(path: Path) -> str:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "cp949"):  # of Excel: as UTF-8, and as Korean Windows saves it
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            reason = error
    raise KoCLIPError("captions_unreadable", path=path, line=1, reason=reason)


def _described(row: Mapping[str, object], place: str) -> ImageItem:
    file = str(row[place])
    texts: dict[str, str] = {"id": file}
    extra: dict[str, str | int | float] = {}
    for column, value in row.items():
        name = _COLUMNS.get(column, column)
        if column == place or value in (None, ""):
            continue
        if name in _TEXTS:
            texts[name] = str(value)
        else:
            extra[name] = _number(str(value))
    return ImageItem(file=file, extra=extra, **texts)


def _number(text: str) -> str | int | float:
    """A number if it is written as one would be: 007 is none."""
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and math.isfinite(value):
            return value
    return text


def _dataset(name: str) -> Iterator[Candidate]:
    from koclip.training.hub_datasets import read_pictures

    for image, columns in read_pictures(name):
        item = _described({"image": f"{HUB}{image.name}/{image.row}"} | columns, "image")
        yield Candidate(item, image.read, is_file=False)
