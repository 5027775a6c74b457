"""The losses against their formulas, written out in float64."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koclip.training.loss import contrastive_loss

SCALE, BIAS = 2.0, -3.0


@pytest.fixture
def features(rng) -> tuple[np.ndarray, np.ndarray]:
    """Image and text features of 6 pairs, of very different lengths."""
    image = rng.normal(size=(6, 5))
    text = (image + rng.normal(size=(6, 5))) * np.logspace(-2, 2, 6)[:, None]
    return image.astype(np.float32), text.astype(np.float32)


def cosines(image: np.ndarray, text: np.ndarray) -> np.ndarray:
    image, text = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (image, text))
    return image.astype(np.float64) @ text.astype(np.float64).T


def cross_entropy(logits: np.ndarray) -> float:
    return np.mean([np.log(np.exp(row).sum()) - row[i] for i, row in enumerate(logits)])


def test_softmax(features):
    logits = np.exp(SCALE) * cosines(*features)
    expected = (cross_entropy(logits) + cross_entropy(logits.T)) / 2
    output = contrastive_loss("softmax", *features, SCALE)
    np.testing.assert_allclose(output.loss, expected, rtol=1e-6)
    own = np.arange(6)
    assert output.image_accuracy == pytest.approx(np.mean(logits.argmax(1) == own))
    assert output.text_accuracy == pytest.approx(np.mean(logits.argmax(0) == own))
    assert 0 < output.image_accuracy < 1  # or the two lines before would say little


def test_sigmoid(features):
    logits = np.exp(SCALE) * cosines(*features) + BIAS
    sign = 2 * np.eye(6) - 1
    expected = np.log1p(np.exp(-sign * logits)).sum() / 6
    output = contrastive_loss("sigmoid", *features, SCALE, BIAS)
    np.testing.assert_allclose(output.loss, expected, rtol=1e-6)


def test_other_captions_of_a_picture_are_no_softmax_negatives(features):
    image_id = np.array([4, 7, 4, 9, 9, 1])
    logits = np.exp(SCALE) * cosines(*features)
    for i, j in ((0, 2), (3, 4)):
        logits[i, j] = logits[j, i] = -np.inf
    expected = (cross_entropy(logits) + cross_entropy(logits.T)) / 2
    output = contrastive_loss("softmax", *features, SCALE, image_id=image_id)
    np.testing.assert_allclose(output.loss, expected, rtol=1e-6)


def test_other_captions_of_a_picture_are_no_sigmoid_negatives(features):
    image_id = np.array([4, 7, 4, 9, 9, 1])
    terms = np.log1p(np.exp(-(2 * np.eye(6) - 1) * (np.exp(SCALE) * cosines(*features) + BIAS)))
    for i, j in ((0, 2), (3, 4)):
        terms[i, j] = terms[j, i] = 0
    output = contrastive_loss("sigmoid", *features, SCALE, BIAS, image_id)
    np.testing.assert_allclose(output.loss, terms.sum() / 6, rtol=1e-6)


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_gradients_stay_finite(kind, features):
    """At the largest scale, and where pairs are left out."""

    def loss(image: jax.Array, text: jax.Array) -> jax.Array:
        ids = jnp.array([0, 0, 1, 1, 2, 2])
        return contrastive_loss(kind, image, text, jnp.log(100.0), BIAS, ids).loss

    for gradient in jax.grad(loss, argnums=(0, 1))(*features):
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0


def test_half_precision_features_are_compared_in_full(features):
    halves = [jnp.asarray(x, jnp.bfloat16) for x in features]
    expected = contrastive_loss("softmax", *(x.astype(jnp.float32) for x in halves), SCALE)
    assert contrastive_loss("softmax", *halves, SCALE) == expected
