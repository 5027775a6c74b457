"""`python -m koclip push`."""

from __future__ import annotations

import argparse
from pathlib import Path

from koclip.errors import translate
from koclip.files import is_file
from koclip.terminal import Row, complain, terminal_language


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; nothing heavy is imported for them."""
    parser.add_argument("model", help="as --model elsewhere, or the folder of an image database")
    parser.add_argument("repository", metavar="HUB_ID", help="owner/name; made if need be")
    parser.add_argument("--private", action="store_true", help="only you see it")
    parser.add_argument("--message", help="of the commit")
    parser.add_argument(
        "--card", metavar="FILE", help="the card; default: the folder's README.md, or a new one"
    )
    parser.add_argument("--license", help="for a new card, for example apache-2.0")
    parser.add_argument(
        "--force", action="store_true", help="push even where something other than KoCLIP is"
    )
    parser.add_argument(
        "--no-pictures", action="store_true", help="of a database: embeddings and texts alone"
    )


def push(args: argparse.Namespace, source: str | Path) -> list[Row]:
    """Pushes the model or the database `source`, and returns what to print.

    Raises:
        KoCLIPError: as `koclip.hub.push.push` and `koclip.database.push.push` do.
    """
    options = {
        "private": args.private,
        "message": args.message,
        "card": Path(args.card) if args.card else None,
        "license": args.license,
        "force": args.force,
    }
    if is_file(Path(args.model) / "database.json"):
        return [_database(args, options)]
    from koclip.hub.push import push

    done = push(source, args.repository, **options)
    return [{"model": args.model, "url": done.url, "commit": done.commit}]


def _database(args: argparse.Namespace, options: dict[str, object]) -> Row:
    from koclip.database.push import push

    done = push(args.model, args.repository, pictures=not args.no_pictures, **options)
    if done.hidden:
        complain(translate("share_paths_hidden", terminal_language(), count=done.hidden))
    row = {"database": args.model, "images": done.images, "pictures": done.pictures}
    return row | {"url": done.uploaded.url, "commit": done.uploaded.commit}
