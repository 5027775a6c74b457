"""Processes that run one engine each and stand still while it is another's turn.

The child's side is `koclip.benchmark.engines.__main__`; requests and replies are lines of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import koclip
from koclip.benchmark.engines import Task
from koclip.errors import KoCLIPError

_SHOWN = 2000  # characters of a failed process's log


class Worker:
    """The parent's side of one engine's process, which is stopped unless it has something to do.

    Thread pools spin for a while after their work: a process that is merely idle takes time from
    the others', one that is stopped cannot.
    """

    def __init__(
        self, engine: str, folder: Path, *, cache: Path | None = None, **options: object
    ) -> None:
        """`engine` is a module of `koclip.benchmark.engines`, `folder` for files in between.

        What KoCLIP keeps from run to run is in `cache`: the user's may be of another version.
        """
        self._name = engine
        self._log = (folder / f"{engine}-{time.monotonic_ns()}.log").open("w+")
        self._output = Path(self._log.name).with_suffix(".npy")
        command = ["koclip.benchmark.engines", engine, json.dumps(options), str(self._output)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=child_environment(**({"XDG_CACHE_HOME": str(cache)} if cache else {})),
            text=True,
        )
        self._ask(None)

    @property
    def pid(self) -> int:
        return self._process.pid

    def answer(self, task: Task) -> np.ndarray:
        """What the engine answers to `task`.

        Raises:
            KoCLIPError: the engine failed; its last words are in the message.
        """
        self._ask({"task": task})
        return np.load(self._output)

    def time(self, task: Task, calls: int, *, warm: bool) -> list[float]:
        """Seconds of each of `calls` calls, after one that does not count if `warm`.

        Raises:
            KoCLIPError: as `answer`.
        """
        return self._ask({"task": task, "calls": calls, "warm": warm})

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, request: dict | None) -> list[float]:
        """Sends `request` (None: only waits for the first sign of life) and reads the reply."""
        try:
            if request is not None:
                os.kill(self._process.pid, signal.SIGCONT)
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
            reply = json.loads(self._process.stdout.readline())
        except (OSError, ValueError) as error:  # it ended, and with it the pipes
            self._process.wait()
            self._log.seek(0)
            reason = last_words(self._log.read())
            raise KoCLIPError("benchmark_failed", what=self._name, reason=reason) from error
        os.kill(self._process.pid, signal.SIGSTOP)
        return reply


def child_environment(**variables: str) -> dict[str, str]:
    """What processes of the benchmark run in: this package first, and no network."""
    package = str(Path(koclip.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    quiet = {"HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    return {**os.environ, "PYTHONPATH": path, **quiet, **variables}


def last_words(log: str) -> str:
    """The end of what a process printed, for the message that it failed."""
    return log[-_SHOWN:].strip()


def run_module(module: str, *arguments: str) -> str:
    """Runs a module of the benchmark to its end and returns what it printed.

    Raises:
        KoCLIPError: it failed; its last words are in the message.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, env=child_environment(), text=True, capture_output=True)
    if done.returncode:
        raise KoCLIPError("benchmark_failed", what=module, reason=last_words(done.stderr))
    return done.stdout


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for models and what processes hand over, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="koclip-benchmark-") as folder:
        yield Path(folder)
