"""Bootstrap intervals against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest

from koclip.evaluation.figures import RESAMPLES, mean_figure, percentile_interval, resampled_sums


def test_the_value_is_the_mean_and_lies_in_the_interval(rng):
    hits = rng.random(200) < 0.3
    figure = mean_figure("a", hits, 0.1)
    assert figure.value == pytest.approx(hits.mean())
    assert figure.low < figure.value < figure.high
    assert (figure.n, figure.chance) == (200, 0.1)


def test_the_interval_is_as_wide_as_the_binomial_one(rng):
    hits = rng.random(2000) < 0.4
    figure = mean_figure("a", hits, None)
    error = np.sqrt(hits.mean() * (1 - hits.mean()) / 2000)
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_intervals_hold_the_truth_about_as_often_as_they_say(rng):
    held = 0
    for _ in range(100):
        figure = mean_figure("a", rng.random(150) < 0.5, None)
        held += figure.low <= 0.5 <= figure.high
    assert 88 <= held <= 100


def test_the_same_outcomes_give_the_same_interval(rng):
    hits = rng.random(50) < 0.5
    assert mean_figure("a", hits, None) == mean_figure("a", hits, None)


def test_what_belongs_to_one_photo_is_drawn_together(rng):
    """Five captions that always share their photograph's fate tell no more than one."""
    hits = rng.random(300) < 0.5
    counts = np.full(300, 5)
    figure, single = mean_figure("a", hits * 5, None, counts), mean_figure("a", hits, None)
    assert figure.n == 1500
    assert figure[1:4] == pytest.approx(single[1:4])


def test_photos_with_more_captions_weigh_more():
    assert mean_figure("a", [0, 3], None, [1, 3]).value == 0.75


def test_resampled_sums_keep_columns_together():
    sums = resampled_sums(np.array([[1.0, 2.0], [3.0, 6.0], [5.0, 10.0]]))
    assert sums.shape == (RESAMPLES, 2)
    np.testing.assert_allclose(sums[:, 1], 2 * sums[:, 0])
    assert {3.0, 15.0} <= set(sums[:, 0])


def test_percentile_interval():
    assert percentile_interval(np.arange(1001)) == pytest.approx((25, 975))
