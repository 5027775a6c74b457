"""Expected calibration error by hand, and of models that are and are not calibrated."""

from __future__ import annotations

import numpy as np
import pytest

from koclip.errors import KoCLIPError
from koclip.evaluation import calibration


def test_by_hand():
    # bins of 0.2: (0.2, 0.4] holds 0.3 and 0.4, one right; (0.8, 1] holds 0.9, wrong
    measured = calibration([0.3, 0.4, 0.9], [True, False, False], bins=5)
    assert measured.error.value == pytest.approx(2 / 3 * abs(0.35 - 0.5) + 1 / 3 * 0.9)
    assert [row.n for row in measured.bins] == [0, 2, 0, 0, 1]
    assert measured.bins[1][2:] == (2, pytest.approx(0.35), 0.5)
    assert measured.bins[0].confidence is None and measured.bins[0].accuracy is None


def test_edges_belong_to_the_lower_bin_and_both_ends_to_one():
    measured = calibration([0.0, 1 / 15, 1.0], [False, False, True])
    assert len(measured.bins) == 15
    assert measured.bins[0].n == 2 and measured.bins[-1].n == 1


def test_a_sure_and_right_model_has_no_error():
    error = calibration(np.ones(9), np.ones(9, bool)).error
    assert (error.value, error.low, error.high, error.chance, error.n) == (0, 0, 0, 0, 9)


def test_a_calibrated_model_is_at_chance_and_a_boastful_one_far_above(rng):
    honest = rng.random(3000)
    correct = rng.random(3000) < honest
    calibrated = calibration(honest, correct).error
    assert calibrated.value == pytest.approx(calibrated.chance, abs=0.02)
    boastful = calibration(np.sqrt(honest), correct).error
    assert boastful.low > boastful.chance
    assert boastful.low < boastful.value < boastful.high


def test_few_photos_alone_make_an_error():
    probabilities = np.linspace(0.05, 0.95, 20)
    assert calibration(probabilities, probabilities > 0.5).error.chance > 0.1


@pytest.mark.parametrize(
    ("probabilities", "correct", "code"),
    [
        ([], [], "calibration_no_photos"),
        ([0.5], [True, False], "calibration_bad_input"),
        ([1.5], [True], "calibration_bad_input"),
        ([np.nan], [True], "calibration_bad_input"),
        ([[0.5]], [[True]], "calibration_bad_input"),
    ],
)
def test_what_is_no_probability_is_refused(probabilities, correct, code):
    with pytest.raises(KoCLIPError) as error:
        calibration(probabilities, correct)
    assert error.value.code == code
