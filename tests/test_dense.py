"""Parts of a picture from one pass over all of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from koclip import KoCLIP
from koclip.dense import embed_boxes, is_dense, windows
from koclip.errors import KoCLIPError
from koclip.evaluation.datasets import read_pictures
from koclip.evaluation.scenes import compose_free_scenes, free_pointing_game
from koclip.text_to_patch import Box, cut


@pytest.fixture(scope="module")
def boats(examples) -> Image.Image:
    return Image.open(examples / "boats.webp").convert("RGB")


def test_a_window_is_how_much_of_the_box_lies_in_each_place():
    whole, half, corner = windows(
        [Box(0, 0, 40, 20), Box(0, 0, 30, 10), Box(35, 19, 40, 20)], (40, 20), 2
    )
    np.testing.assert_allclose(whole, 0.25)
    np.testing.assert_allclose(half, [[2 / 3, 1 / 3], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(corner, [[0, 0], [0, 1]])


@pytest.mark.parametrize("grid", [(1, 1), (3, 3), (16, 16), (7, 5)])
def test_windows_of_any_tiles_sum_up_to_one(grid):
    picture = Image.new("L", (61, 47))
    boxes = [tile.box for tile in cut(picture, *grid, overlap=0.0 if grid[0] > 9 else 0.5)]
    weights = windows(boxes, picture.size, 21)
    assert weights.shape == (len(boxes), 21, 21)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum((1, 2)), 1, rtol=1e-5)


def test_the_window_of_the_whole_picture_is_what_the_model_makes_of_it(mini: KoCLIP, boats):
    pixels = mini.processor.image_processor([boats])
    one = np.full((1, 9, 9), 1 / 81, np.float32)
    np.testing.assert_allclose(
        mini.get_window_features(pixels, one), mini.get_image_features(pixels), atol=1e-5
    )


def test_a_box_is_the_same_whatever_others_are_asked_for(mini: KoCLIP, boats):
    boxes = [tile.box for tile in cut(boats, 5, 5)]
    rows = embed_boxes(mini, boats, boxes)
    assert rows.shape == (25, mini.config.projection_dim)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(embed_boxes(mini, boats, boxes[6:9]), rows[6:9], atol=2e-6)


@pytest.mark.parametrize("size", [(1, 1), (700, 3), (3, 700)])
def test_pictures_of_any_shape(mini: KoCLIP, size):
    patch = mini.rank_patches(Image.new("RGBA", size, "red"), "빨간색", 1, 1, dense=True)[0]
    assert np.isfinite(patch.score)


def test_it_finds_what_the_tiles_one_by_one_find(mini: KoCLIP, boats):
    grid = {"rows": 5, "columns": 5, "scales": 3}
    one_by_one = mini.rank_patches(boats, "배, 나무", **grid)
    at_once = mini.rank_patches(boats, "배, 나무", **grid, dense=True)
    assert [(p.query, p.rank) for p in at_once] == [(p.query, p.rank) for p in one_by_one]
    assert {p.box for p in at_once} == {p.box for p in one_by_one}
    best = {p.box for p in one_by_one[:5]}  # for 배, the first of the queries
    assert len(best & {p.box for p in at_once[:5]}) >= 3


def test_it_points_at_things(mini: KoCLIP):
    scenes = compose_free_scenes(read_pictures(), 40)
    figure = free_pointing_game(mini, scenes, 40, dense=True)
    assert figure.value > 0.5  # of all 200: .70; by chance .09


def test_a_vision_transformer_cannot(tiny_korean: KoCLIP, boats):
    assert not is_dense(tiny_korean)
    with pytest.raises(KoCLIPError) as caught:
        tiny_korean.rank_patches(boats, "바다", dense=True)
    assert caught.value.code == "dense_unsupported"
