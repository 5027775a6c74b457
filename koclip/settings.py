"""What the owner of a Space can set by environment variables."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from koclip.errors import KoCLIPError
from koclip.hub import check_name
from koclip.precision import check_precision
from koclip.served_databases import ServedDatabase, check_names, served_database

MINI = "koclip-mini"
"""Bundled, so it always opens: what answers when nothing else does."""

_VARIABLES = {
    "models": "KOCLIP_MODELS",
    "default_model": "KOCLIP_DEFAULT_MODEL",
    "databases": "KOCLIP_DATABASE",
    "preload": "KOCLIP_PRELOAD",
    "precision": "KOCLIP_PRECISION",
    "max_upload_mb": "KOCLIP_MAX_UPLOAD_MB",
    "queue": "KOCLIP_QUEUE",
    "concurrency": "KOCLIP_CONCURRENCY",
    "memory_gb": "KOCLIP_MEMORY_GB",
}
_LIMITS = {
    "max_upload_mb": (1, 1000),
    "queue": (1, 10_000),
    "concurrency": (1, 64),
    "memory_gb": (1, 10_000),
}


@dataclass(frozen=True)
class Settings:
    """The settings of one Space; docs/space.md tells them to its owner."""

    models: tuple[str, ...] = (MINI, "koclip-base", "koclip-large")
    """Those to choose from: published names, ids on the Hub, folders."""
    default_model: str = MINI
    """The one that is chosen at first."""
    databases: tuple[ServedDatabase, ...] = ()
    """The owner's, to choose from beside the gallery that goes with the model."""
    preload: tuple[str, ...] = (MINI,)
    """Models that are opened in the background at the start."""
    precision: str = "auto"
    """What all models compute in; see `KoCLIP.from_pretrained`."""
    max_upload_mb: int = 200
    """Of one upload: a picture, or a ZIP of photos."""
    queue: int = 256
    """Visitors who may wait; more are told to come back."""
    concurrency: int = 16
    """Requests that run at the same time. They are computed in common batches."""
    memory_gb: int = 8
    """For the weights of all models; a Space's other 8 GB are for pictures and computing."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings in `environment`; a variable that is not there, or empty, is not set.

        `KOCLIP_PRELOAD` alone can be empty, which preloads nothing. Unless they are set, the
        default model is koclip-mini if it is offered, else the first; and that is preloaded as
        well as koclip-mini.

        Raises:
            KoCLIPError: "settings_wrong", which names everything that is wrong, not only the
                first. Whether the models can be opened, and what is on the Hub, shows later.
        """
        reader = _Reader(environment)
        models = reader.models("models", cls.models)
        default_model = reader.offered("default_model", models)
        settings = cls(
            models=models,
            default_model=default_model,
            databases=reader.databases("databases", models, default_model),
            preload=reader.preload("preload", models, default_model),
            precision=reader.precision("precision", cls.precision),
            **{name: reader.number(name, getattr(cls, name)) for name in _LIMITS},
        )
        reader.check_spelling()
        if reader.errors:
            raise KoCLIPError("settings_wrong", errors=reader.errors)
        return settings


class _Reader:
    """Reads variables one by one, and goes on after whatever is wrong."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.errors: list[KoCLIPError] = []

    def models(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        text = self._text(name)
        if not text:
            return default
        models = _split(text)
        if not models:
            self._wrong("setting_no_model", name, text)
        for model in models:
            try:
                check_name(model)
            except KoCLIPError as error:
                self._wrong("setting_refused", name, model, reason=error)
        return models or default

    def offered(self, name: str, models: tuple[str, ...]) -> str:
        text = self._text(name)
        if not text:
            return MINI if MINI in models else models[0]
        self._check_offered(name, [text], models)
        return text

    def preload(self, name: str, models: tuple[str, ...], default_model: str) -> tuple[str, ...]:
        if _VARIABLES[name] not in self.environment:
            return tuple(dict.fromkeys([MINI, default_model]))
        chosen = _split(self._text(name))
        self._check_offered(name, chosen, [*models, MINI])
        return chosen

    def databases(
        self, name: str, models: Sequence[str], default_model: str
    ) -> tuple[ServedDatabase, ...]:
        found: list[ServedDatabase] = []
        for place in _split(self._text(name)):
            try:
                found.append(served_database(place, models, default_model))
            except KoCLIPError as error:
                self._wrong("setting_refused", name, place, reason=error)
        for error in check_names(found):
            self._wrong("setting_refused", name, error.values["place"], reason=error)
        return tuple(dict.fromkeys(found))

    def precision(self, name: str, default: str) -> str:
        text = self._text(name)
        try:
            return check_precision(text or default)
        except KoCLIPError as error:
            self._wrong("setting_refused", name, text, reason=error)
            return default

    def number(self, name: str, default: int) -> int:
        text = self._text(name)
        if not text:
            return default
        least, most = _LIMITS[name]
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            self._wrong("setting_not_a_number", name, text, least=least, most=most)
            return default
        return int(text)

    def check_spelling(self) -> None:
        """Reports variables that look like a setting and are none; others are none of ours."""
        known = _VARIABLES.values()
        for variable, value in self.environment.items():
            if variable in known or not variable.upper().startswith("KOCLIP_"):
                continue
            if close := difflib.get_close_matches(variable.upper(), known, n=1, cutoff=0.85):
                error = KoCLIPError(
                    "setting_unknown", variable=variable, value=value, close=close[0]
                )
                self.errors.append(error)

    def _check_offered(self, name: str, chosen: Iterable[str], offered: Iterable[str]) -> None:
        known = dict.fromkeys(offered)
        for model in chosen:
            if model not in known:
                self._wrong("setting_not_offered", name, model, known=", ".join(known))

    def _text(self, name: str) -> str:
        return self.environment.get(_VARIABLES[name], "").strip()

    def _wrong(self, code: str, name: str, value: str, **values: object) -> None:
        self.errors.append(KoCLIPError(code, variable=_VARIABLES[name], value=value, **values))


def _split(text: str) -> tuple[str, ...]:
    """The items of a comma list, each once."""
    return tuple(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))
