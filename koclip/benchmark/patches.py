"""The suite `patches`: the tiles of a picture in chunks, beside each of them by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from koclip.benchmark.options import Options
from koclip.benchmark.results import Entry, Row, make_row
from koclip.benchmark.runner import Contestant, contest
from koclip.benchmark.weights import TINY_VISION, VIT_B32, only, random_parameters
from koclip.benchmark.worker import Worker, temporary_folder
from koclip.checkpoint import save_parameters

_PRECISIONS = ("float32", "auto")
_YARDSTICK = "koclip float32, one by one"
_ROWS, _QUICK_ROWS = 7, 2
_BUDGET = 60.0  # seconds of turns


def run(options: Options) -> Iterator[Row]:
    """A 7 × 7 grid in koclip-base's image tower with random weights."""
    config = only(TINY_VISION if options.quick else VIT_B32)
    rows = _QUICK_ROWS if options.quick else _ROWS
    name = f"{config.vision.hidden_size} wide, {rows} × {rows} tiles"
    engines = [e for e in (f"koclip {p}" for p in _PRECISIONS) if options.wants_engine(e)]
    if not (engines and options.wants_row("", name)):
        return
    with temporary_folder() as folder, ExitStack() as stack:
        save_parameters(folder, config, random_parameters(config))
        workers = {
            precision: stack.enter_context(
                Worker(
                    "koclip_patches", folder, cache=folder, model=str(folder), precision=precision
                )
            )
            for precision in _PRECISIONS
        }
        tasks = {together: {"rows": rows, "together": together} for together in (False, True)}
        contestants = [Contestant(_YARDSTICK, workers["float32"], tasks[False])] + [
            Contestant(f"koclip {precision}", worker, tasks[True])
            for precision, worker in workers.items()
            if f"koclip {precision}" in engines
        ]
        for _, worker, task in contestants:
            worker.answer(task)
        seconds = contest(contestants, options.budget(_BUDGET))
        entries = [Entry(engine, samples) for engine, samples in seconds.items()]
        yield make_row("", name, "s", entries, [(engine, _YARDSTICK) for engine in engines])
