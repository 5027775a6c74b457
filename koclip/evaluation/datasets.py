"""What a model is measured on: photographs, their captions, and the labels true of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from koclip.assets import assets_dir
from koclip.errors import KoCLIPError
from koclip.files import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from koclip.training.hub_datasets import DatasetImage

FLICKR8K_DEV = "flickr8k-dev-ko"
"""The name of the bundled captions and objects of 256 Flickr8k dev photographs."""
GALLERY = "gallery"
"""The name of the bundled gallery's photographs."""
_CAPTION_SUFFIXES = {".json", ".jsonl", ".csv", ".tsv", ".txt"}


@dataclass(frozen=True)
class Photo:
    """One photograph and what is true of it."""

    path: Path | DatasetImage
    """Its file, or its row in a Hugging Face data set."""
    captions: tuple[str, ...] = ()
    objects: tuple[str, ...] | None = None
    """Every label of the set that is visible; None where nobody has looked."""
    main: str | None = None
    """The label of what it is mainly of."""


@dataclass(frozen=True)
class EvaluationSet:
    """Photographs to measure on, all of them there, and the labels to choose from."""

    name: str
    photos: tuple[Photo, ...]
    labels: tuple[str, ...]

    def captioned(self) -> tuple[Photo, ...]:
        """Those that have captions."""
        return tuple(photo for photo in self.photos if photo.captions)

    def labelled(self) -> tuple[Photo, ...]:
        """Those whose objects are known."""
        return tuple(photo for photo in self.photos if photo.objects is not None)


@dataclass(frozen=True)
class LabelledPicture:
    """A picture of one thing, or without a label a background."""

    path: Path
    label: str | None
    also: frozenset[str] = frozenset()
    """Other words that are true of it, such as 과일 of a lemon."""


def read_labels() -> tuple[str, ...]:
    """The 80 everyday labels: COCO's categories in Korean, in COCO's order."""
    path = assets_dir() / "evaluation" / "labels80_ko.txt"
    return tuple(path.read_text(encoding="utf-8").split("\n")[:80])


def open_set(
    dataset: str | Path = FLICKR8K_DEV,
    *,
    images: str | Path | None = None,
    split: str | None = None,
    first: int | None = None,
) -> EvaluationSet:
    """The data set of that name or at that path.

    Args:
        dataset: "flickr8k-dev-ko", whose photographs `images` must hold; "gallery"; a folder with
            one sub-folder of pictures for each label; a JSONL file with a photograph a line,
            `{"file": …, "caption_ko": …, "objects": [labels], "main": label or null}`; or whatever
            `koclip.training.captions.read_captions` reads.
        images: folder of the photographs. Default: that of the file.
        split: only this part of a data set that knows splits.
        first: only so many photographs, the first ones.

    Raises:
        KoCLIPError: nothing is there, a line is not as it should be, or a photograph is missing.
            A figure over those that happen to be there would look like one over all.
    """
    name = str(dataset)
    opened = _open_labelled(dataset, images)
    if opened is None:
        opened = _open_captioned(dataset, images, split)
    elif split is not None:
        raise KoCLIPError("captions_no_split", path=name, split=split, known="–")
    if first is not None:
        opened = dataclasses.replace(opened, photos=opened.photos[: max(first, 0)])
    if not opened.photos:
        raise KoCLIPError("evaluation_no_photos", dataset=name)
    _refuse_missing([photo.path for photo in opened.photos])
    return opened


def read_pictures(source: str | Path = GALLERY) -> list[LabelledPicture]:
    """Pictures of single things to compose scenes from.

    Args:
        source: "gallery", the bundled one; a folder with one sub-folder of pictures for each label;
            or a JSONL file with a picture a line, `{"file": …, "label": …}`, beside its pictures.
            A line may name further labels that are true, as "objects" and "also", or be one of a
            background, `{"file": …, "label": null, "background": true}`.

    Raises:
        KoCLIPError: nothing is there, a line is not as it should be, or a picture is missing.
    """
    path = Path(source)
    if str(source) == GALLERY:
        file, folder = _gallery_objects(), assets_dir() / "gallery"
    elif path.is_dir():
        return [LabelledPicture(path, label) for label, path in _walk_labels(path)]
    else:
        file, folder = path, path.parent
    pictures = [
        LabelledPicture(
            folder / line["file"],
            line["label"],
            frozenset([*(line.get("objects") or ()), *line.get("also", ())]),
        )
        for line in _read_lines(file, required=("file", "label"))
        if line["label"] is not None or line.get("background")
    ]
    _refuse_missing([picture.path for picture in pictures])
    return pictures


def read_photos(path: Path, folder: Path) -> tuple[Photo, ...]:
    """The photographs of a JSONL file in the form of the bundled one.

    Raises:
        KoCLIPError: the file is not there, or a line is not as it should be or names an object
            that is none of the 80 labels.
    """
    photos = tuple(
        Photo(
            folder / line["file"],
            (line["caption_ko"],),
            tuple(line["objects"]) if "objects" in line else None,
            line.get("main"),
        )
        for line in _read_lines(path, required=("file", "caption_ko"))
    )
    unknown = {name for photo in photos for name in photo.objects or ()} - set(read_labels())
    if unknown:
        raise KoCLIPError("evaluation_unknown_label", path=path, labels=", ".join(sorted(unknown)))
    return photos


def _flickr8k_dev(images: str | Path | None) -> EvaluationSet:
    if images is None:
        raise KoCLIPError("evaluation_needs_photos", dataset=FLICKR8K_DEV)
    path = assets_dir() / "evaluation" / "flickr8k_dev_ko.jsonl"
    return EvaluationSet(FLICKR8K_DEV, read_photos(path, Path(images)), read_labels())


def _gallery() -> EvaluationSet:
    folder = assets_dir() / "gallery"
    known = {
        line["file"]: tuple(line["objects"])
        for line in _read_lines(_gallery_objects(), required=("file", "objects"))
        if line["objects"] is not None
    }
    photos = tuple(
        Photo(folder / line["file"], (line["caption_ko"],), known.get(line["file"]))
        for line in _read_lines(folder / "items.jsonl", required=("file", "caption_ko", "kind"))
        if line["kind"] == "photo"
    )
    return EvaluationSet(GALLERY, photos, read_labels())


def _gallery_objects() -> Path:
    return assets_dir() / "evaluation" / "gallery_objects_ko.jsonl"


def _open_labelled(dataset: str | Path, images: str | Path | None) -> EvaluationSet | None:
    """The data set when it is of a form that knows labels."""
    path = Path(dataset)
    if str(dataset) == FLICKR8K_DEV:
        return _flickr8k_dev(images)
    if str(dataset) == GALLERY:
        return _gallery()
    if path.is_dir() and _is_labelled_folder(path):
        pictures = sorted(_walk_labels(path))
        labels = tuple(dict.fromkeys(label for label, _ in pictures))
        photos = tuple(Photo(file, (), (label,), label) for label, file in pictures)
        return EvaluationSet(path.name, photos, labels)
    if path.suffix == ".jsonl" and path.is_file() and "objects" in next(_read_lines(path), {}):
        photos = read_photos(path, Path(images or path.parent))
        return EvaluationSet(path.stem, photos, read_labels())
    return None


def _open_captioned(
    dataset: str | Path, images: str | Path | None, split: str | None
) -> EvaluationSet:
    from koclip.training.captions import read_captions

    read, missing = read_captions(dataset, images=images, split=split)
    _refuse_missing(missing, total=len(read) + len(missing))
    photos = tuple(Photo(pair.path, pair.captions) for pair in read)
    name = Path(dataset).stem + (f" ({split})" if split else "")
    return EvaluationSet(name, photos, read_labels())


def _is_labelled_folder(folder: Path) -> bool:
    """A file of captions in it or one level below makes it something else."""
    files = [*folder.glob("*"), *folder.glob("*/*")]
    return (
        not any(file.suffix.lower() in _CAPTION_SUFFIXES for file in files)
        and next(_walk_labels(folder), None) is not None
    )


def _walk_labels(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            yield path.parent.name, path


def _read_lines(path: Path, required: Iterable[str] = ()) -> Iterator[dict]:
    number = 0
    try:
        for text in path.read_text(encoding="utf-8").splitlines():
            number += 1
            line = json.loads(text)
            missing = [key for key in required if key not in line]
            if missing or not isinstance(line, dict):
                raise ValueError(f"no {', '.join(missing)}" if missing else "no object")
            yield line
    except (OSError, ValueError, TypeError) as error:
        raise KoCLIPError(
            "captions_unreadable", path=path, line=max(number, 1), reason=error
        ) from error


def _refuse_missing(paths: Sequence[Path | DatasetImage], total: int | None = None) -> None:
    missing = [path for path in paths if isinstance(path, Path) and not path.is_file()]
    if missing:
        names = ", ".join(str(path) for path in missing[:3]) + (", …" if missing[3:] else "")
        total = total or len(paths)
        raise KoCLIPError("evaluation_photos_missing", count=len(missing), total=total, names=names)
