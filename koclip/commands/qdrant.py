"""`python -m koclip qdrant`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from koclip.terminal import Row, show_progress

if TYPE_CHECKING:
    from koclip.database import ImageDatabase
    from koclip.model import KoCLIP

_QUESTIONS = 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; nothing heavy is imported for them."""
    parser.add_argument("database", help="folder or .tsv")
    parser.add_argument(
        "place",
        metavar="URL|FOLDER",
        help="a Qdrant server (its API key in the environment, QDRANT_API_KEY), or a folder for "
        "Qdrant's embedded mode; with #NAME for another collection than koclip",
    )
    parser.add_argument(
        "--recall",
        type=int,
        metavar="K",
        help="then ask for captions of the database, and tell which share of the exact K best is "
        "found",
    )


def copy(args: argparse.Namespace, open_model: Callable[[str, str], KoCLIP]) -> list[Row]:
    """Copies a database into a collection, and returns what to print.

    Raises:
        KoCLIPError: the database cannot be opened, the collection is of another model, or Qdrant
            fails.
    """
    from koclip.checks import result_count
    from koclip.database import ImageDatabase
    from koclip.scale.qdrant import PREFIX, QdrantIndex

    k = None if args.recall is None else result_count(args.recall)
    database = ImageDatabase.open(args.database)
    place = args.place.removeprefix(PREFIX)
    index = QdrantIndex.open(place).upload(database, show_progress)
    row = {"collection": f"{PREFIX}{place}", "images": len(index), "model": index.model}
    row["revision"] = index.revision
    if k:
        model = open_model(args.model or index.model, args.precision)
        database.check_model(model)
        row[f"recall@{k}"] = index.recall(database, _questions(model, database), k)
    index.close()
    return [row]


def _questions(model: KoCLIP, database: ImageDatabase) -> np.ndarray:
    """Unit rows of Korean captions from all over the database; without any, of its images."""
    numbers = np.arange(0, len(database), max(1, len(database) // _QUESTIONS))
    captions = [database.items[number].caption_ko for number in numbers.tolist()]
    captions = [caption for caption in captions if caption]
    return model.embed_texts(captions) if captions else database.store.rows_at(numbers)
