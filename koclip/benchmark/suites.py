"""The suites by name, and running some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

from koclip.benchmark import encoders, load, machine, patches, peers, search, serve, start, switch
from koclip.benchmark.options import Options
from koclip.benchmark.report import Report
from koclip.benchmark.results import Row
from koclip.errors import KoCLIPError

SUITES: dict[str, ModuleType] = {
    "encoders": encoders,
    "patches": patches,
    "search": search,
    "load": load,
    "start": start,
    "serve": serve,
    "switch": switch,
}
"""Each has `run(options)`, which yields rows; in the order of the report."""


def run(names: Sequence[str], options: Options, show: Callable[[str, str], None]) -> Report:
    """Runs the suites in `names` (all of them if there is none); `show(suite, row's name)` follows.

    Raises:
        KoCLIPError: there is no such suite, an engine failed, or engines disagree.
    """
    for name in names:
        if name not in SUITES:
            known = ", ".join(SUITES)
            raise KoCLIPError("benchmark_unknown_suite", name=name, known=known)
    done: dict[str, tuple[Row, ...]] = {}
    for name in names or SUITES:
        done[name] = tuple(_shown(name, SUITES[name].run(options), show))
    return Report(machine.describe(), peers.versions(), tuple(peers.not_installed()), done)


def _shown(suite: str, rows: Iterator[Row], show: Callable[[str, str], None]) -> Iterator[Row]:
    for row in rows:
        show(suite, row.name)
        yield row
