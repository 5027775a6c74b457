"""The oracle tests can fail: every plausible mistake moves the output beyond their tolerance."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from koclip import KoCLIP
from koclip.config import ModelConfig
from koclip.image_processor import ImageProcessor
from koclip.towers.dual_encoder import DualEncoder
from koclip.towers.vision_tower import VisionTower
from tests.conftest import ORACLE
from tests.test_oracle import FEATURES, FORMS


@pytest.fixture(scope="module", params=["flax-base", "flax-large"])
def case(request) -> tuple[KoCLIP, dict[str, np.ndarray]]:
    folder, reference = FORMS[request.param]
    return KoCLIP.from_pretrained(ORACLE / folder), dict(np.load(ORACLE / reference))


def text_features(config: ModelConfig, parameters: dict, reference: dict) -> np.ndarray:
    """Not compiled as a whole: each of many variants runs once only."""
    inputs = reference["input_ids"], reference["attention_mask"]
    return DualEncoder(config).apply({"params": parameters}, *inputs, method="text_features")


def image_features(config: ModelConfig, parameters: dict, reference: dict) -> np.ndarray:
    pixels = reference["pixel_values"]
    return DualEncoder(config).apply({"params": parameters}, pixels, method="image_features")


def test_positions_from_zero_are_seen_in_the_torch_form():
    folder, reference = FORMS["safetensors-base"]
    model, reference = KoCLIP.from_pretrained(ORACLE / folder), np.load(ORACLE / reference)
    text = dataclasses.replace(model.config.text, positions_after_padding=False)
    config = dataclasses.replace(model.config, text=text)
    features = text_features(config, model.parameters, reference)
    assert np.abs(features - reference["text_features"]).max() > 0.5


def other(value: object, one: object, two: object) -> object:
    return two if value == one else one


def test_without_a_mistake_nothing_is_seen(case):
    model, reference = case
    text = text_features(model.config, model.parameters, reference)
    image = image_features(model.config, model.parameters, reference)
    np.testing.assert_allclose(text, reference["text_features"], atol=FEATURES, rtol=0)
    np.testing.assert_allclose(image, reference["image_features"], atol=FEATURES, rtol=0)


TEXT_MISTAKES = {
    "positions": lambda c: {"positions_after_padding": not c.positions_after_padding},
    "activation": lambda c: {"hidden_act": other(c.hidden_act, "gelu", "quick_gelu")},
    "tanh gelu": lambda c: {"hidden_act": "gelu_new"},
    "pooling": lambda c: {"pooling": "mean"},
    "epsilon": lambda c: {"layer_norm_eps": other(c.layer_norm_eps, 1e-5, 1e-12)},
    "heads": lambda c: {"num_attention_heads": c.num_attention_heads * 2},
}
VISION_MISTAKES = {
    "activation": lambda c: {"hidden_act": other(c.hidden_act, "gelu", "quick_gelu")},
    "tanh gelu": lambda c: {"hidden_act": "gelu_new"},
    "epsilon": lambda c: {"layer_norm_eps": other(c.layer_norm_eps, 1e-5, 1e-12)},
    "heads": lambda c: {"num_attention_heads": c.num_attention_heads * 2},
}


@pytest.mark.parametrize("mistake", TEXT_MISTAKES)
def test_text_mistakes_are_seen(tiny_base, mistake):  # tiny-large has the same text tower
    model, reference = tiny_base, np.load(ORACLE / "flax/tiny-base.npz")
    text = dataclasses.replace(model.config.text, **TEXT_MISTAKES[mistake](model.config.text))
    config = dataclasses.replace(model.config, text=text)
    features = text_features(config, model.parameters, reference)
    assert np.abs(features - reference["text_features"]).max() > 1.5 * FEATURES


@pytest.mark.parametrize("mistake", VISION_MISTAKES)
def test_image_mistakes_are_seen(case, mistake):
    model, reference = case
    vision = model.config.vision
    vision = dataclasses.replace(vision, **VISION_MISTAKES[mistake](vision))
    config = dataclasses.replace(model.config, vision=vision)
    features = image_features(config, model.parameters, reference)
    assert np.abs(features - reference["image_features"]).max() > 1.5 * FEATURES


def test_images_without_their_pooler_are_seen(case):
    """CLIP's pooler is its last norm, ViT's a dense layer: either left out must be noticed."""
    model, reference = case
    output = VisionTower(model.config.vision).apply(
        {"params": model.parameters["vision_tower"]}, reference["pixel_values"]
    )
    projection = model.parameters["visual_projection"]["kernel"]
    features = output.last_hidden_state[:, 0] @ projection
    assert np.abs(features - reference["image_features"]).max() > 0.1


@pytest.mark.parametrize("row", [0, 1])
def test_the_first_rows_of_the_position_table_are_live(case, row):
    """As padding rows they would be zeroed; the Flax form was trained with them."""
    model, reference = case
    tower = model.parameters["text_tower"]
    table = tower["position_embedding"]["embedding"].at[row].set(0)
    parameters = model.parameters | {
        "text_tower": tower | {"position_embedding": {"embedding": table}}
    }
    features = text_features(model.config, parameters, reference)
    assert np.abs(features - reference["text_features"]).max() > 0.1


def test_a_mask_derived_from_padding_is_seen(case):
    model, reference = case
    features = text_features(model.config, model.parameters, reference)
    assert np.abs(features - reference["text_features_nomask"]).max() > 0.05


@pytest.mark.parametrize(
    ("reference", "mistake"),
    [
        ("clip_2021", {"crop_rounds_up": False}),
        ("clip_floorcrop", {"crop_rounds_up": True}),
        ("clip_floorcrop", {"mean": (0.5,) * 3, "std": (0.5,) * 3}),
        ("clip_floorcrop", {"resample": Image.Resampling.BILINEAR}),
        ("clip_floorcrop", {"size": (224, 224), "crop": None}),
    ],
)
def test_preprocessing_mistakes_are_seen(reference, mistake):
    right = {"crop_rounds_up": reference == "clip_2021"}
    processor = ImageProcessor(**(right | mistake))
    expected = np.load(ORACLE / f"preprocess/{reference}.npz")["rgb_landscape"]
    with Image.open(ORACLE / "preprocess/rgb_landscape.png") as image:
        actual = processor([image])[0].transpose(2, 0, 1)
    assert np.abs(actual - expected).mean() > 0.01
