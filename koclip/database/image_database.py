"""An image database: unit embeddings, and what is known about each image.

A database is a folder:

    database.json            the manifest: see `koclip.database.manifest`
    segments/…               rows and items: see `koclip.database.segments`
    images/…                 the pictures, unless the items name other places or URLs

The first schema (one embeddings.safetensors and one items.jsonl beside the manifest) and the
original's TSV open too.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from koclip import similarity
from koclip.assets import assets_dir
from koclip.checkpoints.tensor_files import open_tensors
from koclip.database.items import ImageItem, StoredItems, read_items
from koclip.database.manifest import MANIFEST, SEGMENTS, Manifest
from koclip.database.segments import new_segment, open_segment, read_thumbnail, verify_segment
from koclip.database.tsv import read_tsv
from koclip.errors import KoCLIPError
from koclip.files import HUB, read_json
from koclip.hub import PUBLISHED, Progress, hub_file
from koclip.segmented_store import Segment, SegmentedStore
from koclip.text_to_image import SearchHit, search
from koclip.vector_store import CompactForm, from_tensors

if TYPE_CHECKING:
    from koclip.model import KoCLIP


@dataclass(frozen=True)
class ImageDatabase:
    """Embeddings and items in the same order, and the model that made them."""

    items: Sequence[ImageItem]
    store: SegmentedStore = field(repr=False)
    """float32 unit rows, memory-mapped when opened from a folder; a matrix [N, D] is taken too."""
    model: str
    revision: str = ""
    """The model's revision; empty when the database does not say."""
    folder: Path | None = None
    manifest: Manifest | None = field(default=None, repr=False)
    """Of a database that was opened from a folder; None for one of the first schema."""
    pictures: str = ""
    """Of a database in the Hub's cache, the URL below which its pictures are."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "store", SegmentedStore.of(self.store))

    def __len__(self) -> int:
        return len(self.items)

    @property
    def embeddings(self) -> np.ndarray:
        """float32 unit rows [N, D]: memory-mapped if they are one whole segment, else a copy."""
        if len(self.store.segments) == 1 and self.store.segments[0].live is None:
            return self.store.segments[0].store.rows
        return self.store.rows_at(np.arange(len(self.store)))

    @property
    def title(self) -> str:
        """What the database is called, if it says so."""
        return self.manifest.title if self.manifest else ""

    @classmethod
    def open(cls, path: str | os.PathLike) -> ImageDatabase:
        """Opens a database folder, a .tsv of the original's, or "hub:owner/name": a dataset
        repository, of which all but the pictures is downloaded into the Hub's cache.

        Sizes of files and a few rows are checked, see `verify` for more; items are read when they
        are asked for.

        Raises:
            KoCLIPError: nothing is there, or it is damaged or of a newer schema, or the Hub cannot
                be reached.
        """
        if isinstance(path, str) and path.startswith(HUB):
            from koclip.database.pull import open_from_hub

            return open_from_hub(path.removeprefix(HUB))
        path = Path(path)
        try:
            if path.suffix == ".tsv" and path.is_file():
                items, rows = read_tsv(path)
                return cls(items, similarity.unit_rows(rows), model=path.stem)
            if (path / MANIFEST).is_file():
                return _open_folder(path)
        except KoCLIPError:
            raise
        except Exception as error:  # a damaged file can fail anywhere in json
            raise KoCLIPError("database_unreadable", path=path, reason=error) from error
        raise KoCLIPError("database_not_found", path=path)

    @classmethod
    def for_model(cls, model: KoCLIP, progress: Progress | None = None) -> ImageDatabase:
        """The database that fits `model`: the bundled gallery for koclip-mini, the original's
        5,000 COCO val2017 images for koclip-base and koclip-large, fetched from the Hub."""
        database = cls.open(database_path(model.name, progress))
        # A TSV names no model: koclip-base's holds for koclip-base-pt, the same image tower, too.
        return database if database.revision else dataclasses.replace(database, model=model.name)

    @classmethod
    def build(
        cls,
        model: KoCLIP,
        folder: str | os.PathLike,
        progress: Progress | None = None,
        *,
        compact: CompactForm | None = None,
    ) -> tuple[ImageDatabase, list[tuple[str, KoCLIPError]]]:
        """Makes a folder of pictures a database; `koclip.database.build.build` can do more.

        Returns the database and the unreadable or vanished files with the reason for each; those
        are left out.

        Raises:
            KoCLIPError: no folder, no readable image in it, or a database of another model.
        """
        from koclip.database.build import build

        result = build(model, [folder], folder, progress=progress, compact=compact)
        return result.database, result.broken

    def search(
        self, model: KoCLIP, query: str = "", k: int = 10, **options: object
    ) -> list[SearchHit]:
        """The `k` images that fit best; `options` are those of `koclip.text_to_image.search`."""
        return search(model, self, query, k, **options)

    def location(self, item: ImageItem) -> str:
        """A path or URL of `item`'s picture. Nothing is at the path if the picture was in an
        archive or a data set: see `thumbnail`."""
        if "://" in item.file:
            return item.file
        # Of what others made, no path on this machine is opened.
        return self.pictures + quote(item.file) if self.pictures else str(self.folder / item.file)

    def thumbnail(self, number: int) -> bytes | None:
        """WebP of the image in row `number`, if the database has a small copy of it."""
        for name, rows in self.places(np.array([number])).items():
            entry = next(entry for entry in self.manifest.segments if entry.name == name)
            return read_thumbnail(self.folder, entry, *rows)
        return None

    def places(self, numbers: np.ndarray) -> dict[str, set[int]]:
        """Where images are stored: their rows, by the names of the segments that they are in."""
        found: dict[str, set[int]] = {}
        first = 0
        for entry in self.manifest.segments if self.manifest else ():
            live = np.arange(entry.rows) if entry.live is None else entry.live
            inside = numbers[(numbers >= first) & (numbers < first + len(live))]
            if len(inside):
                found[entry.name] = set(live[inside - first].tolist())
            first += len(live)
        return found

    def check_model(self, model: KoCLIP) -> None:
        """Raises a KoCLIPError unless `model` made this database."""
        same_name = self.model == model.name
        same_model = self.revision == model.revision or (same_name and not self.revision)
        if same_model and self.store.dimension == model.config.projection_dim:
            return
        raise KoCLIPError(
            "database_other_model",
            database_model=_versioned(self.model, self.revision, same_name),
            model=_versioned(model.name, model.revision, same_name),
            command=self.rebuild_command(model.name),
        )

    def rebuild_command(self, model: str) -> str:
        """What makes this database anew, with another model or another state of it."""
        is_own = self.folder and self.folder.is_dir() and not self.pictures
        place = self.folder if is_own else "FOLDER"
        return f"python -m koclip index {place} --model {model} --rebuild"

    def verify(self) -> None:
        """Reads every byte of the database's own files.

        Raises:
            KoCLIPError: a file is not as it was written, or an item or row makes no sense.
        """
        for entry in self.manifest.segments if self.manifest else ():
            verify_segment(self.folder, entry)
        for _ in self.items:  # each is parsed
            pass
        for block in self.store.blocks(step=65_536):
            rows = np.asarray(block.store.rows[block.start : block.stop], np.float32)
            finite = np.isfinite(rows).all(axis=1)
            if not finite.all():
                row = block.first + int(np.argmin(finite)) + 1
                raise KoCLIPError("embedding_not_finite", row=row)

    def export(self, path: str | os.PathLike) -> None:
        """Writes the database in another form: see `koclip.database.export.export`."""
        from koclip.database.export import export

        export(self, Path(path))

    def to_files(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the files of this database in one segment, without pictures."""
        entry, contents = new_segment(1, self.items, self.embeddings, {})
        for name, data in contents.items():
            yield f"{SEGMENTS}/{entry.name}/{name}", data
        dimension = self.store.dimension
        manifest = Manifest(self.model, self.revision, dimension, segments=(entry,))
        yield MANIFEST, manifest.to_json()


def database_path(model_name: str, progress: Progress | None = None) -> Path:
    """Where the database that fits the model is; downloads it if it is on the Hub.

    Raises:
        KoCLIPError: the model is not one of the published ones, or the Hub is out of reach.
    """
    published = PUBLISHED.get(model_name)
    if published is None:
        raise KoCLIPError("database_none_for_model", model=model_name)
    if published.database is None:
        return assets_dir() / "gallery"
    repo, file = published.database
    return hub_file(repo, file, "space", progress=progress)


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in `folder`; None if it is of the first schema.

    Raises:
        ValueError, TypeError or KeyError: it makes no sense.
    """
    values = read_json(folder / MANIFEST)
    return None if values["schema_version"] == 1 else Manifest.from_json(values)


def _open_folder(folder: Path) -> ImageDatabase:
    manifest = read_manifest(folder)
    if manifest is None:
        return _open_first_schema(folder)
    try:
        return _open_segments(folder, manifest)
    except FileNotFoundError:  # perhaps a build has just replaced the manifest
        return _open_segments(folder, read_manifest(folder))


def _open_segments(folder: Path, manifest: Manifest) -> ImageDatabase:
    segments, parts = [], []
    for entry in manifest.segments:
        store, lines = open_segment(folder, entry, manifest.dimension)
        segments.append(Segment(store, entry.live))
        parts.append((lines, entry.live))
    if not segments:
        raise ValueError("it has no segments")
    return ImageDatabase(
        StoredItems(parts),
        SegmentedStore(segments),
        manifest.model,
        manifest.revision,
        folder,
        manifest,
    )


def _open_first_schema(folder: Path) -> ImageDatabase:
    manifest = read_json(folder / MANIFEST)
    model, revision = manifest["model"], manifest["revision"]
    store = from_tensors(open_tensors(folder / "embeddings.safetensors"))
    items = read_items(folder / "items.jsonl")
    if store.rows.shape != (len(items), manifest["dimension"]):
        shape = list(store.rows.shape)
        raise ValueError(f"{len(items)} items, but embeddings of the shape {shape}")
    if not (isinstance(model, str) and isinstance(revision, str)):
        raise ValueError("the model and its revision are not text")
    return ImageDatabase(items, SegmentedStore.of(store), model, revision, folder)


def _versioned(name: str, revision: str, with_revision: bool) -> str:
    return f"{name}@{revision}" if with_revision else name
