"""The text space: one for both languages, and foldable into a dense layer."""

from __future__ import annotations

import numpy as np
import pytest

from koclip.training.text_space import text_space, whitening


@pytest.fixture
def languages(rng) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of 40 meanings in two languages that differ by one shift."""
    meanings = rng.normal(size=(40, 6))
    return meanings + 2.0, meanings + 2.0 - np.array([3.0, 0, 0, 0, 0, 0])


def test_the_language_is_taken_out(languages):
    korean, english = languages
    space = text_space(korean, english)
    np.testing.assert_allclose(space.centred(korean), space.centred(english), atol=1e-12)
    np.testing.assert_allclose(space.centred(korean).mean(axis=0), 0, atol=1e-12)


def test_without_two_languages_nothing_but_the_mean_is_taken_out(rng):
    texts = rng.normal(size=(10, 4)) + 5
    space = text_space(texts, texts)
    np.testing.assert_allclose(space.centred(texts), texts - texts.mean(axis=0))


def test_a_folded_layer_reads_raw_vectors(languages, rng):
    space = text_space(*languages)
    kernel, bias = rng.normal(size=(6, 3)), rng.normal(size=3)
    folded_kernel, folded_bias = space.folded(kernel, bias)
    raw = rng.normal(size=(5, 6))
    expected = space.centred(raw) @ kernel + bias
    np.testing.assert_allclose(raw @ folded_kernel + folded_bias, expected, atol=1e-12)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_whitening_evens_the_axes_out_by_its_power(rng, power):
    vectors = rng.normal(size=(500, 4)) * [8.0, 4.0, 2.0, 1.0]
    projected = vectors @ whitening(vectors, 4, power)
    deviations = np.sqrt((projected**2).mean(axis=0))
    expected = np.linalg.svd(vectors, compute_uv=False) ** (1 - power)
    np.testing.assert_allclose(deviations / deviations[0], expected / expected[0], rtol=1e-6)
    assert np.linalg.norm(projected, axis=1).mean() == pytest.approx(1)


def test_whitening_keeps_the_main_axes(rng):
    vectors = rng.normal(size=(200, 5)) * [9, 7, 1e-3, 1e-3, 1e-3]
    kernel = whitening(vectors, 2, 0.4)
    assert kernel.shape == (5, 2)
    assert np.abs(kernel[2:]).max() < 1e-3 * np.abs(kernel).max()
