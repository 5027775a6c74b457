"""Retrieval: the images of a database that fit a query best."""

from __future__ import annotations

import numpy as np
import pytest

from koclip import ImageDatabase, KoCLIP
from koclip.database import ImageItem
from koclip.errors import KoCLIPError
from koclip.similarity import unit_rows
from koclip.text_to_image import search


@pytest.fixture(scope="module")
def database(tiny_korean: KoCLIP) -> ImageDatabase:
    rows = unit_rows(np.random.default_rng(11).normal(size=(30, 24)))
    items = [ImageItem(id=str(i), file=f"{i}.png", caption_ko=f"사진 {i}") for i in range(30)]
    return ImageDatabase(items, rows, tiny_korean.name, tiny_korean.revision)


@pytest.mark.parametrize("k", [1, 10, 30, 31, 10**9, 5.0, np.int64(3)])
def test_the_best_images_in_order(tiny_korean: KoCLIP, database, k):
    hits = search(tiny_korean, database, "고양이 사진", k)
    exact = np.float64(database.embeddings) @ np.float64(tiny_korean.embed_texts("고양이 사진")[0])
    order = np.argsort(-exact)[: min(int(k), 30)]
    assert [hit.item for hit in hits] == [database.items[i] for i in order]
    assert [hit.rank for hit in hits] == list(range(1, len(order) + 1))
    np.testing.assert_allclose([hit.score for hit in hits], exact[order], atol=1e-6)
    assert all(type(hit.score) is float for hit in hits)


def test_ten_are_found_unless_told_otherwise(tiny_korean: KoCLIP, database):
    assert len(database.search(tiny_korean, "고양이")) == 10
    assert database.search(tiny_korean, " 고양이\n", k=3) == search(
        tiny_korean, database, "고양이", 3
    )


@pytest.mark.parametrize(
    "k", [0, -1, 2.5, "3", "x", None, True, float("nan"), float("inf"), [3]], ids=repr
)
def test_bad_counts(tiny_korean: KoCLIP, database, k):
    with pytest.raises(KoCLIPError) as caught:
        search(tiny_korean, database, "고양이", k)
    assert caught.value.code == "result_count_bad"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "text_empty"),
        (" \n", "text_empty"),
        (None, "text_not_string"),
        (5, "text_not_string"),
        ("바다 " * 40, "text_too_long"),
    ],
)
def test_bad_queries(tiny_korean: KoCLIP, database, query, code):
    with pytest.raises(KoCLIPError) as caught:
        search(tiny_korean, database, query)
    assert caught.value.code == code
