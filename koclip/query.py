"""A search query of several parts: words, a picture, things to add and things to leave out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from koclip import similarity
from koclip.errors import KoCLIPError
from koclip.limits import MAX_PARTS
from koclip.segmented_store import SegmentedStore
from koclip.text_lists import split_texts

if TYPE_CHECKING:
    from koclip.model import KoCLIP

MINUS_WEIGHT = 0.5
"""Of what is to be left out, against 1 for what is wanted; n things have 0.5 / √n each.

Measured as in tests/test_query.py, but on all 236 labels of the gallery: the pictures of each
thing, and composed ones that show two things side by side, two of each pair. Chosen on half of
the labels; on the other half (n = 940 pairs), 0.027 of the 10 best for "A" minus "B" show B and
0.349 show A; for "A" alone, 0.043 and 0.364. A without B is as frequent as for "A" alone (0.326
and 0.327); with a weight of 1.0 it falls to 0.280. Four things at 0.5 each cost too much (0.191
where "A" alone has 0.220); at 0.5 / √4 they do not (0.230).

Pictures that nobody composed agree, as far as they go: among the gallery's 336 whose objects are
listed, for all 126 ordered pairs that occur together and have a picture of A without B, the shares
of the 10 best that show B and A are 0.093 and 0.569 with a weight of 0, 0.073 and 0.552 with 0.25,
0.054 and 0.512 with 0.5, 0.037 and 0.443 with 0.75, and 0.023 and 0.321 with 1.0.
"""
_SAMPLE = 2000  # rows of a database that tell how far its cosines spread


def query_row(
    model: KoCLIP,
    rows: np.ndarray | SegmentedStore,
    text: str = "",
    image_row: np.ndarray | None = None,
    plus: str | Sequence[str] = (),
    minus: str | Sequence[str] = (),
) -> np.ndarray:
    """All parts as one unit row [1, D], so that a search remains one product with the database.

    Cosines of two images spread about twice as widely as those of an image and a text (0.14 and
    0.06 in the gallery), so a plain sum would follow the image. Each part therefore counts in
    units of the standard deviation of its cosines over the database: for one row of it, the sum of
    z-scores. Measured as above with a picture of A and the word "B", where 0.2 is the most there
    can be, 0.134 of the 10 best show both, and 0.127 for a plain sum; 0.261 and 0.155 show B. Over
    500 random pictures and words, the ranking correlates (Spearman) by 0.66 with the picture's and
    by 0.73 with the word's; that of a plain sum by 0.86 and 0.48.
    A query of a single part is that part's embedding. A thing named twice counts once.

    Args:
        rows: the database's unit rows [N, D], as a matrix or in segments.
        text: what to look for; may be empty if there is a picture or something to add.
        image_row: unit row [D] of a picture that the results should be like.
        plus, minus: things to add and to leave out, as lists or with commas between them.

    Raises:
        KoCLIPError: there is nothing to look for, something is both wanted and to be left out, or
            there are too many parts.
    """
    wanted = list(dict.fromkeys([*split_texts([text]), *split_texts(plus)]))
    unwanted = list(dict.fromkeys(split_texts(minus)))
    if not wanted and image_row is None:
        raise KoCLIPError("query_only_minus" if unwanted else "text_empty")
    if both := [part for part in wanted if part in unwanted]:
        raise KoCLIPError("query_contradiction", part=both[0])
    if len(wanted) + len(unwanted) > MAX_PARTS:
        raise KoCLIPError("query_too_long", count=len(wanted) + len(unwanted), limit=MAX_PARTS)
    parts = model.embed_texts([*wanted, *unwanted])
    minus_weight = MINUS_WEIGHT / max(1, len(unwanted)) ** 0.5
    weights = np.repeat([1.0, -minus_weight], [len(wanted), len(unwanted)])
    if image_row is not None:
        parts = np.concatenate([image_row[None], parts])
        weights = np.concatenate([[1.0], weights])
    if len(parts) == 1 or not len(rows):
        return parts[:1]
    sampled = np.arange(0, len(rows), max(1, len(rows) // _SAMPLE))
    sample = SegmentedStore.of(rows).rows_at(sampled).astype(np.float32)
    spreads = similarity.cosine(parts, sample).std(axis=1)
    weights = (weights / np.maximum(spreads, 1e-6)).astype(np.float32)
    return similarity.unit_rows(weights @ parts)[None]
