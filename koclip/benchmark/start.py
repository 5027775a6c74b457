"""The suite `start`: from `python app.py` to the page, and to the first answer."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from koclip.assets import assets_dir
from koclip.benchmark.client import Client
from koclip.benchmark.options import Options
from koclip.benchmark.results import Entry, Row, make_row
from koclip.benchmark.space import APP, app_folder, running_server, wait_until_prepared
from koclip.benchmark.worker import child_environment, temporary_folder

_ROUNDS = 5
_PAGE, _ANSWER, _IMPORT = "until the page opens", "from there to an answer", "import"
_FIRST, _AGAIN, _BLOCKS = "koclip, first start", "koclip", "empty Blocks"
_EMPTY_BLOCKS = """
import gradio
with gradio.Blocks() as page:
    pass
page.launch(ssr_mode=False)
"""
_TIMED_IMPORT = """
import time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""
_MODULES = ("koclip", "koclip.cli", "koclip.model", "koclip.ui.page", "gradio")


def run(options: Options) -> Iterator[Row]:
    """Seconds until the page opens, until koclip-mini answers, and of imports.

    Raises:
        KoCLIPError: there is no app.py, or a page did not open.
    """
    rounds = 1 if options.quick else _ROUNDS
    if options.wants_row("imports", _IMPORT):
        yield _imports(_MODULES[:2] if options.quick else _MODULES, rounds)
    if options.wants_row("page", _PAGE) or options.wants_row("page", _ANSWER):
        yield from _starts(rounds, quick=options.quick)


def _imports(modules: tuple[str, ...], rounds: int) -> Row:
    samples = defaultdict(list)
    for _ in range(rounds):
        for module in modules:
            command = [sys.executable, "-c", _TIMED_IMPORT.format(module=module)]
            output = subprocess.check_output(command, env=child_environment(), text=True)
            samples[module].append(float(output))
    entries = [Entry(module, tuple(seconds)) for module, seconds in samples.items()]
    return make_row("imports", _IMPORT, "s", entries, [])


def _starts(rounds: int, *, quick: bool) -> Iterator[Row]:
    """Three kinds of start in turns: with nothing compiled yet, as usual, and of nothing at all."""
    opened, answered = defaultdict(list), defaultdict(list)

    def start(name: str, cache: Path) -> None:
        seconds = _start_app(cache)
        opened[name].append(seconds[0])
        answered[name].append(seconds[1])

    with temporary_folder() as folder:
        if not quick:
            _start_app(folder / "usual", whole=True)
        for number in range(rounds):
            start(_FIRST, folder / f"empty-{number}")
            if quick:
                break
            start(_AGAIN, folder / "usual")
            log, blocks = folder / "blocks.log", ["-c", _EMPTY_BLOCKS]
            with running_server(blocks, folder, log, child_environment()) as server:
                opened[_BLOCKS].append(server.seconds_to_open)
    compared = [(_FIRST, _BLOCKS), (_AGAIN, _BLOCKS)]
    for name, samples in ((_PAGE, opened), (_ANSWER, answered)):
        entries = [Entry(name, tuple(seconds)) for name, seconds in samples.items()]
        yield make_row("page", name, "s", entries, compared)


def _start_app(cache: Path, *, whole: bool = False) -> tuple[float, float]:
    """Seconds until the page opens, and from there until the first picture is classified.

    What is compiled is kept in `cache`; `whole` waits until all has been that a start compiles.
    """
    cache.mkdir(exist_ok=True)
    log, environment = cache / "app.log", child_environment(XDG_CACHE_HOME=str(cache))
    with running_server(APP, app_folder(), log, environment) as server:
        client = Client(server.url)
        begin = time.perf_counter()
        picture = client.upload([assets_dir() / "examples" / "cat.webp"])[0]
        client.call("image_to_text", image=picture, labels="고양이, 강아지, 토끼")
        seconds = time.perf_counter() - begin
        client.close()
        if whole:
            wait_until_prepared(server.url)
    return server.seconds_to_open, seconds
