"""Retrieval: the images of a database that fit a query best."""

from __future__ import annotations

import numpy as np
import pytest

from koclip import ImageDatabase, KoCLIP
from koclip.database import ImageItem
from koclip.errors import KoCLIPError
from koclip.query import query_row
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


def test_the_score_is_the_cosine_with_the_whole_query(tiny_korean: KoCLIP, database):
    parts = {"plus": ["바다"], "minus": "하늘"}
    hits = search(tiny_korean, database, "고양이", 30, image=database.embeddings[4], **parts)
    row = query_row(tiny_korean, database.embeddings, "고양이", database.embeddings[4], **parts)
    exact = np.float64(database.embeddings) @ np.float64(row[0])
    order = [i for i in np.argsort(-exact) if i != 4]
    assert [hit.item for hit in hits] == [database.items[i] for i in order]
    np.testing.assert_allclose([hit.score for hit in hits], exact[order], atol=1e-6)
    assert database.search(tiny_korean, "고양이", 30, image=database.embeddings[4], **parts) == hits


def test_more_like_a_picture_of_the_database_leaves_it_out(mini: KoCLIP):
    gallery = ImageDatabase.for_model(mini)
    item = next(item for item in gallery.items if "고양이" in item.caption_ko)
    by_picture = gallery.search(mini, image=gallery.location(item), k=12)
    by_row = gallery.search(mini, image=gallery.embeddings[gallery.items.index(item)], k=12)
    assert [hit.item for hit in by_picture] == [hit.item for hit in by_row]
    assert item not in [hit.item for hit in by_picture]
    assert [hit.rank for hit in by_picture] == list(range(1, 13))
    with_words = gallery.search(mini, "눈", image=gallery.location(item), k=12)
    assert item not in [hit.item for hit in with_words]


def test_copies_of_the_picture_take_no_places(tiny_korean: KoCLIP, database):
    rows = np.concatenate([database.embeddings[:5]] + [database.embeddings[:1]] * 4)
    items = [ImageItem(id=str(i), file=f"{i}.png") for i in range(9)]
    copies = ImageDatabase(items, rows, database.model, database.revision)
    hits = copies.search(tiny_korean, image=rows[0], k=4)
    assert sorted(hit.item.id for hit in hits) == ["1", "2", "3", "4"]


def test_a_picture_that_is_not_in_the_database(tiny_korean: KoCLIP, database, examples):
    hits = search(tiny_korean, database, image=examples / "cat.webp", k=30)
    exact = database.embeddings @ tiny_korean.embed_images(examples / "cat.webp")[0]
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(exact)[::-1], atol=1e-6)


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("gone.jpg", "image_not_found"),
        (b"no picture", "image_unreadable"),
        (np.ones(5, np.float32), "image_bad_array"),
        (7, "image_wrong_type"),
    ],
)
def test_bad_pictures(tiny_korean: KoCLIP, database, image, code):
    with pytest.raises(KoCLIPError) as caught:
        search(tiny_korean, database, "고양이", image=image)
    assert caught.value.code == code


def test_only_something_to_leave_out(tiny_korean: KoCLIP, database):
    with pytest.raises(KoCLIPError) as caught:
        search(tiny_korean, database, minus="고양이")
    assert caught.value.code == "query_only_minus"


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


def test_only_what_fits_the_conditions(tiny_korean: KoCLIP, database):
    everything = search(tiny_korean, database, "고양이", 30)
    hits = search(tiny_korean, database, "고양이", 4, where=["id>=10", "caption_ko~사진 2"])
    expected = [hit for hit in everything if 20 <= int(hit.item.id) < 30][:4]
    assert [(hit.item, hit.score) for hit in hits] == [(h.item, h.score) for h in expected]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert search(tiny_korean, database, "고양이", where="id=none") == []
    with pytest.raises(KoCLIPError, match="no field 'licence'"):
        search(tiny_korean, database, "고양이", where="licence=CC0-1.0")


def test_conditions_do_not_change_what_a_query_of_several_parts_means(tiny_korean, database):
    parts = {"image": database.embeddings[4], "minus": "하늘"}
    everything = search(tiny_korean, database, "고양이", 30, **parts)
    some = search(tiny_korean, database, "고양이", 30, where="id<15", **parts)
    scores = {hit.item.id: hit.score for hit in everything}
    assert len(some) == 14 and all(scores[hit.item.id] == hit.score for hit in some)


def test_nearly_equal_images_count_as_one(tiny_korean: KoCLIP, database):
    rows = np.concatenate([database.embeddings[:6]] * 3)
    items = [ImageItem(id=str(i), file=f"{i}.png") for i in range(18)]
    copies = ImageDatabase(items, rows, database.model, database.revision)
    expected = [hit.item.id for hit in search(tiny_korean, database, "고양이", 30)]
    expected = [id for id in expected if int(id) < 6]
    hits = copies.search(tiny_korean, "고양이", 4, group=0.99)
    assert [hit.item.id for hit in hits] == expected[:4]
    for hit in hits:
        first = int(hit.item.id)
        assert [item.id for item in hit.others] == [str(first + 6), str(first + 12)]
    without = copies.search(tiny_korean, "고양이", 30, image=rows[0], group=0.99)
    assert {hit.item.id for hit in without} == set("12345")  # the picture itself is no result
    filtered = copies.search(tiny_korean, "고양이", 30, group=0.99, where="id>=12")
    assert [hit.others for hit in filtered] == [()] * 6
    with pytest.raises(KoCLIPError, match="threshold"):
        copies.search(tiny_korean, "고양이", group=97)
