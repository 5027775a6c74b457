"""`python -m koclip deploy`."""

from __future__ import annotations

import argparse

from koclip.terminal import Row


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; nothing heavy is imported for them."""
    parser.add_argument("repository", metavar="HUB_ID", help="owner/name; made if need be")
    parser.add_argument("--private", action="store_true", help="only you see it")
    parser.add_argument("--message", help="of the commit")
    parser.add_argument(
        "--force", action="store_true", help="deploy even over a Space of something else"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list the files and their sizes; needs no network"
    )


def deploy(args: argparse.Namespace) -> list[Row]:
    """Deploys the Space, and returns what to print.

    Raises:
        KoCLIPError: as `koclip.hub.deploy.deploy` does.
    """
    from koclip.hub.deploy import deploy

    if args.dry_run:
        return _listing(args)
    done = deploy(args.repository, private=args.private, message=args.message, force=args.force)
    return [{"files": len(done.files), "url": done.url, "commit": done.commit}]


def _listing(args: argparse.Namespace) -> list[Row]:
    """What would be deployed; people get the sum as well."""
    from koclip.hub.deploy import space_files
    from koclip.hub.upload import check_repo_id

    check_repo_id(args.repository)
    rows: list[Row] = [
        {"bytes": len(file) if isinstance(file, bytes) else file.stat().st_size, "file": name}
        for name, file in space_files().items()
    ]
    total = {"bytes": sum(row["bytes"] for row in rows), "file": f"({len(rows)} files)"}
    return rows if args.json else [*rows, total]
