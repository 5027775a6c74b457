"""The one engine of cosines, probabilities and rankings, against float64."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from koclip import similarity, vector_store
from koclip.errors import KoCLIPError
from koclip.similarity import cosine, softmax, top_k, unit_rows
from koclip.vector_store import CompactCopy, VectorStore, compact_copy


def unit(rng: np.random.Generator, rows: int, width: int = 16) -> np.ndarray:
    return unit_rows(rng.normal(size=(rows, width)))


def slow_top_k(queries: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """Sorted by cosine, then by row number, one query at a time; summed in float64."""
    scores = (queries.astype(np.float64) @ rows.astype(np.float64).T).astype(np.float32)
    return np.array([sorted(range(len(rows)), key=lambda i: (-row[i], i))[:k] for row in scores])


@pytest.fixture(params=["whole", "blocks", "blocks of one row", "threads"])
def ways(request, monkeypatch) -> None:
    """All ways through `top_k`: in one or several blocks and tiles, with threads for one query."""
    if request.param != "whole":
        monkeypatch.setattr(vector_store, "_TILE_BYTES", 7 * 4 * 16)
    if request.param.startswith("blocks"):
        scores = 1 if request.param.endswith("row") else 150
        monkeypatch.setattr(similarity, "_BLOCK_SCORES", scores)
        monkeypatch.setattr(similarity, "_RESCORED_AT_ONCE", 3)
    if request.param == "threads":
        monkeypatch.setattr(similarity, "_THREADED_NUMBERS", 0)


def test_unit_rows(rng):
    rows = rng.normal(size=(5, 7)) * 1e-3
    np.testing.assert_allclose(np.linalg.norm(unit_rows(rows), axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        unit_rows(rows), rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-6
    )
    assert unit_rows(rows).dtype == np.float32
    assert unit_rows(np.zeros((0, 7))).shape == (0, 7)


def test_a_zero_row_stays_zero():
    np.testing.assert_array_equal(unit_rows(np.zeros((2, 3))), np.zeros((2, 3)))


def test_cosines(rng):
    queries, rows = unit(rng, 3), unit(rng, 5)
    exact = queries.astype(np.float64) @ rows.astype(np.float64).T
    np.testing.assert_allclose(cosine(queries, rows), exact, atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_softmax(rng, scale):
    cosines = rng.uniform(-1, 1, (4, 9)).astype(np.float32)
    logits = cosines.astype(np.float64) * scale
    exact = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax(cosines, scale), exact, atol=1e-5)
    np.testing.assert_allclose(softmax(cosines, scale).sum(axis=1), 1, atol=1e-6)


def test_softmax_of_one_and_of_huge_logits():
    assert softmax(np.float32([0.3]), 100.0).tolist() == [1.0]
    assert softmax(np.float32([1.0, 0.0]), 1e6).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("k", [1, 3, 10, 199, 200, 1000])
def test_the_best_k(rng, ways, count, k):
    queries, rows = unit(rng, count), unit(rng, 200)
    indices, scores = top_k(queries, rows, k)
    assert indices.shape == scores.shape == (count, min(k, 200))
    assert (indices.dtype, scores.dtype) == (np.int64, np.float32)
    np.testing.assert_array_equal(indices, slow_top_k(queries, rows, k))
    exact = np.take_along_axis(queries.astype(np.float64) @ rows.T.astype(np.float64), indices, 1)
    np.testing.assert_array_equal(scores, exact.astype(np.float32))


@pytest.mark.parametrize("count", [1, 3])
def test_of_equal_cosines_the_earlier_row_comes_first(ways, count):
    """Cosines of 0, ½ and 1 only, which are exact in any order of summation."""
    rng = np.random.default_rng(8)
    rows = np.eye(16, dtype=np.float32)[rng.integers(0, 4, 300)]
    queries = np.zeros((3, 16), np.float32)
    queries[:, :4] = [[0.5, 0.5, 0.5, 0.5], [1, 0, 0, 0], [0, 0, 0, 1]]
    queries = queries[:count]
    for k in (1, 7, 100, 300):
        np.testing.assert_array_equal(top_k(queries, rows, k)[0], slow_top_k(queries, rows, k))


@pytest.mark.parametrize("form", [None, "float16", "int8"])
def test_copies_of_a_row_come_in_their_order_wherever_they_are(rng, ways, form):
    """Products by BLAS differ in their last bits from place to place; the answer must not."""
    rows = unit(rng, 200)
    copies = [3, 50, 64, 65, 127, 199]
    rows[copies] = rows[3]
    store = VectorStore(rows, form and compact_copy(rows, form))
    for k in (1, 4, 6):
        assert top_k(rows[3:4], store, k)[0][0].tolist() == copies[:k]


def test_cosines_that_differ_by_less_than_a_scan_can_tell(rng, ways):
    """1e-9 apart, and near 0, where float32 sums of products are off by more than that."""
    queries = unit(rng, 2)
    for query in (queries[:1], queries):
        rows = rng.normal(size=(200, 16))
        exact = query[0].astype(np.float64)
        exact /= np.linalg.norm(exact)
        rows -= np.outer(rows @ exact, exact)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        rows += np.outer(np.arange(200) * 1e-9, exact)
        assert top_k(query, rows, 10)[0][0].tolist() == list(range(199, 189, -1))


@pytest.mark.parametrize("count", [1, 2])
def test_an_approximation_that_misleads_as_much_as_it_may(ways, count):
    """The better row looks worse by all that is allowed; of two equals, the later looks better."""
    off = 0.1
    cosines = np.array([0.5, 0.5 + 0.1 * off, 0.3, 0.3])
    seen = cosines + off * np.array([1, -1, -1, 1])
    rows = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)
    copy = CompactCopy(
        np.stack([seen, rows[:, 1]], axis=1).astype(np.float16),
        np.ones(2, np.float32),
        off + 1e-3,
    )
    query = np.eye(2, dtype=np.float32)[[0, 0]][:count]
    for k in (1, 2, 3, 4):
        assert top_k(query, VectorStore(rows, copy), k)[0][0].tolist() == [1, 0, 2, 3][:k]


def test_the_order_of_rows_does_not_matter(rng, ways):
    queries, rows = unit(rng, 3), unit(rng, 150)
    order = rng.permutation(150)
    indices, scores = top_k(queries, rows, 20)
    shuffled_indices, shuffled_scores = top_k(queries, rows[order], 20)
    np.testing.assert_array_equal(order[shuffled_indices], indices)
    np.testing.assert_array_equal(shuffled_scores, scores)


def test_a_query_does_not_depend_on_its_neighbours(rng, ways):
    queries, rows = unit(rng, 5), unit(rng, 100)
    together = top_k(queries, rows, 10)
    alone = [top_k(query[None], rows, 10) for query in queries]
    for part in (0, 1):
        np.testing.assert_array_equal(together[part], np.concatenate([a[part] for a in alone]))


@pytest.mark.parametrize(("queries", "rows"), [(0, 5), (3, 0), (0, 0)])
def test_nothing_to_search(rng, queries, rows):
    indices, scores = top_k(unit(rng, queries), unit(rng, rows), 4)
    assert indices.shape == scores.shape == (queries, min(rows, 4))
    assert (indices.dtype, scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_rows_of_other_precision_on_disk(rng, tmp_path, ways, dtype):
    rows = unit(rng, 100).astype(dtype)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    queries = unit(rng, 2)
    np.testing.assert_array_equal(top_k(queries, mapped, 9)[0], slow_top_k(queries, rows, 9))


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("form", ["float16", "int8"])
def test_a_compact_copy_changes_nothing(rng, ways, form, count):
    """Even where it is coarse: of 16 columns, one is so large that int8 hardly sees the others."""
    features = rng.normal(size=(300, 16))
    features[:, 5] *= 40
    rows, queries = unit_rows(features), unit(rng, count)
    store = VectorStore(rows, compact_copy(rows, form))
    for k in (1, 10, 300):
        for found, expected in zip(top_k(queries, store, k), top_k(queries, rows, k), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_of_a_compact_copy_few_rows_are_read_again(rng, monkeypatch):
    rows, queries = unit(rng, 20_000, 128), unit(rng, 4, 128)
    store = VectorStore(rows, compact_copy(rows, "int8"))
    monkeypatch.setattr(similarity, "_BLOCK_SCORES", 4 * 1000)
    read, original = [], similarity._rescored
    monkeypatch.setattr(
        similarity,
        "_rescored",
        lambda q, r, hits: read.append(len(hits.rows)) or original(q, r, hits),
    )
    top_k(queries, store, 10)
    assert 40 <= sum(read) <= 400


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, 77, 202])
def test_a_row_that_is_not_finite_is_named(rng, ways, bad, at):
    rows = unit(rng, 203)
    rows[at, 3] = bad
    for queries in (unit(rng, 1), unit(rng, 3)):
        named = pytest.raises(KoCLIPError, match=f"row {at + 1} ")
        with named as caught, np.errstate(invalid="ignore"):
            top_k(np.abs(queries), rows, 5)
        assert caught.value.code == "embedding_not_finite"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_row_that_is_not_finite_is_refused_though_it_is_not_among_the_best(ways, dtype, bad):
    rows = unit(np.random.default_rng(4), 200).astype(dtype)
    queries = unit(np.random.default_rng(5), 1)
    rows[150, np.argmax(queries)] = bad
    rows[150, np.argmin(queries)] = bad
    with np.errstate(all="raise"), pytest.raises(KoCLIPError, match="row 151"):
        top_k(queries, rows, 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_query_that_is_not_finite_is_no_damage_of_the_database(rng, bad):
    queries = unit(rng, 2)
    queries[1, 3] = bad
    with pytest.raises(KoCLIPError) as caught:
        top_k(queries, unit(rng, 20), 3)
    assert caught.value.code == "query_not_finite"


def test_what_is_in_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch):
    """32 MB of rows in a file, in the worst order: each is better than all before it."""
    count, width = 1 << 16, 128
    monkeypatch.setattr(similarity, "_BLOCK_SCORES", 1 << 13)
    monkeypatch.setattr(vector_store, "_TILE_BYTES", 1 << 20)
    rows = np.lib.format.open_memmap(tmp_path / "rows.npy", "w+", np.float32, (count, width))
    rows[:, 0] = np.linspace(-1, 1, count)
    rows[:, 1] = np.sqrt(1 - rows[:, 0] ** 2)
    rows.flush()
    query = np.eye(width, dtype=np.float32)[:1]
    for dtype in (np.float32, np.float16):
        np.save(tmp_path / "searched.npy", rows.astype(dtype))
        mapped = np.load(tmp_path / "searched.npy", mmap_mode="r")
        tracemalloc.start()
        indices, _ = top_k(query, mapped, 10)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        expected = slow_top_k(query, mapped[-100:], 10) + count - 100
        np.testing.assert_array_equal(indices, expected)
        assert peak < 6 << 20
