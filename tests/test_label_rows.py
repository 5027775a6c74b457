"""The bundled rows are those that koclip-mini gives the labels today."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from koclip import KoCLIP, label_rows
from koclip.image_to_text import DEFAULT_TEMPLATE, embed_labels
from koclip.label_rows import remember_labels
from koclip.label_sets import glossary
from koclip.row_cache import RowCache


@pytest.fixture
def fresh() -> KoCLIP:
    """koclip-mini, which remembers nothing."""
    return KoCLIP.from_pretrained("koclip-mini", precision="float32")


def test_they_are_what_the_model_says(fresh, mini):
    words = list(glossary())
    assert remember_labels(fresh), "run `python -m koclip.label_rows`"
    rows = embed_labels(fresh, words, [DEFAULT_TEMPLATE])
    np.testing.assert_allclose(rows, embed_labels(mini, words, [DEFAULT_TEMPLATE]), atol=2e-4)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_what_they_tell_need_not_be_computed(fresh, monkeypatch):
    assert remember_labels(fresh)
    monkeypatch.setattr(fresh._texts, "_encode", None)
    assert embed_labels(fresh, list(glossary()), [DEFAULT_TEMPLATE]).shape == (len(glossary()), 384)


def test_other_models_do_not_get_them(tiny_korean, fresh):
    assert not remember_labels(tiny_korean)
    fresh.files = dataclasses.replace(fresh.files, revision="0123456789ab")
    assert not remember_labels(fresh)
    assert not fresh._texts._rows


def test_other_words_do_not_get_them(fresh, monkeypatch):
    swapped = dict(reversed(glossary().items()))
    monkeypatch.setattr(label_rows, "glossary", lambda: swapped)
    assert not remember_labels(fresh)


@pytest.mark.parametrize("contents", [None, b"", b"version https://git-lfs.github.com/spec/v1"])
def test_a_file_that_is_missing_or_damaged_is_done_without(fresh, monkeypatch, tmp_path, contents):
    monkeypatch.setattr(label_rows, "PATH", tmp_path / "labels.safetensors")
    if contents is not None:
        label_rows.PATH.write_bytes(contents)
    assert not remember_labels(fresh)


def test_rows_in_eight_bits_are_computed(mini, monkeypatch):
    monkeypatch.setattr(mini, "precision", "int8")
    assert not remember_labels(mini)


def test_added_rows_are_copies(rng):
    rows = rng.standard_normal((2, 4)).astype(np.float32)
    cache = RowCache(lambda texts: np.zeros((len(texts), 4), np.float32))
    cache.add(["a", "b"], rows)
    kept = rows.copy()
    rows[:] = 0
    np.testing.assert_array_equal(cache.rows(["b", "c", "a"]), [kept[1], np.zeros(4), kept[0]])
