"""`python -m koclip search`."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from koclip.errors import KoCLIPError, translate
from koclip.files import HUB, is_folder
from koclip.terminal import Row, complain, terminal_language
from koclip.terminal_pictures import picture_lines, shows_colours
from koclip.visible_text import in_one_line

if TYPE_CHECKING:
    from koclip.database import ImageDatabase, ImageItem
    from koclip.model import KoCLIP
    from koclip.scale.qdrant import QdrantIndex
    from koclip.text_to_image import SearchHit

_PREVIEW = (28, 10)  # columns and lines
_QDRANT = "qdrant:"  # before a collection


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; nothing heavy is imported for them."""
    parser.add_argument(
        "what",
        nargs="*",
        metavar="[DATABASE] QUERY",
        help="folder, .tsv or hub:owner/name (default: the model's own), and what to look for; "
        "with --image or --plus the query may be missing",
    )
    parser.add_argument("--image", help="a picture that the results should be like")
    for sign, about in (("plus", "add"), ("minus", "leave out")):
        several = f"something to {about}; several with commas or by repeating it"
        parser.add_argument(f"--{sign}", action="append", default=[], help=several)
    parser.add_argument("-k", type=int, default=10, help="how many images (default 10)")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help="only images with such metadata: license=CC0-1.0, title~mountain, 'taken>=2024-05'; "
        "all must hold when it is repeated",
    )
    parser.add_argument(
        "--group",
        type=float,
        metavar="COSINE",
        help="images at least this close, such as 0.97, count as one result",
    )
    parser.add_argument("--html", metavar="FILE", help="write the results as a page with pictures")
    parser.add_argument(
        "--preview", action="store_true", help="draw the pictures on the terminal, in 24-bit colour"
    )


def search(args: argparse.Namespace, open_model: Callable[[str, str], KoCLIP]) -> list[Row]:
    """Searches, writes the page if one is wanted, and returns what to print.

    Raises:
        KoCLIPError: whatever is wrong with the query, the database or the model, the page cannot
            be written, or the terminal shows no colours.
    """
    from koclip.database import ImageDatabase

    draws = args.preview and not args.json
    if draws and not shows_colours(os.environ):
        raise KoCLIPError("preview_no_colours")
    place, query = _database_and_query(args)
    database = _opened(place) if place else None
    model = open_model(args.model or _model_of(database), args.precision)
    database = ImageDatabase.for_model(model) if database is None else database
    plus, minus = ",".join(args.plus), ",".join(args.minus)
    hits = database.search(
        model,
        query,
        args.k,
        image=args.image,
        plus=plus,
        minus=minus,
        where=args.where,
        group=args.group,
    )
    if not hits:
        complain(translate("search_nothing", terminal_language()))
    if args.html:
        image = Path(args.image).name if args.image else ""
        named = (("", query), ("", image), ("+ ", plus), ("− ", minus))
        title = " ".join(sign + part for sign, part in named if part)
        name = database.title or (_name(place) if place else "")
        about = " · ".join(filter(None, [name, database.model]))
        _write_page(Path(args.html), hits, database, title, about)
    if draws:
        _draw(hits, database)
        return []
    rows = [_row(hit, database) for hit in hits]
    if not args.json:
        shown = ["rank", "score", *(["others"] if args.group else []), "image", "caption"]
        rows = [{key: row[key] for key in shown} for row in rows]
        for row, hit in zip(rows, hits, strict=True):
            row |= {"others": len(hit.others)} if args.group else {}
    return rows


def _database_and_query(args: argparse.Namespace) -> tuple[str | None, str]:
    """One word alone is the query, unless there is another one and the word names a database."""
    if len(args.what) > 2:
        raise KoCLIPError("search_too_many_words", words=" ".join(args.what[1:]))
    if len(args.what) == 2:
        return args.what[0], args.what[1]
    word = args.what[0] if args.what else ""
    if (args.image or args.plus) and _names_a_database(word):
        return word, ""
    return None, word


def _names_a_database(word: str) -> bool:
    return bool(word) and (
        word.startswith((_QDRANT, HUB)) or word.endswith(".tsv") or is_folder(word)
    )


def _opened(place: str) -> ImageDatabase | QdrantIndex:
    from koclip.database import ImageDatabase

    if not place.startswith(_QDRANT):
        return ImageDatabase.open(place)
    from koclip.scale.qdrant import QdrantIndex

    return QdrantIndex.open(place)


def _model_of(database: ImageDatabase | None) -> str:
    """The model that made the database, if it can be opened by its name."""
    from koclip.hub import PUBLISHED

    return database.model if database and database.model in PUBLISHED else "koclip-mini"


def _row(hit: SearchHit, database: ImageDatabase) -> Row:
    item = hit.item
    return {
        "rank": hit.rank,
        "score": hit.score,
        "image": database.location(item),
        "caption": item.caption_ko,
        "id": item.id,
        "title": item.title,
        "license": item.license,
        "author": item.author,
        "source": item.source,
        "others": [other.id for other in hit.others],
    }


def _name(place: str) -> str:
    """Of a folder its own, of a place on the Hub its id."""
    return place.removeprefix(HUB) if place.startswith(HUB) else Path(place).resolve().name


def _write_page(
    file: Path, hits: Sequence[SearchHit], database: ImageDatabase, title: str, about: str
) -> None:
    from koclip.contact_sheet import contact_sheet
    from koclip.files import write_whole

    def address(item: ImageItem) -> str:
        location = database.location(item)
        return location if "://" in location else os.path.relpath(location, file.parent)

    page = contact_sheet(
        hits,
        title,
        about,
        terminal_language(),
        thumbnail=lambda hit: _thumbnail(database, hit),
        address=address,
    )
    try:
        write_whole(file, page.encode(errors="xmlcharrefreplace"))
    except OSError as error:
        raise KoCLIPError("file_unwritable", path=file, reason=error.strerror) from error


def _thumbnail(database: ImageDatabase, hit: SearchHit) -> bytes | None:
    """None if there is none, and the picture is on the web, has gone or cannot be read."""
    from koclip.images import open_image
    from koclip.thumbnails import thumbnail

    small = database.thumbnail(hit.row)
    with suppress(KoCLIPError):
        if small:
            open_image(small)
            return small
    with suppress(KoCLIPError):
        return thumbnail(open_image(database.location(hit.item)))
    return None


def _draw(hits: Sequence[SearchHit], database: ImageDatabase) -> None:
    """Each picture on the terminal, with what is known about it on its right."""
    from koclip.images import open_image

    columns, lines = _PREVIEW
    columns = min(columns, shutil.get_terminal_size().columns // 2)
    for hit in hits:
        item = hit.item
        others = f" (+{len(hit.others)})" if hit.others else ""
        told = [
            f"{hit.rank}  {hit.score:.4f}{others}",
            item.caption_ko or item.caption_en or item.title,
            database.location(item),
            " · ".join(filter(None, [item.author, item.license])),
        ]
        told = list(map(in_one_line, told))
        if small := _thumbnail(database, hit):
            drawn = picture_lines(open_image(small), columns, lines)
            told += [""] * (lines - len(told))
            told = [f"{left}  {right}" for left, right in zip(drawn, told, strict=True)]
        print("\n".join(told).rstrip(), end="\n\n")
