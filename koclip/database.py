"""An image database: unit embeddings, and what is known about each image.

A database is a folder:

    database.json            schema version, title, and the model and revision that embedded it
    embeddings.safetensors   "embeddings" [N, D], float32 unit rows, and maybe a compact copy that
                             a search reads instead (see `koclip.vector_store`)
    items.jsonl              one JSON object per row, with the fields of `ImageItem`
    images/…                 the pictures, unless the items name URLs

The original's TSV (file name, tab, comma-joined floats) opens too.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from koclip import similarity
from koclip.assets import assets_dir
from koclip.errors import KoCLIPError
from koclip.files import is_folder, write_whole
from koclip.hub import PUBLISHED, Progress, hub_file
from koclip.picture_stream import embed_stream
from koclip.tensor_files import open_tensors
from koclip.text_to_image import SearchHit, search
from koclip.vector_store import (
    CompactCopy,
    CompactForm,
    VectorStore,
    compact_copy,
    from_tensors,
    to_tensors,
)

if TYPE_CHECKING:
    from koclip.model import KoCLIP

SCHEMA_VERSION = 1
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"}
COCO_IMAGES = "http://images.cocodataset.org/val2017/"
_MANIFEST, _ITEMS, _EMBEDDINGS = "database.json", "items.jsonl", "embeddings.safetensors"


@dataclass(frozen=True)
class ImageItem:
    """What is known about one image; only `id` and `file` are always there."""

    id: str
    file: str
    """A path inside the database's folder, or a URL."""
    caption_ko: str = ""
    caption_en: str = ""
    kind: str = ""
    """"photo" or "illustration", where it was noted."""
    license: str = ""
    author: str = ""
    source: str = ""
    title: str = ""


@dataclass(frozen=True)
class ImageDatabase:
    """Embeddings and items in the same order, and the model that made them."""

    items: list[ImageItem]
    embeddings: np.ndarray = field(repr=False)
    """float32 unit rows [N, D], memory-mapped when opened from a folder."""
    model: str
    revision: str = ""
    """The model's revision; empty when the database does not say."""
    folder: Path | None = None
    compact: CompactCopy | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def store(self) -> VectorStore:
        """The embeddings as a search reads them."""
        return VectorStore(self.embeddings, self.compact)

    @classmethod
    def open(cls, path: str | os.PathLike) -> ImageDatabase:
        """Opens a database folder, or a .tsv of the original's.

        Raises:
            KoCLIPError: nothing is there, or it is damaged or of a newer schema.
        """
        path = Path(path)
        try:
            if path.suffix == ".tsv" and path.is_file():
                return _open_tsv(path)
            if (path / _MANIFEST).is_file():
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
        """Embeds the images of `folder` and writes the database into it.

        The images are those that its items.jsonl lists, with all that is noted there, and any
        others below it. Returns the database and the unreadable or vanished files with the reason
        for each; those are left out. With `compact`, a copy of the embeddings in that type is
        stored beside them: searches find the same, and read a half or a quarter as much.

        Raises:
            KoCLIPError: no folder, or no readable image in it.
        """
        folder = Path(folder)
        if not is_folder(folder):
            raise KoCLIPError("folder_not_found", path=folder)
        listed = _read_items(folder) if (folder / _ITEMS).is_file() else []
        files = {item.file for item in listed}
        found = [path.relative_to(folder).as_posix() for path in image_files(folder)]
        listed += [ImageItem(id=name, file=name) for name in found if name not in files]
        items, rows, broken = [], [], []
        sources = ((item, partial(folder.joinpath, item.file)) for item in listed)
        for batch in embed_stream(model, sources):
            items += batch.keys
            rows.append(batch.rows)
            broken += [(item.file, error) for item, error in batch.broken]
            if progress:
                progress(str(folder), len(items) + len(broken), len(listed))
        if not items:
            raise KoCLIPError("database_no_images", path=folder)
        embeddings = np.concatenate(rows)
        copy = compact_copy(embeddings, compact) if compact else None
        database = cls(items, embeddings, model.name, model.revision, folder, copy)
        database.save()
        return database, broken

    def search(
        self, model: KoCLIP, query: str = "", k: int = 10, **options: object
    ) -> list[SearchHit]:
        """The `k` images that fit best; `options` are those of `koclip.text_to_image.search`."""
        return search(model, self, query, k, **options)

    def location(self, item: ImageItem) -> str:
        """A path or URL that `item`'s picture can be shown from."""
        return item.file if "://" in item.file else str(self.folder / item.file)

    def check_model(self, model: KoCLIP) -> None:
        """Raises a KoCLIPError unless `model` made this database."""
        same_name = self.model == model.name
        same_model = self.revision == model.revision or (same_name and not self.revision)
        if same_model and self.embeddings.shape[1] == model.config.projection_dim:
            return
        place = self.folder if self.folder and self.folder.is_dir() else "FOLDER"
        raise KoCLIPError(
            "database_other_model",
            database_model=_versioned(self.model, self.revision, same_name),
            model=_versioned(model.name, model.revision, same_name),
            command=f"python -m koclip index {place} --model {model.name}",
        )

    def save(self) -> None:
        """Writes everything but the pictures into `folder`; whole, or not at all."""
        (self.folder / _MANIFEST).unlink(missing_ok=True)  # it comes last: no manifest, no database
        for name, data in self.to_files():
            write_whole(self.folder / name, data)

    def to_files(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the files that make the database, without the pictures."""
        from safetensors.numpy import save

        lines = [
            json.dumps({k: v for k, v in dataclasses.asdict(item).items() if v}, ensure_ascii=False)
            for item in self.items
        ]
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "model": self.model,
            "revision": self.revision,
            "images": len(self.items),
            "dimension": self.embeddings.shape[1],
            "normalized": True,
        }
        if self.compact:
            manifest["compact"] = str(self.compact.values.dtype)
        # A file name that is no UTF-8 becomes the JSON escape \udc….
        yield _ITEMS, ("\n".join(lines) + "\n").encode(errors="backslashreplace")
        yield _EMBEDDINGS, save(to_tensors(self.store))
        yield _MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode()


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


def _versioned(name: str, revision: str, with_revision: bool) -> str:
    return f"{name}@{revision}" if with_revision else name


def _open_folder(folder: Path) -> ImageDatabase:
    manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    if manifest["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema version {manifest['schema_version']} is not {SCHEMA_VERSION}")
    model, revision = manifest["model"], manifest["revision"]
    store = from_tensors(open_tensors(folder / _EMBEDDINGS))
    items = _read_items(folder)
    if store.rows.shape != (len(items), manifest["dimension"]):
        shape = list(store.rows.shape)
        raise ValueError(f"{len(items)} items, but embeddings of the shape {shape}")
    if not (isinstance(model, str) and isinstance(revision, str)):
        raise ValueError("the model and its revision are not text")
    return ImageDatabase(items, store.rows, model, revision, folder, store.copy)


def _read_items(folder: Path) -> list[ImageItem]:
    path = folder / _ITEMS
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return [_parse_item(i, line) for i, line in enumerate(lines, start=1) if line.strip()]
    except Exception as error:  # a wrong type can fail in many ways
        raise KoCLIPError("database_unreadable", path=path, reason=error) from error


def _parse_item(number: int, line: str) -> ImageItem:
    known = {f.name for f in dataclasses.fields(ImageItem)}
    try:
        fields = {k: v for k, v in json.loads(line).items() if k in known}
        if not all(isinstance(value, str) for value in fields.values()):
            raise TypeError("a value is not text")
        return ImageItem(**fields)
    except Exception as error:
        raise ValueError(f"line {number}: {error}") from error


def image_files(folder: Path) -> Iterator[Path]:
    """The files below `folder` that are called like pictures, in the order of their names."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            yield path


def _open_tsv(path: Path) -> ImageDatabase:
    """features/val2017/{model}.tsv of the original Space: 5,000 lines, no header."""
    with path.open(encoding="utf-8") as lines:
        names, rows = _parse_tsv(lines)
    items = [ImageItem(id=name, file=COCO_IMAGES + name) for name in names]
    return ImageDatabase(items, similarity.unit_rows(np.stack(rows)), model=path.stem)


def _parse_tsv(lines: Iterable[str]) -> tuple[list[str], list[np.ndarray]]:
    names, rows = [], []
    for number, line in enumerate(lines, start=1):
        name, tab, values = line.rstrip("\n").partition("\t")
        try:
            with np.errstate(over="ignore"):  # what float32 cannot hold is told by isfinite below
                row = np.array(values.split(","), np.float32)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        as_before = not rows or row.shape == rows[0].shape
        if not (name and tab and as_before and np.isfinite(row).all()):
            raise ValueError(f"line {number}: not a file name, a tab and as many numbers as before")
        names.append(name)
        rows.append(row)
    if not rows:
        raise ValueError("it is empty")
    return names, rows
