"""Queries of several parts: what they are made of, and that adding and leaving out works."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image, ImageOps

from koclip import KoCLIP
from koclip.errors import KoCLIPError
from koclip.evaluation import read_pictures
from koclip.limits import MAX_PARTS
from koclip.query import MINUS_WEIGHT, query_row
from koclip.similarity import cosine, top_k, unit_rows

EDGE = 224


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return unit_rows(np.random.default_rng(21).normal(size=(50, 24)))


def z_scores(part: np.ndarray, rows: np.ndarray) -> np.ndarray:
    cosines = np.float64(rows) @ np.float64(part)
    return cosines / cosines.std()


def test_a_single_part_is_its_embedding(tiny_korean: KoCLIP, rows):
    text = tiny_korean.embed_texts(["고양이"])
    for query in (
        {"text": " 고양이\n"},
        {"plus": "고양이,"},
        {"text": "고양이", "plus": ["고양이"]},
    ):
        np.testing.assert_array_equal(query_row(tiny_korean, rows, **query), text)
    np.testing.assert_array_equal(query_row(tiny_korean, rows, image_row=rows[3])[0], rows[3])


def test_parts_are_summed_in_units_of_their_spread(tiny_korean: KoCLIP, rows):
    query = query_row(tiny_korean, rows, "고양이", rows[3], ["바다"], "하늘\n커피")
    assert query.shape == (1, 24) and query.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(query), 1, atol=1e-6)
    sea, cat, sky, coffee = tiny_korean.embed_texts(["바다", "고양이", "하늘", "커피"])
    expected = sum(z_scores(part, rows) for part in (rows[3], cat, sea))
    expected -= MINUS_WEIGHT / 2**0.5 * sum(z_scores(part, rows) for part in (sky, coffee))
    scores = np.float64(rows) @ np.float64(query[0])
    np.testing.assert_allclose(scores / scores.std(), expected / expected.std(), atol=1e-4)


def test_a_thing_named_twice_counts_once(tiny_korean: KoCLIP, rows):
    once = query_row(tiny_korean, rows, "고양이", None, "바다", "하늘")
    twice = query_row(tiny_korean, rows, "고양이", None, "바다, 고양이,바다", ["하늘", " 하늘"])
    np.testing.assert_array_equal(once, twice)


def test_commas_in_the_text_itself_divide_nothing(tiny_korean: KoCLIP, rows):
    query = query_row(tiny_korean, rows, "바다, 고양이")
    np.testing.assert_array_equal(query, tiny_korean.embed_texts(["바다, 고양이"]))


def test_databases_too_small_to_have_a_spread(tiny_korean: KoCLIP, rows):
    for few in (rows[:0], rows[:1], np.repeat(rows[:1], 3, axis=0)):
        query = query_row(tiny_korean, few, "고양이", None, "바다", "하늘")
        np.testing.assert_allclose(np.linalg.norm(query), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({}, "text_empty"),
        ({"text": " \n", "plus": ", ,"}, "text_empty"),
        ({"minus": "개"}, "query_only_minus"),
        ({"text": None}, "text_not_string"),
        ({"text": "개", "plus": 5}, "text_not_string"),
        ({"text": "개", "minus": [5]}, "text_not_string"),
        ({"text": "바다 배", "minus": "하늘,바다 배"}, "query_contradiction"),
        ({"text": "바다  배", "minus": "바다\t배"}, "query_contradiction"),
        ({"text": "개", "minus": [str(i) for i in range(MAX_PARTS)]}, "query_too_long"),
        ({"text": "개", "minus": "바다 " * 40}, "text_too_long"),
    ],
    ids=repr,
)
def test_refusals(tiny_korean: KoCLIP, rows, parts, code):
    with pytest.raises(KoCLIPError) as caught:
        query_row(tiny_korean, rows, **parts)
    assert caught.value.code == code
    assert caught.value.localized("ko") != caught.value.localized("en")


# Adding and leaving out, on pictures of one thing and of two ----------------------------------


@dataclass
class Composed:
    """A database whose pictures' contents are known."""

    rows: np.ndarray
    shows: list[set[str]]
    """What each row's picture shows."""
    pairs: list[tuple[str, str]]
    """The things that are together in some pictures, in either order."""

    def share(self, found: np.ndarray, *things: str) -> float:
        """Of the pictures found, how many show all of `things`."""
        return np.mean([self.shows[i].issuperset(things) for i in found])

    def ten_best(self, query: np.ndarray) -> np.ndarray:
        return top_k(query, self.rows, 10)[0][0]


def compose(model: KoCLIP, half: int, count: int | None = None) -> Composed:
    """The gallery's pictures of things, and two each that show a thing beside one of four others.

    Args:
        half: 0 or 1; each half of the labels makes a database of its own.
        count: of labels; all of the half if None.
    """
    rng = np.random.default_rng(half)
    pictures: dict[str, list] = {}
    for picture in read_pictures("gallery"):
        if picture.label:
            pictures.setdefault(picture.label, []).append(picture)
    labels = np.random.default_rng(0).permutation(sorted(pictures)).tolist()[half::2][:count]
    also = {label: {word for p in pictures[label] for word in p.also} for label in labels}
    images, shows, pairs = [], [], []
    for label in labels:
        for picture in pictures[label]:
            images.append(square(picture.path))
            shows.append({label, *picture.also})
    for i, label in enumerate(labels):
        for other in (labels[(i + step) % len(labels)] for step in (1, 2, 3, 4)):
            if other in also[label] or label in also[other]:
                continue
            pairs += [(label, other), (other, label)]
            for _ in range(2):
                two = [square(rng.choice(pictures[word]).path) for word in (label, other)]
                images.append(side_by_side(two, rng))
                shows.append({label, other})
    batches = [model.embed_images(images[i : i + 32]) for i in range(0, len(images), 32)]
    return Composed(np.concatenate(batches), shows, pairs)


def square(path) -> Image.Image:
    return ImageOps.fit(Image.open(path).convert("RGB"), (EDGE, EDGE))


def side_by_side(two: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    canvas = Image.new("RGB", (2 * EDGE, 2 * EDGE), "white")
    for column, which in enumerate(rng.permutation(2)):
        canvas.paste(two[which], (column * EDGE, int(rng.integers(EDGE + 1))))
    return canvas


def leaving_out(model: KoCLIP, database: Composed, count: int = 1) -> np.ndarray:
    """For "A" and for "A" minus `count` things, means over all A: how many of the 10 best show A,
    how many show one of the things, and how many show A and none of them."""
    others: dict[str, list[str]] = {}
    for label, other in database.pairs:
        others.setdefault(label, []).append(other)
    cases = [
        (label, them[i : i + count])
        for label, them in others.items()
        for i in range(0, len(them) - count + 1, count)
    ]
    means = []
    for is_without in (False, True):
        shares = []
        for label, things in cases:
            minus = things if is_without else ()
            found = database.ten_best(query_row(model, database.rows, label, minus=minus))
            has = [not database.shows[i].isdisjoint(things) for i in found]
            is_a = [label in database.shows[i] for i in found]
            both = np.logical_and(is_a, np.logical_not(has))
            shares.append([np.mean(is_a), np.mean(has), np.mean(both)])
        means.append(np.mean(shares, axis=0))
    return np.array(means)


def adding(model: KoCLIP, database: Composed) -> dict[str, np.ndarray]:
    """Of the 10 best, how many show both things of a pair and how many show the second, for
    queries of a picture of the first, of the second's name, of the plain sum of the two and of
    the two as `query_row` weighs them."""
    shares: dict[str, list[tuple[float, float]]] = {}
    for label, other in database.pairs:
        picture = database.rows[[label in things for things in database.shows].index(True)]
        name = model.embed_texts([other])
        queries = {
            "picture": picture[None],
            "name": name,
            "sum": unit_rows(picture[None] + name),
            "weighed": query_row(model, database.rows, other, picture),
        }
        for kind, query in queries.items():
            found = database.ten_best(query)
            share = (database.share(found, label, other), database.share(found, other))
            shares.setdefault(kind, []).append(share)
    return {kind: np.mean(values, axis=0) for kind, values in shares.items()}


@pytest.fixture(scope="module")
def composed(mini: KoCLIP) -> Composed:
    return compose(mini, half=1, count=16)


def test_what_is_left_out_becomes_rare_and_what_is_wanted_stays(mini: KoCLIP, composed):
    (wanted, unwanted, right), (wanted_then, unwanted_then, right_then) = leaving_out(
        mini, composed
    )
    assert len(composed.pairs) > 100 and unwanted > 0.05
    assert unwanted_then < 0.75 * unwanted
    assert wanted_then > 0.9 * wanted
    assert right_then > 0.97 * right


def test_several_things_left_out_do_not_drown_what_is_wanted(mini: KoCLIP, composed):
    (wanted, unwanted, right), (wanted_then, unwanted_then, right_then) = leaving_out(
        mini, composed, count=4
    )
    assert unwanted_then < 0.9 * unwanted
    assert wanted_then > 0.8 * wanted
    assert right_then > 0.95 * right


def test_a_picture_and_words_find_what_has_both(mini: KoCLIP, composed):
    both, named = np.transpose(list(adding(mini, composed).values()))
    picture, name, _, weighed = both
    assert weighed > 1.25 * max(picture, name)
    assert named[3] > 1.25 * named[2]  # a plain sum follows the picture


def test_pictures_spread_wider_than_words(mini: KoCLIP, composed):
    """Why parts are weighed at all."""
    words = mini.embed_texts(sorted(set().union(*composed.shows)))
    spread_of_words = cosine(words, composed.rows).std(axis=1).mean()
    spread_of_pictures = cosine(composed.rows, composed.rows).std(axis=1).mean()
    assert spread_of_pictures > 1.5 * spread_of_words
