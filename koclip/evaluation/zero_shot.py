"""Zero-shot classification of photographs on which several of the labels may be true.

A photograph counts as right when the label that fits it best is any true one. Equal scores count
against the model throughout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from koclip.errors import KoCLIPError
from koclip.evaluation.figures import Figure, mean_figure
from koclip.image_to_text import DEFAULT_TEMPLATE

PERSON = "사람"
ENSEMBLES = {
    "original": (DEFAULT_TEMPLATE,),
    "photo": (DEFAULT_TEMPLATE, "{}", "{} 사진", "{}의 사진이다.", "사진에 {} 보인다."),
}
"""Named lists of templates; the embeddings of a label's sentences are averaged."""


def truth_matrix(objects: Sequence[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
    """The true labels of each photograph → bool [photos, labels]."""
    return np.array([[label in true for label in labels] for true in objects], bool)


def scored_photos(truth: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """bool [photos]: which have another true label than 사람.

    Photographs of people alone are left out: nearly all photographs show people, so always
    answering 사람 would seem a good classifier.
    """
    return truth[:, [label != PERSON for label in labels]].any(axis=1)


def true_ranks(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The rank of the best true label, from 1: one more than the untrue ones that are as good.

    scores and truth [photos, labels] → int64 [photos].
    """
    best = np.where(truth, scores, -np.inf).max(axis=1, keepdims=True)
    return 1 + ((scores >= best) & ~truth).sum(axis=1)


def zero_shot(
    scores: np.ndarray,
    objects: Sequence[Sequence[str]],
    labels: Sequence[str],
    mains: Sequence[str | None] | None = None,
) -> list[Figure]:
    """Every figure that the photographs allow; one without a photograph is left out.

    Args:
        scores: [photos, labels], cosines.
        objects: the labels that are true of each photograph.
        mains: what each photograph is mainly of, or None.

    Raises:
        KoCLIPError: scores hold NaN or infinity.
    """
    if not np.isfinite(scores).all():  # NaN compares as false, so its ranks would look perfect
        raise KoCLIPError("evaluation_not_finite")
    truth = truth_matrix(objects, labels)
    cases = scored_photos(truth, labels)
    total = len(labels)
    figures = [_top(f"any true label first of {total}", 1, scores[cases], truth[cases])]
    figures.append(_top(f"any true label in the top 5 of {total}", 5, scores[cases], truth[cases]))
    if PERSON in labels:
        figures += _person_figures(scores, truth, cases, labels.index(PERSON))
    if mains:
        only_main = truth_matrix([[main] for main in mains], labels)
        cases = only_main.any(axis=1)
        name = f"main object in the top 3 of {total}"
        figures.append(_top(name, 3, scores[cases], only_main[cases]))
    return [figure for figure in figures if figure]


def _person_figures(
    scores: np.ndarray, truth: np.ndarray, cases: np.ndarray, person: int
) -> list[Figure | None]:
    total = scores.shape[1]
    others = np.delete(scores, person, axis=1), np.delete(truth, person, axis=1)
    name = f"any true label first of {total - 1}, {PERSON} left out"
    figures = [_top(name, 1, *(x[cases] for x in others))]
    ranks = (scores >= scores[:, [person]]).sum(axis=1)
    shown = truth[:, person]
    # Chance is a random order here: a constant guess of 사람 would be right on all of them.
    for name, k, photos in (
        (f"{PERSON} in the top 3 of {total}", 3, shown),
        (f"{PERSON} first of {total}", 1, shown),
        (f"{PERSON} in the top 3 of {total} where nobody is", 3, ~shown),
    ):
        hits = ranks[photos] <= k
        figures.append(mean_figure(name, hits, k / total) if hits.size else None)
    return figures


def _top(name: str, k: int, scores: np.ndarray, truth: np.ndarray) -> Figure | None:
    """How often a true label is among the first k; chance is always guessing the k commonest."""
    if not len(scores):
        return None
    counts = Counter(np.nonzero(truth)[1].tolist())
    guess = [label for label, _ in counts.most_common(k)]
    chance = float(truth[:, guess].any(axis=1).mean())
    return mean_figure(name, true_ranks(scores, truth) <= k, chance)
