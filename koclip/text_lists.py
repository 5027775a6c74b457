"""Several short texts in one: a line each, or with commas between them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from koclip.tokenizer import as_texts, clean_text

_BETWEEN = re.compile(r"[\n,，、;]")


def split_texts(texts: str | Sequence[str]) -> list[str]:
    """Texts from a list, or from text with one per line or separated by commas; empty ones are
    left out, and spaces within and around them are reduced to single ones within."""
    pieces = _BETWEEN.split(texts) if isinstance(texts, str) else as_texts(texts)
    cleaned = (" ".join(clean_text(piece).split()) for piece in pieces)
    return [piece for piece in cleaned if piece]
