"""The models and databases that the page has open."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from PIL import Image

from koclip.database import ImageDatabase
from koclip.errors import KoCLIPError
from koclip.hub import Progress
from koclip.model import KoCLIP

log = logging.getLogger(__name__)

MINI = "koclip-mini"
CHOICES = ("koclip-mini", "koclip-base", "koclip-large")
_RETRY_AFTER = 60.0  # seconds in which a model that could not be opened is not tried again

Opened = TypeVar("Opened")


class _OpenOnce(Generic[Opened]):
    """Opens each name once, however many ask at the same time; remembers failures for a while."""

    def __init__(self, open: Callable[[str, Progress | None], Opened]) -> None:
        self._open = open
        self._opened: dict[str, Opened] = {}
        self._failed: dict[str, tuple[float, KoCLIPError]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, name: str, progress: Progress | None = None) -> Opened:
        if name in self._opened:
            return self._opened[name]
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._opened:
                when, error = self._failed.get(name, (-_RETRY_AFTER, None))
                if error and time.monotonic() - when < _RETRY_AFTER:
                    raise error
                try:
                    self._opened[name] = self._open(name, progress)
                except KoCLIPError as error:
                    self._failed[name] = (time.monotonic(), error)
                    raise
            return self._opened[name]


class ModelPool:
    """Models by name, and the database that fits each."""

    def __init__(self) -> None:
        self._models = _OpenOnce(
            lambda name, progress: KoCLIP.from_pretrained(name, progress=progress)
        )
        self._databases = _OpenOnce(
            lambda name, progress: ImageDatabase.for_model(self._models.get(name), progress)
        )

    def model(self, name: str, progress: Progress | None = None) -> KoCLIP:
        """The model, opened on first use. Raises KoCLIPError if it cannot be."""
        return self._models.get(name, progress)

    def database(self, name: str, progress: Progress | None = None) -> ImageDatabase:
        """The database that fits the model. Raises KoCLIPError if it cannot be had."""
        return self._databases.get(name, progress)

    def warm(self) -> None:
        """Opens koclip-mini and compiles what a first visitor needs, in the background."""
        threading.Thread(target=self._warm, daemon=True, name="koclip-warm").start()

    def _warm(self) -> None:
        try:
            mini = self.model(MINI)
            self.database(MINI)
            for count in (1, 9):  # one picture, and the tiles of a 3 × 3 grid
                mini.embed_images([Image.new("RGB", (64, 64))] * count)
            for count in (1, 5):  # a query, and a handful of labels
                mini.embed_texts(["이것은 고양이 이다."] * count)
        except KoCLIPError as error:  # the first visitor is told the same; the page still opens
            log.error("%s", error)
