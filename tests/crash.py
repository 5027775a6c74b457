"""Builds of an image database that are killed at random instants, and what is left of them.

    python -m tests.crash 50

kills that many builds; the tests do the same with a few.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from koclip.database import ImageDatabase
from koclip.database.build import BuildResult, build

PICTURES = 600


class StandIn:
    """An encoder whose row of a picture is its pixels: cheap, and the same in every process."""

    name, revision = "stand-in", "1"

    def __init__(self) -> None:
        self.config = type("Config", (), {"projection_dim": 4 * 4 * 3})
        self.processor = self
        self.image_processor = self

    def __call__(self, pictures: list[Image.Image]) -> np.ndarray:
        return np.stack([np.asarray(p.resize((4, 4)), np.float32) + 1 for p in pictures])

    def to_json(self) -> dict:
        return {"size": 4}

    def get_image_features(self, pixels: np.ndarray) -> np.ndarray:
        time.sleep(0.002)  # so that kills meet decoding, embedding and writing alike
        return pixels.reshape(len(pixels), -1)


def make_pictures(folder: Path, count: int = PICTURES) -> None:
    """Small pictures that differ."""
    folder.mkdir()
    rng = np.random.default_rng(31)
    for number in range(count):
        pixels = rng.integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04}.png")


def build_here(pictures: Path, database: Path) -> BuildResult:
    """Many small segments: a commit every 32 pictures."""
    return build(StandIn(), [pictures], database, segment_images=32, thumbnails=True)


def kill_builds(pictures: Path, place: Path, kills: int, seed: int = 0) -> dict[str, int]:
    """Kills builds at random instants until `kills` were, and lets the last of each end.

    After every kill the database must be readable, hold the first so many of the pictures in their
    order with the right rows, and never fewer than before. Whenever it is complete, it must be the
    uninterrupted one, and the next begins from nothing.

    Returns:
        How many were killed, how many left a database in part, and how many were completed.

    Raises:
        AssertionError: something was lost, or differs.
    """
    whole = build_here(pictures, place / "whole").database
    expected, rows = [item.id for item in whole.items], np.array(whole.embeddings)
    database, chance = place / "killed", random.Random(seed)
    counts = {"killed": 0, "left in part": 0, "rounds": 0}
    length, kept = _timed(pictures, place / "timed"), 0
    while counts["killed"] < kills:
        with _started(pictures, database) as process:
            process.stdout.readline()  # it has imported everything
            try:
                process.wait(chance.uniform(0, 1.1 * length))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                counts["killed"] += 1
        assert process.returncode in (0, -signal.SIGKILL)
        if not (database / "database.json").exists():
            assert kept == 0
            continue
        found = ImageDatabase.open(database)
        found.verify()
        assert len(found) >= kept
        kept = len(found)
        assert [item.id for item in found.items] == expected[:kept]
        np.testing.assert_array_equal(found.embeddings, rows[:kept])
        counts["left in part"] += 0 < kept < len(expected)
        if kept == len(expected):
            _check_finished(build_here(pictures, database), whole)
            shutil.rmtree(database)
            counts["rounds"] += 1
            kept = 0
    _check_finished(build_here(pictures, database), whole)
    return counts


def _check_finished(result: BuildResult, whole: ImageDatabase) -> None:
    """A build that was resumed has made what an uninterrupted one makes, and left nothing else."""
    assert list(result.database.items) == list(whole.items)
    np.testing.assert_array_equal(result.database.embeddings, whole.embeddings)
    for number in (0, len(whole) - 1):
        assert result.database.thumbnail(number) == whole.thumbnail(number) is not None
    result.database.verify()
    folder = result.database.folder
    named = {segment.name for segment in result.database.manifest.segments}
    build_here(Path(whole.items[0].file).parent, folder)  # removes what was left over
    assert {place.name for place in (folder / "segments").iterdir()} == named
    assert {place.name for place in folder.iterdir()} == {
        "database.json",
        "segments",
        ".koclip-lock",
    }


def _started(pictures: Path, database: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.crash", "--build", str(pictures), str(database)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _timed(pictures: Path, database: Path) -> float:
    """Seconds that a build takes after the imports."""
    with _started(pictures, database) as process:
        process.stdout.readline()
        start = time.monotonic()
        assert process.wait() == 0
        return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kills", type=int, nargs="?", default=50)
    parser.add_argument("--build", nargs=2, metavar=("PICTURES", "DATABASE"))
    args = parser.parse_args()
    if args.build:
        print("begins", flush=True)
        build_here(*map(Path, args.build))
        return
    with tempfile.TemporaryDirectory() as place:
        make_pictures(Path(place) / "pictures")
        print(kill_builds(Path(place) / "pictures", Path(place), args.kills))


if __name__ == "__main__":
    main()
