"""Results of which nearly equal ones count as one.

The definition, for a threshold t: all images that are searched are taken from the best to the
worst. One whose cosine with the best of an earlier group is at least t belongs to the first such
group; any other begins a group of its own, as its best. How many results are asked for changes
neither the groups nor who belongs to them.
"""

from __future__ import annotations

import numbers
from typing import NamedTuple

import numpy as np

from koclip.errors import KoCLIPError
from koclip.segmented_store import SegmentedStore
from koclip.similarity import cosine, top_k

_FIRST_LOOK = 64  # images of a group that are asked for at first
_ROUNDING = 1e-4  # more than two ways to compute a cosine differ by


class Group(NamedTuple):
    """An image, and those that are nearly the same."""

    best: int
    """Row number."""
    score: float
    """Cosine of the best and the query."""
    others: np.ndarray
    """Row numbers, the nearest to the best first."""


def check_threshold(value: object) -> float:
    """The cosine from which images count as one, if it is one.

    Raises:
        KoCLIPError: it is no number above 0 and up to 1.
    """
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 < value <= 1:
        raise KoCLIPError("group_bad", value=value)
    return float(value)


def best_groups(
    row: np.ndarray,
    store: SegmentedStore,
    k: int,
    threshold: float,
    keep: np.ndarray | None = None,
) -> list[Group]:
    """The k best groups for a query, the best first.

    Args:
        row: the query [1, D].
        threshold: see `check_threshold`.
        keep: mask [N] of the rows that are searched.
    """
    free = np.ones(len(store), bool) if keep is None else keep.copy()  # in no group yet
    groups: list[Group] = []
    while len(groups) < k and free.any():
        found, scores = (result[0] for result in top_k(row, store, k - len(groups), free))
        rows = store.rows_at(found).astype(np.float32)
        first = _first_of_groups(rows, threshold)
        near = nearer_than(threshold, rows[first], store, free)
        for best, score, others in zip(found[first], scores[first], near, strict=True):
            if not free[best]:
                continue
            free[best] = False
            others = others[free[others]]
            free[others] = False
            groups.append(Group(int(best), float(score), others))
    return groups


def _first_of_groups(rows: np.ndarray, threshold: float) -> list[int]:
    """Places of those [n, D] that no earlier one of these certainly has in its group."""
    likeness = cosine(rows, rows)
    first: list[int] = []
    for place in range(len(rows)):
        if not (likeness[place, first] >= threshold + _ROUNDING).any():
            first.append(place)
    return first


def nearer_than(
    threshold: float, rows: np.ndarray, store: SegmentedStore, keep: np.ndarray | None = None
) -> list[np.ndarray]:
    """For each of the rows [n, D], the numbers of all that have at least this cosine with it."""
    asked = _FIRST_LOOK
    while True:
        found, scores = top_k(rows, store, asked, keep)
        near = scores >= threshold
        if found.shape[1] < asked or not near[:, -1].any():
            return [near_ones[mask] for near_ones, mask in zip(found, near, strict=True)]
        asked *= 4
