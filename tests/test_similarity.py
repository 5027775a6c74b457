"""The one engine of cosines, probabilities and rankings, against float64."""

from __future__ import annotations

import numpy as np
import pytest

from koclip import similarity
from koclip.similarity import cosine, softmax, top_k, unit_rows


def unit(rng: np.random.Generator, rows: int, width: int = 16) -> np.ndarray:
    return unit_rows(rng.normal(size=(rows, width)))


def slow_top_k(queries: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """Sorted by cosine, then by row number, one query at a time in float64."""
    scores = queries.astype(np.float64) @ rows.astype(np.float64).T
    return np.array([sorted(range(len(rows)), key=lambda i: (-row[i], i))[:k] for row in scores])


@pytest.fixture(params=[None, 1, 4096], ids=["one block", "blocks of k", "blocks of 64 rows"])
def blocks(request, monkeypatch) -> None:
    """Whole, and in blocks as small as they get."""
    if request.param:
        monkeypatch.setattr(similarity, "_BLOCK_BYTES", request.param)


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


@pytest.mark.parametrize("k", [1, 3, 10, 199, 200, 1000])
def test_the_best_k(rng, blocks, k):
    queries, rows = unit(rng, 4), unit(rng, 200)
    indices, scores = top_k(queries, rows, k)
    assert indices.shape == scores.shape == (4, min(k, 200))
    assert (indices.dtype, scores.dtype) == (np.int64, np.float32)
    np.testing.assert_array_equal(indices, slow_top_k(queries, rows, k))
    exact = np.take_along_axis(queries.astype(np.float64) @ rows.T.astype(np.float64), indices, 1)
    np.testing.assert_allclose(scores, exact, atol=1e-6)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_of_equal_cosines_the_earlier_row_comes_first(blocks):
    """Cosines of 0, ½ and 1 only, which are exact in any order of summation."""
    rng = np.random.default_rng(8)
    rows = np.eye(4, dtype=np.float32)[rng.integers(0, 4, 300)]
    queries = np.float32([[1, 0, 0, 0], [0.5, 0.5, 0.5, 0.5], [0, 0, 0, 1]])
    for k in (1, 7, 100, 300):
        np.testing.assert_array_equal(top_k(queries, rows, k)[0], slow_top_k(queries, rows, k))


def test_the_order_of_rows_does_not_matter(rng, blocks):
    queries, rows = unit(rng, 3), unit(rng, 150)
    order = rng.permutation(150)
    indices, scores = top_k(queries, rows, 20)
    shuffled_indices, shuffled_scores = top_k(queries, rows[order], 20)
    np.testing.assert_array_equal(order[shuffled_indices], indices)
    np.testing.assert_allclose(shuffled_scores, scores, atol=1e-6)


def test_a_query_does_not_depend_on_its_neighbours(rng, blocks):
    queries, rows = unit(rng, 5), unit(rng, 100)
    together, _ = top_k(queries, rows, 10)
    alone = np.concatenate([top_k(query[None], rows, 10)[0] for query in queries])
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize(("queries", "rows"), [(0, 5), (3, 0), (0, 0)])
def test_nothing_to_search(rng, queries, rows):
    indices, scores = top_k(unit(rng, queries), unit(rng, rows), 4)
    assert indices.shape == scores.shape == (queries, min(rows, 4))


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_rows_of_other_precision_on_disk(rng, tmp_path, blocks, dtype):
    rows = unit(rng, 100).astype(dtype)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    queries = unit(rng, 2)
    np.testing.assert_array_equal(top_k(queries, mapped, 9)[0], slow_top_k(queries, rows, 9))


def test_the_score_matrix_is_never_whole(rng, monkeypatch):
    monkeypatch.setattr(similarity, "_BLOCK_BYTES", 1 << 10)
    widest = []
    original = similarity.cosine
    monkeypatch.setattr(similarity, "cosine", lambda q, r: widest.append(len(r)) or original(q, r))
    top_k(unit(rng, 8), unit(rng, 1000), 5)
    assert max(widest) * 8 * 4 <= 1 << 10
    assert sum(widest) == 1000
