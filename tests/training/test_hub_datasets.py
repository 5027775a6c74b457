"""Hugging Face data sets, with a stand-in for the optional library."""

from __future__ import annotations

import sys
import types

import pytest

from koclip.errors import KoCLIPError
from koclip.training.captions import read_captions
from tests.training.pictures import level_of, save_picture


class Image:
    """The type of a column of pictures."""

    def __init__(self, decode: bool = True) -> None:
        self.decode = decode


class Dataset:
    """As much of `datasets.Dataset` as is used, over lists."""

    def __init__(self, columns: dict, features: dict, split: str | None = None) -> None:
        self._columns = columns
        self.features = features
        self.split = split
        self.info = types.SimpleNamespace(license="CC0-1.0")
        self.column_names = list(columns)

    def select_columns(self, names: list[str]) -> Dataset:
        pick = {name: self._columns[name] for name in names}
        return Dataset(pick, {name: self.features[name] for name in names}, self.split)

    def cast_column(self, name: str, kind: Image) -> Dataset:
        return Dataset(self._columns, self.features | {name: kind}, self.split)

    def __getitem__(self, row: int) -> dict:
        for name, kind in self.features.items():
            assert not (isinstance(kind, Image) and kind.decode), f"{name} would be decoded"
        return {name: values[row] for name, values in self._columns.items()}

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __iter__(self):
        return (self[row] for row in range(len(self)))


@pytest.fixture
def library(monkeypatch):
    """`datasets`, opening `library.opened`."""
    module = types.ModuleType("datasets")
    module.Image = Image
    module.opened = None
    module.load_from_disk = module.load_dataset = lambda name: module.opened
    monkeypatch.setitem(sys.modules, "datasets", module)
    return module


def pictures(tmp_path) -> list[dict]:
    """Encoded in the data set, in a file beside it, damaged, and gone."""
    file = save_picture(tmp_path / "b.png", 20)
    return [
        {"bytes": save_picture(tmp_path / "a.png", 10).read_bytes(), "path": None},
        {"bytes": None, "path": str(file)},
        {"bytes": b"damaged", "path": None},
        {"bytes": None, "path": str(tmp_path / "gone.png")},
    ]


def dataset(tmp_path, **options) -> Dataset:
    columns = {
        "photo": pictures(tmp_path),
        "caption": ["a", "b", "c", "d"],
        "caption_ko": [["가", "나"], ["다"], ["라"], ["마"]],
    }
    features = {"photo": Image(), "caption": "string", "caption_ko": "list"}
    return Dataset(columns, features, **options)


def test_a_data_set_of_the_hub(tmp_path, library):
    library.opened = {"train": dataset(tmp_path), "validation": dataset(tmp_path)}
    items, missing = read_captions("hf:owner/name")
    assert len(items) == 8 and missing == []
    assert items[0].captions == ("가", "나", "a")
    assert (items[0].source, items[0].license) == ("owner/name", "CC0-1.0")
    assert [item.split for item in items] == ["train"] * 4 + ["dev"] * 4
    assert str(items[5].path) == "owner/name/validation[1]"
    assert [level_of(item.open()) for item in items[:2]] == [10, 20]


def test_one_split_of_a_data_set(tmp_path, library):
    library.opened = {"train": dataset(tmp_path), "validation": dataset(tmp_path)}
    assert {item.split for item in read_captions("hf:owner/name", split="val")[0]} == {"dev"}


@pytest.mark.parametrize("mark", ["dataset_dict.json", "state.json"])
def test_a_data_set_saved_to_disk(tmp_path, library, mark):
    library.opened = dataset(tmp_path, split="test")
    (tmp_path / mark).touch()
    assert {item.split for item in read_captions(tmp_path)[0]} == {"test"}


@pytest.mark.parametrize(("row", "code"), [(2, "image_unreadable"), (3, "image_not_found")])
def test_a_broken_picture_is_an_error_when_it_is_opened(tmp_path, library, row, code):
    library.opened = dataset(tmp_path)
    items, _ = read_captions("hf:owner/name")
    with pytest.raises(KoCLIPError) as caught:
        items[row].open()
    assert caught.value.code == code


def test_a_damaged_data_set_is_an_error_when_a_picture_is_opened(tmp_path, library):
    library.opened = dataset(tmp_path)
    items, _ = read_captions("hf:owner/name")
    items[0].path.dataset._columns["photo"].clear()
    with pytest.raises(KoCLIPError) as caught:
        items[0].open()
    assert caught.value.code == "image_unreadable"


def test_without_the_library_its_installation_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)  # import fails
    with pytest.raises(KoCLIPError, match="pip install datasets"):
        read_captions("hf:owner/name")


def test_a_data_set_that_cannot_be_had(monkeypatch, library):
    def fail(name):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(library, "load_dataset", fail)
    with pytest.raises(KoCLIPError, match=r"owner/name.*no route to host"):
        read_captions("hf:owner/name")


@pytest.mark.parametrize(
    ("columns", "features", "reason"),
    [
        ({"caption": ["a"]}, {"caption": "string"}, "no column of pictures"),
        ({"image": [{}]}, {"image": Image()}, "no column of captions"),
        ({"image": [{}], "text": [""]}, {"image": Image(), "text": "string"}, "row 0: no caption"),
    ],
)
def test_data_sets_of_something_else(library, columns, features, reason):
    library.opened = Dataset(columns, features)
    with pytest.raises(KoCLIPError, match=reason):
        read_captions("hf:owner/name")
