"""Captioned pictures in Hugging Face's `datasets` form, an optional library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from koclip.errors import KoCLIPError
from koclip.training.caption_records import CAPTION_KEYS, captions_of, split_name


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
    try:
        import datasets
    except ImportError as error:
        raise KoCLIPError("datasets_missing", name=name) from error
    try:
        opened = datasets.load_from_disk(name) if saved else datasets.load_dataset(name)
    except Exception as error:  # the library raises what its readers raise
        raise KoCLIPError("datasets_unreadable", name=name, reason=error) from error
    splits = opened if isinstance(opened, Mapping) else {str(opened.split or ""): opened}
    for split, dataset in splits.items():
        yield from _rows(name, split, dataset, datasets.Image(decode=False))


def _rows(name: str, split: str, dataset: Any, encoded: Any) -> Iterator[DatasetRow]:
    kinds = dataset.features.items()
    column = next((name for name, kind in kinds if isinstance(kind, type(encoded))), "")
    keys = [key for key in CAPTION_KEYS if key in dataset.column_names]
    if not column or not keys:
        reason = f"no column of {'captions' if column else 'pictures'} in {dataset.column_names}"
        raise KoCLIPError("datasets_unreadable", name=name, reason=reason)
    # Undecoded, so that a broken picture is an error of ours, when it is opened.
    pictures = dataset.select_columns([column]).cast_column(column, encoded)
    license = dataset.info.license or ""
    for row, texts in enumerate(dataset.select_columns(keys)):
        try:
            captions = captions_of(texts, keys)
        except ValueError as error:
            reason = f"row {row}: {error}"
            raise KoCLIPError("datasets_unreadable", name=name, reason=reason) from error
        image = DatasetImage(f"{name}/{split}" if split else name, pictures, row, column)
        yield DatasetRow(image, captions, name, license, split_name(split))
