"""Retrieval: a Korean query, a picture, or both → the best images of a database."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from koclip import similarity
from koclip.checks import result_count
from koclip.images import ImageSource
from koclip.query import query_row

if TYPE_CHECKING:
    from koclip.database import ImageDatabase, ImageItem
    from koclip.model import KoCLIP

_SAME_IMAGE = 0.9999
"""Cosine from which an image of the database is taken for the one that was asked about."""


class SearchHit(NamedTuple):
    """One image that was found."""

    rank: int
    """1 for the best."""
    item: ImageItem
    score: float
    """Cosine of image and query."""


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
        image: a picture that the results should be like, or a unit row [D] of one; that picture
            itself is not among them.
        plus, minus: things to add to the query and to leave out; see `koclip.query`.

    Raises:
        KoCLIPError: nothing to look for, a `k` below 1, an unreadable image, or a database made by
            another model.
    """
    count = result_count(k)
    database.check_model(model)
    image_row = None
    if image is not None:
        is_row = isinstance(image, np.ndarray) and image.ndim == 1
        image_row = image if is_row else model.embed_images([image])[0]
    row = query_row(model, database.embeddings, query, image_row, plus, minus)
    spare = 0 if image_row is None else 1
    indices, scores = similarity.top_k(row, database.embeddings, count + spare)
    found = zip(indices[0].tolist(), scores[0].tolist(), strict=True)
    if image_row is not None:
        likeness = similarity.cosine(image_row[None], database.embeddings[indices[0]])[0]
        found = [hit for hit, like in zip(found, likeness, strict=True) if like < _SAME_IMAGE]
    return [
        SearchHit(rank, database.items[index], score)
        for rank, (index, score) in enumerate(islice(found, count), start=1)
    ]
