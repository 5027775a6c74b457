"""`python -m koclip index`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from koclip.checks import result_count
from koclip.errors import KoCLIPError
from koclip.files import HUB, is_file, is_folder
from koclip.terminal import Row, complain, terminal_language
from koclip.visible_text import in_one_line

if TYPE_CHECKING:
    from koclip.model import KoCLIP


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; nothing heavy is imported for them."""
    parser.add_argument(
        "source",
        nargs="+",
        help="folders of pictures, .zip or .csv files, hub:owner/dataset; with --verify or "
        "--export, a database",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        help="where the database should be (default: in the folder of pictures itself)",
    )
    parser.add_argument(
        "--compact",
        choices=("float16", "int8"),
        help="also store the embeddings in this type, for searches to read a half or a quarter as "
        "much; what they find remains the same",
    )
    parser.add_argument(
        "--add", action="store_true", help="keep images that are in none of the sources"
    )
    parser.add_argument(
        "--rebuild", action="store_true", help="embed everything, whatever model made what is there"
    )
    parser.add_argument(
        "--rehash",
        action="store_true",
        help="read files again even if their size and time have not changed",
    )
    parser.add_argument(
        "--fetch", action="store_true", help="fetch pictures that a .csv gives as http(s) addresses"
    )
    parser.add_argument(
        "--thumbnails",
        action="store_true",
        help="keep small copies of pictures that are files, too",
    )
    parser.add_argument("--title", help="what the database is called in the Space and on the Hub")
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="where pictures are embedded: here, or on a Ray cluster (RAY_ADDRESS; else Ray is "
        "started here)",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="of Ray; default: one on each machine"
    )
    parser.add_argument(
        "--verify", action="store_true", help="read every byte of a database, and build nothing"
    )
    parser.add_argument(
        "--export",
        metavar="FILE",
        help="write a database as .tsv, as .parquet or as a datasets folder, and build nothing",
    )


def index(
    args: argparse.Namespace, open_model: Callable[[str, str], KoCLIP]
) -> tuple[list[Row], int]:
    """Builds, verifies or exports; returns what to print, and the exit code.

    That is 1 if something was left out because it could not be read.

    Raises:
        KoCLIPError: whatever is wrong with the sources, the database or the model.
    """
    if args.verify or args.export:
        return [_inspected(args)], 0
    from koclip.database.build import build

    target = args.output or args.source[0]
    is_elsewhere = len(args.source) > 1 or target.startswith(HUB) or is_file(target)
    if args.output is None and is_elsewhere:
        raise KoCLIPError("index_no_target")
    if args.output is None and not is_folder(target):
        raise KoCLIPError("folder_not_found", path=target)
    engine: dict[str, object] = {}
    sources = args.source
    if args.engine == "ray":
        from koclip.scale.ray_stream import RayStream

        workers = None if args.workers is None else result_count(args.workers)
        engine["embed"] = RayStream(workers)
        # Workers are in other folders.
        sources = [s if s.startswith(HUB) else str(Path(s).absolute()) for s in sources]
    result = build(
        open_model(args.model, args.precision),
        sources,
        target,
        progress=_Progress(),
        compact=args.compact,
        add=args.add,
        rebuild=args.rebuild,
        rehash=args.rehash,
        fetch=args.fetch,
        thumbnails=args.thumbnails,
        title=args.title,
        **engine,
    )
    for file, error in result.broken:
        complain(f"{in_one_line(file)}: {error.localized(terminal_language())}")
    database = result.database
    row = {
        "folder": target,
        "images": len(database),
        "embedded": result.embedded,
        "reused": result.reused,
        "removed": result.removed,
        "unreadable": len(result.broken),
        "model": database.model,
        "revision": database.revision,
    }
    return [row], 1 if result.broken else 0


def _inspected(args: argparse.Namespace) -> Row:
    from koclip.database import ImageDatabase

    (place, *others) = args.source
    if others:
        raise KoCLIPError("search_too_many_words", words=" ".join(others))
    database = ImageDatabase.open(place)
    if args.verify:
        database.verify()
    if args.export:
        database.export(args.export)
    row = {"folder": place, "images": len(database), "model": database.model}
    return row | {"revision": database.revision, "exported": args.export}


class _Progress:
    """One line on standard error that rewrites itself: pictures so far, speed, time that is left.

    The speed is that of the pictures after the first batch, which waits for the compiler.
    """

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        now = time.monotonic()
        if self._start is None:
            self._start = now, done
        since, before = self._start
        speed = (done - before) / (now - since) if now > since else 0.0
        text = f"{what} {done:,}/{total:,}"
        if speed:
            left = round((total - done) / speed)
            text += f"  {speed:,.0f}/s  {left // 3600}:{left // 60 % 60:02}:{left % 60:02}"
        end = "" if done < total else "\n"
        print(f"\r{text:<60}", end=end, file=sys.stderr, flush=True)
