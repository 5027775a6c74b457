"""The EfficientNet-lite tower against the original network's answers (see mini_references.py)."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koclip.config import EfficientNetConfig
from koclip.towers.efficientnet import (
    DepthwiseConv,
    EfficientNetLite,
    blocks,
    depthwise_conv,
    likeliest,
)
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
    config = dataclasses.replace(mini.config.vision, pooled_features=False)
    tower = jax.jit(EfficientNetLite(config).apply)
    output = tower({"params": mini.parameters["vision_tower"]}, pictures()[:2])
    assert output.last_hidden_state.shape == (2, 9, 9, 1280)
    assert output.pooler_output.shape == (2, 1000)
    kept = (output.pooler_output > 0).sum(axis=1)
    assert (kept == config.top_k).all()
    assert (output.pooler_output.sum(axis=1) < 1).all()


def test_pooled_features_follow_the_probabilities(mini):
    plain, extended = (
        jax.jit(EfficientNetLite(EfficientNetConfig(pooled_features=pooled)).apply)(
            {"params": mini.parameters["vision_tower"]}, pictures()[:2]
        )
        for pooled in (False, True)
    )
    features = np.asarray(plain.last_hidden_state, np.float64)
    np.testing.assert_allclose(extended.last_hidden_state, features, atol=1e-5)
    probabilities, roots = np.split(extended.pooler_output, [1000], axis=1)
    np.testing.assert_allclose(probabilities, plain.pooler_output, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(roots, np.sqrt(features.mean(axis=(1, 2)) + 1e-4), rtol=1e-4)


def test_features_that_are_zero_have_a_finite_gradient(mini):
    """The slope of a square root is infinite there."""
    config = dataclasses.replace(mini.config.vision, pooled_features=True)
    dead = jax.tree.map(jnp.zeros_like, mini.parameters["vision_tower"])

    def total(parameters: dict) -> jax.Array:
        return EfficientNetLite(config).apply({"params": parameters}, pictures()[:1])[1].sum()

    assert all(np.isfinite(x).all() for x in jax.tree.leaves(jax.jit(jax.grad(total))(dead)))


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


def grouped_conv(x: jax.Array, filters: jax.Array, stride: int) -> jax.Array:
    """XLA's own depthwise convolution."""
    return jax.lax.conv_general_dilated(
        x,
        filters[:, :, None],
        (stride, stride),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[-1],
    )


# Odd and even: with stride 2 an even side gets one more row of padding after than before. The last
# is smaller than the filters.
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(9, 9), (10, 7), (8, 12), (2, 1)])
def test_depthwise_filters_are_a_grouped_convolution(rng, kernel, stride, size):
    x = rng.standard_normal((2, *size, 6)).astype(np.float32)
    filters = rng.standard_normal((kernel, kernel, 6)).astype(np.float32)
    bias = rng.standard_normal(6).astype(np.float32)
    expected, pull_back = jax.vjp(lambda *given: grouped_conv(*given, stride), x, filters)
    module = DepthwiseConv(kernel, stride)
    found = module.apply({"params": {"kernel": filters, "bias": bias}}, x)
    np.testing.assert_allclose(found, expected + bias, atol=1e-5)

    cotangent = rng.standard_normal(expected.shape).astype(np.float32)
    _, own_pull_back = jax.vjp(lambda *given: depthwise_conv(*given, stride), x, filters)
    for actual, wanted in zip(own_pull_back(cotangent), pull_back(cotangent), strict=True):
        assert actual.dtype == wanted.dtype
        np.testing.assert_allclose(actual, wanted, atol=1e-4)


def test_depthwise_gradients_in_half_precision(rng):
    x, filters = (
        jnp.asarray(rng.standard_normal(shape), jnp.bfloat16) for shape in ((1, 8, 8, 4), (5, 5, 4))
    )
    result, pull_back = jax.vjp(lambda *given: depthwise_conv(*given, 2), x, filters)
    slopes = pull_back(jnp.ones_like(result))
    assert {value.dtype for value in (result, *slopes)} == {jnp.dtype("bfloat16")}
    _, exact = jax.vjp(
        lambda *given: grouped_conv(*given, 2), *(v.astype("float32") for v in (x, filters))
    )
    for actual, wanted in zip(slopes, exact(jnp.ones(result.shape)), strict=True):
        np.testing.assert_allclose(actual.astype("float32"), wanted, rtol=0.05, atol=0.2)


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
