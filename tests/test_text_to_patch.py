"""Which part of an image fits a query."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from koclip import KoCLIP
from koclip.errors import KoCLIPError
from koclip.limits import MAX_TILES
from koclip.text_to_patch import cut, parse_queries


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
    for row, column, box, scale in tiles:
        assert scale == 1
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
        (picture, ["바다", 3], "text_not_string"),
        (picture, [], "text_empty"),
        (picture, ",\n,", "text_empty"),
        (picture, "1,2,3,4,5,6,7", "queries_too_many"),
    ]:
        with pytest.raises(KoCLIPError) as caught:
            tiny_korean.rank_patches(image, query)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("overlap", "starts"),
    [
        (0, [0, 30, 60]),
        (0.5, [0, 15, 30, 45, 60]),
        (0.75, [0, 8, 15, 22, 30, 38, 45, 52, 60]),
        (0.4, [0, 15, 30, 45, 60]),  # 3 steps would share a third only
        (np.float32(0.5), [0, 15, 30, 45, 60]),
    ],
)
def test_overlapping_tiles_keep_their_size_and_share_at_least_as_much(overlap, starts):
    tiles = cut(Image.new("L", (90, 92)), 3, 3, overlap)
    assert [tile.box for tile in tiles] == [
        (left, top, left + 30, top + 30) for top in starts for left in starts
    ]
    assert [tile[:2] for tile in tiles] == [
        (row, column) for row in range(len(starts)) for column in range(len(starts))
    ]


def test_no_tile_is_there_twice():
    boxes = [tile.box for tile in cut(Image.new("L", (4, 3)), 3, 4, overlap=0.75)]
    assert len(boxes) == len(set(boxes)) == 12


def test_scales_add_grids_with_a_row_and_a_column_less():
    image = Image.new("L", (60, 60))
    grids = {
        scale: {tile[2:3] for tile in cut(image, 3, 2, scales=3) if tile.scale == scale}
        for scale in (1, 2, 3)
    }
    assert [len(grid) for grid in grids.values()] == [6, 2, 1]
    assert grids[1] == {tile[2:3] for tile in cut(image, 3, 2)}
    assert grids[2] == {tile[2:3] for tile in cut(image, 2, 1)}
    assert grids[3] == {((0, 0, 60, 60),)}
    assert cut(image, 3, 2, scales=16) == cut(image, 3, 2, scales=3)  # nothing is coarser


@pytest.mark.parametrize("overlap", [-0.1, 0.76, 1, float("nan"), "0.5", None, True])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_bad_overlaps(overlap, language):
    with pytest.raises(KoCLIPError) as caught:
        cut(Image.new("L", (9, 9)), 3, 3, overlap)
    assert caught.value.code == "grid_bad_overlap"
    message = caught.value.localized(language)
    assert str(overlap) in message and "0.75" in message


@pytest.mark.parametrize("scales", [0, 17, 1.5, "2", None, True])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_bad_scales(scales, language):
    with pytest.raises(KoCLIPError) as caught:
        cut(Image.new("L", (9, 9)), 2, 3, scales=scales)
    assert caught.value.code == "grid_bad_scales"
    message = caught.value.localized(language)
    assert str(scales) in message and "16" in message


@pytest.mark.parametrize("language", ["ko", "en"])
def test_too_many_tiles(language):
    image = Image.new("L", (160, 160))
    assert len(cut(image, 16, 16)) == MAX_TILES
    for options in ({"scales": 2}, {"overlap": 0.1}):
        with pytest.raises(KoCLIPError) as caught:
            cut(image, 16, 16, **options)
        assert caught.value.code == "grid_too_many_tiles"
        assert str(MAX_TILES) in caught.value.localized(language)


def test_queries_of_a_list_or_of_lines_and_commas():
    assert parse_queries("바다, 고양이\n 흰  배 ,바다") == ["바다", "고양이", "흰 배"]
    assert parse_queries(["바다, 하늘", "고양이", "바다, 하늘"]) == ["바다, 하늘", "고양이"]


def test_several_queries_are_ranked_one_after_the_other(tiny_korean: KoCLIP, picture):
    both = tiny_korean.rank_patches(picture, "바다, 고양이", 2, 2)
    assert [patch.query for patch in both] == ["바다"] * 4 + ["고양이"] * 4
    assert [patch.rank for patch in both] == [1, 2, 3, 4] * 2
    alone = [tiny_korean.rank_patches(picture, query, 2, 2) for query in ("바다", "고양이")]
    for patch, other in zip(both, [*alone[0], *alone[1]], strict=True):
        assert patch._replace(score=0) == other._replace(score=0)
        assert patch.score == pytest.approx(other.score, abs=1e-6)


def test_tiles_are_embedded_once_for_all_queries_in_chunks(tiny_korean: KoCLIP, picture):
    told = []
    tiny_korean.rank_patches(
        picture, "바다, 고양이, 사진", 6, 6, progress=lambda *now: told.append(now)
    )
    assert told == [("tiles", 32, 36), ("tiles", 36, 36)]


@pytest.mark.parametrize("texts", [("바다 " * 40, None), ("바다", "하늘 " * 40)])
def test_texts_that_are_too_long_are_refused_before_tiles_are_embedded(
    tiny_korean: KoCLIP, picture, texts
):
    told = []
    query, contrast = texts
    with pytest.raises(KoCLIPError) as caught:
        tiny_korean.rank_patches(
            picture, query, contrast=contrast, progress=lambda *now: told.append(now)
        )
    assert (caught.value.code, told) == ("text_too_long", [])


def test_the_contrast_is_subtracted(tiny_korean: KoCLIP, picture):
    def scores(query: str, **options: str) -> dict:
        ranked = tiny_korean.rank_patches(picture, query, 2, 2, **options)
        return {patch.box: patch.score for patch in ranked}

    query, contrast = scores("바다"), scores("사진")
    both = scores("바다", contrast=" 사진 ")
    for box, score in both.items():
        assert score == pytest.approx(query[box] - contrast[box], abs=1e-6)
    assert list(both.values()) == sorted(both.values(), reverse=True)
    assert scores("바다", contrast=" ") == scores("바다", contrast=None) == query


@pytest.mark.parametrize(
    ("contrast", "code"), [(3, "text_not_string"), ("바다 " * 40, "text_too_long")]
)
def test_bad_contrasts(tiny_korean: KoCLIP, picture, contrast, code):
    with pytest.raises(KoCLIPError) as caught:
        tiny_korean.rank_patches(picture, "바다", contrast=contrast)
    assert caught.value.code == code
