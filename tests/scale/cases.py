"""Rows and questions that a top-k can easily get wrong, for the engine and for a mesh."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from koclip.segmented_store import Segment, SegmentedStore
from koclip.similarity import unit_rows
from koclip.vector_store import VectorStore

COUNT = 1003  # of which no number of devices is a divisor
_COPIES = [3, 400, 401, 800, 997]
_MANY_COPIES = slice(100, 160)
_NEAR = slice(500, 620)


class Case(NamedTuple):
    """A question."""

    queries: slice | list[int]
    k: int
    masked: bool = False


CASES = {
    "one query": Case([0], 10),
    "several": Case(slice(0, 5), 10),
    "the best alone": Case(slice(0, 5), 1),
    "copies on several devices": Case([5], 4),
    "many copies on one device": Case([6], 20),
    "differences below float32": Case([7], 30),
    "more than a device has": Case(slice(0, 8), 300),
    "all": Case(slice(0, 8), 5000),
    "masked": Case(slice(0, 8), 10, masked=True),
    "more than the mask leaves": Case(slice(0, 8), 500, masked=True),
}


def make_rows() -> np.ndarray:
    """Unit rows [COUNT, 16], some of them the same or nearly so."""
    rng = np.random.default_rng(6)
    rows = unit_rows(rng.normal(size=(COUNT, 16)))
    rows[_COPIES] = rows[3]
    rows[_MANY_COPIES] = rows[100]
    # What differs between their cosines with the query 7 is lost in sums of float32.
    query = make_queries(rows)[7].astype(np.float64)
    near = rng.normal(size=(_NEAR.stop - _NEAR.start, 16))
    near -= np.outer(near @ query, query) / (query @ query)
    near *= np.sqrt(1 - 0.9**2) / np.linalg.norm(near, axis=1, keepdims=True)
    rows[_NEAR] = near + 0.9 * query
    return rows


def make_queries(rows: np.ndarray) -> np.ndarray:
    """Unit rows [8, 16], two of them from `rows`."""
    queries = unit_rows(np.random.default_rng(7).normal(size=(8, rows.shape[1])))
    queries[5:7] = rows[[3, 100]]
    return queries


def segmented(rows: np.ndarray) -> SegmentedStore:
    """The rows in three segments, without some of the second."""
    live = np.setdiff1d(np.arange(300), [0, 7, 8, 299])
    return SegmentedStore(
        [
            Segment(VectorStore(rows[:450])),
            Segment(VectorStore(rows[450:750]), live),
            Segment(VectorStore(rows[750:])),
        ]
    )


def ask(top_k: Callable, rows: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The answer to a case, from a `top_k` that knows the rows already."""
    queries = make_queries(rows)
    case = CASES[name]
    kept = np.random.default_rng(8).random(len(segmented(rows))) < 0.3
    keep = kept if case.masked else None
    return top_k(queries[case.queries], case.k, keep)
