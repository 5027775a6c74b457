"""Captioned pictures in Hugging Face's `datasets` form, an optional library."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from koclip.errors import KoCLIPError
from koclip.training.caption_records import CAPTION_KEYS, captions_of, split_name

_PLAIN = re.compile("(large_)?string|u?int|float")
"""Types of columns that are taken along with pictures."""


@dataclass(frozen=True, eq=False)
class DatasetImage:
    """A picture in a data set, read when it is needed."""

    name: str
    dataset: Any = field(repr=False)
    row: int
    column: str

    def read(self) -> bytes | Path:
        """Its encoded bytes, or the file they are in.

        Raises:
            KoCLIPError: the data set is damaged here.
        """
        try:
            value = self.dataset[self.row][self.column]
            return value["bytes"] or Path(value["path"])
        except Exception as error:  # whatever Arrow and the network have to say
            raise KoCLIPError("image_unreadable", reason=error) from error

    def __str__(self) -> str:
        return f"{self.name}[{self.row}]"


class DatasetRow(NamedTuple):
    """A captioned picture of a data set."""

    image: DatasetImage
    captions: tuple[str, ...]
    source: str
    license: str
    split: str


def is_saved_dataset(folder: Path) -> bool:
    """Whether `save_to_disk` wrote `folder`."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def read_dataset(name: str, saved: bool) -> Iterator[DatasetRow]:
    """The captioned pictures of a data set: `saved` in the folder `name`, or on the Hub.

    The pictures are in its first column of pictures, the captions in the columns that are named
    as in caption files.

    Raises:
        KoCLIPError: the library or the data set is not there, or lacks pictures or captions.
    """
    for split, dataset in _opened(name, saved).items():
        yield from _rows(name, split, dataset)


def read_pictures(name: str) -> Iterator[tuple[DatasetImage, dict[str, Any]]]:
    """The pictures of a data set on the Hub, and of each the columns of texts and numbers.

    Raises:
        KoCLIPError: the library or the data set is not there, or has no pictures.
    """
    for split, dataset in _opened(name, saved=False).items():
        column, pictures = _pictures(name, dataset)
        kinds = {key: getattr(kind, "dtype", "") for key, kind in dataset.features.items()}
        plain = [key for key, kind in kinds.items() if _PLAIN.match(kind)]
        license = {"license": dataset.info.license or ""}
        place = f"{name}/{split}" if split else name
        texts = dataset.select_columns(plain) if plain else ({} for _ in range(len(dataset)))
        for row, values in enumerate(texts):
            yield DatasetImage(place, pictures, row, column), license | values


def _opened(name: str, saved: bool) -> Mapping[str, Any]:
    """The data sets of all splits."""
    try:
        import datasets
    except ImportError as error:
        raise KoCLIPError("datasets_missing", name=name) from error
    try:
        opened = datasets.load_from_disk(name) if saved else datasets.load_dataset(name)
    except Exception as error:  # the library raises what its readers raise
        raise KoCLIPError("datasets_unreadable", name=name, reason=error) from error
    return opened if isinstance(opened, Mapping) else {str(opened.split or ""): opened}


def _pictures(name: str, dataset: Any) -> tuple[str, Any]:
    """The first column of pictures, and a data set of that alone.

    The pictures are not decoded, so that a broken one is an error of ours, when it is opened.
    """
    from datasets import Image

    kinds = dataset.features.items()
    column = next((name for name, kind in kinds if isinstance(kind, Image)), "")
    if not column:
        reason = f"no column of pictures in {dataset.column_names}"
        raise KoCLIPError("datasets_unreadable", name=name, reason=reason)
    return column, dataset.select_columns([column]).cast_column(column, Image(decode=False))


def _rows(name: str, split: str, dataset: Any) -> Iterator[DatasetRow]:
    column, pictures = _pictures(name, dataset)
    keys = [key for key in CAPTION_KEYS if key in dataset.column_names]
    if not keys:
        reason = f"no column of captions in {dataset.column_names}"
        raise KoCLIPError("datasets_unreadable", name=name, reason=reason)
    license = dataset.info.license or ""
    for row, texts in enumerate(dataset.select_columns(keys)):
        try:
            captions = captions_of(texts, keys)
        except ValueError as error:
            reason = f"row {row}: {error}"
            raise KoCLIPError("datasets_unreadable", name=name, reason=reason) from error
        image = DatasetImage(f"{name}/{split}" if split else name, pictures, row, column)
        yield DatasetRow(image, captions, name, license, split_name(split))
