"""The fit rule on cosines whose distribution is known."""

from __future__ import annotations

import numpy as np
import pytest

from koclip.label_fit import BACKGROUND, FIT_THRESHOLD, excess
from koclip.label_sets import label_set

COSINES = np.float32([0.0, 0.1, 0.2, 0.3, 0.4])


def test_the_background_is_of_everyday_words_from_first_to_last():
    everyday = [label.ko for label in label_set("everyday")]
    places = [everyday.index(word) for word in BACKGROUND]
    assert len(set(BACKGROUND)) == len(BACKGROUND) == 63
    assert max(np.diff([0, *places, len(everyday)])) <= 16


def test_one_label_stands_out_by_its_distance_in_standard_deviations():
    assert excess(0.2, COSINES, 1) == pytest.approx(0, abs=1e-6)
    assert excess(0.2 + 2 * COSINES.std(), COSINES, 1) == pytest.approx(2, abs=1e-5)


@pytest.mark.parametrize("count", [1, 3, 10, 60, 1000])
def test_the_best_of_random_words_hardly_stands_out(rng, count):
    background = rng.normal(0.2, 0.05, 4000)
    best = rng.normal(0.2, 0.05, (2000, count)).max(axis=1)
    excesses = np.array([excess(value, background, count) for value in best])
    assert abs(excesses.mean()) < 0.25
    assert (excesses >= FIT_THRESHOLD).mean() < 0.2


def test_neither_the_level_nor_the_spread_of_a_models_cosines_matters():
    expected = excess(0.35, COSINES, 5)
    assert excess(0.5 + 0.35 * 0.1, 0.5 + COSINES * 0.1, 5) == pytest.approx(expected, abs=1e-4)


def test_a_background_without_any_spread_gives_a_number():
    assert np.isfinite(excess(0.5, np.full(4, 0.5), 3))
