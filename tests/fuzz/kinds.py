"""What is tried, and what counts as a finding."""

from __future__ import annotations

import random
import re
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from koclip.errors import KoCLIPError

_HANGUL = re.compile("[가-힣]")
_LONGEST_MESSAGE = 20_000


class Kind(ABC):
    """A kind of input. Whatever it raises but a KoCLIPError is a finding."""

    name: str
    most_memory: int = 500_000_000
    """Bytes that trying one may take for a moment."""
    may_write: bool = False
    """Whether a library may write on standard error."""

    @abstractmethod
    def make(self, chance: random.Random) -> bytes:
        """An input."""

    @abstractmethod
    def use(self, data: bytes, place: Path) -> None:
        """Does with it what people would do, in the empty folder `place`."""

    def outcome(self, data: bytes, place: Path) -> str:
        """ "accepted", or the code of the message with which it was refused."""
        try:
            self.use(data, place)
        except KoCLIPError as error:
            check_message(error)
            return error.code
        return "accepted"


def check_message(error: KoCLIPError) -> None:
    """It is there in both languages, and can be shown."""
    korean, english = error.localized("ko"), error.localized("en")
    assert _HANGUL.search(korean)
    assert korean != english
    for text in (korean, english):
        assert 0 < len(text) < _LONGEST_MESSAGE
        text.encode()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def check_rows(rows: np.ndarray) -> None:
    """Embeddings are finite, and of length 1."""
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=-1), 1, atol=1e-4)
