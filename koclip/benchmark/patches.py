"""The suite `patches`: the tiles of a picture in chunks, beside each of them by itself, and in one
pass beside in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from koclip.benchmark.options import Options
from koclip.benchmark.results import Entry, Row, make_row
from koclip.benchmark.runner import Contestant, contest
from koclip.benchmark.weights import TINY_VISION, VIT_B32, only, random_parameters
from koclip.benchmark.worker import Worker, temporary_folder
from koclip.checkpoints.checkpoint import save_parameters
from koclip.text_to_patch import LOCALISING

_PRECISIONS = ("float32", "auto")
_YARDSTICK = "koclip float32, one by one"
_MINI, _DENSE = "koclip-mini, in chunks", "koclip-mini, in one pass"
_MINI_ROW = "koclip-mini, 5 × 5, 4 × 4 and 3 × 3 tiles"
_ROWS, _QUICK_ROWS = 7, 2
_BUDGET = 60.0  # seconds of turns


def run(options: Options) -> Iterator[Row]:
    """A 7 × 7 grid in koclip-base's image tower with random weights; the page's in koclip-mini."""
    with temporary_folder() as folder:
        yield from _grid(options, folder)
        if options.wants_row("", _MINI_ROW) and options.wants_engine(_DENSE):
            yield _one_pass(options, folder)


def _grid(options: Options, folder: Path) -> Iterator[Row]:
    config = only(TINY_VISION if options.quick else VIT_B32)
    rows = _QUICK_ROWS if options.quick else _ROWS
    name = f"{config.vision.hidden_size} wide, {rows} × {rows} tiles"
    engines = [e for e in (f"koclip {p}" for p in _PRECISIONS) if options.wants_engine(e)]
    if not (engines and options.wants_row("", name)):
        return
    save_parameters(folder, config, random_parameters(config))
    with ExitStack() as stack:
        workers = {
            precision: stack.enter_context(_worker(folder, str(folder), precision))
            for precision in _PRECISIONS
        }
        grid = {"rows": rows, "columns": rows}
        contestants = [
            Contestant(_YARDSTICK, workers["float32"], {"tiles": grid, "seen": "one by one"})
        ] + [
            Contestant(f"koclip {precision}", worker, {"tiles": grid, "seen": "in chunks"})
            for precision, worker in workers.items()
            if f"koclip {precision}" in engines
        ]
        yield _row(name, contestants, [(engine, _YARDSTICK) for engine in engines], options)


def _one_pass(options: Options, folder: Path) -> Row:
    with _worker(folder, "koclip-mini", "auto") as worker:
        contestants = [
            Contestant(_MINI, worker, {"tiles": LOCALISING, "seen": "in chunks"}),
            Contestant(_DENSE, worker, {"tiles": LOCALISING, "seen": "in one pass"}),
        ]
        return _row(_MINI_ROW, contestants, [(_DENSE, _MINI)], options)


def _worker(folder: Path, model: str, precision: str) -> Worker:
    return Worker("koclip_patches", folder, cache=folder, model=model, precision=precision)


def _row(
    name: str,
    contestants: Sequence[Contestant],
    compared: Sequence[tuple[str, str]],
    options: Options,
) -> Row:
    for _, worker, task in contestants:
        worker.answer(task)  # compiles
    seconds = contest(contestants, options.budget(_BUDGET))
    entries = [Entry(engine, samples) for engine, samples in seconds.items()]
    return make_row("", name, "s", entries, compared)
