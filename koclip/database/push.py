"""A database to a dataset repository of the Hugging Face Hub.

Segments go up as they are, unless they have rows that were removed, or items with paths of this
machine. Of such a segment a copy goes up that has neither. It is the same each time, so that what
the Hub has is not uploaded again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath, PureWindowsPath
from typing import NamedTuple

import numpy as np
from huggingface_hub import DatasetInfo

from koclip.database.card import database_card
from koclip.database.image_database import ImageDatabase, read_manifest
from koclip.database.items import ImageItem, leads_outside
from koclip.database.manifest import MANIFEST, SEGMENTS, Manifest, SegmentEntry
from koclip.database.segments import copy_form, new_segment, open_segment, read_thumbnail
from koclip.errors import KoCLIPError
from koclip.files import IMAGE_SUFFIXES, is_file
from koclip.hub import hub_file
from koclip.hub.errors import repo_page
from koclip.hub.upload import NO_CONTENTS, Uploaded, check_login, check_repo_id, upload

CARD = "README.md"


class PushedDatabase(NamedTuple):
    """What went to the Hub."""

    uploaded: Uploaded
    images: int
    pictures: int
    """Images whose files went along."""
    hidden: int
    """Images of which only the name went along, as their files are outside the folder."""


def push(
    folder: str | os.PathLike,
    repo_id: str,
    *,
    private: bool = False,
    message: str | None = None,
    card: Path | None = None,
    license: str | None = None,
    pictures: bool = True,
    force: bool = False,
) -> PushedDatabase:
    """Uploads a database in one commit to the dataset repository `repo_id`, made if need be.

    Needs a login that may write there. Segments that the repository has and the database no longer
    has are removed from its newest state; pictures are not.

    Args:
        folder: of the database.
        repo_id: "owner/name".
        private: only the owner sees it. A repository that is public already is refused.
        message: of the commit.
        card: README.md. Default: the folder's own, or else `database_card`.
        license: for a card that is generated.
        pictures: whether those that lie inside the folder go along.
        force: push even into a repository that holds something else. Its files stay.

    Raises:
        KoCLIPError: the database is damaged or of the first schema, nobody is logged in, the
            repository is not one's own or holds something else, or the Hub cannot be reached. The
            repository is then as it was.
    """
    folder = Path(folder)
    check_repo_id(repo_id)
    if card is not None and not card.is_file():
        raise KoCLIPError("push_no_card", path=card)
    check_login(repo_id)
    database = ImageDatabase.open(folder)
    if database.manifest is None:
        raise KoCLIPError("share_first_schema", path=folder)
    database.verify()

    def check(current: DatasetInfo) -> None:
        if not force and not _is_ours(current):
            page = repo_page(repo_id, "dataset")
            raise KoCLIPError("share_other_contents", repo=repo_id, page=page)

    with tempfile.TemporaryDirectory() as temporary:
        copies = Path(temporary)
        entries = [
            _public(folder, e, database.manifest, copies) for e in database.manifest.segments
        ]
        manifest = replace(database.manifest, segments=tuple(filter(None, entries)))
        files: dict[str, Path | bytes] = {}
        for entry in manifest.segments:
            for name in entry.files:
                place = f"{SEGMENTS}/{entry.name}/{name}"
                files[place] = copies / place if (copies / place).exists() else folder / place
        items = list(database.items)
        found = {i.file: folder / i.file for i in items if pictures and _is_shared(folder, i.file)}
        own = card or (folder / CARD if (folder / CARD).is_file() else None)
        files |= found
        files[CARD] = own or database_card(repo_id, manifest, items, license).encode()
        files[MANIFEST] = manifest.to_json()
        uploaded = upload(
            repo_id,
            files,
            check,
            message=message or "Upload an image database",
            repo_type="dataset",
            private=private,
            replaced=() if force else (f"{SEGMENTS}/",),
        )
    hidden = sum(leads_outside(item.file) for item in items)
    return PushedDatabase(uploaded, len(items), len(found), hidden)


def is_picture_inside(file: str) -> bool:
    """Whether an item's file is a picture below the database's folder, and not a hidden one."""
    path = PurePath(file)
    return (
        "://" not in file
        and not leads_outside(file)
        and path.suffix.lower() in IMAGE_SUFFIXES
        and not any(part.startswith(".") for part in path.parts)
        and file.isprintable()
    )


def _is_shared(folder: Path, file: str) -> bool:
    return is_picture_inside(file) and is_file(folder / file)


def _public(
    folder: Path, entry: SegmentEntry, manifest: Manifest, copies: Path
) -> SegmentEntry | None:
    """The segment that anybody may see: itself, or a copy below `copies`; None without rows."""
    store, lines = open_segment(folder, entry, manifest.dimension)
    live = np.arange(entry.rows) if entry.live is None else entry.live
    items = [lines[row] for row in live.tolist()]
    public = list(map(_named_only, items))
    if not entry.removed and public == items:
        return entry
    if not items:
        return None
    number = int(entry.name.split("-")[0])
    small = dict(_thumbnails(folder, entry, live))
    rows = np.asarray(store.rows[live], np.float32)
    fresh, contents = new_segment(number, public, rows, small, copy_form(folder, entry))
    place = copies / SEGMENTS / fresh.name
    place.mkdir(parents=True)
    for name, data in contents.items():
        (place / name).write_bytes(data)
    return fresh


def _named_only(item: ImageItem) -> ImageItem:
    """The item without the path of a picture outside the folder."""
    if not leads_outside(item.file):
        return replace(item, id=_name(item.id, item)) if leads_outside(item.id) else item
    return replace(item, file=_name(item.file, item), id=_name(item.id, item))


def _name(path: str, item: ImageItem) -> str:
    """The last part of a path outside, below a hash that keeps like names apart."""
    if not leads_outside(path):
        return path
    return f"{item.sha256[:12] or 'picture'}/{PureWindowsPath(path).name}"


def _thumbnails(folder: Path, entry: SegmentEntry, live: np.ndarray) -> Iterator[tuple[int, bytes]]:
    for row, old in enumerate(live.tolist()):
        if small := read_thumbnail(folder, entry, old):
            yield row, small


def _is_ours(current: DatasetInfo) -> bool:
    """Whether a repository is empty or holds a database."""
    names = {file.rfilename for file in current.siblings or ()}
    if names.issubset(NO_CONTENTS):
        return True
    if MANIFEST not in names:
        return False
    path = hub_file(current.id, MANIFEST, "dataset", revision=current.sha)
    try:
        return read_manifest(path.parent) is not None
    except (ValueError, TypeError, LookupError, AttributeError):
        return False
