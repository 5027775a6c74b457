"""The EfficientNet-lite tower against the original network's answers (see mini_references.py)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koclip.config import EfficientNetConfig
from koclip.efficientnet import DepthwiseConv, EfficientNetLite, blocks, likeliest
from tests.mini_references import IMAGES, pictures

ALL_CLASSES = EfficientNetConfig(top_k=1000)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


@pytest.fixture(scope="module")
def answers(mini) -> np.ndarray:
    """Logarithms of the probabilities of all classes for the three pictures."""
    tower = EfficientNetLite(ALL_CLASSES)
    parameters = {"params": mini.parameters["vision_tower"]}
    return np.log(jax.jit(tower.apply)(parameters, pictures()).pooler_output)


def test_same_weights_give_the_originals_logits(answers):
    expected = log_softmax(np.load(IMAGES)["bundled"])
    np.testing.assert_allclose(answers, expected, atol=1e-4)


def test_storing_in_half_precision_changes_little(answers):
    expected = log_softmax(np.load(IMAGES)["original"])
    assert np.abs(answers - expected).max() < 0.05
    np.testing.assert_array_equal(answers.argmax(axis=1), expected.argmax(axis=1))


def test_shapes_and_the_likeliest_classes(mini):
    tower = jax.jit(EfficientNetLite(mini.config.vision).apply)
    output = tower({"params": mini.parameters["vision_tower"]}, pictures()[:2])
    assert output.last_hidden_state.shape == (2, 9, 9, 1280)
    assert output.pooler_output.shape == (2, 1000)
    kept = (output.pooler_output > 0).sum(axis=1)
    assert (kept == mini.config.vision.top_k).all()
    assert (output.pooler_output.sum(axis=1) < 1).all()


def test_temperature_divides_the_logits(mini, answers):
    tower = EfficientNetLite(EfficientNetConfig(top_k=1000, temperature=2.0))
    parameters = {"params": mini.parameters["vision_tower"]}
    soft = jax.jit(tower.apply)(parameters, pictures()).pooler_output
    np.testing.assert_allclose(np.log(soft), log_softmax(answers / 2), atol=1e-4)


def test_every_picture_is_seen_by_itself(mini):
    tower = jax.jit(EfficientNetLite(mini.config.vision).apply)
    parameters = {"params": mini.parameters["vision_tower"]}
    together = tower(parameters, pictures()).pooler_output
    alone = tower(parameters, pictures()[1:2]).pooler_output
    np.testing.assert_allclose(together[1:2], alone, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(9, 9), (10, 7)])
def test_depthwise_filters_are_a_grouped_convolution(rng, kernel, stride, size):
    x = rng.standard_normal((2, *size, 6)).astype(np.float32)
    filters = rng.standard_normal((kernel, kernel, 6)).astype(np.float32)
    bias = rng.standard_normal(6).astype(np.float32)
    expected = jax.lax.conv_general_dilated(
        x,
        filters[:, :, None],
        (stride, stride),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=6,
    )
    module = DepthwiseConv(kernel, stride)
    found = module.apply({"params": {"kernel": filters, "bias": bias}}, x)
    np.testing.assert_allclose(found, expected + bias, atol=1e-5)


def test_the_family_scales_as_published():
    """lite0 (Tan & Le's base network without squeeze-and-excitation) and lite2."""
    base = blocks(EfficientNetConfig(width_coefficient=1.0, depth_coefficient=1.0))
    assert [block.channels for block in base[:6]] == [16, 24, 24, 40, 40, 80]
    assert len(base) == 16
    lite2 = blocks(EfficientNetConfig())
    assert sorted({block.channels for block in lite2}) == [16, 24, 48, 88, 120, 208, 352]
    assert len(lite2) == 21
    assert np.prod([block.stride for block in lite2]) == 16


def test_likeliest_keeps_the_greatest():
    row = jnp.asarray([[0.1, 0.5, 0.05, 0.35]])
    np.testing.assert_allclose(likeliest(row, 2), [[0, 0.5, 0, 0.35]])
