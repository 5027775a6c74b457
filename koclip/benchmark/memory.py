"""The memory that a process has to itself, as Linux counts it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_INTERVAL = 0.002  # seconds between looks


class Peak:
    """The most anonymous memory beyond what there was at first, in bytes."""

    def __init__(self, start: int) -> None:
        self._start = start
        self.bytes = 0

    def look(self, now: int) -> None:
        self.bytes = max(self.bytes, now - self._start)


@contextmanager
def watched_memory(pid: int) -> Iterator[Peak]:
    """Looks at the process until the block ends.

    Anonymous memory only: pages of a mapped file can be dropped at any time, so they are no cost.
    Linux keeps no high-water mark of it, hence the looking, from outside so that nothing in the
    process can hold it up.
    """
    peak = Peak(_anonymous_bytes(pid))
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_INTERVAL):
            peak.look(_anonymous_bytes(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
        peak.look(_anonymous_bytes(pid))


def _anonymous_bytes(pid: int) -> int:
    """None, too, when the process has ended: why is for others to say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)
    return 1024 * int(found[1]) if found else 0
