"""Tries inputs in a process of its own, under limits of memory and time, and counts."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

NAMES = ("pictures", "texts", "files", "engine")
SHARES = (30, 1, 50, 20)
"""Of the kinds, among all inputs: texts are the dearest."""
SECONDS = 60
"""That one input may take, compilation and all."""
_ADDRESSES = 8 << 30  # bytes of address space beyond what the process has when it begins


@dataclass
class Tally:
    """What became of the inputs of one kind."""

    outcomes: Counter = field(default_factory=Counter)
    slowest: float = 0.0
    """Seconds of processor time."""
    largest: int = 0
    """Bytes that an input took at most, beyond what the process had before."""

    @property
    def tried(self) -> int:
        return self.outcomes.total()


class Finding(NamedTuple):
    """An input that should not have done what it did."""

    kind: str
    data: bytes
    what: str


class _Tried(NamedTuple):
    kind: str
    outcome: str
    seconds: float
    memory: int


def fuzz(
    seed: int, inputs: int | None, minutes: float | None, kinds: tuple[str, ...] = NAMES
) -> tuple[dict[str, Tally], Finding | None]:
    """Tries so many inputs, or for so long, and stops at the first finding."""
    tallies = {name: Tally() for name in kinds}
    until = time.monotonic() + 60 * minutes if minutes else float("inf")
    with _worker(seed, kinds) as (connection, current):
        for number in range(inputs or sys.maxsize):
            if time.monotonic() > until:
                break
            connection.send(number)
            result = _answer(connection)
            if not isinstance(result, _Tried):
                kind, _, data = current.read_bytes().partition(b"\n")
                return tallies, Finding(kind.decode(), data, result)
            tally = tallies[result.kind]
            tally.outcomes[result.outcome] += 1
            tally.slowest = max(tally.slowest, result.seconds)
            tally.largest = max(tally.largest, result.memory)
    return tallies, None


def retry(kind: str, data: bytes) -> str:
    """Tries one input here; returns its outcome, or raises what is wrong."""
    with tempfile.TemporaryDirectory() as place:
        tried = _make_kind(kind, Path(place) / "own")
        with tempfile.TemporaryDirectory() as empty:
            return tried.outcome(data, Path(empty))


def _answer(connection: Connection) -> _Tried | str:
    """What became of an input, or what is wrong: an exception, too long, or the process is gone."""
    if not connection.poll(SECONDS):
        return f"it took more than {SECONDS} s"
    try:
        return connection.recv()
    except EOFError:
        return "the process ended"


@contextlib.contextmanager
def _worker(seed: int, kinds: tuple[str, ...]) -> Iterator[tuple[Connection, Path]]:
    """A process that tries the inputs whose numbers it is sent, and the file of the current one."""
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as place:
        current = Path(place) / "current"
        process = multiprocessing.get_context("spawn").Process(
            target=_work, args=(theirs, seed, kinds, Path(place))
        )
        process.start()
        theirs.close()
        try:
            assert ours.poll(600), "the models were not opened"
            ours.recv()
            yield ours, current
        finally:
            process.kill()
            process.join()


def _work(connection: Connection, seed: int, kinds: tuple[str, ...], place: Path) -> None:
    from koclip.compilation import use_compilation_cache
    from koclip.images import hush_decoders

    use_compilation_cache()
    made = {name: _make_kind(name, place / name) for name in kinds}
    hush_decoders()
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", module=r"PIL\.")  # as `hush_decoders` has it
    addresses = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (addresses + _ADDRESSES,) * 2)
    errors = (place / "errors").open("w+b", buffering=0)
    os.dup2(errors.fileno(), sys.stderr.fileno())
    shares = [share for name, share in zip(NAMES, SHARES, strict=True) if name in kinds]
    connection.send("ready")
    while True:
        try:
            chance = random.Random(f"{seed}/{connection.recv()}")
        except EOFError:
            return
        kind = made[chance.choices(kinds, shares)[0]]
        data = kind.make(chance)
        (place / "current").write_bytes(kind.name.encode() + b"\n" + data)
        errors.truncate(0)
        connection.send(_tried(kind, data, place / "place", errors))


def _tried(kind, data: bytes, place: Path, errors) -> _Tried | str:
    before, start = _reset_peak(), time.process_time()
    place.mkdir()
    try:
        outcome = kind.outcome(data, place)
    except BaseException:
        return traceback.format_exc()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    seconds, memory = time.process_time() - start, _peak() - before
    if memory > kind.most_memory:
        return f"it took {memory:,} bytes of memory"
    if not kind.may_write and os.fstat(errors.fileno()).st_size:
        return "on standard error: " + Path(errors.name).read_text(errors="replace")
    return _Tried(kind.name, outcome, seconds, memory)


def _make_kind(name: str, place: Path):
    kind = getattr(importlib.import_module(f"tests.fuzz.{name}"), name.capitalize())
    if name == "engine":
        return kind()
    if name == "files":
        place.mkdir()
        return kind(place)
    from koclip import KoCLIP

    return kind(KoCLIP.from_pretrained("koclip-mini"))


def _reset_peak() -> int:
    """Lets the peak of resident memory begin anew; returns what is resident."""
    with contextlib.suppress(OSError):  # Linux may not let us
        Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _status(name: str) -> int:
    """Bytes, of a line of Linux's account of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
