"""Which part of an image fits a query: tiles, each scored as an image of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from koclip import similarity
from koclip.checks import whole_number
from koclip.errors import KoCLIPError
from koclip.images import ImageSource, open_image
from koclip.tokenizer import checked_query

if TYPE_CHECKING:
    from koclip.model import KoCLIP

MAX_ROWS = 16


class Box(NamedTuple):
    """Pixels of the upright image: left and top inside, right and bottom just outside."""

    left: int
    top: int
    right: int
    bottom: int


class PatchScore(NamedTuple):
    """How well one tile fits the query."""

    row: int
    column: int
    box: Box
    score: float
    """Cosine of tile and query."""


def cut(image: Image.Image, rows: int, columns: int) -> list[tuple[int, int, Box]]:
    """Row-major tiles of floor(height / rows) × floor(width / columns) pixels.

    As in the original, pixels left over at the right and the bottom belong to no tile.

    Raises:
        KoCLIPError: the grid is no pair of whole numbers from 1 to 16, or finer than the image.
    """
    grid = whole_number(rows), whole_number(columns)
    if any(size is None or not 1 <= size <= MAX_ROWS for size in grid):
        raise KoCLIPError("grid_bad_size", rows=rows, columns=columns, limit=MAX_ROWS)
    rows, columns = grid
    height, width = image.height // rows, image.width // columns
    if not (height and width):
        raise KoCLIPError(
            "grid_finer_than_image",
            width=image.width,
            height=image.height,
            rows=rows,
            columns=columns,
        )
    return [
        (r, c, Box(c * width, r * height, (c + 1) * width, (r + 1) * height))
        for r in range(rows)
        for c in range(columns)
    ]


def rank_patches(
    model: KoCLIP, image: ImageSource, query: str, rows: int = 3, columns: int = 3
) -> list[PatchScore]:
    """Tiles of `image` by how well they fit `query`, the best first.

    Raises:
        KoCLIPError: no readable image, an empty query, or a grid that does not fit the image.
    """
    query = checked_query(query)
    picture = open_image(image)
    tiles = cut(picture, rows, columns)
    tile_rows = model.embed_images([picture.crop(box) for _, _, box in tiles])
    cosines = similarity.cosine(model.embed_texts([query]), tile_rows)[0].tolist()
    scores = [PatchScore(*tile, score) for tile, score in zip(tiles, cosines, strict=True)]
    return sorted(scores, key=lambda patch: -patch.score)
