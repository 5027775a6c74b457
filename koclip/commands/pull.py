"""`python -m koclip pull`."""

from __future__ import annotations

import argparse

from koclip.terminal import Row


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; nothing heavy is imported for them."""
    parser.add_argument("repository", metavar="HUB_ID", help="owner/name of a data set repository")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", help="where it should be (default: its name, here)"
    )
    parser.add_argument("--revision", help="a branch, tag or commit")
    parser.add_argument(
        "--force", action="store_true", help="replace what was changed here, or is from elsewhere"
    )


def pull(args: argparse.Namespace) -> list[Row]:
    """Pulls a database, and returns what to print.

    Raises:
        KoCLIPError: as `koclip.database.pull.pull` does.
    """
    from koclip.database.pull import pull

    folder = args.output or args.repository.rpartition("/")[2]
    done = pull(args.repository, folder, revision=args.revision, force=args.force)
    row = {"folder": folder, "images": len(done.database), "commit": done.commit}
    return [row | {"downloaded": done.downloaded, "kept": done.kept}]
