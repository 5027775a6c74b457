"""metrics.csv, and TensorBoard."""

from __future__ import annotations

import sys
from types import ModuleType

from koclip.training.metrics import COLUMNS, MetricsFile, read_metrics


def row(step: int, split: str = "train") -> dict:
    return {"step": step, "epoch": 1, "split": split, "loss": step / 8}


def test_rows_come_back(tmp_path):
    file = MetricsFile(tmp_path / "new", 0)
    for step in (1, 2):
        file.write(row(step))
    file.write(row(2, "validation"))
    rows = read_metrics(tmp_path / "new" / "metrics.csv")
    assert [(r["step"], r["split"], r["loss"]) for r in rows] == [
        ("1", "train", "0.125"),
        ("2", "train", "0.25"),
        ("2", "validation", "0.25"),
    ]
    assert all(tuple(r) == COLUMNS and r["learning_rate"] == "" for r in rows)


def test_going_on_repeats_no_step_and_drops_half_a_row(tmp_path):
    file = MetricsFile(tmp_path, 0)
    for step in range(1, 5):
        file.write(row(step))
    path = tmp_path / "metrics.csv"
    path.write_bytes(path.read_bytes()[:-2])  # as if the process had died in the middle
    MetricsFile(tmp_path, 4).write(row(5))
    assert [r["step"] for r in read_metrics(path)] == ["1", "2", "3", "5"]
    MetricsFile(tmp_path, 2).write(row(3))
    assert [r["step"] for r in read_metrics(path)] == ["1", "2", "3"]
    assert path.read_text().count("step") == 1


def test_a_new_run_starts_a_new_file(tmp_path):
    MetricsFile(tmp_path, 0).write(row(1))
    MetricsFile(tmp_path, 0)
    assert read_metrics(tmp_path / "metrics.csv") == []


def test_tensorboard_where_it_is_installed(tmp_path, monkeypatch):
    written = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            assert folder == str(tmp_path / "tensorboard")

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

        def flush(self) -> None:
            pass

    module = ModuleType("tensorboardX")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    MetricsFile(tmp_path, 0).write(row(4, "validation"))
    assert written == [("validation/loss", 0.5, 4)]
