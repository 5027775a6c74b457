"""Retrieval: a Korean query, a picture, or both → the best images of a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from koclip import similarity
from koclip.checks import result_count
from koclip.images import ImageSource
from koclip.metadata_filter import matching
from koclip.near_duplicates import Group, best_groups, check_threshold, nearer_than
from koclip.query import query_row
from koclip.segmented_store import SegmentedStore

if TYPE_CHECKING:
    from koclip.database import ImageDatabase, ImageItem
    from koclip.model import KoCLIP

SAME_IMAGE = 0.9999
"""Cosine from which an image of the database is taken for the one that was asked about: the same
picture embedded twice differs by about 1e-6, the two most alike of the gallery have 0.92."""
_NONE = np.empty(0, np.int64)


class SearchHit(NamedTuple):
    """One image that was found."""

    rank: int
    """1 for the best."""
    item: ImageItem
    score: float
    """Cosine of the image and the query; of a query of several parts, see `koclip.query`."""
    others: tuple[ImageItem, ...] = ()
    """Images that count as one with this, the nearest to it first; see `koclip.near_duplicates`."""
    row: int | None = None
    """The number of the image in its database, where images have one."""


def search(
    model: KoCLIP,
    database: ImageDatabase,
    query: str = "",
    k: int = 10,
    *,
    image: ImageSource | np.ndarray | None = None,
    plus: str | Sequence[str] = (),
    minus: str | Sequence[str] = (),
    where: str | Sequence[str] = (),
    group: float | None = None,
) -> list[SearchHit]:
    """The `k` images of `database` that fit best (all of them if it has fewer).

    Args:
        image: a picture that the results should be like, or a unit row [D] of one. It is not
            among them itself, nor is a copy of it.
        plus, minus: things to add to the query and to leave out; see `koclip.query`.
        where: conditions that must all hold, such as "license=CC0-1.0"; see
            `koclip.metadata_filter`.
        group: the cosine from which images count as one result, such as 0.97; see
            `koclip.near_duplicates`.

    Raises:
        KoCLIPError: nothing to look for, a `k` below 1, an unreadable image, a bad condition or
            threshold, or a database made by another model.
    """
    count = result_count(k)
    threshold = None if group is None else check_threshold(group)
    database.check_model(model)
    keep = matching(database.items, where)
    store = SegmentedStore.of(database.store)
    image_row = None if image is None else model.embed_images([image])[0]
    row = query_row(model, store, query, image_row, plus, minus)
    if threshold is None:
        groups = _best_others(row, image_row, store, count, keep)
    else:
        if image_row is not None:
            keep = np.ones(len(store), bool) if keep is None else keep
            keep[nearer_than(SAME_IMAGE, image_row[None], store, keep)[0]] = False
        groups = best_groups(row, store, count, threshold, keep)
    items = database.items
    return [
        SearchHit(rank, items[best], score, tuple(items[other] for other in others.tolist()), best)
        for rank, (best, score, others) in enumerate(groups, start=1)
    ]


def _best_others(
    row: np.ndarray,
    image_row: np.ndarray | None,
    store: SegmentedStore,
    count: int,
    keep: np.ndarray | None,
) -> list[Group]:
    """The best, each a group of its own, without those that are the image itself."""
    asked = count if image_row is None else count + 1
    while True:  # for as long as copies of the image take up the places
        found, scores = (results[0] for results in similarity.top_k(row, store, asked, keep))
        is_all = len(found) < asked
        if image_row is not None:
            others = similarity.cosine(image_row[None], store.rows_at(found))[0] < SAME_IMAGE
            found, scores = found[others][:count], scores[others][:count]
        if is_all or len(found) == count:
            pairs = zip(found.tolist(), scores.tolist(), strict=True)
            return [Group(*pair, others=_NONE) for pair in pairs]
        asked *= 2
