"""Whether a cached file has the contents that the Hub says it has; hashed once, remembered."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants

from koclip.errors import KoCLIPError

OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class RemoteFile:
    """A file as the Hub lists it.

    `object_id` is the hash of its contents and its blob's name in the cache: the sha256 of a
    large (LFS) file, or the git blob sha1 of a small one.
    """

    name: str
    size: int
    object_id: str


def verify(path: Path, file: RemoteFile | None = None) -> None:
    """Refuse a cached file that is cut short or altered.

    Without `file` (no Hub to ask) the expected hash is the name of the blob that `path` links
    to. The hash is computed once for each state (size and time of change) of the file.
    """
    object_id = file.object_id if file else _linked_blob(path)
    if object_id is None:  # a cache without links, and no Hub to ask
        return
    size = file.size if file else path.stat().st_size
    if path.stat().st_size == size and _verified_mark(path, object_id).exists():
        return
    if fault := contents_fault(path, size, object_id):
        expected, actual = fault
        blob = path.resolve()
        raise KoCLIPError(
            "hub_cache_damaged", file=path.name, path=blob, expected=expected, actual=actual
        )
    remember_verified(path, object_id)


def contents_fault(path: Path, size: int, object_id: str) -> tuple[str, str] | None:
    """None for the right contents, else what was expected and what is there."""
    actual_size = path.stat().st_size
    if actual_size != size:
        return f"{size:,} B", f"{actual_size:,} B"
    if len(object_id) == 64:
        kind, digest = "sha256", hashlib.sha256()
    else:
        kind, digest = "git sha1", hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as contents:
        while chunk := contents.read(1 << 20):
            digest.update(chunk)
    actual = digest.hexdigest()
    return None if actual == object_id else (f"{kind} {object_id}", f"{kind} {actual}")


def _linked_blob(path: Path) -> str | None:
    if not path.is_symlink():
        return None
    name = path.readlink().name
    return name if OBJECT_ID.fullmatch(name) else None


def _verified_mark(path: Path, object_id: str) -> Path:
    state = path.stat()
    marks = Path(constants.HF_ASSETS_CACHE) / "koclip" / "verified"
    return marks / f"{object_id}-{state.st_size}-{state.st_mtime_ns}"


def remember_verified(path: Path, object_id: str) -> None:
    """Note that the contents are right, so that `verify` need not hash them again."""
    mark = _verified_mark(path, object_id)
    with suppress(OSError):  # not writable: the hash is computed again next time
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
