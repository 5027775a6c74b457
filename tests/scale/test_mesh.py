"""Rows on one device, on eight and in two processes are searched alike."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from koclip.errors import KoCLIPError
from koclip.scale.mesh import ShardedRows, row_mesh
from koclip.similarity import top_k, unit_rows
from tests.scale.cases import CASES, ask, make_rows, segmented
from tests.space import ROOT


def answers(folder: Path, devices: int = 1, processes: int = 1) -> list[dict[str, np.ndarray]]:
    """What each of the processes found, in new processes with so many devices each."""
    np.save(folder / "rows.npy", make_rows())
    flags = f"--xla_force_host_platform_device_count={devices}"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    files = [folder / f"answers-{process}.npz" for process in range(processes)]
    running = []
    for process, file in enumerate(files):
        command = [sys.executable, "-m", "tests.scale.mesh_worker", folder / "rows.npy", file]
        cluster = [process, processes, address] if processes > 1 else []
        running.append(
            subprocess.Popen(
                [*map(str, command), *map(str, cluster)],
                cwd=ROOT,
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        for process in running:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
    finally:
        for process in running:
            process.kill()
    return [dict(np.load(file)) for file in files]


def check(found: dict[str, np.ndarray]) -> None:
    rows = make_rows()

    def engine(queries: np.ndarray, k: int, keep: np.ndarray | None):
        return top_k(queries, segmented(rows), k, keep)

    for name in CASES:
        numbers, scores = ask(engine, rows, name)
        np.testing.assert_array_equal(found[f"{name} numbers"], numbers, name)
        np.testing.assert_array_equal(found[f"{name} scores"], scores, name)
        assert (numbers.dtype, scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("name", CASES)
def test_one_device(name):
    rows = make_rows()
    numbers, scores = ask(lambda queries, *rest: top_k(queries, segmented(rows), *rest), rows, name)
    placed = ShardedRows.place(segmented(rows))
    assert len(placed) == len(segmented(rows))
    placed_numbers, placed_scores = ask(placed.top_k, rows, name)
    np.testing.assert_array_equal(placed_numbers, numbers)
    np.testing.assert_array_equal(placed_scores, scores)
    assert (placed_numbers.dtype, placed_scores.dtype) == (np.int64, np.float32)


def test_eight_devices(tmp_path):
    (found,) = answers(tmp_path, devices=8)
    assert found["devices"] == 8
    check(found)


@pytest.mark.parametrize("devices", [1, 3])
def test_two_processes_each_of_which_reads_its_own_rows(tmp_path, devices):
    both = answers(tmp_path, devices, processes=2)
    assert [int(found["devices"]) for found in both] == [2 * devices] * 2
    for found in both:
        check(found)
        assert set(found["read later"]) == set(found["read"])
    first, second = (found["read"].tolist() for found in both)
    assert first + second == list(range(len(segmented(make_rows()))))


def test_queries_that_do_not_fit_on_a_device_at_once(monkeypatch):
    rows = make_rows()
    monkeypatch.setattr("koclip.scale.mesh._SCORES", 2 * len(rows))
    numbers, scores = top_k(rows[:5], rows, 10)
    placed = ShardedRows.place(rows, row_mesh())
    np.testing.assert_array_equal(placed.top_k(rows[:5], 10)[0], numbers)
    np.testing.assert_array_equal(placed.top_k(rows[:5], 10)[1], scores)


def test_half_precision_rows(rng):
    rows = unit_rows(rng.normal(size=(50, 16))).astype(np.float16)
    queries = unit_rows(rng.normal(size=(3, 16)))
    for ours, engine in zip(
        ShardedRows.place(rows).top_k(queries, 7), top_k(queries, rows, 7), strict=True
    ):
        np.testing.assert_array_equal(ours, engine)


@pytest.mark.parametrize(("rows", "queries", "k"), [(0, 2, 3), (5, 0, 3), (5, 2, 0)])
def test_nothing_to_find(rows, queries, k):
    placed = ShardedRows.place(np.eye(5, dtype=np.float32)[:rows])
    numbers, scores = placed.top_k(np.eye(5, dtype=np.float32)[:queries], k)
    assert numbers.shape == scores.shape == (queries, min(k, rows))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_damaged_row_is_named(value, monkeypatch):
    monkeypatch.setattr("koclip.scale.mesh._READ_AT_ONCE", 4)
    rows = np.eye(9, dtype=np.float32)
    rows[6, 2] = value
    with pytest.raises(KoCLIPError) as caught:
        ShardedRows.place(rows)
    assert caught.value.code == "embedding_not_finite"
    assert caught.value.values["row"] == 7
