"""How the Space ends: whoever waits for an answer gets it, and nobody new is let in."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable

from gradio.server_messages import ProcessCompletedMessage

from koclip.errors import KoCLIPError
from koclip.ui.blocks import PublicBlocks
from koclip.ui.gate import Gate
from koclip.ui.language import language_of

log = logging.getLogger(__name__)

PATIENCE = 20.0
"""Seconds for what is running: container platforms kill after 30."""
_QUIET = 1.0
"""Seconds without any exchange, before it is over: a call of the API comes for its answer."""
_CLOSING = 3
"""Seconds for connections that are still open then."""


def serve_until_stopped(page: PublicBlocks, gate: Gate) -> None:
    """Returns after SIGTERM or Ctrl+C, when the server is closed; a second signal hurries it."""
    stop, hurry = threading.Event(), threading.Event()

    def ask(number: int, frame: object) -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    while not stop.wait(1.0):  # a wait without end would keep Windows from handling signals
        pass
    gate.is_stopping = True
    fields = {"running": gate.running, "waiting": gate.waiting}
    log.info("stopping", extra={"fields": fields})
    is_complete = _wait_until_quiet(gate, hurry)
    if not is_complete:
        asyncio.run_coroutine_threadsafe(_dismiss(page), page.loop).result(_CLOSING)
        _wait_for(lambda: gate.is_idle, _CLOSING)
    page.server.config.timeout_graceful_shutdown = _CLOSING
    page.close(verbose=False)
    log.info("stopped", extra={"fields": {"all answered": is_complete}})


def _wait_until_quiet(gate: Gate, hurry: threading.Event) -> bool:
    quiet_since = time.monotonic()

    def is_over() -> bool:
        nonlocal quiet_since
        if not gate.is_idle:
            quiet_since = time.monotonic()
        return hurry.is_set() or time.monotonic() - quiet_since >= _QUIET

    _wait_for(is_over, PATIENCE)
    return gate.is_idle


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


async def _dismiss(page: PublicBlocks) -> None:
    """Tells those who still wait, each in their language, that there will be no answer."""
    error = KoCLIPError("request_stopping")
    for event in list(page._queue.event_ids_to_events.values()):
        told = {"error": error.localized(language_of(event.request))}
        page._queue.send_message(event, ProcessCompletedMessage(output=told, success=False))
        event.alive = False  # its answer would come too late
