"""A whole run: what it writes, and going on where it was killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from koclip.errors import KoCLIPError
from koclip.training.loop import train
from koclip.training.metrics import read_metrics
from koclip.training.state import checkpoints
from tests.training import killed_worker, toy


def numbers(output: Path) -> list[dict[str, str]]:
    """The rows of metrics.csv without the one column that no two runs share."""
    rows = read_metrics(output / "metrics.csv")
    return [{k: v for k, v in row.items() if k != "images_per_second"} for row in rows]


def assert_same_run(output: Path, parameters: dict, expected: tuple[Path, dict]) -> None:
    assert numbers(output) == numbers(expected[0])
    jax.tree.map(np.testing.assert_array_equal, parameters, expected[1])
    newest, other = checkpoints(output)[0], checkpoints(expected[0])[0]
    assert newest.name == other.name
    assert newest.read_bytes() == other.read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> tuple[Path, dict]:
    output = tmp_path_factory.mktemp("uninterrupted")
    return output, killed_worker.run(output)


def test_what_a_run_measures(uninterrupted):
    output, _ = uninterrupted
    rows = read_metrics(output / "metrics.csv")
    training = [row for row in rows if row["split"] == "train"]
    assert [int(row["step"]) for row in training] == list(range(1, 18))
    assert [int(row["epoch"]) for row in training] == [1 + i // 4 for i in range(17)]
    assert float(training[0]["learning_rate"]) == pytest.approx(1e-2)
    assert float(training[-1]["learning_rate"]) == pytest.approx(1e-2 / 17)
    assert float(training[-1]["loss"]) < float(training[0]["loss"])
    assert all(float(row["images_per_second"]) > 0 for row in training[1:])
    validation = [row for row in rows if row["split"] == "validation"]
    assert [int(row["step"]) for row in validation] == [4, 8, 12, 16, 17]
    assert float(validation[-1]["loss"]) < float(validation[0]["loss"])


def test_the_settings_are_written_down(uninterrupted):
    settings = json.loads((uninterrupted[0] / "training.json").read_text())
    assert settings == killed_worker.CONFIG.to_json()


def test_the_last_checkpoints_are_kept(uninterrupted):
    names = [file.name for file in checkpoints(uninterrupted[0])]
    assert names == ["step-00000017.safetensors", "step-00000015.safetensors"]


@pytest.mark.parametrize(
    ("when", "count", "newest"),
    [
        ("batch", 13, 10),  # three steps after a checkpoint
        ("batch", 2, None),  # before the first
        ("write", 5, 10),  # metrics.csv, training.json, steps 5 and 10 are whole; 15 is cut short
    ],
)
def test_a_killed_run_goes_on_to_the_same_numbers(tmp_path, uninterrupted, when, count, newest):
    worker = [sys.executable, "-m", "tests.training.killed_worker", tmp_path, when, str(count)]
    killed = subprocess.run(worker, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [int(file.stem[5:]) for file in checkpoints(tmp_path)][:1] == [newest][: bool(newest)]
    half_written = list((tmp_path / "checkpoints").glob("*.part"))
    assert len(half_written) == (when == "write")
    firsts = []

    def batches(first: int):
        firsts.append(first)
        return toy.batches(first)

    parameters = killed_worker.run(tmp_path, batches, resume=True)
    assert firsts == [newest or 0]
    assert_same_run(tmp_path, parameters, uninterrupted)
    assert list((tmp_path / "checkpoints").glob("*.part")) == []


def small_run(output: Path, **options) -> dict:
    changes = {key: options.pop(key) for key in list(options) if key in ("learning_rate", "steps")}
    parameters = options.pop("parameters", toy.parameters())
    config = toy.config(**{"steps": 2} | changes)
    return train(toy.TOWERS, parameters, toy.batches, config, output, steps_per_epoch=2, **options)


def test_another_run_in_the_folder_is_not_overwritten(tmp_path):
    small_run(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(KoCLIPError, match="--resume"):
        small_run(tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_resuming_with_other_settings_is_refused(tmp_path):
    small_run(tmp_path)
    with pytest.raises(KoCLIPError) as caught:
        small_run(tmp_path, resume=True, learning_rate=0.5, steps=3)
    message = str(caught.value)
    assert "learning_rate: 0.01 → 0.5" in message
    assert "steps: 2 → 3" in message
    assert "seed" not in message


def test_resuming_with_another_model_is_refused(tmp_path):
    small_run(tmp_path)
    other = toy.parameters() | {"another": {"kernel": np.zeros((2, 2), np.float32)}}
    with pytest.raises(KoCLIPError, match=r"trained/another\.kernel"):
        small_run(tmp_path, resume=True, parameters=other)


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    config = toy.config(steps=4, checkpoint_every=1)

    def run(resume: bool = False) -> dict:
        start = (toy.TOWERS, toy.parameters(), toy.batches, config, tmp_path)
        return train(*start, steps_per_epoch=9, resume=resume)

    expected = run()
    newest = checkpoints(tmp_path)[0]
    whole = newest.read_bytes()
    newest.write_bytes(whole[:-7])
    jax.tree.map(np.testing.assert_array_equal, run(resume=True), expected)
    assert newest.read_bytes() == whole


def test_callbacks_see_each_checkpoint(tmp_path):
    seen = []

    def callback(step: int, parameters: dict) -> None:
        seen.append((step, np.asarray(parameters["text_projection"]["kernel"])))

    final = small_run(tmp_path, steps=5, callbacks=[callback])
    assert [step for step, _ in seen] == [2, 4, 5]
    np.testing.assert_array_equal(seen[-1][1], final["text_projection"]["kernel"])
    seen.clear()
    small_run(tmp_path, steps=5, callbacks=[callback], resume=True)
    assert [step for step, _ in seen] == [5]  # it may have been killed just before the callback


def test_a_run_that_diverges_stops_and_keeps_its_checkpoint(tmp_path):
    def batches(first: int):
        for i, batch in enumerate(toy.batches(first), first):
            yield batch if i < 3 else batch | {"picture": batch["picture"] * np.inf}

    config = toy.config(steps=8, log_every=8, checkpoint_every=1, keep_checkpoints=1)
    with pytest.raises(KoCLIPError, match="diverged at step 4"):
        train(toy.TOWERS, toy.parameters(), batches, config, tmp_path, steps_per_epoch=8)
    assert [file.name for file in checkpoints(tmp_path)] == ["step-00000003.safetensors"]


def test_validation_data_that_fill_no_batch(tmp_path):
    with pytest.raises(KoCLIPError, match="validation data"):
        small_run(tmp_path, validation=lambda: [])


def test_plain_lines_where_there_is_no_terminal(tmp_path, capsys):
    small_run(tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["step 1/2", "step 2/2"]
    assert "loss" in lines[0]
    assert lines[1].endswith("left 0:00:00")


def test_a_bar_on_a_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    small_run(tmp_path)
    shown = capsys.readouterr().err
    assert "2/2" in shown
    assert "logit_scale" in shown


def test_the_batches_are_closed(tmp_path):
    closed = []

    def batches(first: int):
        try:
            yield from toy.batches(first)
        finally:
            closed.append(first)

    start = (toy.TOWERS, toy.parameters(), batches, toy.config(steps=1), tmp_path)
    train(*start, steps_per_epoch=1)
    assert closed == [0]
