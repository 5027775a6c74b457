"""Retrieval: a Korean query → the best images of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from koclip import similarity
from koclip.checks import result_count
from koclip.tokenizer import checked_query

if TYPE_CHECKING:
    from koclip.database import ImageDatabase, ImageItem
    from koclip.model import KoCLIP


class SearchHit(NamedTuple):
    """One image that was found."""

    rank: int
    """1 for the best."""
    item: ImageItem
    score: float
    """Cosine of image and query."""


def search(model: KoCLIP, database: ImageDatabase, query: str, k: int = 10) -> list[SearchHit]:
    """The `k` images of `database` that fit `query` best (all of them if it has fewer).

    Raises:
        KoCLIPError: an empty query, a `k` below 1, or a database made by another model.
    """
    query = checked_query(query)
    count = result_count(k)
    database.check_model(model)
    indices, scores = similarity.top_k(model.embed_texts([query]), database.embeddings, count)
    found = zip(indices[0].tolist(), scores[0].tolist(), strict=True)
    return [
        SearchHit(rank, database.items[index], score)
        for rank, (index, score) in enumerate(found, start=1)
    ]
