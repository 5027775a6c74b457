"""Files of a Hub repository in the standard cache: resumed downloads, every byte verified.

`huggingface_hub.hf_hub_download` does not do this: 2.x deletes what had arrived when a download
is interrupted, and does not compare the bytes with their hash. So the bytes are streamed here,
through the client's own session, into `blobs/<hash>.incomplete`, and get their place in the cache
(the documented layout: blobs, snapshots, refs) once their hash is right.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from huggingface_hub import (
    constants,
    get_session,
    hf_hub_url,
    hf_raise_for_status,
)
from huggingface_hub.errors import HfHubHTTPError, HTTPError
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import WeakFileLock, build_hf_headers, tqdm

from koclip.errors import KoCLIPError
from koclip.hub.errors import explained
from koclip.hub.verify import RemoteFile, contents_fault, remember_verified

Progress = Callable[[str, int, int], None]
"""Called with (file name, bytes so far, bytes in all); raise from it to stop a download."""

RETRY_WAITS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each new attempt; the count starts again whenever bytes arrive."""

BUSY = {408, 429, 500, 502, 503, 504}
LIBRARY = "koclip"


@dataclass(frozen=True)
class Repo:
    """A repository on the Hub; `type` is "model", "dataset" or "space"."""

    id: str
    type: str = "model"

    @property
    def folder(self) -> Path:
        """Where the standard cache keeps it."""
        return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=self.id, repo_type=self.type)

    @property
    def locks(self) -> Path:
        """Where the client keeps the locks of its downloads."""
        return self.folder.parent / ".locks" / self.folder.name


def download(repo: Repo, file: RemoteFile, commit: str, progress: Progress | None) -> Path:
    """Put `file` of `commit` into the cache and return its path there.

    An interrupted download goes on where it stopped, in this process or a later one.
    """
    blob = repo.folder / "blobs" / file.object_id
    path = repo.folder / "snapshots" / commit / file.name
    lock = repo.locks / f"{file.object_id}.lock"
    with explained(repo.id, file=file.name, revision=commit):
        for folder in (blob.parent, path.parent, lock.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):  # another thread or process may be faster
            if not path.exists() and not blob.exists():
                _fill(blob, repo, file, commit, progress)
            if not path.exists():
                _link(path, blob)
    return path


def _link(path: Path, blob: Path) -> None:
    try:
        path.symlink_to(os.path.relpath(blob, path.parent))
    except OSError:  # a file system, or a Windows account, without symbolic links
        blob.replace(path)


def _fill(blob: Path, repo: Repo, file: RemoteFile, commit: str, progress: Progress | None) -> None:
    partial = blob.with_name(f"{blob.name}.incomplete")
    while True:
        resumed = partial.exists()
        _stream(repo, file, commit, partial, progress)
        fault = contents_fault(partial, file.size, file.object_id)
        if fault is None:
            break
        partial.unlink()
        if not resumed:  # else what an earlier run had left may be to blame: start over once
            expected, actual = fault
            raise KoCLIPError(
                "hub_download_damaged",
                repo=repo.id,
                file=file.name,
                expected=expected,
                actual=actual,
            )
    partial.replace(blob)
    remember_verified(blob, file.object_id)


def _stream(
    repo: Repo, file: RemoteFile, commit: str, partial: Path, progress: Progress | None
) -> None:
    """Append to `partial` until it has all bytes, or the server has no more to give."""
    url = hf_hub_url(repo.id, file.name, repo_type=repo.type, revision=commit)
    with partial.open("ab") as out, _reporter(file, out.tell(), progress) as report:
        if shutil.disk_usage(partial.parent).free < file.size - out.tell():
            raise KoCLIPError("hub_disk_full", file=file.name, folder=constants.HF_HUB_CACHE)
        waits = iter(RETRY_WAITS)
        while (done := out.tell()) < file.size:
            try:
                _append(url, out, file.size, report)
            except HTTPError as error:
                refused = isinstance(error, HfHubHTTPError)
                if refused and error.response.status_code not in BUSY:
                    raise
                if out.tell() > done:
                    waits = iter(RETRY_WAITS)
                wait = next(waits, None)
                if wait is None and refused:
                    raise
                if wait is None:
                    raise KoCLIPError(
                        "hub_cut", repo=repo.id, file=file.name, done=out.tell(), size=file.size
                    ) from error
                time.sleep(wait)
            else:
                if out.tell() <= done:
                    return


def _append(url: str, out: BinaryIO, size: int, report: Callable[[int], None]) -> None:
    """One request for the bytes that `out` lacks."""
    headers = build_hf_headers(library_name=LIBRARY)
    headers["Accept-Encoding"] = "identity"  # ranges must count the file's own bytes
    if done := out.tell():
        headers["Range"] = f"bytes={done}-"
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
        if response.status_code == 416:  # the server's file ends here
            return
        hf_raise_for_status(response)
        if response.status_code != 206:  # all of it, whatever range was asked for
            out.seek(0)
            out.truncate()
        report(out.tell())
        for chunk in response.iter_bytes():
            out.write(chunk)
            report(out.tell())
            if out.tell() > size:
                return


@contextmanager
def _reporter(
    file: RemoteFile, done: int, progress: Progress | None
) -> Iterator[Callable[[int], None]]:
    """Show bytes so far: to `progress`, or as the client's own bar if there is a terminal."""
    if progress is not None:
        yield lambda now: progress(file.name, now, file.size)
        return
    with tqdm(
        desc=file.name, initial=done, total=file.size, unit="B", unit_scale=True, disable=None
    ) as bar:
        yield lambda now: bar.update(now - bar.n)
