"""Scored tiles become a smooth map of the picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from koclip.relevance_map import relevance_map
from koclip.text_to_patch import PatchScore, cut

SIZE = (300, 200)


def scored(size: tuple[int, int], score, *grid: float) -> list[PatchScore]:
    """Tiles with `score` of their middle (x, y), in shares of the picture."""
    patches = []
    for rank, tile in enumerate(cut(Image.new("L", size), *grid), start=1):
        left, top, right, bottom = tile.box
        value = score((left + right) / 2 / size[0], (top + bottom) / 2 / size[1])
        patches.append(PatchScore(*tile[:3], value, "바다", rank, tile.scale))
    return patches


def near(x: float, y: float):
    """A score that falls from .8 at one point to 0 at a distance of half a picture."""
    return lambda u, v: max(0.0, 0.8 - 1.6 * np.hypot(u - x, v - y))


@pytest.mark.parametrize("grid", [(3, 3), (4, 5, 0.5), (4, 4, 0.5, 3), (1, 4), (16, 16)])
def test_the_map_runs_from_0_to_1_over_the_whole_picture(grid):
    relevance = relevance_map(SIZE, scored(SIZE, near(0.3, 0.6), *grid), longest=150)
    assert (relevance.shape, relevance.dtype) == ((100, 150), np.float32)
    assert relevance.min() == 0
    assert relevance.max() == pytest.approx(1)


@pytest.mark.parametrize(
    ("size", "longest", "shape"),
    [
        ((300, 200), 256, (171, 256)),
        ((200, 300), 100, (100, 67)),
        ((20, 10), 256, (10, 20)),  # never larger than the picture
        ((1000, 1), 100, (1, 100)),
        ((1, 1), 256, (1, 1)),
    ],
)
def test_its_size(size, longest, shape):
    rows, columns = min(3, size[1]), min(3, size[0])
    assert relevance_map(size, scored(size, near(0, 0), rows, columns), longest).shape == shape


@pytest.mark.parametrize("grid", [(5, 5), (3, 3, 0.5), (4, 4, 0.5, 2)])
@pytest.mark.parametrize("point", [(0.3, 0.5), (0.7, 0.3), (0.1, 0.9)])
def test_the_most_relevant_place_is_where_tiles_fit_best(grid, point):
    relevance = relevance_map(SIZE, scored(SIZE, near(*point), *grid))
    y, x = np.unravel_index(relevance.argmax(), relevance.shape)
    found = np.array([(x + 0.5) / relevance.shape[1], (y + 0.5) / relevance.shape[0]])
    assert np.abs(found - point).max() < 0.12


def test_one_tile_that_fits_lights_its_place_and_not_the_rim():
    def score(u: float, v: float) -> float:
        return 0.5 if max(u, v) < 0.4 else 0.1  # the tile at the top left

    size = (300, 300)
    relevance = relevance_map(size, scored(size, score, 3, 3), longest=300)
    assert relevance[50, 50] == pytest.approx(1, abs=1e-3)
    assert relevance[0, 0] < 0.8
    assert relevance[200:, 200:].max() < 0.2


@pytest.mark.parametrize("grid", [(3, 3), (5, 5), (3, 3, 0.5)])
def test_it_is_smooth(grid):
    rng = np.random.default_rng(0)
    patches = scored((256, 256), lambda u, v: float(rng.random()), *grid)
    relevance = relevance_map((256, 256), patches)
    steps = [np.abs(np.diff(relevance, axis=axis)).max() for axis in (0, 1)]
    assert max(steps) < 0.06  # a border between tiles would be a step of up to 1


def test_it_depends_on_differences_of_scores_only():
    patches = scored(SIZE, near(0.3, 0.6), 3, 3, 0.5)
    lifted = [patch._replace(score=patch.score + 0.2) for patch in patches]
    np.testing.assert_allclose(relevance_map(SIZE, lifted), relevance_map(SIZE, patches), atol=1e-5)


def test_scores_that_hardly_differ_are_no_find():
    rng = np.random.default_rng(1)
    noise = scored(SIZE, lambda u, v: 0.2 + 0.02 * float(rng.random()), 3, 3, 0.5)
    assert relevance_map(SIZE, noise).max() < 0.15
    for flat in (scored(SIZE, lambda u, v: 0.3, 3, 3), scored(SIZE, near(0, 0), 1, 1)):
        assert not relevance_map(SIZE, flat).any()


def test_the_order_of_tiles_does_not_matter():
    patches = scored(SIZE, near(0.3, 0.6), 4, 4, 0.5, 2)
    shuffled = [patches[i] for i in np.random.default_rng(2).permutation(len(patches))]
    np.testing.assert_allclose(
        relevance_map(SIZE, shuffled), relevance_map(SIZE, patches), atol=1e-5
    )
