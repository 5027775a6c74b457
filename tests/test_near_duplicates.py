"""Groups of nearly equal images, against their definition."""

from __future__ import annotations

import numpy as np
import pytest

from koclip import near_duplicates
from koclip.errors import KoCLIPError
from koclip.near_duplicates import best_groups, check_threshold
from koclip.segmented_store import SegmentedStore
from koclip.similarity import top_k, unit_rows
from koclip.vector_store import VectorStore, compact_copy
from tests.test_similarity import unit


def by_definition(
    query: np.ndarray, rows: np.ndarray, threshold: float, keep: np.ndarray
) -> list[tuple[int, set[int]]]:
    """One image after the other, each with all the groups before it."""
    order = top_k(query, rows, len(rows), keep)[0][0]
    likeness = (rows.astype(np.float64) @ rows.T.astype(np.float64)).astype(np.float32)
    groups: list[tuple[int, set[int]]] = []
    for row in order.tolist():
        for best, others in groups:
            if likeness[best, row] >= threshold:
                others.add(row)
                break
        else:
            groups.append((row, set()))
    return groups


@pytest.fixture
def rows(rng) -> np.ndarray:
    """Clusters, chains (each close to the next, the ends apart), copies and single ones."""
    centres = np.repeat(unit(rng, 12), rng.integers(1, 15, 12), axis=0)
    clusters = unit_rows(centres + rng.normal(0, 0.04, centres.shape))
    angles = np.linspace(0, 1.5, 20)
    chain = np.zeros((20, 16), np.float32)
    chain[:, 0], chain[:, 1] = np.cos(angles), np.sin(angles)
    all_rows = np.concatenate([clusters, chain, np.repeat(clusters[:1], 5, axis=0), unit(rng, 20)])
    return all_rows[rng.permutation(len(all_rows))]


@pytest.mark.parametrize("first_look", [1, 64])
@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.9, 0.97, 0.999, 1.0])
@pytest.mark.parametrize("kept", [1.0, 0.5])
def test_as_defined(rng, rows, monkeypatch, first_look, threshold, kept):
    monkeypatch.setattr(near_duplicates, "_FIRST_LOOK", first_look)
    keep = rng.random(len(rows)) < kept
    stores = [VectorStore(rows), VectorStore(rows, compact_copy(rows, "int8"))]
    for query in (unit(rng, 1), rows[:1]):
        expected = by_definition(query, rows, threshold, keep)
        for store in map(SegmentedStore.of, stores):
            for k in (1, 4, 500):
                groups = best_groups(query, store, k, threshold, keep)
                found = [(group.best, set(group.others.tolist())) for group in groups]
                assert found == expected[:k]
                assert [len(g.others) for g in groups] == [len(others) for _, others in found]
                numbers, scores = top_k(query, rows, len(rows))
                of = dict(zip(numbers[0].tolist(), scores[0].tolist(), strict=True))
                assert [g.score for g in groups] == [of[g.best] for g in groups]


def test_the_nearest_others_come_first(rng):
    best = unit(rng, 1)
    rows = unit_rows(best + np.linspace(0, 0.2, 30)[:, None] * unit(rng, 1))
    order = rng.permutation(30)
    (group,) = best_groups(best, SegmentedStore.of(rows[order]), 5, 0.9)
    assert order[[group.best, *group.others]].tolist() == list(range(30))


def test_the_mask_that_is_given_stays_as_it_is(rng, rows):
    keep = np.ones(len(rows), bool)
    best_groups(unit(rng, 1), SegmentedStore.of(rows), 3, 0.9, keep)
    assert keep.all()


def test_nothing_to_group(rng):
    assert best_groups(unit(rng, 1), SegmentedStore.of(unit(rng, 0)), 3, 0.9) == []


@pytest.mark.parametrize("value", [0, -0.5, 1.001, float("nan"), "x", None, True])
def test_bad_thresholds(value):
    with pytest.raises(KoCLIPError) as caught:
        check_threshold(value)
    assert caught.value.code == "group_bad"


def test_thresholds():
    assert [check_threshold(value) for value in (0.97, 1, np.float32(0.5))] == [0.97, 1.0, 0.5]
