"""What visitors and callers are told: how far an answer is, and what went wrong."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from koclip.errors import KoCLIPError
from koclip.hub import Progress
from koclip.ui.language import language_of
from koclip.ui.texts import TEXTS, say

log = logging.getLogger(__name__)


def kindly(endpoint: Callable) -> Callable:
    """Shows errors as sentences in the caller's language; never a traceback."""

    @functools.wraps(endpoint)
    def run(*args: Any, **kwargs: Any) -> Any:
        request = next((a for a in (*args, *kwargs.values()) if isinstance(a, gr.Request)), None)
        try:
            return endpoint(*args, **kwargs)
        except Exception as error:
            raise gr.Error(explained(error, language_of(request)), print_exception=False) from None

    return run


def explained(error: Exception, language: str) -> str:
    """What to tell a visitor; what was not foreseen goes to the log."""
    if isinstance(error, KoCLIPError):
        return error.localized(language)
    log.error("an answer failed", exc_info=error)
    return say("failed", language)


def reporter(progress: gr.Progress | None, language: str) -> Progress:
    """Shows on the page how far a download or a long answer is."""

    def report(what: str, done: int, total: int) -> None:
        if progress is not None:
            name = say(f"progress_{what}", language) if f"progress_{what}" in TEXTS else what
            progress(done / total if total else 0, desc=name)

    return report
