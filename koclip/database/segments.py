"""A segment: some rows of a database, in files that are written once.

embeddings.safetensors   "embeddings" [N, D], float32 unit rows, and maybe a compact copy that
                         a search reads instead (see `koclip.vector_store`)
items.jsonl              one JSON object per row, with the fields of `ImageItem`
thumbnails.zip           for pictures that are not files: {row}.webp
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from koclip.checkpoints.tensor_files import open_tensors
from koclip.database.items import ImageItem, ItemLines
from koclip.database.manifest import SEGMENTS, FileDigest, SegmentEntry
from koclip.errors import KoCLIPError
from koclip.vector_store import CompactForm, VectorStore, compact_copy, from_tensors, to_tensors

EMBEDDINGS, ITEMS, THUMBNAILS = "embeddings.safetensors", "items.jsonl", "thumbnails.zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same thumbnails make the same ZIP


def new_segment(
    number: int,
    items: Sequence[ImageItem],
    rows: np.ndarray,
    thumbnails: Mapping[int, bytes],
    compact: CompactForm | None = None,
) -> tuple[SegmentEntry, dict[str, bytes]]:
    """The entry for the manifest, and the contents of the files.

    Args:
        rows: float32 unit rows [items, D].
        thumbnails: WebP, by row.
    """
    from safetensors.numpy import save

    store = VectorStore(rows, compact_copy(rows, compact) if compact else None)
    contents = {
        EMBEDDINGS: save(to_tensors(store)),
        ITEMS: b"".join(item.to_line() for item in items),
    }
    if thumbnails:
        contents[THUMBNAILS] = _zip({f"{row}.webp": data for row, data in thumbnails.items()})
    files = {name: FileDigest.of(data) for name, data in contents.items()}
    fingerprint = hashlib.sha256("".join(f.sha256 for f in files.values()).encode()).hexdigest()
    return SegmentEntry(f"{number:06}-{fingerprint[:12]}", len(items), files), contents


def open_segment(
    folder: Path, entry: SegmentEntry, dimension: int
) -> tuple[VectorStore, ItemLines]:
    """The rows and items of a segment of the database in `folder`, mapped into memory.

    Raises:
        KoCLIPError: a file is damaged, as far as its size and a few rows tell.
        OSError: a file is not there.
    """
    place = folder / SEGMENTS / entry.name
    for name, digest in entry.files.items():
        size = (place / name).stat().st_size
        if size != digest.bytes:
            reason = f"{size} bytes instead of {digest.bytes}"
            raise KoCLIPError("database_unreadable", path=place / name, reason=reason)
    store = from_tensors(open_tensors(place / EMBEDDINGS))
    if store.rows.shape != (entry.rows, dimension):
        reason = f"embeddings of the shape {list(store.rows.shape)}"
        raise KoCLIPError("database_unreadable", path=place / EMBEDDINGS, reason=reason)
    return store, ItemLines(place / ITEMS, entry.rows)


def copy_form(folder: Path, entry: SegmentEntry) -> str | None:
    """The type of a segment's compact copy, if it has one."""
    copy = open_tensors(folder / SEGMENTS / entry.name / EMBEDDINGS).get("compact")
    return copy and copy.dtype.name


def verify_segment(folder: Path, entry: SegmentEntry) -> None:
    """Reads all of a segment's files.

    Raises:
        KoCLIPError: a file is not there, or not as it was written.
    """
    for name, digest in entry.files.items():
        path = folder / SEGMENTS / entry.name / name
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise KoCLIPError("database_unreadable", path=path, reason=error.strerror) from error
        if found != digest.sha256:
            reason = f"SHA-256 {found} instead of {digest.sha256}"
            raise KoCLIPError("database_unreadable", path=path, reason=reason)


def read_thumbnail(folder: Path, entry: SegmentEntry, row: int) -> bytes | None:
    """The thumbnail of a row, if there is one."""
    if THUMBNAILS not in entry.files:
        return None
    try:
        with zipfile.ZipFile(folder / SEGMENTS / entry.name / THUMBNAILS) as archive:
            member = archive.getinfo(f"{row}.webp")
            if member.compress_type != zipfile.ZIP_STORED:  # others may unpack to any size
                return None
            return archive.read(member)
    except Exception:  # not stored, or deleted since the opening, or damaged in any way
        return None


def _zip(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:  # WebP cannot be compressed further
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return content.getvalue()
