"""`python -m koclip push`."""

from __future__ import annotations

import argparse
from pathlib import Path

from koclip.terminal import Row


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; nothing heavy is imported for them."""
    parser.add_argument("model", help="as --model elsewhere")
    parser.add_argument("repository", metavar="HUB_ID", help="owner/name; made if need be")
    parser.add_argument("--private", action="store_true", help="only you see it")
    parser.add_argument("--message", help="of the commit")
    parser.add_argument(
        "--card", metavar="FILE", help="model card; default: the folder's README.md, or a new one"
    )
    parser.add_argument("--license", help="for a new model card, for example apache-2.0")
    parser.add_argument(
        "--force", action="store_true", help="push even where something other than KoCLIP is"
    )


def push(args: argparse.Namespace, source: str | Path) -> list[Row]:
    """Pushes the model `source`, and returns what to print.

    Raises:
        KoCLIPError: as `koclip.hub.push.push` does.
    """
    from koclip.hub.push import push

    done = push(
        source,
        args.repository,
        private=args.private,
        message=args.message,
        card=Path(args.card) if args.card else None,
        license=args.license,
        force=args.force,
    )
    return [{"model": args.model, "url": done.url, "commit": done.commit}]
