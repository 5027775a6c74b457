"""The engine of cosines: what must not change its answers, for every way that rows are stored."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from koclip.checkpoints.tensor_files import open_tensors
from koclip.errors import KoCLIPError
from koclip.segmented_store import Segment, SegmentedStore
from koclip.similarity import top_k, unit_rows
from koclip.vector_store import VectorStore, compact_copy, from_tensors, to_tensors
from tests.fuzz.kinds import Kind

Store = np.ndarray | VectorStore | SegmentedStore


def _mapped(rows: np.ndarray, place: Path, form: str | None = None) -> VectorStore:
    from safetensors.numpy import save_file

    store = VectorStore(rows, compact_copy(rows, form) if form else None)
    save_file(to_tensors(store), place / "rows.safetensors")
    return from_tensors(open_tensors(place / "rows.safetensors"))


def _segmented(rows: np.ndarray, place: Path) -> SegmentedStore:
    """In three parts, of other types, one of which has rows that were removed."""
    first, second = len(rows) // 3, len(rows) // 2
    removed = np.concatenate([rows[first:second], rows[:2]])
    stores = [VectorStore(rows[:first]), VectorStore(removed), VectorStore(rows[second:])]
    stores[2] = VectorStore(rows[second:], compact_copy(rows[second:], "int8"))
    return SegmentedStore(
        [Segment(stores[0]), Segment(stores[1], np.arange(second - first)), Segment(stores[2])]
    )


STORAGES: dict[str, Callable[[np.ndarray, Path], Store]] = {
    "float32": lambda rows, place: rows,
    "float16": lambda rows, place: rows.astype(np.float16),
    "with a float16 copy": lambda rows, place: VectorStore(rows, compact_copy(rows, "float16")),
    "with an int8 copy": lambda rows, place: VectorStore(rows, compact_copy(rows, "int8")),
    "memory-mapped": _mapped,
    "memory-mapped int8": lambda rows, place: _mapped(rows, place, "int8"),
    "segmented": _segmented,
}


class Engine(Kind):
    """Random rows, some of them equal or nearly so, in one storage."""

    name = "engine"

    def make(self, chance: random.Random) -> bytes:
        asked = {
            "seed": chance.getrandbits(32),
            "rows": chance.choice((1, 2, 5, 40, 300, 3000)),
            "width": chance.choice((1, 2, 8, 64, 512)),
            "queries": chance.choice((1, 1, 2, 9)),
            "k": chance.choice((1, 3, 10, 5000)),
            "storage": chance.choice(list(STORAGES)),
        }
        return json.dumps(asked).encode()

    def use(self, data: bytes, place: Path) -> None:
        asked = json.loads(data)
        rng = np.random.default_rng(asked["seed"])
        count, width, k = asked["rows"], asked["width"], asked["k"]
        rows = unit_rows(rng.normal(size=(count, width)) * rng.choice((1, 30), width))
        rows[rng.integers(count, size=count // 4)] = rows[0]
        rows[-1] = unit_rows(rows[0] + rng.normal(size=width) * 1e-4)
        queries = unit_rows(rng.normal(size=(asked["queries"], width)))
        store = STORAGES[asked["storage"]]

        stored = store(rows, place)
        exact = SegmentedStore.of(stored).rows_at(np.arange(count)).astype(np.float64)
        numbers, scores = top_k(queries, stored, k)
        _check_reference(queries, exact, k, numbers, scores)

        order = rng.permutation(count)  # rows in another order
        moved, moved_scores = top_k(queries, store(rows[order], place), k)
        np.testing.assert_array_equal(moved_scores, scores)
        one_of = (queries.astype(np.float64)[:, None] * exact[order[moved]]).sum(-1)
        np.testing.assert_allclose(one_of, scores, atol=1e-6)

        twice, _ = top_k(queries, store(np.concatenate([rows, rows]), place), 2 * k)
        assert all(
            set(row // 1 % count) >= set(best) for row, best in zip(twice, numbers, strict=True)
        )

        factor = 2.0 ** rng.integers(-8, 9)  # which scales float32 without rounding
        scaled, scaled_scores = top_k(queries * np.float32(factor), stored, k)
        np.testing.assert_array_equal(scaled, numbers)
        np.testing.assert_array_equal(scaled_scores, scores * np.float32(factor))

        alone = top_k(queries[:1], stored, k)[0]
        np.testing.assert_array_equal(alone[0], numbers[0])

        keep = rng.random(count) < 0.5
        kept, _ = top_k(queries, stored, k, keep)
        left = np.flatnonzero(keep)
        np.testing.assert_array_equal(kept, left[top_k(queries, exact[left], k)[0]])

        _check_not_finite(rng, queries, rows, k, lambda bad: store(bad, place))


def _check_reference(
    queries: np.ndarray, exact: np.ndarray, k: int, numbers: np.ndarray, scores: np.ndarray
) -> None:
    """All cosines in float64, sorted; of equal ones the earlier row first."""
    every = (queries.astype(np.float64)[:, None] * exact).sum(axis=-1)
    for row, of_query, cosines in zip(numbers, scores, every, strict=True):
        np.testing.assert_allclose(of_query, cosines[row], atol=1e-6)
        best = np.sort(cosines)[::-1][: len(row)]
        np.testing.assert_allclose(of_query, best, atol=1e-6)
        assert len(set(row.tolist())) == len(row) == min(k, len(exact))
        same = of_query[1:] == of_query[:-1]
        assert (of_query[1:] <= of_query[:-1]).all()
        assert (row[1:][same] > row[:-1][same]).all()


def _check_not_finite(
    rng: np.random.Generator,
    queries: np.ndarray,
    rows: np.ndarray,
    k: int,
    store: Callable[[np.ndarray], Store],
) -> None:
    """NaN and infinity are refused, in rows and in queries."""
    bad = rows.copy()
    bad[rng.integers(len(bad)), rng.integers(bad.shape[1])] = rng.choice([np.nan, np.inf, -np.inf])
    _refused(lambda: top_k(queries, store(bad), k), "embedding_not_finite")
    bad = queries.copy()
    bad[0, rng.integers(bad.shape[1])] = rng.choice([np.nan, np.inf])
    _refused(lambda: top_k(bad, store(rows), k), "query_not_finite")


def _refused(call: Callable[[], object], code: str) -> None:
    try:
        call()
    except KoCLIPError as error:
        assert error.code == code, error.code
    except ValueError as error:  # told of a file by who opens it
        assert "unit vectors" in str(error)
    else:
        raise AssertionError(f"not refused: {code}")
