"""What takes long to open, by name: opened once, for all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from koclip.errors import KoCLIPError
from koclip.hub import Progress

_RETRY_AFTER = 60.0  # seconds in which what could not be opened is not tried again

Opened = TypeVar("Opened")


class OpenOnce(Generic[Opened]):
    """Opens each name once, however many ask at the same time; remembers failures for a while."""

    def __init__(self, open: Callable[[str, Progress | None], Opened]) -> None:
        self._open = open
        self._opened: dict[str, Opened] = {}
        self._failed: dict[str, tuple[float, KoCLIPError]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, name: str, progress: Progress | None = None) -> Opened:
        """Raises the KoCLIPError of opening it, or of having failed to a short while ago."""
        if (opened := self._opened.get(name)) is not None:
            return opened
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if (opened := self._opened.get(name)) is None:
                if error := self.failure(name):
                    raise error
                try:
                    opened = self._opened[name] = self._open(name, progress)
                except KoCLIPError as error:
                    self._failed[name] = (time.monotonic(), error)
                    raise
            return opened

    def forget(self, name: str) -> None:
        """It is opened anew when it is asked for again."""
        self._opened.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return name in self._opened

    def peek(self, name: str) -> Opened | None:
        """What is open, without opening it."""
        return self._opened.get(name)

    def failure(self, name: str) -> KoCLIPError | None:
        """Why `name` could not be opened, while it is not tried again."""
        when, error = self._failed.get(name, (0.0, None))
        return error if error and time.monotonic() - when < _RETRY_AFTER else None
