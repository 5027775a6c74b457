"""The databases that the owner of a Space offers, beside the gallery that goes with each model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from koclip.database import ImageDatabase
from koclip.errors import KoCLIPError
from koclip.files import HUB
from koclip.hub import is_on_hub, locate, model_name
from koclip.hub.upload import check_repo_id

GALLERY = "gallery"
"""What the gallery of a model is chosen by; no other database can have the name."""


@dataclass(frozen=True)
class ServedDatabase:
    """One of the owner's databases, before it is opened for a search."""

    name: str
    """What it is chosen by: the name of the folder or file, or the id on the Hub."""
    place: str
    """What `ImageDatabase.open` takes."""
    model: str
    """The offered model that made it, as the settings call it; of one that is on the Hub, the
    default model, until it has been opened and says."""

    @property
    def is_on_hub(self) -> bool:
        """Whether opening it may have to wait for the Hub."""
        return self.place.startswith(HUB)


def served_database(place: str, models: Sequence[str], default_model: str) -> ServedDatabase:
    """What is known about the database at `place` without the Hub.

    Args:
        place: a folder, a .tsv file, or hub:owner/name.
        models: those that are offered; one of them must have made it.
        default_model: that which a .tsv counts for, as it does not say.

    Raises:
        KoCLIPError: nothing is there, or it is damaged, or another model or state of it made it.
    """
    if place.startswith(HUB):
        repo = place.removeprefix(HUB)
        check_repo_id(repo)
        return ServedDatabase(repo, place, default_model)
    path = Path(place).expanduser()
    database = ImageDatabase.open(path)
    if database.folder is None:
        return ServedDatabase(path.stem, str(path), default_model)
    model = maker(database, models, default_model)
    _check_revision(database, model)
    return ServedDatabase(path.resolve().name, str(path), model)


def maker(database: ImageDatabase, models: Iterable[str], default_model: str) -> str:
    """Which of the offered `models` made the database, as the settings call it.

    Raises:
        KoCLIPError: none of them did; it says how to have `default_model` make it anew.
    """
    models = list(models)
    for model in models:
        if model_name(model) == database.model:
            return model
    raise KoCLIPError(
        "database_of_no_model",
        database_model=database.model,
        known=", ".join(models),
        command=database.rebuild_command(default_model),
    )


def check_names(databases: Sequence[ServedDatabase]) -> list[KoCLIPError]:
    """Why some cannot be told apart: one error for each that has the name of another."""
    errors = []
    taken: dict[str, str] = {}
    for database in databases:
        other = taken.setdefault(database.name, database.place)
        values = {"place": database.place, "name": database.name}
        if database.name == GALLERY:
            errors.append(KoCLIPError("database_named_gallery", **values))
        elif other != database.place:
            errors.append(KoCLIPError("database_name_taken", **values, other=other))
    return errors


def _check_revision(database: ImageDatabase, model: str) -> None:
    """Refuses the database of another state of `model`, if that can be told without the Hub."""
    if is_on_hub(model):
        return
    try:
        revision = locate(model).revision
    except KoCLIPError:  # that the model cannot be opened is told when it is asked for
        return
    if database.revision not in ("", revision):
        raise KoCLIPError(
            "database_other_model",
            database_model=f"{database.model}@{database.revision}",
            model=f"{database.model}@{revision}",
            command=database.rebuild_command(model),
        )
