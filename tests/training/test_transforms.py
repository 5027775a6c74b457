"""The training transforms: the original's against its reference, and random crops."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from koclip.errors import KoCLIPError
from koclip.image_processor import ImageProcessor
from koclip.training.transforms import make_transform, original_pixels
from tests.conftest import ORACLE

PREPROCESS = ORACLE / "preprocess"
PICTURES = sorted(path.stem for path in PREPROCESS.glob("*.png"))
CAPTION = "들판에 서 있는 말"


def picture(name: str) -> Image.Image:
    return Image.open(PREPROCESS / f"{name}.png").convert("RGB")


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    """Red grows from left to right, green from top to bottom."""
    red, green = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    pixels = np.stack([red, green, np.full_like(red, 128)], -1)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.mark.parametrize("name", PICTURES)
def test_the_original_transform_gives_the_pixels_of_2021(name):
    processor = ImageProcessor()
    pixels = make_transform("original", processor)(picture(name), np.random.default_rng(), "")
    expected = np.load(PREPROCESS / "train_2021.npz")[name].transpose(1, 2, 0)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(processor.normalize(pixels), expected, atol=1e-6, rtol=0)


def test_there_were_references():
    assert len(PICTURES) == len(np.load(PREPROCESS / "train_2021.npz").files) == 6


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3), (224, 224), (5, 4)])
def test_the_original_transform_takes_any_shape(size):
    assert original_pixels(Image.new("RGB", size, (10, 20, 30)), 32).shape == (32, 32, 3)
    assert (original_pixels(Image.new("RGB", size, (10, 20, 30)), 32) == (10, 20, 30)).all()


def test_the_original_transform_keeps_a_picture_that_fits():
    image = gradient(48, 48)
    np.testing.assert_array_equal(original_pixels(image, 48), np.asarray(image))


def test_none_is_what_the_model_sees_at_inference():
    processor = ImageProcessor(32, (32, 32))
    pixels = make_transform("none", processor)(picture("rgba"), np.random.default_rng(), "")
    np.testing.assert_array_equal(processor.normalize(pixels), processor([picture("rgba")])[0])


@pytest.mark.parametrize("name", ["crop", "crop-no-flip"])
def test_crops_are_as_random_as_the_generator(name):
    transform = make_transform(name, ImageProcessor(32, (32, 32)))
    first, again, other = (
        transform(gradient(), np.random.default_rng(seed), CAPTION) for seed in (1, 1, 2)
    )
    assert first.shape == (32, 32, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def mirrored(name: str, caption: str, count: int = 40) -> int:
    """How many of `count` crops have their red growing to the left."""
    transform = make_transform(name, ImageProcessor(32, (32, 32)))
    rng = np.random.default_rng(0)
    reds = [transform(gradient(), rng, caption)[..., 0].astype(int) for _ in range(count)]
    return sum(int(red[:, 0].mean() > red[:, -1].mean()) for red in reds)


def test_half_of_the_crops_are_mirrored():
    assert 10 <= mirrored("crop", CAPTION) <= 30


@pytest.mark.parametrize(
    "caption", ["왼쪽에 있는 개", "개의 오른편", "좌측 통행", "A dog on the LEFT", "right of it"]
)
def test_captions_that_name_a_side_are_not_contradicted(caption):
    assert mirrored("crop", caption) == 0


def test_words_that_contain_a_side_do_not_name_one():
    assert mirrored("crop", "a bright picture of a copyright sign") > 0


def test_mirroring_can_be_switched_off():
    assert mirrored("crop-no-flip", CAPTION) == 0


def test_crops_differ_in_nothing_else_than_the_mirroring():
    flipping, straight = (
        make_transform(name, ImageProcessor(32, (32, 32))) for name in ("crop", "crop-no-flip")
    )
    for seed in range(6):
        a = flipping(gradient(), np.random.default_rng(seed), CAPTION)
        b = straight(gradient(), np.random.default_rng(seed), CAPTION)
        # The sums of grey values are taken in another order: one level of rounding.
        assert min(abs(a.astype(int) - x).max() for x in (b.astype(int), b[:, ::-1])) <= 1


def test_crops_keep_half_of_the_picture_and_its_proportions():
    transform = make_transform("crop-no-flip", ImageProcessor(32, (32, 32)))
    rng = np.random.default_rng(0)
    spans = []
    for _ in range(40):
        red, green = transform(gradient(), rng, CAPTION)[..., :2].astype(float).T
        spans.append((np.ptp(red), np.ptp(green)))
    assert min(min(pair) for pair in spans) > 0.3 * 255
    assert np.std(spans, axis=0).min() > 1


def test_extreme_pictures_can_be_cropped():
    transform = make_transform("crop", ImageProcessor(32, (32, 32)))
    for size in [(1, 1), (1, 900), (900, 1)]:
        for seed in range(10):
            image = Image.new("RGB", size, "white")
            assert transform(image, np.random.default_rng(seed), "").shape == (32, 32, 3)


def test_unknown_transforms_are_refused_with_the_known_ones():
    with pytest.raises(KoCLIPError, match="crop-no-flip") as caught:
        make_transform("mixup", ImageProcessor())
    assert caught.value.code == "augment_unknown"
