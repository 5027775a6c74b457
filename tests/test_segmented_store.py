"""A search over segments with removed rows finds what one over the joined rows would."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from koclip import similarity, vector_store
from koclip.errors import KoCLIPError
from koclip.segmented_store import Segment, SegmentedStore
from koclip.similarity import top_k, unit_rows
from koclip.vector_store import VectorStore, compact_copy
from tests.test_similarity import unit, ways

__all__ = ["ways"]

WIDTH = 16


def segmented(
    rows: np.ndarray, sizes: list[int], live: np.ndarray, forms: tuple = (None,)
) -> SegmentedStore:
    """`rows` cut into segments of these sizes, without those that are not live."""
    segments, start = [], 0
    for index, size in enumerate(sizes):
        part, form = rows[start : start + size], forms[index % len(forms)]
        store = VectorStore(part, form and compact_copy(part, form))
        mask = live[start : start + size]
        segments.append(Segment(store, None if mask.all() else np.flatnonzero(mask)))
        start += size
    assert start == len(rows)
    return SegmentedStore(segments)


def assert_same(found: tuple, expected: tuple) -> None:
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.fixture(params=["one", "several", "single rows", "an empty one"])
def sizes(request) -> list[int]:
    return {
        "one": [200],
        "several": [90, 1, 7, 102],
        "single rows": [1] * 50 + [150],
        "an empty one": [0, 60, 0, 140, 0],
    }[request.param]


@pytest.mark.parametrize("forms", [(None,), ("int8", None, "float16")])
@pytest.mark.parametrize("removed", [0.0, 0.1, 0.97, 1.0])
def test_the_same_as_over_joined_rows(rng, ways, sizes, forms, removed):
    rows = unit(rng, 200)
    rows[[150, 199]] = rows[3]  # copies, which must come in their order
    live = rng.random(200) >= removed
    store = segmented(rows, sizes, live, forms)
    assert len(store) == live.sum()
    for count in (1, 4):
        queries = np.concatenate([rows[3:4], unit(rng, count)])[:count]
        for k in (1, 10, 500):
            assert_same(top_k(queries, store, k), top_k(queries, rows[live], k))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.98, 1.0])
def test_a_mask_keeps_rows(rng, ways, sizes, share):
    rows, live = unit(rng, 200), rng.random(200) >= 0.2
    store = segmented(rows, sizes, live, ("int8", None))
    keep = rng.random(len(store)) < share
    for queries in (unit(rng, 1), unit(rng, 3)):
        numbers, scores = top_k(queries, rows[live][keep], 10)
        expected = np.flatnonzero(keep)[numbers], scores
        assert_same(top_k(queries, store, 10, keep), expected)
        assert_same(top_k(queries, rows[live], 10, keep), expected)


def test_rows_by_number(rng, sizes):
    rows, live = unit(rng, 200), rng.random(200) >= 0.4
    store = segmented(rows, sizes, live)
    numbers = rng.integers(0, len(store), 300)
    np.testing.assert_array_equal(store.rows_at(numbers), rows[live][numbers])
    assert store.rows_at(np.empty(0, np.int64)).shape == (0, WIDTH)


@pytest.mark.parametrize("count", [1, 3])
def test_removed_rows_are_not_even_checked(rng, ways, count):
    rows, live = unit(rng, 60), np.ones(60, bool)
    rows[17], live[17] = np.nan, False
    store = segmented(rows, [40, 20], live)
    with np.errstate(invalid="ignore"):
        assert_same(top_k(rows[:count], store, 5), top_k(rows[:count], rows[live], 5))


@pytest.mark.parametrize("share", [1.0, 0.05])
def test_a_row_that_is_not_finite_is_named_by_its_number(rng, ways, share):
    rows, live = unit(rng, 200), np.ones(200, bool)
    rows[120, 3], live[7] = np.nan, False
    store = segmented(rows, [100, 100], live)
    keep = rng.random(len(store)) < share
    keep[119] = True
    named = pytest.raises(KoCLIPError, match="row 120 ")
    with named, np.errstate(invalid="ignore"):
        top_k(unit(rng, 1), store, 5, keep)


def test_nothing_to_search(rng):
    for store in (SegmentedStore([]), SegmentedStore([Segment(VectorStore(unit(rng, 0)))])):
        numbers, scores = top_k(unit(rng, 2), store, 4)
        assert numbers.shape == scores.shape == (2, 0)


def test_segments_are_not_joined_in_memory(tmp_path, monkeypatch):
    """Four files of 8 MB, of which every third row was removed."""
    monkeypatch.setattr(similarity, "_BLOCK_SCORES", 1 << 13)
    monkeypatch.setattr(vector_store, "_TILE_BYTES", 1 << 20)
    segments = []
    for number in range(4):
        path = tmp_path / f"{number}.npy"
        np.save(path, unit(np.random.default_rng(number), 1 << 14, 128))
        mapped = np.load(path, mmap_mode="r")
        live = np.flatnonzero(np.arange(len(mapped)) % 3)
        segments.append(Segment(VectorStore(mapped), live))
    store = SegmentedStore(segments)
    query = unit_rows(np.ones((1, 128)))
    keep = np.arange(len(store)) % 5 > 0
    expected = top_k(query, store.rows_at(np.flatnonzero(keep)), 10)
    tracemalloc.start()
    numbers, scores = top_k(query, store, 10, keep)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert_same((numbers, scores), (np.flatnonzero(keep)[expected[0]], expected[1]))
    assert peak < 6 << 20
