"""Composed scenes are as the rules say, and the pointing game counts them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from koclip.errors import KoCLIPError
from koclip.evaluation import LabelledPicture, compose_scenes, pointing_game, read_pictures
from koclip.evaluation.scenes import compose_free_scenes, free_pointing_game
from koclip.text_to_patch import PatchScore, cut

HUES = [(25 * i, 255 - 25 * i, (90 * i) % 256) for i in range(10)]


@pytest.fixture
def pictures(tmp_path) -> list[LabelledPicture]:
    """Ten things of one plain colour each, 120 × 90 pixels, and a black background."""
    found = []
    for i, colour in enumerate(HUES):
        path = tmp_path / f"{i}.png"
        Image.new("RGB", (120, 90), colour).save(path)
        found.append(LabelledPicture(path, f"물건{i}"))
    Image.new("RGB", (200, 100), "black").save(tmp_path / "b.png")
    return [*found, LabelledPicture(tmp_path / "b.png", None)]


def colours(image: Image.Image) -> list[tuple[int, ...]]:
    return [colour for _, colour in image.getcolors(1 << 20)]


def test_one_cell_holds_the_target_and_eight_hold_others(pictures):
    for scene in compose_scenes(pictures, 30):
        assert scene.image.size == (448, 448)
        own = HUES[int(scene.label.removeprefix("물건"))]
        seen = []
        for row, column, box, _ in cut(scene.image, 3, 3):
            tile = scene.image.crop(box)
            colour = max(tile.getcolors(1 << 20), key=lambda c: (c[1] != (255, 255, 255), c[0]))[1]
            assert (colour == own) == ((row, column) == (scene.row, scene.column))
            seen.append(colour)
            # the longer side is 0.6 to 1.0 of the cell's 149 pixels
            pasted = np.argwhere((np.asarray(tile) != 255).any(axis=2))
            height, width = np.ptp(pasted, axis=0) + 1
            assert 0.6 * 149 - 1 <= max(width, height) <= 149
        others = Counter(c for c in seen if c != (0, 0, 0))
        assert max(others.values()) == 1  # no thing twice


def test_targets_and_cells_vary_and_every_picture_has_its_turn(pictures):
    scenes = list(compose_scenes(pictures, 40))
    assert set(Counter(scene.label for scene in scenes).values()) == {4}
    assert len({(scene.row, scene.column) for scene in scenes}) > 5


@pytest.mark.parametrize("compose", [compose_scenes, compose_free_scenes])
def test_the_seed_decides(pictures, compose):
    first, again, other = (list(compose(pictures, 3, seed)) for seed in (0, 0, 1))
    for a, b in zip(first, again, strict=True):
        assert a == b
    assert any(a.image.tobytes() != b.image.tobytes() for a, b in zip(first, other, strict=True))


def test_a_free_scene_has_the_target_and_three_other_things_on_a_background(pictures):
    sizes = []
    for scene in compose_free_scenes(pictures, 30):
        assert scene.image.size == (448, 448)
        own = HUES[int(scene.label.removeprefix("물건"))]
        seen = set(colours(scene.image))
        assert seen <= {*HUES, (0, 0, 0)} and {own, (0, 0, 0)} < seen
        assert len(seen) <= 1 + 1 + 3
        pixels = np.asarray(scene.image)
        is_own = (pixels == own).all(axis=2)
        left, top, right, bottom = scene.box
        assert is_own[top:bottom, left:right].all()  # nothing is pasted over it
        assert is_own.sum() == (right - left) * (bottom - top)
        sizes.append(max(right - left, bottom - top) / 448)
    assert 0.19 < min(sizes) < 0.3 and 0.4 < max(sizes) < 0.51


@pytest.mark.parametrize("compose", [compose_scenes, compose_free_scenes])
def test_nothing_that_the_query_also_fits_stands_beside_the_target(pictures, compose):
    *things, background = pictures
    things[9] = LabelledPicture(things[9].path, "물건9", frozenset({"물건0"}))
    for scene in compose([*things, background], 30):
        if scene.label == "물건0":
            assert HUES[9] not in colours(scene.image)


def test_without_backgrounds_all_cells_hold_things(pictures):
    for scene in compose_scenes(pictures[:-1], 5):
        assert (0, 0, 0) not in colours(scene.image)


@pytest.mark.parametrize("count", [0, 8])
def test_too_few_labels_are_refused(pictures, count):
    with pytest.raises(KoCLIPError, match=f"9 different labels, got {count}"):
        list(compose_scenes(pictures[:count]))


def test_an_unreadable_picture_is_named(pictures):
    pictures[0].path.write_bytes(b"no picture")
    with pytest.raises(KoCLIPError, match=r"0\.png"):
        list(compose_scenes(pictures[:-1], 20))


class _Pointer:
    """Stands in for a model: knows, misses or cannot tell where a thing's colour is."""

    def __init__(self, best: float, second: float, knows: bool) -> None:
        self.best, self.second, self.knows = best, second, knows

    def rank_patches(self, image, label, rows, columns, overlap=0.0, scales=1):
        own = HUES[int(label.removeprefix("물건"))]
        tiles = cut(image, rows, columns, overlap, scales)
        found = [self._share(image.crop(tile.box), own) for tile in tiles]
        best = found.index(max(found) if self.knows else 0)
        order = [best, *(i for i in range(len(tiles)) if i != best)]
        scores = [self.best] + [self.second] * (len(tiles) - 1)
        return [
            PatchScore(*tiles[i][:3], score, label, rank, tiles[i].scale)
            for rank, (i, score) in enumerate(zip(order, scores, strict=True), start=1)
        ]

    @staticmethod
    def _share(tile, own):
        counts = {colour: count for count, colour in tile.getcolors(1 << 20)}
        return counts.get(own, 0)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        (_Pointer(0.5, 0.1, knows=True), 1.0),
        (_Pointer(0.5, 0.1, knows=False), 0.0),
        (_Pointer(0.5, 0.5, knows=True), 0.0),  # a tie is no answer
    ],
)
def test_the_pointing_game(pictures, pointer, value):
    told = []
    scenes = compose_scenes(pictures, 20)
    figure = pointing_game(pointer, scenes, 20, lambda *now: told.append(now))
    assert (figure.value, figure.n) == (value, 20)
    assert figure.chance == pytest.approx(1 / 9)
    assert told[-1] == ("scenes", 20, 20)


@pytest.mark.parametrize(
    ("knows", "options", "value"),
    [
        (True, {"rows": 8, "columns": 8, "scales": 1}, 1.0),
        (True, {"rows": 6, "columns": 6, "scales": 1, "overlap": 0.5}, 1.0),
        (False, {}, 0.0),
    ],
)
def test_the_free_pointing_game(pictures, knows, options, value):
    told = []
    scenes = list(compose_free_scenes(pictures, 20))
    pointer = _Pointer(0.5, 0.1, knows)
    figure = free_pointing_game(pointer, iter(scenes), 20, lambda *now: told.append(now), **options)
    assert (figure.value, figure.n) == (value, 20)
    areas = [(s.box.right - s.box.left) * (s.box.bottom - s.box.top) for s in scenes]
    assert figure.chance == pytest.approx(np.mean(areas) / 448**2)
    assert told[-1] == ("free scenes", 20, 20)


def test_the_model_points_at_more_than_chance(mini):
    figure = pointing_game(mini, compose_scenes(read_pictures(), 12), 12)
    assert figure.value > 3 * figure.chance
    free = free_pointing_game(mini, compose_free_scenes(read_pictures(), 12), 12)
    assert free.value > 2 * free.chance
