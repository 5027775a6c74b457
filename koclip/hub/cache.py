"""One revision of a Hub repository: from the Hub when it answers, else what the cache holds."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huggingface_hub import (
    DatasetInfo,
    HfApi,
    ModelInfo,
    SpaceInfo,
    constants,
    is_offline_mode,
    try_to_load_from_cache,
)
from huggingface_hub.errors import HfHubHTTPError

from koclip.errors import KoCLIPError
from koclip.hub.download import BUSY, LIBRARY, RETRY_WAITS, Progress, Repo, download
from koclip.hub.errors import explained
from koclip.hub.verify import OBJECT_ID, RemoteFile, verify

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """The files of `repo` at `commit`; `listed` is None when only the cache can be asked."""

    repo: Repo
    commit: str
    listed: Mapping[str, RemoteFile] | None

    def __contains__(self, name: str) -> bool:
        if self.listed is not None:
            return name in self.listed
        return cached_file(self.repo, name, self.commit) is not None

    def fetch(self, name: str, progress: Progress | None = None) -> Path:
        """The verified local path of a file that this snapshot contains."""
        file = None if self.listed is None else self.listed[name]
        path = cached_file(self.repo, name, self.commit)
        if path is None:
            path = download(self.repo, file, self.commit, progress)
        verify(path, file)
        return path


def open_snapshot(
    repo: Repo,
    revision: str | None,
    needed: Sequence[Sequence[str]],
    *,
    prefer_cache: bool = False,
) -> Snapshot:
    """The snapshot of `revision` that has at least one file of each group in `needed`.

    The Hub is asked first, so that a moved branch is followed (unless `prefer_cache`); when it
    cannot be, a copy in the cache serves.
    """
    cached = _cached_snapshot(repo, revision, needed)
    if cached is not None and (prefer_cache or is_offline_mode()):
        return cached
    if is_offline_mode():
        raise KoCLIPError("hub_offline", repo=repo.id)
    try:
        snapshot = _listed_snapshot(repo, revision)
    except KoCLIPError as error:
        if cached is None:
            raise
        _log.warning("%s The copy in the cache is used.", error)
        return cached
    for names in needed:
        if not any(name in snapshot for name in names):
            raise KoCLIPError("hub_no_file", repo=repo.id, file=" / ".join(names))
    return snapshot


def cached_file(repo: Repo, name: str, revision: str | None) -> Path | None:
    """The file in the cache, or None; no network, not verified."""
    found = try_to_load_from_cache(repo.id, name, revision=revision, repo_type=repo.type)
    return Path(found) if isinstance(found, str) else None


def _cached_snapshot(
    repo: Repo, revision: str | None, needed: Sequence[Sequence[str]]
) -> Snapshot | None:
    with explained(repo.id):
        for name in needed[0]:
            if path := cached_file(repo, name, revision):
                commit = path.parents[len(PurePosixPath(name).parts) - 1].name
                snapshot = Snapshot(repo, commit, None)
                complete = all(any(name in snapshot for name in names) for names in needed)
                return snapshot if complete else None
    return None


def remember_revision(repo: Repo, revision: str | None, commit: str) -> None:
    """Let the cache answer for `revision` offline; call it when all files of `commit` are here.

    Best effort: a cache that cannot be written to still serves what it holds.
    """
    revision = revision or constants.DEFAULT_REVISION
    if revision == commit:
        return
    ref = repo.folder / "refs" / revision
    with suppress(OSError):
        if ref.is_file() and ref.read_text() == commit:
            return
        ref.parent.mkdir(parents=True, exist_ok=True)
        fresh = ref.with_name(f"{ref.name}.{os.getpid()}.new")
        fresh.write_text(commit)
        fresh.replace(ref)


def _listed_snapshot(repo: Repo, revision: str | None) -> Snapshot:
    with explained(repo.id, revision=revision):
        info = _repo_info(repo, revision)
        if not OBJECT_ID.fullmatch(info.sha or ""):  # it becomes a folder's name
            raise ValueError("the listing names no commit")
        listed = {}
        for sibling in info.siblings or ():
            object_id = sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
            if sibling.size is None or not OBJECT_ID.fullmatch(object_id or ""):
                raise ValueError(f"{sibling.rfilename} is listed without its size and hash")
            listed[sibling.rfilename] = RemoteFile(sibling.rfilename, sibling.size, object_id)
        return Snapshot(repo, info.sha, listed)


def _repo_info(repo: Repo, revision: str | None) -> ModelInfo | DatasetInfo | SpaceInfo:
    """Ask again while the server says that it is busy; a Hub out of reach fails at once."""
    waits = iter(RETRY_WAITS)
    while True:
        try:
            return HfApi(library_name=LIBRARY).repo_info(
                repo.id,
                repo_type=repo.type,
                revision=revision,
                files_metadata=True,
                timeout=constants.HF_HUB_ETAG_TIMEOUT,
            )
        except HfHubHTTPError as error:
            wait = next(waits, None)
            if wait is None or error.response.status_code not in BUSY:
                raise
            time.sleep(wait)
