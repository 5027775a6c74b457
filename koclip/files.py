"""Finding folders and pictures, and writing files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"}
HUB = "hub:"
"""Before an id on the Hugging Face Hub, where a path could be given."""
_MOST_JSON = 32_000_000  # bytes, which take twenty times as much memory when they are read
_UNFINISHED = (".koclip-", ".part")


def is_folder(path: str | os.PathLike) -> bool:
    """Whether there is such a folder; not so, too, where `Path.is_dir` fails because the name is
    too long or a folder above may not be read."""
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def is_file(path: str | os.PathLike) -> bool:
    """Whether there is such a file; as `is_folder`."""
    try:
        return Path(path).is_file()
    except OSError:
        return False


def image_files(folder: Path) -> Iterator[Path]:
    """The files below `folder` that are called like pictures, in the order of their names."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in IMAGE_SUFFIXES and is_file(path):
            yield path


def read_json(path: Path) -> object:
    """What is in a file of JSON, unless that is too large to be settings.

    Raises:
        OSError, ValueError or RecursionError: there is no such file, or it is no such JSON.
    """
    if (size := path.stat().st_size) > _MOST_JSON:
        raise ValueError(f"{size:,} bytes of JSON")
    return json.loads(path.read_text(encoding="utf-8"))


def user_cache() -> Path:
    """The folder of what can be had again, but not at once."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "koclip"


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file so that it is there complete or not at all, whatever interrupts."""
    prefix, suffix = _UNFINISHED
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=prefix, suffix=suffix, delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)  # a temporary file is private, a model is not
            temporary.replace(path)
        except BaseException:
            temporary.unlink()
            raise


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` outlast a power failure, where a folder can be opened."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(folder: Path) -> None:
    """Removes what `write_whole` left in `folder` when its process was killed."""
    prefix, suffix = _UNFINISHED
    for file in folder.glob(f"{prefix}*{suffix}"):
        file.unlink(missing_ok=True)
