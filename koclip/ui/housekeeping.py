"""What Gradio keeps of visitors who are gone, and the files that they left: removed in time."""

from __future__ import annotations

import asyncio
import ctypes
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import anyio.to_thread
import gradio as gr
from gradio.routes import file_upload_statuses
from starlette.applications import Starlette

from koclip.ui.blocks import PublicBlocks
from koclip.ui.uploads import remove_older

KEPT = 3000
"""Seconds after which uploads are deleted, at the next look: within an hour."""
_LOOK = 600
_SWEEP = 10
_TRIM = 30
_UNCOLLECTED = 12
"""Sweeps after which an answer that nobody has asked for is dropped: two minutes."""
_SESSIONS = 50_000
"""Queues of messages that there can be at the same time; one that is full drops the oldest, even
if its visitor still waits, so there is room for all that come between two sweeps."""


def housekeeping(
    page: PublicBlocks, uploads: Path
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """A lifespan of the server, as long as which the page and its files are kept clean."""

    @asynccontextmanager
    async def keep_house(app: Starlette) -> AsyncIterator[None]:
        page.loop = asyncio.get_running_loop()
        page._queue.pending_messages_per_session.max_size = _SESSIONS
        tasks = [
            asyncio.create_task(_sweep_messages(page)),
            asyncio.create_task(_look(page, uploads)),
            asyncio.create_task(_return_memory()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return keep_house


async def _sweep_messages(page: gr.Blocks) -> None:
    sweeper = MessageSweeper(page)
    while True:
        await asyncio.sleep(_SWEEP)
        sweeper.sweep()


async def _look(page: gr.Blocks, uploads: Path) -> None:
    while True:
        await asyncio.sleep(_LOOK)
        await anyio.to_thread.run_sync(remove_older, uploads, KEPT)
        forget_removed(page)


async def _return_memory() -> None:
    while True:
        await asyncio.sleep(_TRIM)
        await anyio.to_thread.run_sync(return_memory)


def return_memory() -> None:
    """Gives what was freed back to the system: glibc keeps it, in a heap for each thread, some
    hundred megabytes in a crowd. Elsewhere nothing needs to be done, or can."""
    if sys.platform.startswith("linux"):
        with suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def forget_removed(page: gr.Blocks) -> None:
    """Gradio notes every file for deletion, more than once, and forgets only what it deletes."""
    for files in page.temp_file_sets:
        for file in list(files):
            if not Path(file).exists():
                files.discard(file)


class MessageSweeper:
    """Drops the messages of calls that are over."""

    def __init__(self, page: gr.Blocks) -> None:
        self._queue = page._queue
        self._ages: dict[str, int] = {}

    def sweep(self) -> None:
        """A session without calls goes at the second sight, one whose answer nobody collects later.

        Runs in the server's event loop, so that nothing changes meanwhile.
        """
        queue = self._queue
        busy = {event.session_hash for event in queue.event_ids_to_events.values()}
        ages = {}
        for session in {**queue.pending_messages_per_session, **queue.pending_event_ids_session}:
            messages = queue.pending_messages_per_session.get(session)
            is_read = messages is not None and messages._getters
            if session in busy or is_read:
                continue
            ages[session] = self._ages.get(session, 0) + 1
            is_uncollected = bool(queue.pending_event_ids_session.get(session))
            if ages[session] >= (_UNCOLLECTED if is_uncollected else 2):
                queue.pending_messages_per_session.pop(session, None)
                queue.pending_event_ids_session.pop(session, None)
                del ages[session]
        self._ages = ages
        for upload in file_upload_statuses._signals.keys() - file_upload_statuses._statuses.keys():
            if not file_upload_statuses._signals[upload]._waiters:
                del file_upload_statuses._signals[upload]
