"""The suite `encoders`: how long the towers take, and how close fast answers are to exact ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from koclip.assets import assets_dir
from koclip.benchmark.engines import Task
from koclip.benchmark.options import Options
from koclip.benchmark.peers import can_import
from koclip.benchmark.results import Entry, Row, make_row
from koclip.benchmark.runner import Contestant, contest
from koclip.benchmark.weights import (
    ROBERTA_LARGE,
    TINY_TEXT,
    TINY_VISION,
    VIT_B32,
    VIT_L16,
    add_outliers,
    only,
    random_parameters,
)
from koclip.benchmark.worker import Worker, run_module, temporary_folder
from koclip.checkpoints.checkpoint import save_parameters
from koclip.config import TextConfig, ViTConfig, read_config
from koclip.errors import KoCLIPError
from koclip.settings import MINI

PRECISIONS = ("float32", "int8", "bfloat16")
AGREEMENT = 0.9999
"""The least cosine between float32 answers of two engines to the same input."""

_BUDGET = 40.0  # seconds of turns for a row
_TOKENS = 16
_RANDOM, _OUTLIERS = "random weights", "random weights with outliers"
_YARDSTICK = "ViT-B/32 float32, 1 image"


@dataclass(frozen=True)
class Engine:
    """A column of the table, and what of the model's folder it opens."""

    name: str
    module: str
    options: dict[str, str]
    """Values may hold {folder} and {tower}."""
    needs: tuple[str, ...] = ()


_ONNX, _INT8 = "{folder}/{tower}.onnx", "{folder}/{tower}.int8.onnx"
_WITH_ONNX = ("torch", "onnx", "onnxruntime")  # the files are exported with all of them
_OPENVINO = (*_WITH_ONNX, "openvino")
OURS = tuple(
    Engine(f"koclip {p}", "koclip_encoder", {"model": "{folder}", "precision": p})
    for p in PRECISIONS
)
_FLOAT32 = OURS[0]
PEERS = (
    Engine("torch float32", "torch_encoder", {"model": "{folder}"}, ("torch",)),
    Engine("ONNX Runtime float32", "onnxruntime_encoder", {"onnx_file": _ONNX}, _WITH_ONNX),
    Engine("ONNX Runtime int8", "onnxruntime_encoder", {"onnx_file": _INT8}, _WITH_ONNX),
    *(
        Engine(f"OpenVINO {p}", "openvino_encoder", {"onnx_file": _ONNX, "precision": p}, _OPENVINO)
        for p in ("float32", "bfloat16")
    ),
)
_COMPARED = [  # like with like, and everything with torch
    (f"koclip {precision}", peer.name)
    for precision in PRECISIONS
    for peer in PEERS
    if peer.name.endswith(precision) or peer.module == "torch_encoder"
]


@dataclass(frozen=True)
class Tower:
    """A tower of a published size, and the batches that are measured."""

    name: str
    config: TextConfig | ViTConfig
    batches: tuple[int, ...]

    @property
    def kind(self) -> str:
        return "text" if isinstance(self.config, TextConfig) else "image"

    def task(self, batch: int) -> Task:
        if isinstance(self.config, TextConfig):
            sizes = {"tokens": _TOKENS, "vocabulary": self.config.vocab_size}
        else:
            sizes = {"size": self.config.image_size}
        return {"tower": self.kind, "batch": batch, **sizes}

    def row_name(self, batch: int) -> str:
        if self.kind == "text":
            return f"{self.name}, {batch} × {_TOKENS} tokens"
        return f"{self.name}, {batch} image{'s' if batch > 1 else ''}"


TOWERS = (
    Tower("ViT-B/32", VIT_B32, (1, 32)),
    Tower("ViT-L/16", VIT_L16, (1,)),
    Tower("RoBERTa-large", ROBERTA_LARGE, (1, 64)),
)
_TINY_TOWERS = {
    _RANDOM: (Tower("tiny ViT", TINY_VISION, (1,)),),
    _OUTLIERS: (Tower("tiny BERT", TINY_TEXT, (2,)),),
}


def run(options: Options) -> Iterator[Row]:
    """Every tower with random weights, then with outliers among them; then koclip-mini.

    Raises:
        KoCLIPError: an engine failed, or engines of the same precision disagree.
    """
    engines = OURS if options.quick else [e for e in (*OURS, *PEERS) if can_import(e.needs)]
    engines = [engine for engine in engines if options.wants_engine(engine.name)]
    for group in (_RANDOM, _OUTLIERS) if engines else ():
        for tower in _TINY_TOWERS[group] if options.quick else TOWERS:
            batches = [b for b in tower.batches if options.wants_row(group, tower.row_name(b))]
            if batches:
                with temporary_folder() as folder:
                    budget = options.budget(_BUDGET)
                    yield from _tower_rows(tower, batches, group, engines, folder, budget)
    yield from _mini_rows(engines, options)


def _tower_rows(
    tower: Tower,
    batches: Sequence[int],
    group: str,
    engines: Sequence[Engine],
    folder: Path,
    budget: float,
) -> Iterator[Row]:
    _save(folder, tower, outliers=group == _OUTLIERS)
    if any("onnx_file" in engine.options for engine in engines):
        run_module("koclip.benchmark.engines.onnx_export", str(folder), tower.kind)
    with ExitStack() as stack:
        workers = {
            engine.name: stack.enter_context(_open(engine, folder, folder, tower.kind))
            for engine in engines
        }
        for batch in batches:
            name, task = tower.row_name(batch), tower.task(batch)
            yield _row(group, name, task, workers, [], _COMPARED, budget)


def _mini_rows(engines: Sequence[Engine], options: Options) -> Iterator[Row]:
    """koclip-mini with its own weights beside one image in ViT-B/32, float32."""
    engines = [engine for engine in engines if engine in OURS]
    config = read_config(assets_dir() / MINI / "config.json")
    towers = [Tower(MINI, part, (1,)) for part in (config.vision, config.text)]
    towers = [tower for tower in towers if options.wants_row(MINI, tower.row_name(1))]
    if not (towers and engines):
        return
    large = Tower("", TINY_VISION if options.quick else VIT_B32, (1,))
    with temporary_folder() as folder, ExitStack() as stack:
        _save(folder, large, outliers=False)
        yardstick = Contestant(
            _YARDSTICK, stack.enter_context(_open(_FLOAT32, folder, folder)), large.task(1)
        )
        yardstick.worker.answer(yardstick.task)
        workers = {
            engine.name: stack.enter_context(_open(engine, MINI, folder)) for engine in engines
        }
        compared = [(engine.name, _YARDSTICK) for engine in engines]
        for tower in towers:
            name, task = tower.row_name(1), tower.task(1)
            yield _row(MINI, name, task, workers, [yardstick], compared, options.budget(_BUDGET))


def _save(folder: Path, tower: Tower, *, outliers: bool) -> None:
    """The model that all engines open, in the form that transformers reads as well."""
    config = only(tower.config)
    parameters = random_parameters(config)
    if outliers:
        add_outliers(parameters)
    save_parameters(folder, config, parameters)


def _open(engine: Engine, model: Path | str, folder: Path, kind: str = "") -> Worker:
    values = {"folder": model, "tower": kind}
    options = {key: value.format(**values) for key, value in engine.options.items()}
    return Worker(engine.module, folder, cache=folder, **options)


def _row(
    group: str,
    name: str,
    task: Task,
    workers: dict[str, Worker],
    beside: Sequence[Contestant],
    compared: Sequence[tuple[str, str]],
    budget: float,
) -> Row:
    """`workers` in turns at one task, together with whoever else is `beside`."""
    answers = {engine: worker.answer(task) for engine, worker in workers.items()}
    cosines = _agreement(name, answers)
    contestants = [Contestant(engine, worker, task) for engine, worker in workers.items()]
    seconds = contest([*contestants, *beside], budget)
    entries = [
        Entry(engine, samples, {"cosine": cosines[engine]} if engine in cosines else {})
        for engine, samples in seconds.items()
    ]
    return make_row(group, name, "s", entries, compared)


def _agreement(row: str, answers: dict[str, np.ndarray]) -> dict[str, float]:
    """The least cosine of each fast engine's answers to our float32 ones; {} without those.

    Raises:
        KoCLIPError: an engine that computes in float32 disagrees: they did not do the same.
    """
    if _FLOAT32.name not in answers:
        return {}
    exact = answers[_FLOAT32.name]
    cosines = {}
    for name, answer in answers.items():
        cosine = _least_cosine(answer, exact)
        if not name.endswith("float32"):
            cosines[name] = cosine
        elif not cosine >= AGREEMENT:  # NaN is not either
            raise KoCLIPError(
                "benchmark_disagree", row=row, of=name, to=_FLOAT32.name, least=AGREEMENT
            )
    return cosines


def _least_cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / lengths).min())
