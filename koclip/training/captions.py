"""Captioned pictures from any of the usual forms."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image

from koclip.errors import KoCLIPError
from koclip.images import open_image
from koclip.training.caption_records import CaptionRecord, read_records, split_name
from koclip.training.hub_datasets import DatasetImage, is_saved_dataset, read_dataset

CAPTION_FILES = (
    "captions.jsonl",
    "captions.csv",
    "metadata.jsonl",
    "metadata.csv",
    "manifest.jsonl",
    "MSCOCO_train_val_Korean.json",
)
"""What a folder may call its captions; the first that is there is read."""

_ON_HUB = "hf:"
_Item = TypeVar("_Item", CaptionRecord, "CaptionedImage")


@dataclass(frozen=True)
class CaptionedImage:
    """A picture and what is said of it."""

    path: Path | DatasetImage
    """Where the picture is: a file, or a row of a Hugging Face data set."""
    captions: tuple[str, ...]
    source: str = ""
    """The data set."""
    license: str = ""
    split: str = ""
    """ "train", "dev", "test", another name of the source's own, or "" if nothing is known."""

    def open(self) -> Image.Image:
        """The picture, upright and RGB.

        Raises:
            KoCLIPError: it cannot be read.
        """
        return open_image(self.path if isinstance(self.path, Path) else self.path.read())


def read_captions(
    path: str | os.PathLike,
    *,
    images: str | os.PathLike | None = None,
    split: str | None = None,
) -> tuple[list[CaptionedImage], list[Path]]:
    """Captioned pictures, and the files that were named but are not there.

    `path` is one of:
    - AI Hub's `MSCOCO_train_val_Korean.json`: its Korean captions; train2014 is the split "train",
      val2014 is "dev";
    - JSON lines or a JSON list of `{file_path, captions}`, as the original project prepared it;
    - JSON lines, a JSON list, CSV or TSV with the picture under file, file_path, file_name or
      image, its captions under captions_ko, caption_ko, captions, caption, text, captions_en or
      caption_en (all are kept, in this order, so Korean first), and optionally source, license
      and split. A picture may have several lines;
    - a folder with such a file under one of the names in `CAPTION_FILES`;
    - a folder that `datasets.Dataset.save_to_disk` wrote, or "hf:owner/name" for a data set on
      the Hugging Face Hub ("hf:folder" for a local one of Parquet files or pictures).

    Args:
        images: folder that the files are looked up in, and in its images/; default: the caption
            file's.
        split: keep the pictures of this split only, of whatever spelling ("val" is "dev").

    Raises:
        KoCLIPError: nothing to read, a line that is not as it should be (named), none of the
            pictures there, or none of `split`.
    """
    name = os.fspath(path)
    if name.startswith(_ON_HUB) or is_saved_dataset(Path(name)):
        found = [
            CaptionedImage(row.image, row.captions, row.source, row.license, row.split)
            for row in read_dataset(name.removeprefix(_ON_HUB), saved=not name.startswith(_ON_HUB))
        ]
        return _of_split(found, split, name), []
    file = _caption_file(Path(name))
    records = _of_split(read_records(file), split, file)
    root = Path(images) if images else file.parent
    found, missing = [], []
    for record in records:
        if location := _locate(record.file, root):
            found.append(CaptionedImage(location, *record[1:]))
        else:
            missing.append(root / record.file)
    if not found:
        raise KoCLIPError("captions_no_images", path=file, count=len(missing), first=missing[0])
    return found, missing


def _caption_file(path: Path) -> Path:
    if path.is_dir():
        names = (name for name in CAPTION_FILES if (path / name).is_file())
        path = path / next(names, "")
    if not path.is_file():
        raise KoCLIPError("captions_not_found", path=path, known=", ".join(CAPTION_FILES))
    return path


def _of_split(items: Iterable[_Item], split: str | None, path: object) -> list[_Item]:
    items = list(items)
    if split is None:
        return items
    kept = [item for item in items if item.split == split_name(split)]
    if not kept:
        known = ", ".join(sorted({item.split or "–" for item in items}))
        raise KoCLIPError("captions_no_split", path=path, split=split, known=known)
    return kept


def _locate(file: str, root: Path) -> Path | None:
    # os.path: pathlib would take ten seconds for MSCOCO, and raise for a name that is too long.
    for name in _names(file):
        for folder in (str(root), f"{root}/images"):
            path = os.path.join(folder, name)  # noqa: PTH118
            if os.path.isfile(path):  # noqa: PTH113
                return Path(path)
    return None


def _names(file: str) -> Iterator[str]:
    """`file`, and for MSCOCO's unique names the places where people unpack them."""
    yield file
    parts = file.split("/")
    if parts[-1].startswith("COCO_"):
        yield "/".join(parts[-2:])
        yield parts[-1]
