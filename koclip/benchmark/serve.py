"""The suite `serve`: 32 clients of the Space at once, beside batches without any server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple

import numpy as np

from koclip.benchmark.client import CallFailedError, Client
from koclip.benchmark.engines.samples import pictures, texts
from koclip.benchmark.options import Options
from koclip.benchmark.results import Entry, Row, make_row
from koclip.benchmark.space import APP, app_folder, running_server, wait_until_prepared
from koclip.benchmark.worker import Worker, child_environment, temporary_folder
from koclip.errors import KoCLIPError

_OURS, _OFFLINE = "koclip API, 32 clients", "offline, batches of 32"
_CLIENTS = 32
_BATCH = 32
_ROUNDS = 3
_BURST = 4.0  # seconds in which clients begin new calls


class Burst(NamedTuple):
    """What happened while all clients called as fast as they were answered."""

    latencies: list[float]
    """Seconds of each call that was answered."""
    failures: list[str]
    """What was said instead of an answer."""
    seconds: float
    """Until the last client had its last answer."""


def run(options: Options) -> Iterator[Row]:
    """Texts or images per second: one a call, and 32 a call.

    Raises:
        KoCLIPError: there is no app.py, the page did not open, or it answered nothing.
    """
    rows = [(kind, size) for kind in ("text", "image") for size in (1, _BATCH)]
    rows = [row for row in rows if options.wants_row("", _row_name(*row))]
    with temporary_folder() as folder:
        environment = child_environment(XDG_CACHE_HOME=str(folder))
        with (
            running_server(APP, app_folder(), folder / "app.log", environment) as server,
            Worker("koclip_offline", folder, cache=folder) as offline,
        ):
            wait_until_prepared(server.url)
            for kind, size in rows:
                yield _row(server.url, offline, kind, size, quick=options.quick)


def _row_name(kind: str, size: int) -> str:
    return f"one {kind} a call" if size == 1 else f"{size} {kind}s a call"


def _row(url: str, offline: Worker, kind: str, size: int, *, quick: bool) -> Row:
    task = {"kind": kind, "batch": _BATCH}
    clients = 2 if quick else _CLIENTS
    # What has to be compiled first does not count; a batch is as large with few clients.
    _burst(url, kind, size, clients if size == 1 else 1, 0.0)
    offline.answer(task)
    served, alone, bursts = [], [], []
    for _ in range(1 if quick else _ROUNDS):
        calls = 1 if quick else 10
        alone.append(_BATCH / float(np.median(offline.time(task, calls, warm=not quick))))
        bursts.append(_burst(url, kind, size, clients, 0.0 if quick else _BURST))
        served.append(size * len(bursts[-1].latencies) / bursts[-1].seconds)
    latencies = [seconds for burst in bursts for seconds in burst.latencies]
    failures = [failure for burst in bursts for failure in burst.failures]
    if not latencies:
        raise KoCLIPError("benchmark_failed", what=_OURS, reason=failures[0])
    notes = {
        "p50 s": float(np.quantile(latencies, 0.5)),
        "p95 s": float(np.quantile(latencies, 0.95)),
        "failures": len(failures),
    }
    entries = [Entry(_OURS, tuple(served), notes), Entry(_OFFLINE, tuple(alone))]
    return make_row("", _row_name(kind, size), "per s", entries, [(_OURS, _OFFLINE)])


def _burst(url: str, kind: str, size: int, clients: int, seconds: float) -> Burst:
    """`clients` call again and again until `seconds` are over, each at least once."""
    start = time.perf_counter()

    def client(number: int) -> tuple[list[float], list[str]]:
        call = _caller(url, kind)
        latencies, failures, place = [], [], number * size
        while True:
            begin = time.perf_counter()
            try:
                call(place, size)
                latencies.append(time.perf_counter() - begin)
            except CallFailedError as error:
                failures.append(str(error))
            if time.perf_counter() - start >= seconds:
                return latencies, failures
            place += clients * size

    with ThreadPoolExecutor(clients) as threads:
        done = list(threads.map(client, range(clients)))
    latencies, failures = (list(chain.from_iterable(lists)) for lists in zip(*done, strict=True))
    return Burst(latencies, failures, time.perf_counter() - start)


def _caller(url: str, kind: str) -> Callable[[int, int], None]:
    """Embeds `size` samples from the `place`-th on, over a connection of its own."""
    client = Client(url)

    def call(place: int, size: int) -> None:
        if kind == "text":
            answer = client.call("embed_text", texts=texts(place, size))
        else:
            answer = client.call("embed_image", images=client.upload(pictures(place, size)))
        if len(answer["embeddings"]) != size:
            raise CallFailedError("not all were embedded")

    return call
