"""The folder of what visitors upload and what is made for them: private, and emptied in time.

Gradio's own is one folder for all Gradio apps of a machine, keeps what an interrupted upload left
behind, and stays when the process is killed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from koclip.files import IMAGE_SUFFIXES

_PREFIX = "koclip-uploads-"


@contextmanager
def upload_folder() -> Iterator[Path]:
    """A new folder, removed at the end, that Gradio keeps uploads and outputs in.

    It is made in GRADIO_TEMP_DIR, or where the system keeps temporary files. Nobody else can read
    it or guess its name. Those that killed processes left behind are removed. To be entered before
    gradio is imported, which reads the variable once.
    """
    parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(parent)
    folder = parent.resolve() / f"{_PREFIX}{secrets.token_hex(16)}"
    with FileLock(_lock_of(folder)):  # the system releases it when the process ends, however
        try:
            folder.mkdir(mode=0o700)
            os.environ["GRADIO_TEMP_DIR"] = str(folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _lock_of(folder).unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _remove_abandoned(parent: Path) -> None:
    for lock in parent.glob(f"{_PREFIX}*.lock"):
        with suppress(Timeout, OSError), FileLock(lock, timeout=0):
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)


def remove_older(folder: Path, seconds: float) -> int:
    """Removes the files below `folder` that are older, and the folders that this leaves empty.

    Returns:
        How many files there were.
    """
    before, removed = time.time() - seconds, 0
    for place, folders, files in os.walk(folder, topdown=False):
        for path in (Path(place, name) for name in files):
            with suppress(OSError):  # another has removed it
                if path.lstat().st_ctime < before:
                    path.unlink()
                    removed += 1
        for path in (Path(place, name) for name in folders):
            with suppress(OSError):  # it is not empty, or something is just being put there
                if path.lstat().st_ctime < before:
                    path.rmdir()
    return removed


class OpenFiles:
    """Which files of this machine a visitor may name: uploads, outputs, and pictures on show."""

    def __init__(self, uploads: Path, shown: Sequence[Path]) -> None:
        """
        Args:
            uploads: all in it; whoever knows a path there has it from the upload's own answer.
            shown: folders of the app, out of which only pictures are served.
        """
        self._uploads = uploads.resolve()
        self._shown = [folder.resolve() for folder in shown]

    def __contains__(self, path: str) -> bool:
        """Whether it may be read; what a link leads to counts, not where the link is."""
        try:
            found = Path(path).resolve(strict=True)
            is_file = found.is_file()
        except (OSError, ValueError, RuntimeError):  # not there, a NUL byte, a loop of links
            return False
        if not is_file:
            return False
        if found.is_relative_to(self._uploads):
            return True
        is_picture = found.suffix.lower() in IMAGE_SUFFIXES and not found.name.startswith(".")
        return is_picture and any(found.is_relative_to(folder) for folder in self._shown)
