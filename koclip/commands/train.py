"""`python -m koclip train`: its options, and what it prints."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from koclip.errors import KoCLIPError

Row = dict[str, object]


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `train` reads."""
    parser.add_argument("config", help="koclip-base, -large, -mini, or a .json or .toml file")
    parser.add_argument(
        "--data", action="append", metavar="FILE", help="caption file; repeat it to mix several"
    )
    parser.add_argument(
        "--validation", action="append", metavar="FILE", help="caption file for validation"
    )
    parser.add_argument("--images", metavar="FOLDER", help="where the pictures of these files are")
    parser.add_argument("--output", help="folder for the run (default runs/CONFIG)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting, for example --set epochs=5; repeat it for several",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    parser.add_argument(
        "--coordinator",
        metavar="HOST:PORT",
        help='the first of several processes; "auto" on a cluster that JAX knows',
    )
    parser.add_argument("--processes", type=int, help="how many processes there are")
    parser.add_argument("--process", type=int, help="which one this is, from 0")


def train(args: argparse.Namespace, show_error: Callable[[KoCLIPError], None]) -> list[Row]:
    """Trains; the rows to print. `show_error` says what does not stop it."""
    from koclip.training.recipes import load_config

    config = load_config(args.config, _changes(args))
    output = Path(args.output or Path("runs") / Path(args.config).stem)
    if args.coordinator:
        _join(args)
    from koclip.training.metrics import read_metrics
    from koclip.training.run import run

    run(config, output, resume=args.resume, notify=show_error)
    # The last of each split, and nothing from the processes that measure nothing.
    last = {row["split"]: row for row in read_metrics(output / "metrics.csv")}
    return [{"output": str(output)} | last[split] for split in sorted(last)]


def _changes(args: argparse.Namespace) -> dict[str, Any]:
    changes = {}
    for setting in args.set:
        key, equals, value = setting.partition("=")
        if not equals:
            raise KoCLIPError("training_bad_set", setting=setting)
        try:
            changes[key] = json.loads(value)
        except ValueError:  # a bare word
            changes[key] = value
    for key in ("data", "validation"):
        if paths := getattr(args, key):
            changes[key] = [{"path": path, "images": args.images} for path in paths]
    return changes


def _join(args: argparse.Namespace) -> None:
    import jax

    try:
        if args.coordinator == "auto":
            jax.distributed.initialize()
        else:
            jax.distributed.initialize(args.coordinator, args.processes, args.process)
    except (RuntimeError, ValueError) as error:
        raise KoCLIPError("training_cannot_join", reason=error) from error
