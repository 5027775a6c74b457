"""The models that the Space has open, with the databases and the vocabulary of each."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from koclip.batching import BATCH_SIZES
from koclip.database import ImageDatabase
from koclip.errors import KoCLIPError
from koclip.hub import Progress, locate
from koclip.label_fit import BACKGROUND
from koclip.label_rows import remember_labels
from koclip.model import KoCLIP
from koclip.open_vocabulary import OpenVocabulary
from koclip.served_databases import GALLERY
from koclip.settings import MINI, Settings
from koclip.ui.databases import Databases
from koclip.ui.memory import Lease, ModelMemory
from koclip.ui.open_once import OpenOnce
from koclip.ui.texts import say

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """The model that answers, and what the visitor should know about that."""

    name: str
    """What the pool knows it as; a model from a folder calls itself by the folder's last part."""
    model: KoCLIP
    notices: list[str]
    lease: Lease
    """Keeps the model in memory, with all that belongs to it, until the answer is there."""
    database: ImageDatabase | None = None
    """What it searches, if that was asked for."""
    database_name: str = ""
    """What that is chosen by."""


class ModelPool:
    """Models by name, and what belongs to each."""

    def __init__(self, settings: Settings) -> None:
        self.names = tuple(dict.fromkeys([*settings.models, MINI]))
        """The models that are offered, and koclip-mini, which answers when another cannot."""
        self._precision = settings.precision
        self._memory = ModelMemory(settings.memory_gb * 10**9, MINI, self._evict)
        self._models = OpenOnce(self._open_model)
        self.databases = Databases(settings, self._models.get)
        self._vocabularies = OpenOnce(
            lambda name, progress: OpenVocabulary.of(self._models.get(name), progress)
        )
        self._backgrounds = OpenOnce(
            lambda name, progress: OpenVocabulary.of(self._models.get(name), progress, BACKGROUND)
        )
        self._opening: dict[str, str] = {}

    def model(self, name: str, progress: Progress | None = None) -> KoCLIP:
        """The model, opened on first use. Raises KoCLIPError if it cannot be, or is not offered."""
        if name not in self.names:
            raise KoCLIPError("model_not_offered", model=name, known=", ".join(self.names))
        return self._models.get(name, progress)

    def vocabulary(self, name: str, progress: Progress | None = None) -> OpenVocabulary:
        """The words of the open classification, embedded by the model."""
        return self._vocabularies.get(name, progress)

    def background(self, name: str, progress: Progress | None = None) -> OpenVocabulary:
        """The few words of it that tell whether a label fits."""
        return self._backgrounds.get(name, progress)

    def choose(
        self, name: str, language: str, progress: Progress, database: str | None = None
    ) -> Choice:
        """Waits for the model; koclip-mini and a notice why, if it cannot be opened.

        Args:
            database: what to search, "" for the first that the model can.

        Raises:
            KoCLIPError: there is no such model or database, or the database cannot be opened. If
                it is the model's gallery, koclip-mini answers instead.
        """
        return self._choose(name, language, progress, database, self.databases.open)

    def choose_now(self, name: str, language: str, database: str | None = None) -> Choice:
        """Waits for nothing but koclip-mini, which answers while another model is opening.

        Raises:
            KoCLIPError: also while the database is being opened.
        """
        asked = database if database is None else self.databases.named(database, name)
        is_open = name in self._models and self._has_gallery(asked, name)
        if name not in self.names or name == MINI or is_open:
            open = self.databases.open_now
            return self._choose(name, language, _say_nothing, database, open)
        if error := self._failure(name, asked):
            return self._instead(name, language, error, asked)
        self.open_in_background(name)
        return self._mini(say("answered_meanwhile", language, model=name), asked)

    def _choose(
        self,
        name: str,
        language: str,
        progress: Progress,
        database: str | None,
        open: Callable[[str, str, Progress], ImageDatabase],
    ) -> Choice:
        lease = self._memory.lease(name)
        asked = database if database is None else self.databases.named(database, name)
        try:
            model = self.model(name, progress)
            found = open(GALLERY, name, progress) if asked == GALLERY else None
        except KoCLIPError as error:
            return self._instead(name, language, error, asked)
        if asked not in (None, GALLERY):
            found = open(asked, name, progress)
        return Choice(name, model, [], lease, found, asked or "")

    def _has_gallery(self, database: str | None, model: str) -> bool:
        """Whether the model's gallery is open, if it is the database."""
        return database != GALLERY or self.databases.is_open(GALLERY, model)

    def _failure(self, model: str, database: str | None) -> KoCLIPError | None:
        """Why the model could not be opened, or its gallery, if it is the database."""
        error = self._models.failure(model)
        if error is None and database == GALLERY:
            error = self.databases.failure(GALLERY, model)
        return error

    def _instead(
        self, name: str, language: str, error: KoCLIPError, database: str | None
    ) -> Choice:
        if name == MINI or name not in self.names:
            raise error
        notice = say("fell_back", language, model=name, reason=error.localized(language))
        return self._mini(notice, database)

    def _mini(self, notice: str, database: str | None) -> Choice:
        """koclip-mini; if there was something to search, with what it can search at once."""
        lease, model = self._memory.lease(MINI), self.model(MINI)
        if database is None:
            return Choice(MINI, model, [notice], lease)
        name = GALLERY if database == GALLERY else self.databases.at_hand(MINI)
        return Choice(MINI, model, [notice], lease, self.databases.open(name, MINI), name)

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
        for part in (self._models, self._vocabularies, self._backgrounds):
            part.forget(name)
        self.databases.forget_gallery(name)
        gc.collect()  # a model and the cache of its texts hold each other
        log.info("%s was let go, to make room for another model", name)

    def open_in_background(self, name: str) -> None:
        """Opens the model and what it searches at first, and compiles what a visitor needs."""
        if name not in self._opening:
            self._opening[name] = ""
            threading.Thread(target=self._open_all, args=[name], daemon=True).start()

    def is_open(self, name: str) -> bool:
        """Whether the model and its gallery, if it is searched at first, answer at once."""
        return name in self._models and self._has_gallery(self.databases.at_hand(name), name)

    def revision(self, name: str) -> str | None:
        """Of the model, if it is open."""
        model = self._models.peek(name)
        return model and model.revision

    def status(self, name: str) -> str | KoCLIPError | None:
        """While the model is opening, how far it is; why it could not; None when it is ready."""
        progress = self._opening.get(name)
        if progress is not None:
            return progress
        return self._failure(name, self.databases.at_hand(name))

    def _open_all(self, name: str) -> None:
        def note(file: str, done: int, total: int) -> None:
            size = f", {done / 1e6:,.0f} / {total / 1e6:,.0f} MB" if total > 1e6 else ""
            self._opening[name] = f"{done / max(1, total):.0%} ({file}{size})"

        lease = self._memory.lease(name)  # else it could go before its database is there
        try:
            model = self.model(name, note)
            model.compile_ahead()
            self.background(name, note)
            self.databases.open_now(self.databases.at_hand(name), name, note)
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
