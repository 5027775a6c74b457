"""Conditions on what is known about an image."""

from __future__ import annotations

import unicodedata

import pytest

from koclip.database import ImageItem
from koclip.errors import KoCLIPError
from koclip.metadata_filter import Condition, matching


@pytest.mark.parametrize(
    ("condition", "true", "false"),
    [
        ("license=CC0-1.0", ["CC0-1.0", "cc0-1.0"], ["CC-BY-4.0", "CC0-1.0 ", "", None]),
        ("license != CC0-1.0", ["CC-BY-4.0", "", None], ["CC0-1.0"]),
        ("license=", ["", None], ["CC0-1.0", "0"]),
        ("license!=", ["CC0-1.0", 0], ["", None]),
        ("title~산", ["눈 덮인 산", unicodedata.normalize("NFD", "산길")], ["바다", "", None]),
        ("title~ICE", ["Nice", "ice"], ["snow"]),
        ("title=a=b", ["a=b"], ["a"]),
        ("title=여러 낱말", ["여러 낱말"], ["여러"]),
        ("year=2020", ["2020", 2020, "2020.0"], ["2021", "2020-01-01"]),
        ("width>640", ["641", 1e9, "700.5"], ["640", "64", "9", "x", "", None, "nan"]),
        ("width>=640", ["640", 640], ["639.99"]),
        ("width<-1.5", ["-2"], ["-1.5", "0"]),
        (
            "taken>=2024-05",
            ["2024-05-01", "2024-05-01T00:00:00", "2025-01-01"],
            ["2024-04-30", "x"],
        ),
        ("taken<=2024-05", ["2024-05-31T23:59", "2023-12-31"], ["2024-06-01", "", None]),
        ("taken>2024-05-31", ["2024-06-01"], ["2024-05-31 23:59:59", "2024-05-31"]),
        ("taken<2024", ["2023-12-31", "2000"], ["2024-01-01", "3000"]),
        ("taken>=2024-05-31T12:00", ["2024-05-31 12:00:01"], ["2024-05-31T11:59:59"]),
    ],
)
def test_conditions(condition, true, false):
    condition = Condition.parse(condition)
    assert [condition.holds(value) for value in true] == [True] * len(true)
    assert [condition.holds(value) for value in false] == [False] * len(false)


@pytest.mark.parametrize("text", ["", "license", "=CC0", 7, None])
def test_no_conditions(text):
    with pytest.raises(KoCLIPError) as caught:
        Condition.parse(text)
    assert caught.value.code == "where_bad"


@pytest.mark.parametrize("text", ["width>big", "taken<=2024-5", "taken>", "year>=20xx"])
def test_what_cannot_be_compared(text):
    with pytest.raises(KoCLIPError) as caught:
        Condition.parse(text)
    assert caught.value.code == "where_not_comparable"


ITEMS = [
    ImageItem(id=str(number), file="x.png", license=license)
    for number, license in enumerate(["CC0-1.0", "CC0-1.0", "MIT", ""])
]


def masked(where: str | list[str]) -> list[bool] | None:
    mask = matching(ITEMS, where)
    return None if mask is None else mask.tolist()


def test_all_conditions_must_hold():
    assert masked("license=cc0-1.0") == [True, True, False, False]
    assert masked(["license=CC0-1.0", "id>0"]) == [False, True, False, False]
    assert masked(["id>2", "id<2"]) == [False] * 4
    assert masked([]) is None


def test_an_unknown_field_is_told_with_those_that_are_known():
    with pytest.raises(KoCLIPError) as caught:
        masked(["license=CC0-1.0", "licence=CC0-1.0"])
    assert caught.value.code == "where_unknown_field"
    for language in ("ko", "en"):
        assert "'licence'" in caught.value.localized(language)
        assert "license" in caught.value.values["known"].split(", ")


def test_columns_beyond_the_usual_ones():
    items = [
        ImageItem(id="a", file="a.png", extra={"카메라": "Leica M6", "iso": 400}),
        ImageItem(id="b", file="b.png", extra={"iso": 1600, "shot on": "film"}),
        ImageItem(id="c", file="c.png", width=640),
    ]
    assert matching(items, "iso>=800").tolist() == [False, True, False]
    assert matching(items, "카메라~leica").tolist() == [True, False, False]
    assert matching(items, ["shot on=film", "iso<2000"]).tolist() == [False, True, False]
    assert matching(items, "width>0").tolist() == [False, False, True]
    with pytest.raises(KoCLIPError, match="iso, shot on, 카메라"):
        matching(items, "extra=1")


def test_no_items():
    assert matching([], "anything=1") is None
