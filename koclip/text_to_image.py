"""Retrieval: a Korean query, a picture, or both → the best images of a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from koclip import similarity
from koclip.checks import result_count
from koclip.images import ImageSource
from koclip.query import query_row

if TYPE_CHECKING:
    from koclip.database import ImageDatabase, ImageItem
    from koclip.model import KoCLIP
    from koclip.vector_store import VectorStore

_SAME_IMAGE = 0.9999
"""Cosine from which an image of the database is taken for the one that was asked about: the same
picture embedded twice differs by about 1e-6, the two most alike of the gallery have 0.92."""


class SearchHit(NamedTuple):
    """One image that was found."""

    rank: int
    """1 for the best."""
    item: ImageItem
    score: float
    """Cosine of the image and the query; of a query of several parts, see `koclip.query`."""


def search(
    model: KoCLIP,
    database: ImageDatabase,
    query: str = "",
    k: int = 10,
    *,
    image: ImageSource | np.ndarray | None = None,
    plus: str | Sequence[str] = (),
    minus: str | Sequence[str] = (),
) -> list[SearchHit]:
    """The `k` images of `database` that fit best (all of them if it has fewer).

    Args:
        image: a picture that the results should be like, or a unit row [D] of one. It is not
            among them itself, nor is a copy of it.
        plus, minus: things to add to the query and to leave out; see `koclip.query`.

    Raises:
        KoCLIPError: nothing to look for, a `k` below 1, an unreadable image, or a database made by
            another model.
    """
    count = result_count(k)
    database.check_model(model)
    image_row = None if image is None else model.embed_images([image])[0]
    row = query_row(model, database.embeddings, query, image_row, plus, minus)
    indices, scores = _best_others(row, image_row, database.store, count)
    found = zip(indices.tolist(), scores.tolist(), strict=True)
    return [
        SearchHit(rank, database.items[index], score)
        for rank, (index, score) in enumerate(found, start=1)
    ]


def _best_others(
    row: np.ndarray, image_row: np.ndarray | None, store: VectorStore, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers and cosines of the best, without those that are the image itself."""
    if image_row is None:
        indices, scores = similarity.top_k(row, store, count)
        return indices[0], scores[0]
    asked = count + 1
    while True:  # for as long as copies of the image take up the places
        indices, scores = (found[0] for found in similarity.top_k(row, store, asked))
        others = similarity.cosine(image_row[None], store.rows[indices])[0] < _SAME_IMAGE
        if others.sum() >= count or asked >= len(store):
            return indices[others][:count], scores[others][:count]
        asked *= 2
