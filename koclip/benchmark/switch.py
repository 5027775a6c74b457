"""The suite `switch`: what visitors of koclip-mini notice while somebody opens a large model."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from koclip.assets import assets_dir
from koclip.benchmark.client import CallFailedError, Client
from koclip.benchmark.engines.samples import pictures, texts
from koclip.benchmark.options import Options
from koclip.benchmark.results import Entry, Row, make_row
from koclip.benchmark.space import APP, app_folder, running_server, wait_until_prepared
from koclip.benchmark.weights import (
    ROBERTA_LARGE,
    TINY_TEXT,
    TINY_VISION,
    VIT_B32,
    random_parameters,
    save_flax_model,
)
from koclip.benchmark.worker import child_environment, temporary_folder
from koclip.config import ModelConfig
from koclip.settings import MINI

_ALONE, _MEANWHILE = "nobody else there", "while a large model opens"
_VOCABULARY = 34_400  # tokens: the model gets koclip-mini's tokenizer
_ROUNDS = 3
_SECONDS = 8.0  # of calls when nobody else is there
_KINDS = ("text", "image")
_LARGE = "the large model's first answer"


def run(options: Options) -> Iterator[Row]:
    """Latencies of one visitor, and how long whoever has asked for the large model waits.

    The model is of koclip-base's size and opened for the first time: read, calibrated, compiled.

    Raises:
        KoCLIPError: there is no app.py, or the page did not open.
        CallFailedError: a call was not answered.
    """
    if not any(options.wants_row("", row) for row in (*map(_row_name, _KINDS), _LARGE)):
        return
    text, vision = (TINY_TEXT, TINY_VISION) if options.quick else (ROBERTA_LARGE, VIT_B32)
    config = ModelConfig(dataclasses.replace(text, vocab_size=_VOCABULARY), vision)
    with temporary_folder() as folder:
        model = folder / "large"
        save_flax_model(model, config, random_parameters(config))
        shutil.copy(assets_dir() / MINI / "tokenizer.json", model)
        rounds = [
            _round(folder / f"cache-{i}", model, 0.0 if options.quick else _SECONDS)
            for i in range(1 if options.quick else _ROUNDS)
        ]
    for kind in _KINDS:
        if not options.wants_row("", _row_name(kind)):
            continue
        entries = []
        for name, place in ((_ALONE, 0), (_MEANWHILE, 1)):
            latencies = [found[place][kind] for found in rounds]
            worst = {"p95 s": float(np.quantile(np.concatenate(latencies), 0.95))}
            entries.append(Entry(name, tuple(map(float, map(np.median, latencies))), worst))
        yield make_row("", _row_name(kind), "s", entries, [(_MEANWHILE, _ALONE)])
    if options.wants_row("", _LARGE):
        waited = Entry(_MEANWHILE, tuple(found[2] for found in rounds))
        yield make_row("", _LARGE, "s", [waited], [])


def _row_name(kind: str) -> str:
    return f"koclip-mini, one {kind}"


_Latencies = dict[str, list[float]]


def _round(cache: Path, model: Path, seconds: float) -> tuple[_Latencies, _Latencies, float]:
    """Seconds of each call alone and meanwhile, by kind; and until the large model answered."""
    cache.mkdir()
    environment = child_environment(
        XDG_CACHE_HOME=str(cache), KOCLIP_MODELS=f"{MINI},{model}", KOCLIP_PRELOAD=MINI
    )
    with (
        running_server(APP, app_folder(), cache / "app.log", environment) as server,
        ThreadPoolExecutor(1) as other,
    ):
        wait_until_prepared(server.url)
        call = _caller(server.url)
        _until(lambda: True, call)  # what has to be compiled first does not count
        end = time.perf_counter() + seconds
        alone = _until(lambda: time.perf_counter() >= end, call)
        switched: Future[float] = other.submit(_ask_for, server.url, str(model))
        meanwhile = _until(switched.done, call)
        return alone, meanwhile, switched.result()


def _until(done: Callable[[], bool], call: Callable[[str, int], None]) -> _Latencies:
    """Text, image, text, … until `done`, each at least once."""
    latencies, place = defaultdict(list), 0
    while not (place and done()):
        for kind in _KINDS:
            begin = time.perf_counter()
            call(kind, place)
            latencies[kind].append(time.perf_counter() - begin)
        place += 1
    return latencies


def _caller(url: str) -> Callable[[str, int], None]:
    """One query of a text that nobody has asked before, or one picture with its labels."""
    client = Client(url)

    def call(kind: str, place: int) -> None:
        if kind == "text":
            client.call("text_to_image", query=f"{texts(place, 1)[0]} {time.time_ns()}")
        else:
            picture = client.upload(pictures(place, 1))[0]
            client.call("image_to_text", image=picture, labels="고양이, 강아지, 토끼")

    return call


def _ask_for(url: str, model: str) -> float:
    """Seconds until the model has classified a picture.

    Raises:
        CallFailedError: it has not, or koclip-mini has in its place.
    """
    client = Client(url)
    begin = time.perf_counter()
    picture = client.upload(pictures(0, 1))[0]
    answer = client.call("image_to_text", image=picture, labels="고양이, 강아지", model=model)
    seconds = time.perf_counter() - begin
    client.close()
    if answer["model"] != Path(model).name:
        raise CallFailedError("; ".join(answer["notices"]))
    return seconds
