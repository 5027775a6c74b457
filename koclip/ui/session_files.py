"""Files of one session and of no other: they can be deleted as soon as it needs them no more."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gradio import route_utils
from gradio.utils import get_upload_folder

_OWN = "own-"
"""How the folder of such a file begins."""


class _OwnName:
    """Takes the place of the hash by which Gradio names the folder of an upload."""

    def __init__(self) -> None:
        self._name = _OWN + secrets.token_hex(16)

    def update(self, data: bytes) -> None:
        """What is in the file does not matter."""

    def hexdigest(self) -> str:
        return self._name


class _OwnUpload(route_utils.GradioUploadFile):
    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self.sha = _OwnName()


def keep_uploads_apart() -> None:
    """Has Gradio store every upload from now on in a folder of its own, with a name by chance.

    Gradio names it by the content: two sessions with the same picture share a file, which neither
    could delete without taking it away from the other.
    """
    route_utils.GradioUploadFile = _OwnUpload


def own_folder() -> Path:
    """A new folder for what is made for one session; Gradio serves what is in it."""
    parent = Path(get_upload_folder())
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=_OWN, dir=parent))


def delete_files(paths: Iterable[str]) -> None:
    """Deletes uploads and files in folders by `own_folder`, and leaves everything else alone."""
    parent = Path(get_upload_folder()).resolve()
    for path in map(Path, paths):
        folder = path.parent.resolve()
        if folder.parent != parent or not folder.name.startswith(_OWN):
            continue
        with suppress(OSError):  # it is gone already
            (folder / path.name).unlink()
        with suppress(OSError):
            folder.rmdir()
