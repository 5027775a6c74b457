"""Engines in processes of their own, in turns."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from koclip.benchmark.memory import watched_memory
from koclip.benchmark.runner import Contestant, contest
from koclip.benchmark.worker import Worker, run_module
from koclip.errors import KoCLIPError

TASK = {"queries": 2, "k": 3}
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    with Worker("numpy_search", tmp_path_factory.mktemp("w"), count=20, width=8) as worker:
        yield worker


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_an_engine_answers_and_is_timed(worker):
    scores = worker.answer(TASK)
    assert scores.shape == (2, 3)
    assert (np.diff(scores) <= 0).all()
    seconds = worker.time(TASK, 4, warm=True)
    assert len(seconds) == 4 and min(seconds) > 0


@linux
def test_who_is_not_at_its_turn_stands_still(worker):
    worker.answer(TASK)
    deadline = time.monotonic() + 5
    while state(worker.pid) != "T" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state(worker.pid) == "T"


def test_a_failing_engine_says_why(tmp_path):
    with pytest.raises(KoCLIPError, match="unexpected keyword argument 'wrong'"):
        Worker("numpy_search", tmp_path, wrong=1)
    with (
        Worker("numpy_search", tmp_path, count=2, width=2) as worker,
        pytest.raises(KoCLIPError, match="KeyError: 'queries'"),
    ):
        worker.answer({})


def test_a_closed_worker_is_gone(tmp_path):
    with Worker("numpy_search", tmp_path, count=2, width=2) as worker:
        pid = worker.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_failing_module_says_why():
    with pytest.raises(KoCLIPError, match=r"No module named koclip\.benchmark\.nothing"):
        run_module("koclip.benchmark.nothing")


class Fake:
    """A worker that takes a fixed time, and notes its turns."""

    def __init__(self, seconds: float, turns: list) -> None:
        self.seconds = seconds
        self.turns = turns

    def time(self, task: str, calls: int, *, warm: bool) -> list[float]:
        self.turns.append((task, calls, warm))
        return [self.seconds] * calls


def test_contestants_take_turns():
    turns: list = []
    contestants = [Contestant(n, Fake(s, turns), n) for n, s in (("a", 0.1), ("b", 1.0))]
    seconds = contest(contestants, 0.0)
    assert turns == [("a", 1, False), ("b", 1, False)] + [("a", 2, True), ("b", 1, False)] * 3
    assert seconds == {"a": (0.1,) * 3, "b": (1.0,) * 3}


def test_a_larger_budget_has_more_rounds_up_to_a_limit():
    fake = Fake(1.0, [])
    rounds = [len(contest([Contestant("a", fake, "a")], budget)["a"]) for budget in (5.0, 100.0)]
    assert rounds == [5, 9]


@linux
def test_memory_is_counted_unless_it_is_a_mapped_file(tmp_path):
    size = 64 << 20
    (tmp_path / "file").write_bytes(b"x" * size)
    code = f"""
import mmap, sys
def wait(): print(flush=True); sys.stdin.readline()
wait()
file = open({str(tmp_path / "file")!r}, "rb")
mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
read = sum(mapped[::4096])
wait()
kept = b"x" * {size}
wait()
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        peaks = []
        process.stdout.readline()
        for _ in range(2):
            with watched_memory(process.pid) as peak:
                process.stdin.write(b"\n")
                process.stdout.readline()
            peaks.append(peak.bytes)
        process.send_signal(signal.SIGKILL)
    assert peaks[0] < size / 8
    assert size * 0.99 < peaks[1] < size * 1.2
