"""`python -m koclip benchmark`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from koclip.terminal import print_table

if TYPE_CHECKING:
    from koclip.benchmark.report import Report


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; nothing heavy is imported for them."""
    parser.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE",
        help="encoders or search (default: all)",
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


def benchmark(args: argparse.Namespace) -> None:
    """Measures, prints and writes.

    Raises:
        KoCLIPError: there is no such suite, an engine failed, or engines disagree.
    """
    from koclip.benchmark.options import Options
    from koclip.benchmark.report import read_report
    from koclip.benchmark.suites import run

    before = read_report(args.output) if args.output and args.output.exists() else None
    report = run(
        args.suites, Options(args.quick, tuple(args.rows), tuple(args.engines)), _show_progress
    )
    if before:
        report = before.updated(report)
    if args.output:
        report.write(args.output)
    if args.json:
        print(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        _print(report)


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
