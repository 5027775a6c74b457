"""The models that the Space has open, with the database and the vocabulary of each."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from koclip.batching import BATCH_SIZES
from koclip.database import ImageDatabase
from koclip.errors import KoCLIPError
from koclip.hub import Progress, locate
from koclip.label_fit import BACKGROUND
from koclip.label_rows import remember_labels
from koclip.model import KoCLIP
from koclip.open_vocabulary import OpenVocabulary
from koclip.settings import MINI, Settings
from koclip.ui.memory import Lease, ModelMemory
from koclip.ui.texts import say

log = logging.getLogger(__name__)

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

    def failure(self, name: str) -> KoCLIPError | None:
        """Why `name` could not be opened, while it is not tried again."""
        when, error = self._failed.get(name, (0.0, None))
        return error if error and time.monotonic() - when < _RETRY_AFTER else None


@dataclass(frozen=True)
class Choice:
    """The model that answers, and what the visitor should know about that."""

    name: str
    """What the pool knows it as; a model from a folder calls itself by the folder's last part."""
    model: KoCLIP
    notices: list[str]
    lease: Lease
    """Keeps the model in memory, with all that belongs to it, until the answer is there."""


class ModelPool:
    """Models by name, and what belongs to each."""

    def __init__(self, settings: Settings) -> None:
        self.names = tuple(dict.fromkeys([*settings.models, MINI]))
        """The models that are offered, and koclip-mini, which answers when another cannot."""
        self._precision = settings.precision
        self._memory = ModelMemory(settings.memory_gb * 10**9, MINI, self._evict)
        self._models = _OpenOnce(self._open_model)
        self._databases = _OpenOnce(
            lambda name, progress: settings.open_database(self._models.get(name), progress)
        )
        self._vocabularies = _OpenOnce(
            lambda name, progress: OpenVocabulary.of(self._models.get(name), progress)
        )
        self._backgrounds = _OpenOnce(
            lambda name, progress: OpenVocabulary.of(self._models.get(name), progress, BACKGROUND)
        )
        self._opening: dict[str, str] = {}

    def model(self, name: str, progress: Progress | None = None) -> KoCLIP:
        """The model, opened on first use. Raises KoCLIPError if it cannot be, or is not offered."""
        if name not in self.names:
            raise KoCLIPError("model_not_offered", model=name, known=", ".join(self.names))
        return self._models.get(name, progress)

    def database(self, name: str, progress: Progress | None = None) -> ImageDatabase:
        """The database that fits the model. Raises KoCLIPError if it cannot be had."""
        return self._databases.get(name, progress)

    def vocabulary(self, name: str, progress: Progress | None = None) -> OpenVocabulary:
        """The words of the open classification, embedded by the model."""
        return self._vocabularies.get(name, progress)

    def background(self, name: str, progress: Progress | None = None) -> OpenVocabulary:
        """The few words of it that tell whether a label fits."""
        return self._backgrounds.get(name, progress)

    def choose(
        self, name: str, language: str, progress: Progress, with_database: bool = False
    ) -> Choice:
        """Waits for the model; koclip-mini and a notice why, if it cannot be opened."""
        lease = self._memory.lease(name)
        try:
            model = self.model(name, progress)
            if with_database:
                self.database(name, progress)
            return Choice(name, model, [], lease)
        except KoCLIPError as error:
            return self._instead(name, language, error)

    def choose_now(self, name: str, language: str, with_database: bool = False) -> Choice:
        """Waits for nothing but koclip-mini, which answers while another model is opening."""
        parts = [self._models, self._databases] if with_database else [self._models]
        if name not in self.names or name == MINI or all(name in part for part in parts):
            return self.choose(name, language, _say_nothing, with_database)
        for part in parts:
            if error := part.failure(name):
                return self._instead(name, language, error)
        self.open_in_background(name)
        return self._mini(say("answered_meanwhile", language, model=name))

    def _instead(self, name: str, language: str, error: KoCLIPError) -> Choice:
        if name == MINI or name not in self.names:
            raise error
        notice = say("fell_back", language, model=name, reason=error.localized(language))
        return self._mini(notice)

    def _mini(self, notice: str) -> Choice:
        return Choice(MINI, self.model(MINI), [notice], self._memory.lease(MINI))

    def _open_model(self, name: str, progress: Progress | None) -> KoCLIP:
        files = locate(name, progress=progress)
        # The most that float32 weights take while they are read and served.
        self._memory.admit(name, files.weights.stat().st_size)
        try:
            model = KoCLIP.from_files(files, precision=self._precision)
            self._memory.admit(name, model.nbytes)  # more, if they were stored in fewer bits
        except BaseException:
            self._memory.remove(name)
            raise
        remember_labels(model)
        return model

    def _evict(self, name: str) -> None:
        for part in (self._models, self._databases, self._vocabularies, self._backgrounds):
            part.forget(name)
        gc.collect()  # a model and the cache of its texts hold each other
        log.info("%s was let go, to make room for another model", name)

    def open_in_background(self, name: str) -> None:
        """Opens the model and its database, and compiles what a first visitor needs."""
        if name not in self._opening:
            self._opening[name] = ""
            threading.Thread(target=self._open_all, args=[name], daemon=True).start()

    def is_open(self, name: str) -> bool:
        """Whether the model and its database answer at once."""
        return name in self._models and name in self._databases

    def status(self, name: str) -> str | KoCLIPError | None:
        """While the model is opening, how far it is; why it could not; None when it is ready."""
        if name in self._opening:
            return self._opening[name]
        return self._models.failure(name) or self._databases.failure(name)

    def _open_all(self, name: str) -> None:
        def note(file: str, done: int, total: int) -> None:
            size = f", {done / 1e6:,.0f} / {total / 1e6:,.0f} MB" if total > 1e6 else ""
            self._opening[name] = f"{done / max(1, total):.0%} ({file}{size})"

        lease = self._memory.lease(name)  # else it could go before its database is there
        try:
            model = self.model(name, note)
            model.compile_ahead()
            self.background(name, note)
            self.database(name, note)
            if name == MINI:  # of a large model it takes a minute: when it is asked for
                self.vocabulary(name)
                model.compile_ahead(BATCH_SIZES)  # what many visitors at once will need
        except KoCLIPError as error:  # visitors are told the same
            log.warning("%s: %s", name, error)
        except Exception:
            log.exception("%s could not be opened", name)
        finally:
            del self._opening[name], lease


def _say_nothing(file: str, done: int, total: int) -> None:
    """No progress to show: what is asked for is open, or opens at once."""
