"""The one cosine-similarity engine: every demo, the evaluation and the databases use it.

All vectors that reach it are unit rows, so a dot product is a cosine.
"""

from __future__ import annotations

import numpy as np

_BLOCK_BYTES = 64 << 20  # of scores held at once in `top_k`


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


def top_k(queries: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The exact k best rows for each query.

    queries [Q, D], rows [N, D] (any float type, may be memory-mapped) → row numbers int64 and
    cosines float32, both [Q, min(k, N)], best first; of equal cosines the earlier row comes first.
    Rows are scored block by block, so the [Q, N] matrix is never in memory whole.
    """
    queries = np.asarray(queries, np.float32)
    k = min(k, len(rows))
    indices = np.empty((len(queries), 0), np.int64)
    scores = np.empty((len(queries), 0), np.float32)
    step = max(k, _BLOCK_BYTES // (4 * max(1, len(queries), queries.shape[1])), 1)
    for start in range(0, len(rows), step):
        block = cosine(queries, np.asarray(rows[start : start + step], np.float32))
        block_indices = np.broadcast_to(np.arange(start, start + block.shape[1]), block.shape)
        scores = np.concatenate([scores, block], axis=1)
        indices = np.concatenate([indices, block_indices], axis=1)
        best = _best_columns(scores, k)
        scores = np.take_along_axis(scores, best, axis=1)
        indices = np.take_along_axis(indices, best, axis=1)
    return indices, scores


def _best_columns(scores: np.ndarray, k: int) -> np.ndarray:
    """The columns of the k largest scores in each row, largest first, earlier columns first."""
    if k < scores.shape[1]:
        # Everything at least as large as the k-th best, so that ties are decided by order below.
        threshold = np.partition(scores, -k, axis=1)[:, -k, None]
        candidates = [
            np.flatnonzero(row >= least) for row, least in zip(scores, threshold, strict=True)
        ]
    else:
        candidates = [np.arange(scores.shape[1])] * len(scores)
    best = [
        columns[np.argsort(-row[columns], kind="stable")[:k]]
        for row, columns in zip(scores, candidates, strict=True)
    ]
    return np.stack(best) if best else np.empty((0, k), np.int64)
