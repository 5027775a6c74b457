from __future__ import annotations

import numpy as np
import pytest

from koclip import row_cache
from koclip.row_cache import RowCache


@pytest.fixture
def encoded() -> list[list[str]]:
    return []


@pytest.fixture
def cache(encoded) -> RowCache:
    def encode(texts: list[str]) -> np.ndarray:
        encoded.append(texts)
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32)

    return RowCache(encode)


def test_only_new_texts_are_encoded_and_each_once(cache, encoded):
    cache.rows(["고양이", "개"])
    rows = cache.rows(["개", "말", "고양이", "말"])
    assert encoded == [["고양이", "개"], ["말"]]
    np.testing.assert_array_equal(rows[:, 0], [1, 1, 3, 1])
    np.testing.assert_array_equal(rows[:, 1], [ord(text) for text in "개말고말"])


def test_those_asked_for_longest_ago_go_first(cache, encoded, monkeypatch):
    monkeypatch.setattr(row_cache, "_MOST", 2)
    cache.rows(["가", "나"])
    cache.rows(["가"])
    cache.rows(["다"])
    encoded.clear()
    cache.rows(["가", "다"])
    assert encoded == []
    cache.rows(["나"])
    assert encoded == [["나"]]


def test_what_is_returned_can_be_changed_without_harm(cache):
    cache.rows(["가"])[:] = 0
    assert cache.rows(["가"])[0, 0] == 1


def test_a_text_that_cannot_be_encoded_is_tried_again(encoded):
    def encode(texts: list[str]) -> np.ndarray:
        encoded.append(texts)
        raise ValueError("no")

    cache = RowCache(encode)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            cache.rows(["가"])
    assert len(encoded) == 2
