"""The databases that the Space searches: the owner's, and the gallery of each model."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from koclip.database import ImageDatabase
from koclip.errors import KoCLIPError
from koclip.files import is_folder
from koclip.hub import PUBLISHED, Progress, model_name
from koclip.model import KoCLIP
from koclip.served_databases import GALLERY, ServedDatabase, maker
from koclip.settings import Settings
from koclip.ui.open_once import OpenOnce

log = logging.getLogger(__name__)


class Databases:
    """Databases by name, each for the model that made it; galleries by the model's name.

    The owner's come before the gallery. One on the Hub counts for the default model until it has
    been opened, which no visitor of the page waits for.
    """

    def __init__(self, settings: Settings, model: Callable[[str], KoCLIP]) -> None:
        """
        Args:
            model: opens one by the name that the settings have for it.
        """
        self._models, self._default_model = settings.models, settings.default_model
        self._model = model
        self._served = {database.name: database for database in settings.databases}
        self._opened = OpenOnce(self._open_served)
        self._galleries = OpenOnce(
            lambda name, progress: ImageDatabase.for_model(model(name), progress)
        )
        self._opening: set[str] = set()

    @property
    def has_several(self) -> bool:
        """Whether there is more to choose from than the gallery."""
        return bool(self._served)

    def names(self, model: str) -> list[str]:
        """What `model` can search; the first is what it searches unless another is chosen."""
        own = [database.name for database in self._served.values() if database.model == model]
        return own if own and model_name(model) not in PUBLISHED else [*own, GALLERY]

    def at_hand(self, model: str) -> str:
        """The first that need not wait for the Hub; those before it are begun to be opened."""
        names = self.names(model)
        for name in names:
            if not self._waits(name):
                return name
            self.open_in_background(name)
        return names[-1]

    def named(self, name: str, model: str) -> str:
        """`name`, or the first of `model`'s if it is empty.

        Raises:
            KoCLIPError: the model cannot search it; says which it can.
        """
        names = self.names(model)
        if not name:
            return names[0]
        if name in names:
            return name
        known = ", ".join(names)
        if served := self._served.get(name):
            raise KoCLIPError(
                "database_of_other_model", database=name, maker=served.model, known=known
            )
        raise KoCLIPError("database_not_offered", database=name, model=model, known=known)

    def open(self, name: str, model: str, progress: Progress | None = None) -> ImageDatabase:
        """The database, opened on first use.

        Raises:
            KoCLIPError: it cannot be had, or another model or state of it made it.
        """
        if name == GALLERY:
            return self._galleries.get(model, progress)
        database = self._opened.get(name, progress)
        self.named(name, model)  # one of the Hub has only now told which model made it
        opened = self._model(model)
        if database.folder is None:  # a .tsv does not say
            database = replace(database, model=opened.name)
        database.check_model(opened)
        return database

    def open_now(self, name: str, model: str, progress: Progress | None = None) -> ImageDatabase:
        """The same, but without waiting for the Hub.

        Raises:
            KoCLIPError: also while it is still being opened.
        """
        if self._waits(name):
            if error := self._opened.failure(name):
                raise error
            self.open_in_background(name)
            raise KoCLIPError("database_opening", database=name)
        return self.open(name, model, progress)

    def open_all_in_background(self) -> None:
        """Begins to open all that are on the Hub."""
        for name in self._served:
            self.open_in_background(name)

    def open_in_background(self, name: str) -> None:
        """Begins to open one that is on the Hub, unless that has failed a short while ago."""
        if self._waits(name) and name not in self._opening and not self._opened.failure(name):
            self._opening.add(name)
            threading.Thread(target=self._open_quietly, args=[name], daemon=True).start()

    def local_folders(self) -> list[Path]:
        """Those of the owner's whose pictures can be served from this machine."""
        places = [Path(d.place) for d in self._served.values() if not d.is_on_hub]
        return [place for place in places if is_folder(place)]

    def is_open(self, name: str, model: str) -> bool:
        """Whether it answers at once."""
        return model in self._galleries if name == GALLERY else name in self._opened

    def failure(self, name: str, model: str) -> KoCLIPError | None:
        """Why it could not be opened, while it is not tried again."""
        return self._galleries.failure(model) if name == GALLERY else self._opened.failure(name)

    def states(self) -> dict[str, dict[str, str | int]]:
        """Of the owner's, by name: "state", "model", and once it is open "revision" and "images";
        else the "reason" why it could not be opened."""
        return {name: self._state(served) for name, served in self._served.items()}

    def _state(self, served: ServedDatabase) -> dict[str, str | int]:
        name = served.name
        if database := self._opened.peek(name):
            told = {"revision": database.revision, "images": len(database)}
            return {"state": "open", "model": served.model, **told}
        if error := self._opened.failure(name):
            reason = error.values.get("reason", error)
            return {"state": "failed", "model": served.model, "reason": reason.code}
        state = "opening" if name in self._opening else "closed"
        return {"state": state, "model": served.model}

    def forget_gallery(self, model: str) -> None:
        """It goes with its model."""
        self._galleries.forget(model)

    def _waits(self, name: str) -> bool:
        return name != GALLERY and self._served[name].is_on_hub and name not in self._opened

    def _open_quietly(self, name: str) -> None:
        try:
            self._opened.get(name)
        except KoCLIPError as error:  # visitors are told the same
            log.warning("%s: %s", name, error)
        except Exception:
            log.exception("%s could not be opened", name)
        finally:
            self._opening.discard(name)

    def _open_served(self, name: str, progress: Progress | None) -> ImageDatabase:
        served = self._served[name]
        if not served.is_on_hub:
            return ImageDatabase.open(served.place)
        try:
            database = ImageDatabase.open(served.place)
            made_by = maker(database, self._models, self._default_model)
        except KoCLIPError as error:
            raise KoCLIPError("database_unavailable", database=name, reason=error) from error
        self._served[name] = ServedDatabase(name, served.place, made_by)
        return database
