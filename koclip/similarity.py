"""The one cosine-similarity engine: every demo, the evaluation and the databases use it.

All vectors that reach it are unit rows, so a dot product is a cosine.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from koclip.errors import KoCLIPError
from koclip.segmented_store import Block, SegmentedStore
from koclip.vector_store import VectorStore, tiles, widened

_BLOCK_SCORES = 1 << 20  # scores held at once in `top_k`
_GROUP = 64  # scores of which only the largest counts when the k-th best is estimated
_THREADED_NUMBERS = 8 << 20  # in a block, from which on threads pay for being started
_TILES_AT_ONCE = 8
_RESCORED_AT_ONCE = 2048
_GATHERED_SHARE = 8  # of a block's rows, one in so many is read alone rather than with the others


def unit_rows(features: np.ndarray) -> np.ndarray:
    """Each row of [N, D] at length 1, float32; a zero row stays zero instead of becoming NaN."""
    features = np.asarray(features, np.float32)
    return features / np.maximum(np.linalg.norm(features, axis=-1, keepdims=True), 1e-12)


def cosine(queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Unit rows [Q, D] and [N, D] → cosines [Q, N]."""
    return queries @ rows.T


def softmax(cosines: np.ndarray, logit_scale: float) -> np.ndarray:
    """Probabilities over the last axis of `cosines` scaled by `logit_scale`, as CLIP's."""
    logits = cosines * np.float32(logit_scale)
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


class _Hits(NamedTuple):
    """Pairs of a query and a row, as three arrays of one length."""

    queries: np.ndarray
    rows: np.ndarray
    scores: np.ndarray

    def at(self, selection: np.ndarray) -> _Hits:
        """Those that a mask or positions select."""
        return _Hits(*(values[selection] for values in self))

    def with_more(self, others: _Hits) -> _Hits:
        return _Hits(*map(np.append, self, others))


def top_k(
    queries: np.ndarray,
    rows: np.ndarray | VectorStore | SegmentedStore,
    k: int,
    keep: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The exact k best rows for each query.

    queries [Q, D], rows [N, D] (any float type, may be memory-mapped) → row numbers int64 and
    cosines float32, both [Q, min(k, N)], best first; of equal cosines the earlier row comes first.
    With a mask `keep` [N], only its rows count: N is then the number of these.

    Rows are scanned block by block in float32, or in the store's compact copy. Whatever could be
    among the k best, given how far a scan can be off, is scored again from the rows themselves, in
    float64, and joins the best so far. So the answer does not depend on the blocks or segments, on
    the other queries or on the copy, and what is in memory does not grow with N.

    Raises:
        KoCLIPError: a query or a row holds NaN or infinity.
    """
    store = SegmentedStore.of(rows)
    queries = np.asarray(queries, np.float32)
    if not np.isfinite(queries).all():
        raise KoCLIPError("query_not_finite")
    searched = len(store) if keep is None else np.count_nonzero(keep)
    count, k = len(queries), min(k, searched)
    best = _Hits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    if count == 0 or k == 0:
        return best.rows.reshape(count, k), best.scores.reshape(count, k)
    least = np.full(count, -np.inf, np.float32)  # what the k-th best reaches at least
    for block in store.blocks(max(1, _BLOCK_SCORES // count), keep):
        error = block.store.scan_error(queries)
        scores = _scan(queries, block)
        _check_finite(scores, queries, block)
        least = np.maximum(least, _kth_at_least(scores, k) - error)
        found = _not_below(scores, least - error)
        likely = _best_k(found, k, count)
        # Those that look best raise `least`, so that fewer of the others are read again.
        for part in (found.at(likely), found.at(_others(likely, len(found.rows)))):
            part = part.at(part.scores >= (least - error)[part.queries])
            if not len(part.rows):
                continue
            best = best.with_more(_rescored(queries, block, part))
            best = best.at(_best_k(best, k, count))
            if len(best.rows) == count * k:
                least = best.scores.reshape(count, k)[:, -1]
    return best.rows.reshape(count, k), best.scores.reshape(count, k)


def _scan(queries: np.ndarray, block: Block) -> np.ndarray:
    """Cosines [Q, rows that are searched], each off by the store's `scan_error` at most.

    A single query is a matter of reading memory: threads that take one product per row do so at
    the speed of a plain sum, 1.2 times that of BLAS. Several share what is read, through BLAS.
    """
    scanned, start, stop, picked = block.store.scanned, block.start, block.stop, block.positions
    few = picked is not None and len(picked) * _GATHERED_SHARE < stop - start
    if few:  # only these are read
        start, stop = 0, len(picked)
    scores = np.empty((len(queries), stop - start), np.float32)
    factors = block.store.scan_queries(queries)
    threaded = len(queries) == 1 and (stop - start) * scanned.shape[1] >= _THREADED_NUMBERS

    def score(tile: slice) -> None:
        values = widened(scanned[picked[tile]] if few else scanned[tile])
        out = scores[:, tile.start - start : tile.stop - start]
        with np.errstate(invalid="ignore", over="ignore"):  # `_check_finite` tells
            if threaded:
                np.vecdot(values, factors[0], out=out[0])
            else:
                np.matmul(factors, values.T, out=out)

    def score_all(part: list[slice]) -> None:
        for tile in part:
            score(tile)

    every = list(tiles(scanned, start, stop))
    if threaded:
        workers = os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as threads:
            list(threads.map(score_all, _parts(every, workers)))
    else:
        score_all(every)
    return scores if few or picked is None else scores.take(picked - start, axis=1)


def _parts(every: list[slice], workers: int) -> list[list[slice]]:
    """Tiles → what a thread takes at once: handing over each by itself cost a tenth of the time."""
    size = max(1, min(_TILES_AT_ONCE, len(every) // (4 * workers)))
    return [every[at : at + size] for at in range(0, len(every), size)]


def _check_finite(scores: np.ndarray, queries: np.ndarray, block: Block) -> None:
    """Refuses rows that are not finite. They alone have scores [Q, B] beyond a query's length, as
    all rows are unit; in float16 they count as 65,536 and more."""
    bounds = 2 * np.linalg.norm(queries, axis=1)
    if (np.maximum(scores.max(axis=1), -scores.min(axis=1)) <= bounds).all():  # False for NaN
        return
    columns = np.flatnonzero(~(np.abs(scores) <= bounds[:, None]).all(axis=0))
    for at in range(0, len(columns), _RESCORED_AT_ONCE):
        part = columns[at : at + _RESCORED_AT_ONCE]
        finite = np.isfinite(block.store.rows[block.positions_of(part)]).all(axis=1)
        if not finite.all():
            _refuse(block.numbers_of(part[~finite]))


def _kth_at_least(scores: np.ndarray, k: int) -> np.ndarray:
    """A lower bound [Q] of the k-th largest of `scores` [Q, B]: that of groups' largest."""
    count, width = scores.shape
    group = max(1, min(_GROUP, width // (4 * k)))
    grouped = width // group * group  # one group has every (width // group)-th column
    largest = scores[:, :grouped].reshape(count, group, -1).max(axis=1)
    largest = np.concatenate([largest, scores[:, grouped:]], axis=1)
    if width < k:
        return np.full(count, -np.inf, np.float32)
    return np.partition(largest, -k, axis=1)[:, -k]


def _not_below(scores: np.ndarray, least: np.ndarray) -> _Hits:
    """The scores [Q, B] that reach their query's `least` [Q]; `rows` are their columns."""
    places = np.flatnonzero(scores >= least[:, None])
    queries, columns = np.divmod(places, scores.shape[1])
    return _Hits(queries, columns, scores.ravel()[places])


def _rescored(queries: np.ndarray, block: Block, hits: _Hits) -> _Hits:
    """Columns of a block → rows, with exact cosines: summed in float64, then rounded."""
    rows, positions = block.numbers_of(hits.rows), block.positions_of(hits.rows)
    scores = np.empty_like(hits.scores)
    for at in range(0, len(scores), _RESCORED_AT_ONCE):
        part = slice(at, at + _RESCORED_AT_ONCE)
        exact = block.store.rows[positions[part]].astype(np.float64)
        scores[part] = np.vecdot(exact, queries[hits.queries[part]].astype(np.float64))
    if not np.isfinite(scores).all():
        _refuse(rows[~np.isfinite(scores)])
    return _Hits(hits.queries, rows, scores)


def _best_k(hits: _Hits, k: int, count: int) -> np.ndarray:
    """Positions of the k best hits of each of `count` queries, by query, best first."""
    order = np.lexsort((hits.rows, -hits.scores, hits.queries))
    of = hits.queries[order]
    first = np.searchsorted(of, np.arange(count))
    return order[np.arange(len(order)) - first[of] < k]


def _others(positions: np.ndarray, count: int) -> np.ndarray:
    """The mask [count] of all positions but these."""
    mask = np.ones(count, bool)
    mask[positions] = False
    return mask


def _refuse(rows: np.ndarray) -> None:
    raise KoCLIPError("embedding_not_finite", row=int(rows[0]) + 1)
