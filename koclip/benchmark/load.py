"""The suite `load`: opening a checkpoint of koclip-base's size, and the memory it takes.

Every sample is a process of its own that has imported what it needs; the files are in the page
cache. Linux only: others do not tell the memory of a process apart.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

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
from koclip.checkpoint import save_parameters
from koclip.config import ModelConfig
from koclip.errors import KoCLIPError
from koclip.tensor_files import SAFETENSORS

_OURS = {f"koclip {precision}": {"precision": precision} for precision in PRECISIONS}
_PLAIN = "safetensors load_file"
_SERVED = {"served": True}
_LOAD: Task = {}
_ROUNDS = 5


def run(options: Options) -> Iterator[Row]:
    """Seconds and bytes for each form of the weight file.

    Raises:
        KoCLIPError: this is no Linux, or a file could not be opened.
    """
    if not sys.platform.startswith("linux"):
        raise KoCLIPError("benchmark_needs_linux")
    config = only(TINY_TEXT) if options.quick else ModelConfig(ROBERTA_LARGE, VIT_B32)
    engines = [name for name in (*_OURS, _PLAIN) if options.wants_engine(name)]
    forms = [f for f in ("safetensors", "Flax msgpack") if options.wants_row("load", f)]
    with temporary_folder() as folder:
        parameters = random_parameters(config)
        save_parameters(folder / "safetensors", config, parameters)
        save_flax_model(folder / "Flax msgpack", config, parameters)
        del parameters
        for form in forms:
            yield from _rows(folder, form, engines, 1 if options.quick else _ROUNDS)


def _rows(folder: Path, form: str, engines: list[str], rounds: int) -> Iterator[Row]:
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    peaks: dict[str, list[float]] = {name: [] for name in engines}
    served: dict[str, float] = {}
    plain = {"weights": str(folder / "safetensors" / SAFETENSORS)}
    for _ in range(rounds):
        for name in engines:
            module = "koclip_load" if name in _OURS else "safetensors_load"
            ours = {"model": str(folder / form), **_OURS.get(name, {})}
            with Worker(module, folder, **(ours if name in _OURS else plain)) as worker:
                with watched_memory(worker.pid) as peak:
                    seconds[name] += worker.time(_LOAD, 1, warm=False)
                peaks[name].append(peak.bytes)
                served[name] = float(worker.answer(_SERVED))
    compared = [(name, _PLAIN) for name in _OURS]
    entries = [Entry(name, tuple(samples)) for name, samples in seconds.items()]
    yield make_row("time", form, "s", entries, compared)
    entries = [
        Entry(name, tuple(samples), {"÷ served size": statistics.median(samples) / served[name]})
        for name, samples in peaks.items()
    ]
    yield make_row("peak anonymous memory", form, "bytes", entries, [])
