"""Zero-shot figures on cases small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from koclip.errors import KoCLIPError
from koclip.evaluation import ENSEMBLES, zero_shot
from koclip.evaluation.zero_shot import scored_photos, true_ranks, truth_matrix
from koclip.image_to_text import DEFAULT_TEMPLATE, parse_templates

LABELS = ["사람", "개", "자동차", "컵"]


def by_name(figures) -> dict:
    return {figure.name: figure for figure in figures}


def test_photos_of_people_alone_are_left_out():
    objects = [("사람",), ("사람", "개"), ("자동차",)]
    scores = np.array([[4, 3, 2, 1], [4, 3, 2, 1], [2, 3, 1, 4]], float)
    figures = by_name(zero_shot(scores, objects, LABELS, ["사람", "개", "자동차"]))
    first = figures["any true label first of 4"]
    assert (first.value, first.n) == (0.5, 2)
    without = figures["any true label first of 3, 사람 left out"]
    assert (without.value, without.n) == (0.5, 2)
    assert (figures["사람 first of 4"].value, figures["사람 first of 4"].n) == (1.0, 2)
    assert figures["사람 in the top 3 of 4 where nobody is"].n == 1
    assert figures["main object in the top 3 of 4"].value == pytest.approx(2 / 3)
    assert figures["any true label in the top 5 of 4"].value == 1.0


def test_chance_is_the_best_constant_guess():
    objects = [("사람", "개"), ("사람", "개"), ("자동차",), ("컵",)]
    figures = by_name(zero_shot(np.random.default_rng(0).random((4, 4)), objects, LABELS))
    assert figures["any true label first of 4"].chance == 0.5
    assert figures["any true label in the top 5 of 4"].chance == 1.0
    assert figures["사람 in the top 3 of 4"].chance == 3 / 4


def test_equal_scores_count_against_the_model():
    objects = [("사람", "개"), ("자동차",)]
    figures = zero_shot(np.zeros((2, 4)), objects, LABELS, ["개", "자동차"])
    values = {name: figure.value for name, figure in by_name(figures).items()}
    assert values.pop("any true label in the top 5 of 4") == 1.0
    assert set(values.values()) == {0.0}


def test_rank_of_the_best_true_label():
    scores = np.array([[4.0, 3, 2, 1], [1, 1, 1, 1], [1, 2, 3, 4]])
    truth = np.array([[0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 1, 1]], bool)
    assert true_ranks(scores, truth).tolist() == [2, 4, 1]


def test_figures_without_photos_are_left_out():
    figures = by_name(zero_shot(np.ones((1, 4)), [("사람",)], LABELS))
    assert "any true label first of 4" not in figures
    assert "사람 first of 4" in figures


def test_labels_without_people_have_no_figures_of_people():
    figures = zero_shot(np.eye(3), [("개",), ("컵",), ("자동차",)], ["개", "컵", "자동차"])
    assert [figure.name for figure in figures] == [
        "any true label first of 3",
        "any true label in the top 5 of 3",
    ]
    assert figures[0].value == 1.0


def test_scored_photos_are_those_with_something_besides_people():
    truth = truth_matrix([("사람",), ("사람", "컵"), (), ("개",)], LABELS)
    assert scored_photos(truth, LABELS).tolist() == [False, True, False, True]


def test_nan_is_refused_instead_of_ranking_first():
    with pytest.raises(KoCLIPError, match="NaN"):
        zero_shot(np.full((1, 4), np.nan), [("개",)], LABELS)


def test_ensembles_are_templates_and_hold_the_original_one():
    for templates in ENSEMBLES.values():
        assert parse_templates(list(templates)) == list(templates)
        assert DEFAULT_TEMPLATE in templates
