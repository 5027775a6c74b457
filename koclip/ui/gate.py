"""How much the Space takes on at the same time, and when it takes nothing any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import gradio as gr

from koclip.errors import KoCLIPError
from koclip.settings import Settings

_SHARE = 4
"""One session may have this part of the queue, so that it cannot keep everybody else out."""
_LARGE_BYTES = 1_000_000
_LARGE_CALLS = 32
"""Calls that wait are in memory: when so many do, no large one is taken."""


class Gate:
    """Counts what is waiting and running, and refuses what would be too much."""

    def __init__(self, page: gr.Blocks, settings: Settings) -> None:
        self._page = page
        self.limit = settings.queue
        """Calls that may wait."""
        self.is_stopping = False
        """Set to take no new calls; what has begun goes on."""
        self._direct_calls = asyncio.Semaphore(settings.concurrency)
        self._direct_waiting = 0
        self._exchanges = 0

    @property
    def waiting(self) -> int:
        """Calls that are not being computed yet."""
        return len(self._page._queue) + self._direct_waiting

    @property
    def running(self) -> int:
        """Calls of the queue that are being computed."""
        return self._page._queue.get_active_worker_count()

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for anything."""
        return not (self._exchanges or self.waiting or self.running)

    def check(self, session: str | None = None, size: int = 0) -> None:
        """Raises a KoCLIPError if no new call of `size` bytes is taken, or none of this session."""
        if self.is_stopping:
            raise KoCLIPError("request_stopping")
        is_too_large = size > _LARGE_BYTES and self.waiting >= _LARGE_CALLS
        if is_too_large or self.waiting >= self.limit:
            raise KoCLIPError("request_busy", waiting=self.waiting)
        if session is not None:
            queues = self._page._queue.event_queue_per_concurrency_id.values()
            own = sum(event.session_hash == session for queue in queues for event in queue.queue)
            if own >= max(1, self.limit // _SHARE):
                raise KoCLIPError("request_busy_yours", waiting=own)

    @contextmanager
    def exchange(self) -> Iterator[None]:
        """As long as an answer is on its way: the Space does not stop before it has arrived."""
        self._exchanges += 1
        try:
            yield
        finally:
            self._exchanges -= 1

    @asynccontextmanager
    async def direct_call(self) -> AsyncIterator[None]:
        """For a call that is not in Gradio's queue; first come, first served."""
        self.check()
        self._direct_waiting += 1
        try:
            await self._direct_calls.acquire()
        finally:
            self._direct_waiting -= 1
        try:
            yield
        finally:
            self._direct_calls.release()
