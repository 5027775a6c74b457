"""A database from a dataset repository of the Hugging Face Hub: into a folder, or the Hub's cache.

Everything is downloaded by way of the cache, resumed there when it was interrupted, and compared
with the hashes of the Hub and of the manifest. In a folder the manifest comes last, so that until
then the old database is there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import hf_hub_url

from koclip.database.image_database import ImageDatabase, read_manifest
from koclip.database.items import ImageItem, leads_outside
from koclip.database.manifest import MANIFEST, SEGMENTS, FileDigest, Manifest
from koclip.database.push import is_picture_inside
from koclip.database.segments import open_segment
from koclip.database.writer import locked, remove_left_overs
from koclip.errors import KoCLIPError
from koclip.files import sync_folder
from koclip.hub import Progress
from koclip.hub.cache import Snapshot, open_snapshot, remember_revision
from koclip.hub.download import Repo
from koclip.hub.upload import check_repo_id
from koclip.hub.verify import RemoteFile, contents_fault, verify

_PULLED = ".koclip-pulled"
"""A file of the SHA-256 of every manifest that came from the Hub: any other has local changes."""


class PulledDatabase(NamedTuple):
    """What is in the folder now."""

    database: ImageDatabase
    commit: str
    downloaded: int
    """Files that were not there."""
    kept: int
    """Files that were there, and right."""


def pull(
    repo_id: str,
    folder: str | os.PathLike,
    *,
    revision: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> PulledDatabase:
    """Makes `folder` the database in the dataset repository `repo_id`; only what it lacks is
    downloaded.

    Args:
        repo_id: "owner/name".
        folder: made if need be.
        revision: a branch, tag or commit.
        force: replace a database or pictures that did not come from there.
        progress: called with (file name, bytes so far, bytes in all).

    Raises:
        KoCLIPError: the repository holds no database, or a damaged one, or the Hub cannot be
            reached, or the folder is in use or has something else in it. The folder then has the
            database that it had; the next pull goes on from there.
    """
    folder = Path(folder)
    remote = _Remote.open(repo_id, revision)
    with locked(folder):
        old = _pulled_before(folder, force)
        named = remote.manifest.segments + (old.segments if old else ())
        remove_left_overs(folder, replace(remote.manifest, segments=named))
        try:
            counts = [
                _copy_segments(remote, folder, progress),
                _copy_pictures(remote, folder, force, progress),
            ]
            with (folder / _PULLED).open("a") as pulled:
                pulled.write(_fingerprint(remote.manifest) + "\n")
            remote.manifest.write(folder)
        except OSError as error:
            raise KoCLIPError("database_unwritable", path=folder, reason=error.strerror) from error
        remember_revision(remote.snapshot.repo, revision, remote.snapshot.commit)
        downloaded, kept = map(sum, zip(*counts, strict=True))
        return PulledDatabase(ImageDatabase.open(folder), remote.snapshot.commit, downloaded, kept)


def open_from_hub(
    repo_id: str, revision: str | None = None, progress: Progress | None = None
) -> ImageDatabase:
    """The database in the dataset repository `repo_id`, in the Hub's cache; offline, what is there.

    Pictures are not downloaded: their locations are URLs.

    Raises:
        KoCLIPError: as `pull`.
    """
    remote = _Remote.open(repo_id, revision)
    for name, digest in remote.segment_files():
        remote.fetch(name, digest, progress)
    snapshot = remote.snapshot
    remember_revision(snapshot.repo, revision, snapshot.commit)
    pictures = hf_hub_url(repo_id, "", repo_type="dataset", revision=snapshot.commit)
    return replace(ImageDatabase.open(remote.folder), pictures=pictures)


@dataclass(frozen=True)
class _Remote:
    """A database as the Hub has it."""

    snapshot: Snapshot
    manifest: Manifest
    folder: Path
    """Of the snapshot in the cache."""

    @classmethod
    def open(cls, repo_id: str, revision: str | None) -> _Remote:
        check_repo_id(repo_id)
        snapshot = open_snapshot(Repo(repo_id, "dataset"), revision, [[MANIFEST]])
        folder = snapshot.fetch(MANIFEST).parent
        try:
            manifest = read_manifest(folder)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise KoCLIPError("share_no_database", repo=repo_id, reason=error) from error
        if manifest is None or not manifest.segments:
            reason = "schema version 1" if manifest is None else "no segments"
            raise KoCLIPError("share_no_database", repo=repo_id, reason=reason)
        return cls(snapshot, manifest, folder)

    def segment_files(self) -> Iterator[tuple[str, FileDigest]]:
        """Names in the repository, and what the files must be like."""
        for entry in self.manifest.segments:
            for name, digest in entry.files.items():
                yield f"{SEGMENTS}/{entry.name}/{name}", digest

    def fetch(self, name: str, digest: FileDigest, progress: Progress | None) -> Path:
        """The path in the cache of a file that is as the manifest says."""
        repo = self.snapshot.repo.id
        if name not in self.snapshot:
            raise KoCLIPError("hub_no_file", repo=repo, file=name)
        path = self.snapshot.fetch(name, progress)
        try:
            verify(path, RemoteFile(name, digest.bytes, digest.sha256))
        except KoCLIPError as error:  # the cache has what the Hub has, so that is wrong
            told = {key: error.values[key] for key in ("expected", "actual")}
            raise KoCLIPError("share_damaged", repo=repo, file=name, **told) from error
        return path


def _pulled_before(folder: Path, force: bool) -> Manifest | None:
    """The manifest in `folder`, if there is one; refused if it is not as it was pulled."""
    if not (folder / MANIFEST).is_file():
        return None
    try:
        manifest = read_manifest(folder)
    except (ValueError, TypeError, LookupError, AttributeError):  # damaged
        manifest = None
    known = (folder / _PULLED).read_text().split() if (folder / _PULLED).is_file() else []
    if not force and (manifest is None or _fingerprint(manifest) not in known):
        raise KoCLIPError("share_local_changes", path=folder / MANIFEST)
    return manifest


def _fingerprint(manifest: Manifest) -> str:
    return hashlib.sha256(manifest.to_json()).hexdigest()


def _copy_segments(remote: _Remote, folder: Path, progress: Progress | None) -> tuple[int, int]:
    """How many files were copied, and how many were there; checks what is in them."""
    downloaded = kept = 0
    for name, digest in remote.segment_files():
        target = folder / name
        if target.is_file() and not contents_fault(target, digest.bytes, digest.sha256):
            kept += 1
        else:
            _place(remote.fetch(name, digest, progress), target)
            downloaded += 1
    for entry in remote.manifest.segments:
        _, lines = open_segment(folder, entry, remote.manifest.dimension)
        for row in range(entry.rows):
            if leads_outside(lines[row].file):
                raise KoCLIPError(
                    "share_leads_outside", repo=remote.snapshot.repo.id, file=lines[row].file
                )
    return downloaded, kept


def _copy_pictures(
    remote: _Remote, folder: Path, force: bool, progress: Progress | None
) -> tuple[int, int]:
    """The same for pictures that the repository has."""
    downloaded = kept = 0
    for item in _items(remote.manifest, folder):
        if not is_picture_inside(item.file) or item.file not in remote.snapshot:
            continue
        target = folder / item.file
        if not target.resolve().is_relative_to(folder.resolve()):  # by way of a link
            raise KoCLIPError("share_leads_outside", repo=remote.snapshot.repo.id, file=item.file)
        if target.is_file() and not contents_fault(target, item.size, item.sha256):
            kept += 1
            continue
        if target.exists() and not force:
            raise KoCLIPError("share_local_changes", path=target)
        _place(remote.snapshot.fetch(item.file, progress), target)
        downloaded += 1
    return downloaded, kept


def _items(manifest: Manifest, folder: Path) -> Iterator[ImageItem]:
    for entry in manifest.segments:
        _, lines = open_segment(folder, entry, manifest.dimension)
        for row in range(entry.rows) if entry.live is None else entry.live.tolist():
            yield lines[row]


def _place(source: Path, target: Path) -> None:
    """Copies a file so that it is there complete or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".koclip-") as temporary:
        copy = Path(temporary) / target.name
        shutil.copyfile(source, copy)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        copy.replace(target)
    sync_folder(target.parent)
