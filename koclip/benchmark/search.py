"""The suite `search`: the exact ten best of 5,000 to a million unit rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from koclip.benchmark.options import Options
from koclip.benchmark.peers import can_import
from koclip.benchmark.results import Entry, Row, make_row
from koclip.benchmark.runner import Contestant, contest
from koclip.benchmark.worker import Worker, temporary_folder
from koclip.errors import KoCLIPError

_WIDTH = 512
_COUNTS = (5_000, 100_000, 1_000_000)
_QUERIES = (1, 64)
_K = 10
_BUDGET = 30.0
_TOLERANCE = 1e-5  # between float32 scores that were added up in another order


@dataclass(frozen=True)
class Engine:
    name: str
    module: str
    needs: tuple[str, ...] = ()


OURS = Engine("koclip", "koclip_search")
NUMPY = Engine("NumPy", "numpy_search")
READING = "reading once"
PEERS = (
    Engine("faiss IndexFlatIP", "faiss_search", ("faiss",)),
    Engine("usearch exact", "usearch_search", ("usearch",)),
)
_COMPARED = [(OURS.name, other) for other in (READING, NUMPY.name, *(p.name for p in PEERS))]


def run(options: Options) -> Iterator[Row]:
    """A row for each size and number of queries.

    Every engine holds the rows in float32, in a process of its own: the million takes 2 GB each.

    Raises:
        KoCLIPError: an engine failed, or two of them found other scores.
    """
    peers = () if options.quick else [peer for peer in PEERS if can_import(peer.needs)]
    engines = [e for e in (OURS, NUMPY, *peers) if options.wants_engine(e.name)]
    for count in (100,) if options.quick else _COUNTS:
        names = {q: f"{count:,} rows, {q} quer{'ies' if q > 1 else 'y'}" for q in _QUERIES}
        names = {q: name for q, name in names.items() if options.wants_row("", name)}
        if names and engines:
            yield from _rows(count, names, engines, options.budget(_BUDGET))


def _rows(count: int, names: dict[int, str], engines: list[Engine], budget: float) -> Iterator[Row]:
    with temporary_folder() as folder, ExitStack() as stack:
        workers = {
            engine: stack.enter_context(Worker(engine.module, folder, count=count, width=_WIDTH))
            for engine in engines
        }
        for queries, name in names.items():
            task = {"queries": queries, "k": _K}
            _check_agreement(name, {e.name: w.answer(task) for e, w in workers.items()})
            contestants = [Contestant(e.name, worker, task) for e, worker in workers.items()]
            if NUMPY in workers and queries == 1:  # of which nothing can be faster
                reading = Contestant(READING, workers[NUMPY], {"read": True})
                reading.worker.answer(reading.task)
                contestants.append(reading)
            seconds = contest(contestants, budget)
            entries = [Entry(engine, samples) for engine, samples in seconds.items()]
            yield make_row("", name, "s", entries, _COMPARED)


def _check_agreement(row: str, scores: dict[str, np.ndarray]) -> None:
    first, *others = scores
    for other in others:
        if not np.allclose(scores[first], scores[other], rtol=0, atol=_TOLERANCE):
            raise KoCLIPError(
                "benchmark_disagree", row=row, of=other, to=first, least=1 - _TOLERANCE
            )
