"""`python -m koclip train`: the base recipe from tiny pretrained towers, end to end."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from koclip import KoCLIP
from koclip.cli import main
from koclip.training.metrics import read_metrics
from koclip.training.pretrained import join_towers
from tests.training.towers import write_towers

WORDS = ["고양이", "강아지", "커피", "자전거", "자동차", "하늘", "바다", "사진"]
CAPTIONS = [f"{first} {second}" for first, second in itertools.permutations(WORDS, 2)][:32]


def write_pairs(folder: Path) -> Path:
    """A caption file in the original's form, with a picture of 16 coloured fields per caption."""
    rng = np.random.default_rng(0)
    lines = []
    for i, caption in enumerate(CAPTIONS):
        fields = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        fields.resize((48, 40), Image.Resampling.NEAREST).save(folder / f"{i}.png")
        lines.append(json.dumps({"file_path": f"{i}.png", "captions": [caption]}))
    path = folder / "captions.json"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def towers(tmp_path_factory) -> tuple[Path, Path]:
    return write_towers(tmp_path_factory.mktemp("towers"))


@pytest.fixture(autouse=True)
def _in_english(monkeypatch):
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


def arguments(towers: tuple[Path, Path], pairs: Path, output: Path, **settings: object) -> list:
    """The base recipe but for its size: few steps ask for a higher rate."""
    tiny = {"text_tower": towers[0], "vision_tower": towers[1], "max_length": 8, "workers": 1}
    tiny |= {"batch_size": 16, "learning_rate": 1e-3, "epochs": 40}
    words = ["train", "koclip-base", "--data", pairs, "--output", output]
    for key, value in (tiny | settings).items():
        words += ["--set", f"{key}={value}"]
    return list(map(str, words))


def start(words: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "koclip", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"LC_ALL": "en_US.UTF-8"},
    )


@pytest.fixture(scope="module")
def trained(towers, pairs, tmp_path_factory) -> tuple[Path, str]:
    """The output folder of a run that overfits, and what it printed."""
    output = tmp_path_factory.mktemp("runs") / "tiny"
    process = start([*arguments(towers, pairs, output), "--validation", str(pairs)])
    printed, said = process.communicate()
    assert process.returncode == 0, said
    return output, printed


def test_the_tiny_run_overfits(trained):
    rows = read_metrics(trained[0] / "metrics.csv")
    assert {row["epoch"] for row in rows if row["split"] == "validation"} == {
        str(epoch) for epoch in range(1, 41)
    }
    for split in ("train", "validation"):
        last = [row for row in rows if row["split"] == split][-1]
        assert float(last["image_accuracy"]) >= 0.99
        assert float(last["text_accuracy"]) >= 0.99


def test_the_trained_model_opens_and_answers(trained, pairs):
    model = KoCLIP.from_pretrained(trained[0])
    files = [pairs.with_name(f"{i}.png") for i in range(len(CAPTIONS))]
    cosines = model.embed_images(files) @ model.embed_texts(CAPTIONS).T
    own = np.arange(len(CAPTIONS))
    assert np.mean(cosines.argmax(0) == own) >= 0.95
    assert np.mean(cosines.argmax(1) == own) >= 0.95


def test_the_last_rows_are_printed(trained):
    header, *rows = trained[1].splitlines()
    assert header.split()[:4] == ["output", "step", "epoch", "split"]
    assert [row.split()[1:4] for row in rows] == [["80", "40", "train"], ["80", "40", "validation"]]


def test_a_second_run_needs_resume(towers, pairs, trained, capsys):
    assert main(arguments(towers, pairs, trained[0])) == 2
    assert "--resume" in capsys.readouterr().err


def test_resuming_a_run_that_is_over(towers, pairs, trained, capsys):
    before = (trained[0] / "model.safetensors").read_bytes()
    words = arguments(towers, pairs, trained[0], workers=0)
    assert main([*words, "--validation", str(pairs), "--resume"]) == 0
    assert (trained[0] / "model.safetensors").read_bytes() == before


def test_a_killed_run_goes_on_to_the_same_model(towers, pairs, trained, tmp_path):
    words = [*arguments(towers, pairs, tmp_path), "--validation", str(pairs)]
    process = start(words)
    checkpoint = tmp_path / "checkpoints/step-00000010.safetensors"
    while process.poll() is None and not checkpoint.exists():
        time.sleep(0.01)
    process.kill()
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    process = start([*words, "--resume"])
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert "step 10/80" not in said
    for file in ("model.safetensors", "checkpoints/step-00000080.safetensors"):
        assert (tmp_path / file).read_bytes() == (trained[0] / file).read_bytes()
    rows, expected = (read_metrics(folder / "metrics.csv") for folder in (tmp_path, trained[0]))
    for row in (*rows, *expected):
        del row["images_per_second"]
    assert rows == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "epochs"], "KEY=VALUE"),
        (["--set", "batch_size=64"], "32 pictures cannot fill a batch of 64"),
        (["--set", "text_tower=null"], "'text_tower' and 'vision_tower'"),
        (["--set", 'locked=["image_tower"]'], "'image_tower' in 'locked'"),
        (["--set", "augment=swirl"], "swirl"),
    ],
)
def test_mistakes_are_said(towers, pairs, tmp_path, capsys, words, message):
    assert main([*arguments(towers, pairs, tmp_path / "run"), *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_missing_and_broken_pictures_are_named(towers, tmp_path, capsys):
    pairs = write_pairs(tmp_path)
    (tmp_path / "3.png").unlink()
    (tmp_path / "5.png").write_bytes(b"no picture")
    words = arguments(towers, pairs, tmp_path / "run", epochs=1, locked='[".*tower"]')
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "1 of 32 pictures have no file" in said
    assert "3.png" in said
    assert "5.png" in said


def test_locked_towers_stay_as_they_were(towers, pairs, tmp_path):
    """LiT: only the text learns; with SigLIP's loss, whose bias is no part of the saved model."""
    changes = {"epochs": 1, "locked": '["vision_tower"]', "loss": "sigmoid", "projection_dim": 24}
    assert main(arguments(towers, pairs, tmp_path, **changes)) == 0
    before = join_towers(*map(str, towers), projection_dim=24).parameters
    after = KoCLIP.from_pretrained(tmp_path).parameters
    jax.tree.map(np.testing.assert_array_equal, after["vision_tower"], before["vision_tower"])
    for name in ("text_projection", "visual_projection"):
        assert np.abs(after[name]["kernel"] - before[name]["kernel"]).max() > 0
    assert float(after["logit_scale"]) == pytest.approx(np.log(10), abs=0.01)


def test_two_processes_train_as_one(towers, pairs, tmp_path):
    """Each reads half of every batch. Few parameters: every one is one more thing to exchange."""
    changes = {"epochs": 1, "log_every": 1, "locked": '[".*tower"]'}
    assert main(arguments(towers, pairs, tmp_path / "one", **changes)) == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = arguments(towers, pairs, tmp_path / "two", **changes)
    words += ["--coordinator", address, "--processes", "2", "--process"]
    processes = [start([*words, index]) for index in "01"]
    for process in processes:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    one, two = (read_metrics(tmp_path / run / "metrics.csv") for run in ("one", "two"))
    assert len(one) == 2
    for expected, actual in zip(one, two, strict=True):
        for name in ("loss", "logit_scale", "image_accuracy", "text_accuracy"):
            assert float(actual[name]) == pytest.approx(float(expected[name]), rel=1e-4)
