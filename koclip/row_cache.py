"""Embeddings of texts that were embedded before: labels and popular queries come again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

_MOST = 4096  # rows; of 512 numbers they take 8 MB


class RowCache:
    """The rows of the texts that were asked for last. Many threads may use it."""

    def __init__(self, encode: Callable[[list[str]], np.ndarray]) -> None:
        """
        Args:
            encode: texts → as many rows; up to rounding the same whatever other texts there are.
        """
        self._encode = encode
        self._rows: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, texts: Sequence[str]) -> np.ndarray:
        """The rows of the texts [texts, D]; those that are not known are encoded, each once."""
        with self._lock:
            found = {text: self._rows[text] for text in texts if text in self._rows}
        if missing := [text for text in dict.fromkeys(texts) if text not in found]:
            # Copies, as a view would keep all the rows of its batch.
            found |= zip(missing, map(np.copy, self._encode(missing)), strict=True)
        self._keep(found.items())
        return np.stack([found[text] for text in texts])

    def add(self, texts: Sequence[str], rows: np.ndarray) -> None:
        """Takes rows [texts, D] that were encoded elsewhere."""
        self._keep(zip(texts, map(np.copy, rows), strict=True))

    def _keep(self, found: Iterable[tuple[str, np.ndarray]]) -> None:
        with self._lock:
            for text, row in found:
                self._rows[text] = row
                self._rows.move_to_end(text)
            while len(self._rows) > _MOST:
                self._rows.popitem(last=False)
