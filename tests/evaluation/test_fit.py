"""What is reported of the fit rule, on photographs made up so that the answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from koclip.evaluation import Photo, fit_figures
from koclip.image_to_text import DEFAULT_TEMPLATE, embed_labels
from koclip.label_fit import BACKGROUND

LABELS = (
    "고양이",
    "자동차",
    "피자",
    "우산",
    "기타",
    "의자",
    "기차",
    "사과",
    "버스",
    "책",
    "컵",
    "말",
)


def photos_of(shown: list[str]) -> list[Photo]:
    return [Photo(Path(f"{i}.jpg"), objects=(label,)) for i, label in enumerate(shown)]


def measured(mini, photos, rows) -> dict[str, object]:
    figures = fit_figures(mini, photos, rows, LABELS)
    assert all(figure.low <= figure.value <= figure.high for figure in figures)
    return {figure.name: figure for figure in figures}


def test_pictures_that_are_their_labels_are_told_from_misfits(mini):
    shown = list(LABELS) * 4
    figures = measured(mini, photos_of(shown), embed_labels(mini, shown, [DEFAULT_TEMPLATE]))
    assert figures["fit: AUC"].value == 1
    assert figures["fit: false alarms"].value == 0
    noticed = figures["fit: misfits noticed"]
    assert noticed.low > noticed.chance == 0


def test_pictures_without_meaning_are_at_chance(mini, rng):
    shown = list(LABELS) * 12
    rows = rng.normal(size=(len(shown), mini.config.projection_dim))
    rows = np.float32(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    auc = measured(mini, photos_of(shown), rows)["fit: AUC"]
    # Of a set that is right by luck one label less is open, so a little is left.
    assert auc.low < 0.6 and auc.value == pytest.approx(0.5, abs=0.12)
    assert auc.chance == 0.5


def test_one_half_chooses_cutoffs_and_the_other_is_reported(mini, rng):
    shown = list(LABELS) * 4
    rows = embed_labels(mini, shown, [DEFAULT_TEMPLATE])
    other = rng.normal(size=rows.shape).astype(np.float32)
    mixed = rows.copy()
    mixed[1::2] = other[1::2] / np.linalg.norm(other[1::2], axis=1, keepdims=True)
    clear, spoilt = (measured(mini, photos_of(shown), x) for x in (rows, mixed))
    chosen = next(name for name in clear if name.startswith("fit: excess"))
    assert clear[chosen] == spoilt[chosen]
    assert spoilt["fit: false alarms"].value > 0.2


def test_the_same_photographs_give_the_same_figures(mini):
    shown = list(LABELS) * 2
    rows = embed_labels(mini, shown, [DEFAULT_TEMPLATE])
    arguments = (mini, photos_of(shown), rows, LABELS)
    assert fit_figures(*arguments) == fit_figures(*arguments)


def test_one_label_has_no_probability_to_cut_off_at(mini, rng):
    """A flat cutoff cannot tell anything of a single label, which is always certain."""
    shown = list(LABELS) * 4
    rows = embed_labels(mini, shown, [DEFAULT_TEMPLATE])
    figures = fit_figures(mini, photos_of(shown), rows, LABELS, sizes=(1, 1))
    values = {figure.name: figure.value for figure in figures}
    assert values["fit: AUC"] == 1
    assert values["flat cutoff 1.00: AUC"] == 0.5
    assert values["flat cutoff 1.00: misfits noticed"] == 0


@pytest.mark.parametrize("objects", [(), ("고양이",)])
def test_without_a_photograph_of_each_kind_nothing_is_reported(mini, objects):
    rows = embed_labels(mini, BACKGROUND[:1], [DEFAULT_TEMPLATE])
    assert fit_figures(mini, [Photo(Path("0.jpg"), objects=objects)], rows, LABELS) == []


def test_sets_are_as_large_as_there_are_labels(mini):
    labels = LABELS[:3]
    rows = embed_labels(mini, labels * 4, [DEFAULT_TEMPLATE])
    figures = fit_figures(mini, photos_of(list(labels) * 4), rows, labels)
    assert {figure.name: figure.value for figure in figures}["fit: AUC"] > 0.9
    assert fit_figures(mini, photos_of(["고양이"] * 4), rows[:4], ["고양이"]) == []
