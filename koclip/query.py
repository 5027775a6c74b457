"""A search query of several parts: words, a picture, things to add and things to leave out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from koclip import similarity
from koclip.errors import KoCLIPError
from koclip.text_lists import split_texts
from koclip.tokenizer import clean_text

if TYPE_CHECKING:
    from koclip.model import KoCLIP

MINUS_WEIGHT = 0.5
_SAMPLE = 2000  # rows of a database that tell how far its cosines spread
MAX_PARTS = 16


def query_row(
    model: KoCLIP,
    rows: np.ndarray,
    text: str = "",
    image_row: np.ndarray | None = None,
    plus: str | Sequence[str] = (),
    minus: str | Sequence[str] = (),
) -> np.ndarray:
    """All parts as one unit row [1, D], so that a search remains one product with the database.

    Cosines of two images spread several times wider than those of an image and a text, so that a
    plain sum would follow the image alone. Each part therefore counts in units of the standard
    deviation of its cosines over the database: for one row of it, the sum of z-scores. A query of
    a single part is that part's embedding.

    Args:
        rows: the database's unit rows [N, D].
        text: what to look for; may be empty if there is a picture or something to add.
        image_row: unit row [D] of a picture that the results should be like.
        plus, minus: things to add and to leave out, as lists or with commas between them.

    Raises:
        KoCLIPError: there is nothing to look for, or there are too many parts.
    """
    if not isinstance(text, str):
        raise KoCLIPError("text_not_string", kind=type(text).__name__)
    wanted = [text for text in [clean_text(text).strip(), *split_texts(plus)] if text]
    unwanted = split_texts(minus)
    if not wanted and image_row is None:
        raise KoCLIPError("query_only_minus" if unwanted else "text_empty")
    if len(wanted) + len(unwanted) > MAX_PARTS:
        raise KoCLIPError("query_too_long", count=len(wanted) + len(unwanted), limit=MAX_PARTS)
    parts = model.embed_texts([*wanted, *unwanted])
    weights = np.repeat([1.0, -MINUS_WEIGHT], [len(wanted), len(unwanted)])
    if image_row is not None:
        parts = np.concatenate([image_row[None], parts])
        weights = np.concatenate([[1.0], weights])
    if len(parts) == 1:
        return parts
    sample = np.asarray(rows[:: max(1, len(rows) // _SAMPLE)], np.float32)
    spreads = similarity.cosine(parts, sample).std(axis=1)
    weights = (weights / np.maximum(spreads, 1e-6)).astype(np.float32)
    return similarity.unit_rows(weights @ parts)[None]
