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
    image_row = None if image is None else _image_row(model, image)
    row = query_row(model, database.embeddings, query, image_row, plus, minus)
    same = set() if image_row is None else _same_images(image_row, database.embeddings)
    indices, scores = similarity.top_k(row, database.embeddings, count + len(same))
    found = zip(indices[0].tolist(), scores[0].tolist(), strict=True)
    others = ((index, score) for index, score in found if index not in same)
    return [
        SearchHit(rank, database.items[index], score)
        for rank, (index, score) in enumerate(islice(others, count), start=1)
    ]


def _image_row(model: KoCLIP, image: ImageSource | np.ndarray) -> np.ndarray:
    if isinstance(image, np.ndarray) and image.shape == (model.config.projection_dim,):
        return similarity.unit_rows(image)
    return model.embed_images([image])[0]


def _same_images(image_row: np.ndarray, rows: np.ndarray) -> set[int]:
    """The numbers of the rows [N, D] that are the image itself."""
    cosines = similarity.cosine(image_row[None], rows)[0]
    return set(np.flatnonzero(cosines >= _SAME_IMAGE).tolist())
