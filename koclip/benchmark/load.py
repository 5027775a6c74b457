"""The suite `load`: opening a checkpoint of koclip-base's size, and the memory it takes.

Every sample is a process of its own that has imported what it needs; the files are in the page
cache. Linux only: others do not tell the memory of a process apart.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from koclip.benchmark.encoders import PRECISIONS
from koclip.benchmark.engines import Task
from koclip.benchmark.memory import watched_memory
from koclip.benchmark.options import Options
from koclip.benchmark.results import Entry, Row, make_row
from koclip.benchmark.weights import (
    ROBERTA_LARGE,
    TINY_TEXT,
    VIT_B32,
    only,
    random_parameters,
    save_flax_model,
)
from koclip.benchmark.worker import Worker, temporary_folder
from koclip.checkpoints.checkpoint import save_parameters
from koclip.checkpoints.tensor_files import SAFETENSORS
from koclip.config import ModelConfig
from koclip.errors import KoCLIPError

_OURS = {f"koclip {precision}": {"precision": precision} for precision in PRECISIONS}
_PLAIN = "safetensors load_file"
_SAFETENSORS, _MSGPACK, _FIRST = "safetensors", "Flax msgpack", "Flax msgpack, the first time"
_SERVED = {"served": True}
_LOAD: Task = {}
_ROUNDS, _FIRST_ROUNDS = 5, 2


def run(options: Options) -> Iterator[Row]:
    """Seconds and bytes for each form of the weight file, and for what is not calibrated yet.

    Raises:
        KoCLIPError: this is no Linux, or a file could not be opened.
    """
    if not sys.platform.startswith("linux"):
        raise KoCLIPError("benchmark_needs_linux")
    config = only(TINY_TEXT) if options.quick else ModelConfig(ROBERTA_LARGE, VIT_B32)
    engines = [name for name in (*_OURS, _PLAIN) if options.wants_engine(name)]
    rows = [row for row in (_SAFETENSORS, _MSGPACK, _FIRST) if options.wants_row("", row)]
    with temporary_folder() as folder:
        parameters = random_parameters(config)
        save_parameters(folder / _SAFETENSORS, config, parameters)
        save_flax_model(folder / _MSGPACK, config, parameters)
        del parameters
        for name in rows:
            yield from _rows(folder, name, _running(name, engines), _caches(folder, name, options))


def _running(name: str, engines: list[str]) -> list[str]:
    """Those of `engines` that have something to do in a row: of ours, only int8 is calibrated."""
    return [e for e in engines if name != _FIRST or e in ("koclip int8", _PLAIN)]


def _caches(folder: Path, name: str, options: Options) -> list[Path]:
    """KoCLIP's cache folder in each round: an empty one, or always the same."""
    rounds = 1 if options.quick else _FIRST_ROUNDS if name == _FIRST else _ROUNDS
    return [folder / (f"cache-{i}" if name == _FIRST else "cache") for i in range(rounds)]


def _rows(folder: Path, name: str, engines: list[str], caches: list[Path]) -> Iterator[Row]:
    if not engines:
        return
    if name != _FIRST:
        for engine in engines:
            _open(folder, name, engine, caches[0])  # calibrates, and compiles what is kept
    opened = {engine: [] for engine in engines}
    for cache in caches:
        for engine in engines:
            opened[engine].append(_open(folder, name, engine, cache))
    compared = [(engine, _PLAIN) for engine in _OURS]
    entries = [
        Entry(engine, tuple(o.seconds for o in samples)) for engine, samples in opened.items()
    ]
    yield make_row("time", name, "s", entries, compared)
    entries = []
    for engine, samples in opened.items():
        peaks = tuple(o.peak for o in samples)
        share = statistics.median(peaks) / samples[0].served
        entries.append(Entry(engine, peaks, {"÷ served size": share}))
    yield make_row("peak anonymous memory", name, "bytes", entries, [])


class _Opened(NamedTuple):
    seconds: float
    peak: float
    """Bytes of anonymous memory, at most, beyond what the process had before."""
    served: float
    """Bytes of the weights in the end."""


def _open(folder: Path, name: str, engine: str, cache: Path) -> _Opened:
    """One process that opens the model in the form that `name` begins with."""
    if engine in _OURS:
        model = folder / (_SAFETENSORS if name == _SAFETENSORS else _MSGPACK)
        worker = Worker("koclip_load", folder, cache=cache, model=str(model), **_OURS[engine])
    else:
        weights = folder / _SAFETENSORS / SAFETENSORS
        worker = Worker("safetensors_load", folder, weights=str(weights))
    with worker:
        with watched_memory(worker.pid) as peak:
            seconds = worker.time(_LOAD, 1, warm=False)[0]
        return _Opened(seconds, peak.bytes, float(worker.answer(_SERVED)))
