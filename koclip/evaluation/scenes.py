"""The pointing game: composed scenes, and whether what is pointed at is the target.

A scene is a square of 448 pixels. In a grid of 3 × 3, one cell holds the target; the other eight
hold other things or pieces of backgrounds. Everything is pasted at a random scale of 0.6 to 1.0 of
its cell, and the best tile must be the target's. A free scene has the target and three other
things at random places and sizes on a background, and the most relevant place of all must lie in
the target. The query is the target's label, and `KoCLIP.rank_patches` answers, as for users. The
name is from J. Zhang et al., "Top-down Neural Attention by Excitation Backprop", ECCV 2016.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from koclip.errors import KoCLIPError
from koclip.evaluation.datasets import LabelledPicture
from koclip.evaluation.embedding import Progress, open_photo
from koclip.evaluation.figures import Figure, mean_figure
from koclip.model import KoCLIP
from koclip.relevance_map import relevance_map
from koclip.text_to_patch import LOCALISING, Box, cut

SIZE = 448
GRID = 3
SCALES = (0.6, 1.0)
COUNT = 200
SEED = 0
_FREE_SIZES = (0.2, 0.5)  # of the scene's edge
_OTHER_THINGS = 3
_BACKGROUNDS = 0.5  # the share of the other cells that hold one, when there are any


@dataclass(frozen=True)
class Scene:
    """A composed picture, and where in it the target is."""

    image: Image.Image
    label: str
    row: int
    column: int


@dataclass(frozen=True)
class FreeScene:
    """A picture composed without a grid, and where in it the target is."""

    image: Image.Image
    label: str
    box: Box


def compose_scenes(
    pictures: Sequence[LabelledPicture], count: int = COUNT, seed: int = SEED
) -> Iterator[Scene]:
    """`count` scenes, the same for the same pictures and seed.

    Every picture is a target about equally often. The other things of a scene have labels of their
    own, and the target's label is true of none of them.

    Args:
        pictures: those with a label are things, the others backgrounds.

    Raises:
        KoCLIPError: too few other labels for some target, or an unreadable picture.
    """
    return _composed(_compose, pictures, count, seed)


def compose_free_scenes(
    pictures: Sequence[LabelledPicture], count: int = COUNT, seed: int = SEED
) -> Iterator[FreeScene]:
    """`compose_scenes`, for free scenes."""
    return _composed(_compose_freely, pictures, count, seed)


def _composed(
    compose: Callable, pictures: Sequence[LabelledPicture], count: int, seed: int
) -> Iterator:
    things = [picture for picture in pictures if picture.label is not None]
    backgrounds = [picture.path for picture in pictures if picture.label is None]
    if not things:
        raise KoCLIPError("scenes_too_few_labels", count=0, needed=GRID**2)
    opened = lru_cache(maxsize=512)(_open)  # a picture occurs in several scenes
    rng = np.random.default_rng(seed)
    rounds = math.ceil(count / len(things))
    order = np.concatenate([rng.permutation(len(things)) for _ in range(rounds)])
    for number in order[:count]:
        yield compose(things[number], things, backgrounds, rng, opened)


def pointing_game(
    model: KoCLIP, scenes: Iterator[Scene], total: int = COUNT, progress: Progress | None = None
) -> Figure:
    """How often the best of the nine tiles is the target's; a tie counts against the model.

    Args:
        total: how many scenes there are, for `progress`.
    """
    hits = []
    for scene in scenes:
        best, second, *_ = model.rank_patches(scene.image, scene.label, GRID, GRID)
        right = (best.row, best.column) == (scene.row, scene.column)
        hits.append(right and best.score > second.score)
        if progress:
            progress("scenes", len(hits), total)
    return mean_figure(f"pointing game, best of {GRID}×{GRID} tiles", hits, 1 / GRID**2)


def free_pointing_game(
    model: KoCLIP,
    scenes: Iterator[FreeScene],
    total: int = COUNT,
    progress: Progress | None = None,
    **options: object,
) -> Figure:
    """How often the most relevant place, or the middle of several alike, lies in the target.

    Args:
        total: how many scenes there are, for `progress`.
        options: for `rank_patches`, where they are to differ from the page's, `LOCALISING`.
    """
    options = LOCALISING | options
    hits, chances = [], []
    for scene in scenes:
        patches = model.rank_patches(scene.image, scene.label, **options)
        relevance = relevance_map(scene.image.size, patches, longest=SIZE)
        x, y = np.argwhere(relevance == relevance.max()).mean(axis=0)[::-1]
        left, top, right, bottom = scene.box
        hits.append(left <= x < right and top <= y < bottom)
        chances.append((right - left) * (bottom - top) / SIZE**2)
        if progress:
            progress("free scenes", len(hits), total)
    tiles = ", ".join(f"{name} {value}" for name, value in options.items())
    return mean_figure(f"pointing game, free scenes ({tiles})", hits, float(np.mean(chances)))


def _compose(
    target: LabelledPicture,
    things: Sequence[LabelledPicture],
    backgrounds: Sequence[Path],
    rng: np.random.Generator,
    opened: Callable[[Path], Image.Image],
) -> Scene:
    canvas = Image.new("RGB", (SIZE, SIZE), "white")
    cells = cut(canvas, GRID, GRID)
    own = int(rng.integers(len(cells)))
    others = _others(target, things, rng)
    for number, cell in enumerate(cells):
        left, top, right, bottom = cell.box
        if number == own:
            picture = opened(target.path)
        elif backgrounds and rng.random() < _BACKGROUNDS:
            picture = _piece(opened(backgrounds[rng.integers(len(backgrounds))]), rng)
        else:
            picture = opened(others.pop().path)
        scale = rng.uniform(*SCALES) * (right - left) / max(picture.size)
        picture = picture.resize([max(1, round(edge * scale)) for edge in picture.size])
        x = rng.integers(left, right - picture.width, endpoint=True)
        y = rng.integers(top, bottom - picture.height, endpoint=True)
        canvas.paste(picture, (int(x), int(y)))
    return Scene(canvas, target.label, cells[own].row, cells[own].column)


def _compose_freely(
    target: LabelledPicture,
    things: Sequence[LabelledPicture],
    backgrounds: Sequence[Path],
    rng: np.random.Generator,
    opened: Callable[[Path], Image.Image],
) -> FreeScene:
    canvas = Image.new("RGB", (SIZE, SIZE), "white")
    if backgrounds:
        canvas = _piece(opened(backgrounds[rng.integers(len(backgrounds))]), rng)
        canvas = canvas.resize((SIZE, SIZE))
    others = [opened(other.path) for other in _others(target, things, rng)[:_OTHER_THINGS]]
    boxes: list[Box] = []
    for picture in [opened(target.path), *others]:
        if box := _free_place(picture, boxes, rng):
            canvas.paste(picture.resize((box.right - box.left, box.bottom - box.top)), box[:2])
            boxes.append(box)
    return FreeScene(canvas, target.label, boxes[0])


def _free_place(picture: Image.Image, taken: Sequence[Box], rng: np.random.Generator) -> Box | None:
    """A box of the picture's shape and a random size where none is yet; None if none was found."""
    for _ in range(50):
        scale = rng.uniform(*_FREE_SIZES) * SIZE / max(picture.size)
        width, height = (max(1, round(edge * scale)) for edge in picture.size)
        left = int(rng.integers(SIZE - width, endpoint=True))
        top = int(rng.integers(SIZE - height, endpoint=True))
        box = Box(left, top, left + width, top + height)
        if not any(_overlap(box, other) for other in taken):
            return box
    return None


def _overlap(box: Box, other: Box) -> bool:
    across = box.left < other.right and other.left < box.right
    return across and box.top < other.bottom and other.top < box.bottom


def _others(
    target: LabelledPicture, things: Sequence[LabelledPicture], rng: np.random.Generator
) -> list[LabelledPicture]:
    """Eight or more pictures, one for each label, that the target's label is not true of."""
    chosen: dict[str, LabelledPicture] = {}
    for number in rng.permutation(len(things)):
        thing = things[number]
        if target.label != thing.label and target.label not in thing.also:
            chosen[thing.label] = thing
    if len(chosen) < GRID**2 - 1:
        raise KoCLIPError("scenes_too_few_labels", count=len(chosen) + 1, needed=GRID**2)
    return list(chosen.values())


def _piece(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A square of half to the whole of the short edge."""
    edge = int(min(picture.size) * rng.uniform(0.5, 1.0))
    left = int(rng.integers(picture.width - edge, endpoint=True))
    top = int(rng.integers(picture.height - edge, endpoint=True))
    return picture.crop((left, top, left + edge, top + edge))


def _open(path: Path) -> Image.Image:
    picture = open_photo(path)
    picture.thumbnail((SIZE, SIZE))  # more is never pasted, and hundreds are kept
    return picture
