"""Which part of an image fits a query: tiles, each scored as an image of its own."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from koclip import similarity
from koclip.batching import BATCH_SIZES
from koclip.checks import whole_number
from koclip.dense import embed_boxes
from koclip.errors import KoCLIPError
from koclip.images import ImageSource, open_image
from koclip.limits import MAX_OVERLAP, MAX_QUERIES, MAX_ROWS, MAX_TILES
from koclip.text_lists import split_texts

if TYPE_CHECKING:
    from koclip.hub import Progress
    from koclip.model import KoCLIP

LOCALISING = {"rows": 5, "columns": 5, "overlap": 0.0, "scales": 3}
"""What the page starts with.

In 200 free scenes (`koclip.evaluation.scenes`: things of 0.2 to 0.5 of the edge, chance .09),
koclip-mini's relevance map pointed at .70 [.63–.76] of the things with 5 × 5, 4 × 4 and 3 × 3 tiles
together, .66 [.59–.72] without the 3 × 3, .58 [.52–.65] with 5 × 5 alone, .49 with 4 × 4 and .41
with 3 × 3. In 105 scenes 3 × 3 with an overlap of a half made .58, 5 × 5, as many tiles, .65. A
contrast did not help: "배경" lowered .70 to .63, "사진" to .61. The 50 tiles take twice the time of
5 × 5, and four times that of 3 × 3, unless they are seen in one pass; see `koclip.dense`.
"""
_CHUNK = BATCH_SIZES[-1]  # tiles cut and embedded at once


class Box(NamedTuple):
    """Pixels of the upright image: left and top inside, right and bottom just outside."""

    left: int
    top: int
    right: int
    bottom: int


class Tile(NamedTuple):
    """A part of an image."""

    row: int
    column: int
    box: Box
    scale: int
    """1 for the grid that was asked for, 2 for the next coarser one, …"""


class PatchScore(NamedTuple):
    """How well one tile fits a query."""

    row: int
    column: int
    box: Box
    score: float
    """Cosine of tile and query, less that of tile and contrast where there is one."""
    query: str
    rank: int
    """Among all tiles for this query, 1 for the best."""
    scale: int
    """1 for the grid that was asked for, 2 for the next coarser one, …"""


def cut(
    image: Image.Image, rows: int, columns: int, overlap: float = 0.0, scales: int = 1
) -> list[Tile]:
    """Tiles of floor(height / rows) × floor(width / columns) pixels, row-major for each scale.

    As in the original, pixels left over at the right and the bottom belong to no tile.

    Args:
        overlap: share of its edge that a tile has in common with the next one, at least. Tiles
            keep the size that rows and columns give them and become more: 5 × 5 instead of 3 × 3
            at 0.5. They begin at even distances, rounded to pixels, and cover what the plain grid
            covers.
        scales: how many grids; each has a row and a column less than the one before, but at least
            one of each. The last there can be is the whole picture, 1 × 1.

    Raises:
        KoCLIPError: the grid is no pair of whole numbers from 1 to 16, or finer than the image;
            the overlap is not in 0 … 0.75; the scales are no whole number from 1 to 16; or there
            would be more than 256 tiles.
    """
    grid = whole_number(rows), whole_number(columns)
    if any(size is None or not 1 <= size <= MAX_ROWS for size in grid):
        raise KoCLIPError("grid_bad_size", rows=rows, columns=columns, limit=MAX_ROWS)
    if not (isinstance(overlap, numbers.Real) and 0 <= overlap <= MAX_OVERLAP):
        raise KoCLIPError("grid_bad_overlap", overlap=overlap, limit=MAX_OVERLAP)
    count = whole_number(scales)
    if count is None or not 1 <= count <= MAX_ROWS:
        raise KoCLIPError("grid_bad_scales", scales=scales, limit=MAX_ROWS)
    rows, columns = grid
    if image.height < rows or image.width < columns:
        raise KoCLIPError(
            "grid_finer_than_image",
            width=image.width,
            height=image.height,
            rows=rows,
            columns=columns,
        )
    tiles = [
        Tile(row, column, Box(left, top, left + width, top + height), scale + 1)
        for scale in range(min(count, max(grid)))
        for height, tops in [_along(image.height, max(1, rows - scale), overlap)]
        for width, lefts in [_along(image.width, max(1, columns - scale), overlap)]
        for row, top in enumerate(tops)
        for column, left in enumerate(lefts)
    ]
    if len(tiles) > MAX_TILES:
        raise KoCLIPError("grid_too_many_tiles", count=len(tiles), limit=MAX_TILES)
    return tiles


def _along(length: int, parts: int, overlap: float) -> tuple[int, list[int]]:
    """Along one edge: how long a tile is, and where tiles begin."""
    size = length // parts
    span = (parts - 1) * size
    # Less a little, as 2 / (1 - 0.6) is 5.000000000000001; no two tiles begin at one pixel.
    steps = min(math.ceil((parts - 1) / (1 - overlap) - 1e-9), span)
    return size, [round(i * span / max(1, steps)) for i in range(steps + 1)]


def parse_queries(query: str | Sequence[str]) -> list[str]:
    """Distinct queries from a list, or from text with one per line or separated by commas.

    Raises:
        KoCLIPError: there is none, or more than 6.
    """
    queries = list(dict.fromkeys(split_texts(query)))
    if not queries:
        raise KoCLIPError("text_empty")
    if len(queries) > MAX_QUERIES:
        raise KoCLIPError("queries_too_many", count=len(queries), limit=MAX_QUERIES)
    return queries


def rank_patches(
    model: KoCLIP,
    image: ImageSource,
    query: str | Sequence[str],
    rows: int = 3,
    columns: int = 3,
    *,
    overlap: float = 0.0,
    scales: int = 1,
    contrast: str | None = None,
    dense: bool = False,
    progress: Progress | None = None,
) -> list[PatchScore]:
    """Tiles of `image` by how well they fit, the best first; query after query.

    Args:
        query: one or several, as a list or as text with commas or lines between them. The tiles
            are embedded once for all.
        overlap, scales: more tiles, between and above those of the grid; see `cut`.
        contrast: text whose cosine is subtracted, such as "배경" (background): what is everywhere
            in the picture then counts less. Without one, or with a blank one, scores are cosines.
        dense: see all tiles in one pass over the picture, which koclip-mini can: faster, and
            their scores are lower; see `koclip.dense`.
        progress: called with ("tiles", how many are embedded, how many in all).

    Raises:
        KoCLIPError: no readable image, no query or more than 6, a text that is no string or too
            long, a grid that does not fit, see `cut`, or the model cannot do it in one pass.
    """
    queries = parse_queries(query)
    against = [] if contrast is None else split_texts([contrast])
    picture = open_image(image)
    tiles = cut(picture, rows, columns, overlap, scales)
    texts = model.embed_texts([*queries, *against])  # first: a text may be too long
    if dense:
        embedded = embed_boxes(model, picture, [tile.box for tile in tiles])
    else:
        embedded = embed_tiles(model, picture, tiles, progress)
    cosines = similarity.cosine(texts, embedded)
    scores = cosines[: len(queries)]
    if against:
        scores = scores - cosines[-1]
    ranked = []
    for name, of_query in zip(queries, scores, strict=True):
        order = np.argsort(-of_query, kind="stable")
        for rank, index in enumerate(order.tolist(), start=1):
            row, column, box, scale = tiles[index]
            ranked.append(PatchScore(row, column, box, float(of_query[index]), name, rank, scale))
    return ranked


def embed_tiles(
    model: KoCLIP, picture: Image.Image, tiles: Sequence[Tile], progress: Progress | None = None
) -> np.ndarray:
    """Unit rows [tiles, D], each as if the tile were an image of its own.

    Cutting and resizing the 49 tiles of a gallery picture took .02 of the time of encoding them in
    koclip-base's size and int8, so nothing more is shared between tiles, nor done meanwhile.
    """
    rows = []
    for start in range(0, len(tiles), _CHUNK):
        chunk = tiles[start : start + _CHUNK]
        rows.append(model.embed_images([picture.crop(tile.box) for tile in chunk]))
        if progress:
            progress("tiles", start + len(chunk), len(tiles))
    return np.concatenate(rows)
