"""The Space as its visitors meet it: `python app.py` in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from koclip.benchmark.space import APP, free_port, running_server

__all__ = ["ROOT", "free_port", "running_space"]

ROOT = Path(__file__).parent.parent


@contextmanager
def running_space(log: Path, environment: Mapping[str, str], folder: Path = ROOT) -> Iterator[str]:
    """Starts the app of `folder` in `environment`, yields its address and stops it."""
    with running_server(APP, folder, log, environment) as server:
        yield server.url
