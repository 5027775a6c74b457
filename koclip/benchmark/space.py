"""Servers in processes of their own, above all the Space: `python app.py`."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import koclip
from koclip.benchmark.worker import last_words
from koclip.errors import KoCLIPError
from koclip.settings import MINI

APP = ("app.py",)
_PATIENCE = 120.0  # seconds
_INTERVAL = 0.02  # seconds between looks whether the page is there


class Server(NamedTuple):
    """A page that is there."""

    url: str
    seconds_to_open: float
    """From the start of the process to the page's HTTP 200."""


def app_folder() -> Path:
    """Where app.py is: in a clone, beside the package.

    Raises:
        KoCLIPError: the package is installed without it.
    """
    folder = Path(koclip.__file__).parent.parent
    if not (folder / "app.py").is_file():
        raise KoCLIPError("benchmark_no_app", path=folder / "app.py")
    return folder


@contextmanager
def running_server(
    arguments: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]
) -> Iterator[Server]:
    """Runs Python in `folder` until the block ends, on what opens a Gradio page at a free port.

    Raises:
        KoCLIPError: the page did not open; the log is in the message.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with log.open("w") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**environment, "GRADIO_SERVER_PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_open(url, process, log)
        yield Server(url, time.perf_counter() - start)
    finally:
        process.terminate()
        process.wait(timeout=40)  # it lets those finish who wait for an answer


def wait_until_prepared(url: str) -> None:
    """Returns when the Space has done all that it does in the background after its start.

    Raises:
        KoCLIPError: it could not, or not in time.
    """
    deadline, health = time.monotonic() + _PATIENCE, {}
    while time.monotonic() < deadline:
        health = _health(url)
        if health.get("state") == "failed":
            break
        if health.get("state") == "open" and not health["compiling"]:
            return
        time.sleep(_INTERVAL)
    raise KoCLIPError("benchmark_failed", what=" ".join(APP), reason=str(health))


def _health(url: str) -> dict:
    """What GET /health says of koclip-mini; {} if it says nothing now."""
    try:
        with urllib.request.urlopen(f"{url}health", timeout=5) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as response:  # 503 while it starts
        answer = json.load(response)
    except OSError:
        return {}
    return answer["models"][MINI]


def free_port() -> int:
    """A port of this machine at which nothing listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _wait_until_open(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_INTERVAL)
    reason = last_words(log.read_text(encoding="utf-8"))
    raise KoCLIPError("benchmark_failed", what=" ".join(process.args), reason=reason)
