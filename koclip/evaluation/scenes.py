"""The pointing game: composed scenes, and whether the best tile is the one that holds the target.

A scene is a 3 × 3 grid in a square of 448 pixels. One cell holds the target; the other eight hold
other things or pieces of backgrounds. Everything is pasted at a random scale of 0.6 to 1.0 of its
cell. The query is the target's label, and `KoCLIP.rank_patches` answers, as for users. The name
is from J. Zhang et al., "Top-down Neural Attention by Excitation Backprop", ECCV 2016.
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
from koclip.text_to_patch import cut

SIZE = 448
GRID = 3
SCALES = (0.6, 1.0)
COUNT = 200
SEED = 0
_BACKGROUNDS = 0.5  # the share of the other cells that hold one, when there are any


@dataclass(frozen=True)
class Scene:
    """A composed picture, and where in it the target is."""

    image: Image.Image
    label: str
    row: int
    column: int


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
    things = [picture for picture in pictures if picture.label is not None]
    backgrounds = [picture.path for picture in pictures if picture.label is None]
    if not things:
        raise KoCLIPError("scenes_too_few_labels", count=0, needed=GRID**2)
    opened = lru_cache(maxsize=512)(_open)  # a picture occurs in several scenes
    rng = np.random.default_rng(seed)
    rounds = math.ceil(count / len(things))
    order = np.concatenate([rng.permutation(len(things)) for _ in range(rounds)])
    for number in order[:count]:
        yield _compose(things[number], things, backgrounds, rng, opened)


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
    for number, (_, _, (left, top, right, bottom)) in enumerate(cells):
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
    row, column, _ = cells[own]
    return Scene(canvas, target.label, row, column)


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
