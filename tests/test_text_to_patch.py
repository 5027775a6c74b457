"""Which part of an image fits a query."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from koclip import KoCLIP
from koclip.errors import KoCLIPError
from koclip.text_to_patch import cut


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    rng = np.random.default_rng(10)
    return Image.fromarray(rng.integers(0, 256, (41, 50, 3), np.uint8))


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [((50, 41), 3, 3), ((50, 41), 1, 1), ((50, 41), 4, 7), ((16, 16), 16, 16), ((7, 100), 16, 3)],
)
def test_tiles_are_row_major_floor_sized_and_inside(size, rows, columns):
    tiles = cut(Image.new("L", size), rows, columns)
    assert [tile[:2] for tile in tiles] == [(r, c) for r in range(rows) for c in range(columns)]
    width, height = size[0] // columns, size[1] // rows
    for row, column, box in tiles:
        assert box == (column * width, row * height, (column + 1) * width, (row + 1) * height)
        assert box.right <= size[0]
        assert box.bottom <= size[1]


@pytest.mark.parametrize(
    "grid",
    [
        *((0, 3), (3, 0), (-1, 3), (17, 1), (1, 17), (10**30, 1)),
        *((2.5, 2), (3, float("nan")), (float("inf"), 3)),
        *(("3", 3), ("x", 3), (None, 3), (True, 3), ([3], 3)),
    ],
)
def test_bad_grids(tiny_korean: KoCLIP, picture, grid):
    with pytest.raises(KoCLIPError) as caught:
        tiny_korean.rank_patches(picture, "바다", *grid)
    assert caught.value.code == "grid_bad_size"
    assert str(grid[0]) in caught.value.localized("ko")


def test_whole_numbers_of_any_type_are_a_grid():
    image = Image.new("L", (9, 9))
    assert cut(image, 3.0, np.int64(2)) == cut(image, np.float32(3), 2) == cut(image, 3, 2)


@pytest.mark.parametrize(
    ("size", "rows", "columns"), [((1, 1), 1, 2), ((2, 9), 3, 3), ((9, 2), 3, 3)]
)
def test_an_image_smaller_than_the_grid(tiny_korean: KoCLIP, size, rows, columns):
    with pytest.raises(KoCLIPError) as caught:
        tiny_korean.rank_patches(Image.new("RGB", size), "바다", rows, columns)
    assert caught.value.code == "grid_finer_than_image"
    assert f"{size[0]}×{size[1]}" in str(caught.value)


def test_one_pixel_is_one_tile(tiny_korean: KoCLIP):
    (only,) = tiny_korean.rank_patches(Image.new("RGB", (1, 1)), "바다", 1, 1)
    assert only[:3] == (0, 0, (0, 0, 1, 1))


def test_scores_are_those_of_the_crops_as_images_of_their_own(tiny_korean: KoCLIP, picture):
    patches = tiny_korean.rank_patches(picture, "고양이 사진", rows=2, columns=4)
    assert len(patches) == 8
    assert {(patch.row, patch.column) for patch in patches} == {
        (row, column) for row in range(2) for column in range(4)
    }
    query = np.float64(tiny_korean.embed_texts("고양이 사진")[0])
    for patch in patches:
        crop = picture.crop(patch.box)
        assert crop.size == (12, 20)
        expected = query @ np.float64(tiny_korean.embed_images(crop)[0])
        assert patch.score == pytest.approx(expected, abs=1e-6)
    scores = [patch.score for patch in patches]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 8


def test_tiles_of_equal_score_keep_their_order(tiny_korean: KoCLIP):
    patches = tiny_korean.rank_patches(Image.new("RGB", (40, 40), "red"), "바다", 2, 2)
    assert [patch[:2] for patch in patches] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_boxes_are_pixels_of_the_upright_image(tiny_korean: KoCLIP, picture, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise to stand upright
    path = tmp_path / "turned.png"
    picture.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    assert tiny_korean.rank_patches(path, "바다", 2, 2) == tiny_korean.rank_patches(
        picture, "바다", 2, 2
    )


def test_bad_input_is_named(tiny_korean: KoCLIP, picture):
    for image, query, code in [
        (None, "바다", "image_missing"),
        (b"x", "바다", "image_unreadable"),
        (picture, "", "text_empty"),
        (picture, " ", "text_empty"),
        (picture, None, "text_not_string"),
        (picture, "바다 " * 40, "text_too_long"),
    ]:
        with pytest.raises(KoCLIPError) as caught:
            tiny_korean.rank_patches(image, query)
        assert caught.value.code == code
