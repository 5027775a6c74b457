"""Pictures → pixels, against four generations of the published preprocessing."""

from __future__ import annotations

import dataclasses
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from koclip import KoCLIP
from koclip.config import read_config
from koclip.errors import KoCLIPError
from koclip.image_processor import CLIP_MEAN, ImageProcessor
from tests.conftest import ORACLE

PREPROCESS = ORACLE / "preprocess"
PICTURES = sorted(path.stem for path in PREPROCESS.glob("*.png"))
PROCESSORS = {
    "clip_2021": ImageProcessor(crop_rounds_up=True),
    "clip_floorcrop": ImageProcessor(),
    "vit": ImageProcessor(
        (224, 224), None, resample=Image.Resampling.BILINEAR, mean=(0.5,) * 3, std=(0.5,) * 3
    ),
}


def picture(name: str) -> Image.Image:
    with Image.open(PREPROCESS / f"{name}.png") as image:
        image.load()
        return image


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("generation", PROCESSORS)
def test_pixels_are_the_original_ones(generation, name):
    processor = PROCESSORS[generation]
    actual = processor([picture(name)])[0]
    expected = np.load(PREPROCESS / f"{generation}.npz")[name].transpose(1, 2, 0)
    # Exact in the 8-bit values; the division by 255 and by the deviation may round otherwise.
    eight_bit = [np.rint((x * processor.std + processor.mean) * 255) for x in (actual, expected)]
    np.testing.assert_array_equal(*eight_bit)
    np.testing.assert_allclose(actual, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("processor", PROCESSORS.values(), ids=PROCESSORS)
def test_looked_up_values_are_the_computed_ones_to_the_bit(processor):
    pixels = np.arange(256 * 3, dtype=np.uint8).reshape(2, -1, 2, 3)
    mean, std = np.float32(processor.mean), np.float32(processor.std)
    computed = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    found = processor.normalize(pixels)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, computed)


def test_the_picture_is_left_alone():
    image = picture(PICTURES[0]).convert("RGB")
    before = np.array(image)
    ImageProcessor()([image])
    np.testing.assert_array_equal(image, before)
    square = Image.new("RGB", (224, 224), "red")
    assert ImageProcessor().crop_square(square) is not square


def test_there_were_pictures():
    assert len(PICTURES) == 6


@pytest.mark.parametrize("name", PICTURES)
def test_transformers_makes_the_same_pixels(name):
    from transformers import CLIPImageProcessorPil

    theirs = CLIPImageProcessorPil()(picture(name).convert("RGB"), return_tensors="np")
    actual = ImageProcessor()([picture(name)])[0]
    expected = theirs["pixel_values"][0].transpose(1, 2, 0)
    np.testing.assert_allclose(actual, expected, atol=1e-6, rtol=0)


def test_resized_sizes_are_those_of_transformers():
    """Some sizes, as 71×142, come out one pixel short when the scale is rounded first."""
    from transformers.image_transforms import get_resize_output_image_size

    sizes = [(71, 142), (40, 90), (95, 285), (160, 175)]
    rng = np.random.default_rng(5)
    sizes += rng.integers(20, 600, (200, 2)).tolist()
    processor = ImageProcessor(crop=None)
    for width, height in sizes:
        expected = get_resize_output_image_size(
            np.zeros((height, width, 3), np.uint8), 224, default_to_square=False
        )
        actual = processor.crop_square(Image.new("L", (width, height))).size
        assert actual == expected[::-1], (width, height)


@pytest.mark.parametrize("size", ["base", "large"])
def test_flax_models_take_clips_preprocessing_of_2021_whatever_the_folder_says(tmp_path, size):
    """koclip-large's image tower is a ViT, but it was trained on CLIP's pixels."""
    config = read_config(ORACLE / f"full/koclip-{size}.config.reconstructed.json")
    vit = {"size": 224, "resample": 2, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(vit))
    expected = ImageProcessor(crop_rounds_up=True)
    assert ImageProcessor.for_model(tmp_path, config) == expected
    assert ImageProcessor.for_model(None, config) == expected


def torch_config() -> object:
    config = read_config(ORACLE / "pt/tiny-base-safetensors/config.json")
    return dataclasses.replace(config, vision=dataclasses.replace(config.vision, image_size=224))


def read(folder: Path, raw: object) -> ImageProcessor:
    (folder / "preprocessor_config.json").write_text(json.dumps(raw))
    return ImageProcessor.for_model(folder, torch_config())


CLIP_JSON = {
    "feature_extractor_type": "CLIPFeatureExtractor",
    "do_resize": True,
    "size": 224,
    "resample": 3,
    "do_center_crop": True,
    "crop_size": 224,
    "do_normalize": True,
    "image_mean": list(CLIP_MEAN),
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}


def test_settings_of_every_generation_are_read(tmp_path):
    assert ImageProcessor.for_model(tmp_path, torch_config()) == ImageProcessor()
    assert read(tmp_path, {}) == dataclasses.replace(ImageProcessor(), size=(224, 224), crop=None)
    assert read(tmp_path, CLIP_JSON) == ImageProcessor()
    new = {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}}
    assert read(tmp_path, CLIP_JSON | new | {"rescale_factor": 0.00392156862745098}) == (
        ImageProcessor()
    )
    vit = {"size": 224, "resample": 2, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    assert read(tmp_path, vit) == PROCESSORS["vit"]
    assert read(tmp_path, vit | {"size": {"height": 224, "width": 224}}) == PROCESSORS["vit"]
    assert read(tmp_path, CLIP_JSON | {"size": 256}).size == 256
    assert read(tmp_path, CLIP_JSON | {"resample": None, "do_resize": None}) == ImageProcessor()


@pytest.mark.parametrize("processor", [*PROCESSORS.values(), ImageProcessor(256)])
def test_settings_survive_a_round_trip(tmp_path, processor):
    assert read(tmp_path, processor.to_json()) == processor


@pytest.mark.parametrize(
    "raw",
    [
        [],
        5,
        None,
        CLIP_JSON | {"size": "224"},
        CLIP_JSON | {"size": 0},
        CLIP_JSON | {"size": -224},
        CLIP_JSON | {"size": 10**9},
        CLIP_JSON | {"size": {}},
        CLIP_JSON | {"size": {"height": 224}},
        CLIP_JSON | {"size": True},
        CLIP_JSON | {"crop_size": 0},
        CLIP_JSON | {"crop_size": 200},
        CLIP_JSON | {"crop_size": {"height": 224}},
        CLIP_JSON | {"crop_size": "x"},
        CLIP_JSON | {"resample": 99},
        CLIP_JSON | {"resample": "bicubic"},
        CLIP_JSON | {"image_mean": [0.5]},
        CLIP_JSON | {"image_mean": 0.5},
        CLIP_JSON | {"image_std": [0, 0, 0]},
        CLIP_JSON | {"image_std": [1, 1, float("nan")]},
        CLIP_JSON | {"image_mean": [1, 1, float("inf")]},
        CLIP_JSON | {"image_mean": [0, 0, 1e308]},
        CLIP_JSON | {"image_std": [1e-30, 1, 1]},
        CLIP_JSON | {"image_std": ["a", "b", "c"]},
        CLIP_JSON | {"do_normalize": False},
        CLIP_JSON | {"do_resize": False},
        CLIP_JSON | {"do_rescale": False},
        CLIP_JSON | {"rescale_factor": 1 / 127.5},
        CLIP_JSON | {"rescale_factor": "x"},
        CLIP_JSON | {"koclip_crop_rounds_up": "yes"},
    ],
    ids=lambda raw: str(raw)[-60:],
)
def test_settings_that_cannot_be_followed_are_refused(tmp_path, raw):
    with pytest.raises(KoCLIPError, match=r"preprocessor_config\.json") as caught:
        read(tmp_path, raw)
    assert caught.value.code == "preprocessing_unreadable"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_settings_that_are_no_json(tmp_path, data):
    (tmp_path / "preprocessor_config.json").write_bytes(data)
    with pytest.raises(KoCLIPError, match=r"preprocessor_config\.json"):
        ImageProcessor.for_model(tmp_path, torch_config())


def test_no_pictures_make_no_pixels():
    assert ImageProcessor()([]).shape == (0, 224, 224, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (3, 1), (223, 225), (224, 224), (7168, 224)])
def test_any_size_becomes_a_square(size):
    pixels = ImageProcessor()([Image.new("RGB", size, (255, 0, 0))])
    assert pixels.shape == (1, 224, 224, 3)
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels[0, ..., 0], (1 - CLIP_MEAN[0]) / 0.26862954, rtol=1e-5)


@pytest.mark.parametrize("size", [(60_000, 1), (1, 60_000), (30_001, 2)])
def test_a_drawn_out_picture_takes_little_memory(size):
    """By its short edge it would grow to 224 × 13 million pixels: 9 GB."""
    image = Image.new("RGB", size, (0, 255, 0))
    processor = ImageProcessor()
    resized = []
    original = Image.Image.resize

    def resize(self: Image.Image, target: tuple[int, int], *rest: object) -> Image.Image:
        resized.append(target)
        return original(self, target, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image.Image, "resize", resize)
        tracemalloc.start()
        pixels = processor([image])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert pixels.shape == (1, 224, 224, 3)
    assert max(resized[0]) <= 224 * 33
    assert peak < 20_000_000


def test_the_middle_of_a_drawn_out_picture_is_seen():
    strip = Image.new("RGB", (100_000, 100))
    strip.paste((255, 255, 255), (49_000, 0, 51_000, 100))
    pixels = ImageProcessor(mean=(0,) * 3, std=(1,) * 3)([strip])
    assert pixels.min() == 1.0


def test_the_model_uses_its_own_settings(tmp_path, tiny_base):
    tiny_base.save_pretrained(tmp_path)
    raw = json.loads((tmp_path / "preprocessor_config.json").read_text())
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(raw | {"image_mean": [0] * 3}))
    assert KoCLIP.from_pretrained(tmp_path).processor.image_processor.mean == (0, 0, 0)
