"""`python -m koclip benchmark`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from koclip.files import write_whole
from koclip.terminal import print_table

if TYPE_CHECKING:
    from koclip.benchmark.report import Report


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; nothing heavy is imported for them."""
    parser.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE",
        help="encoders, patches, search, load, start, serve or switch (default: all)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes and no peers: does it work at all?"
    )
    for what in ("row", "engine"):
        parser.add_argument(
            f"--{what}s",
            action="append",
            default=[],
            metavar="TEXT",
            help=f"only what has this in the name of its {what}; may be repeated",
        )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE.json",
        help="keep the results; of a file that is there, suites that do not run now stay",
    )
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="FILE.json", help="show these results, run none"
    )
    parser.add_argument("--chart", type=Path, metavar="FILE.svg", help="draw the medians")
    parser.add_argument(
        "--docs", type=Path, metavar="FILE.md", help="write the tables between the marks in FILE"
    )


def benchmark(args: argparse.Namespace) -> None:
    """Measures, prints and writes.

    Raises:
        KoCLIPError: there is no such suite, an engine failed, engines disagree, or a file is not
            what it should be.
    """
    from koclip.benchmark.chart import bar_chart
    from koclip.benchmark.document import write_figures
    from koclip.benchmark.report import read_report

    report = read_report(args.source) if args.source else _measure(args)
    if args.chart:
        write_whole(args.chart, bar_chart(report).encode())
    if args.docs:
        write_figures(args.docs, report)
    if args.json:
        print(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        _print(report)


def _measure(args: argparse.Namespace) -> Report:
    """Runs the suites; the file of results is read first, as it takes long until it is written."""
    from koclip.benchmark.options import Options
    from koclip.benchmark.report import read_report
    from koclip.benchmark.suites import run

    # A process that was told to stop must close those that stand still: they would stay for ever.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    before = read_report(args.output) if args.output and args.output.exists() else None
    options = Options(args.quick, tuple(args.rows), tuple(args.engines))
    report = run(args.suites, options, _show_progress)
    if before:
        report = before.updated(report)
    if args.output:
        report.write(args.output)
    return report


def _show_progress(suite: str, row: str) -> None:
    """A line for each row as it is done; a suite takes minutes."""
    print(f"koclip: {suite}: {row}", file=sys.stderr, flush=True)


def _print(report: Report) -> None:
    from koclip.benchmark.peers import INSTALL
    from koclip.benchmark.tables import tables

    machine = ", ".join(f"{key} {value}" for key, value in report.machine.items())
    print(machine)
    for title, lines in tables(report):
        print(f"\n{title}")
        print_table(lines)
    if report.missing:
        print(f"\nnot installed: {', '.join(report.missing)} ({INSTALL})")
