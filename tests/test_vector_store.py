"""Rows and their compact copies: what is stored, what is read back, what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from safetensors.numpy import save_file

from koclip import vector_store
from koclip.checkpoints.tensor_files import open_tensors
from koclip.errors import KoCLIPError
from koclip.similarity import top_k, unit_rows
from koclip.vector_store import (
    VectorStore,
    compact_copy,
    from_tensors,
    tiles,
    to_tensors,
    widened,
)


@pytest.fixture
def rows(rng) -> np.ndarray:
    return unit_rows(rng.normal(size=(300, 64)))


@pytest.fixture
def small(monkeypatch) -> None:
    """Tiles of five rows, and a check of twelve in four places."""
    monkeypatch.setattr(vector_store, "_TILE_BYTES", 5 * 4 * 64)
    monkeypatch.setattr(vector_store, "_CHECKED_BYTES", 12 * 4 * 64)
    monkeypatch.setattr(vector_store, "_CHECKED_PLACES", 4)


def approximation(copy: vector_store.CompactCopy) -> np.ndarray:
    return copy.values.astype(np.float64) * copy.scales


def test_float16_is_widened_as_numpy_does():
    """All finite values, subnormal ones and both zeros included."""
    values = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    values = values[np.isfinite(values)]
    assert len(values) == 63_488
    wide = widened(values)
    np.testing.assert_array_equal(wide.view(np.int32), values.astype(np.float32).view(np.int32))


def test_other_types_are_widened_too(rng):
    floats = rng.normal(size=9).astype(np.float32)
    assert widened(floats) is floats
    for dtype in (np.int8, np.float64):
        values = np.arange(-4, 5, dtype=dtype)
        assert widened(values).dtype == np.float32
        assert widened(values).tolist() == values.tolist()


@pytest.mark.parametrize("form", ["float16", "int8"])
def test_the_error_of_a_copy_is_that_of_its_worst_row(rows, small, form):
    copy = compact_copy(rows, form)
    assert (copy.values.dtype, copy.values.shape) == (form, rows.shape)
    errors = np.linalg.norm(approximation(copy) - rows, axis=1)
    assert errors.max() <= copy.error <= errors.max() * 1.01
    assert copy.error < {"float16": 5e-4, "int8": 0.02}[form]
    if form == "int8":
        assert np.abs(copy.values).max(axis=0).tolist() == [127] * 64


def test_a_large_column_does_not_spoil_the_others(rows):
    """As in CLIP's embeddings: it would, if a row had one scale for all its columns."""
    features = rows.copy()
    features[:, 7] += 3
    skewed = unit_rows(features)
    copy = compact_copy(skewed, "int8")
    assert copy.error < compact_copy(rows, "int8").error
    per_row = np.abs(skewed).max(axis=1, keepdims=True) / 127
    worst = np.linalg.norm(np.rint(skewed / per_row) * per_row - skewed, axis=1).max()
    assert copy.error < worst / 2


def test_a_column_of_zeros(rows):
    rows[:, 3] = 0
    copy = compact_copy(rows, "int8")
    assert (copy.scales > 0).all()
    assert not copy.values[:, 3].any()


@pytest.mark.parametrize("form", ["float16", "int8"])
@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_no_copy_of_a_row_that_is_not_finite(rows, small, form, bad):
    rows[123, 4] = bad
    with pytest.raises(KoCLIPError) as caught, np.errstate(invalid="ignore"):
        compact_copy(rows, form)
    assert caught.value.code == "embedding_not_finite"


@pytest.mark.parametrize("form", ["float16", "int8"])
def test_a_scan_is_never_off_by_more_than_it_says(rng, rows, form):
    """Nor is the bound so wide that it would say nothing."""
    store = VectorStore(rows, compact_copy(rows, form))
    queries = np.concatenate([unit_rows(rng.normal(size=(50, 64))), rows[:50] * 3])
    worst = rows - approximation(store.copy)  # queries that make the most of the errors
    queries = np.concatenate([queries, unit_rows(worst[:50])]).astype(np.float32)
    scanned = store.scan_queries(queries) @ widened(store.scanned).T
    off = np.abs(scanned - queries.astype(np.float64) @ rows.T.astype(np.float64)).max(axis=1)
    assert (off <= store.scan_error(queries)).all()
    assert (off > store.scan_error(queries) / 2).any()


def test_tiles_cover_the_rows_once(rows, small):
    for start, stop in [(0, None), (3, 17), (10, 10), (298, 900)]:
        covered = [i for tile in tiles(rows, start, stop) for i in range(300)[tile]]
        assert covered == list(range(300))[start:stop]
    assert max(tile.stop - tile.start for tile in tiles(rows)) == 5


# Files ---------------------------------------------------------------------------------------


def saved(path, store: VectorStore) -> VectorStore:
    save_file(to_tensors(store), path)
    return from_tensors(open_tensors(path))


@pytest.mark.parametrize("form", [None, "float16", "int8"])
def test_what_is_saved_is_read_back_from_its_file(rng, rows, tmp_path, form):
    store = VectorStore(rows, form and compact_copy(rows, form))
    opened = saved(tmp_path / "rows.safetensors", store)
    np.testing.assert_array_equal(opened.rows, rows)
    mapped = [opened.rows] if form is None else [opened.rows, opened.copy.values]
    assert not any(array.flags.owndata or array.flags.writeable for array in mapped)
    if form:
        np.testing.assert_array_equal(approximation(opened.copy), approximation(store.copy))
        assert opened.copy.error == store.copy.error
    queries = unit_rows(rng.normal(size=(3, 64)))
    np.testing.assert_array_equal(top_k(queries, opened, 9)[0], top_k(queries, rows, 9)[0])


def test_rows_may_be_float16_themselves(rows, tmp_path):
    half = rows.astype(np.float16)
    opened = saved(tmp_path / "rows.safetensors", VectorStore(half, compact_copy(half, "int8")))
    assert opened.rows.dtype == np.float16
    np.testing.assert_array_equal(opened.rows, half)


@pytest.mark.parametrize(
    "change",
    [
        {"values": lambda x: x[:-1]},
        {"values": lambda x: x.astype(np.int16)},
        {"values": lambda x: x[::-1].copy()},
        {"scales": lambda x: x[:-1]},
        {"scales": lambda x: x.astype(np.float64)},
        {"scales": lambda x: x * np.float32(np.nan)},
        {"error": lambda x: x / 2},
        {"error": lambda x: np.nan},
    ],
)
def test_a_copy_that_is_not_of_the_rows_is_refused(rows, tmp_path, change):
    copy = compact_copy(rows, "int8")
    ((name, edit),) = change.items()
    damaged = dataclasses.replace(copy, **{name: edit(getattr(copy, name))})
    with pytest.raises(ValueError, match="compact copy"):
        saved(tmp_path / "rows.safetensors", VectorStore(rows, damaged))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 2.0, 0.0])
def test_rows_that_are_no_unit_vectors_are_refused(rows, tmp_path, bad):
    rows[299] = bad
    with pytest.raises(ValueError, match="not unit vectors"):
        saved(tmp_path / "rows.safetensors", VectorStore(rows))


def test_of_many_rows_some_are_looked_at(rows, small, tmp_path):
    """The first and last, and some between; what is not looked at is not read."""
    for at, refused in [(0, True), (2, True), (299, True), (100, True), (50, False)]:
        damaged = rows.copy()
        damaged[at] = np.nan
        path = tmp_path / "rows.safetensors"
        if refused:
            with pytest.raises(ValueError, match="not unit vectors"):
                saved(path, VectorStore(damaged))
        else:
            opened = saved(path, VectorStore(damaged))
            with pytest.raises(KoCLIPError, match="row 51 "):
                top_k(rows[:1], opened, 3)
