"""How well `koclip.label_fit` tells labels that fit a photograph from labels of which none does.

Sets of labels are drawn for each photograph: sets with one that is visible, counted where
the model puts a true label first, and sets without any. Cutoffs are chosen on the even photographs,
and what they do is reported of the odd ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from koclip import similarity
from koclip.evaluation.datasets import Photo
from koclip.evaluation.figures import (
    Figure,
    mean_figure,
    percentile_interval,
    resampled_counts,
)
from koclip.image_to_text import DEFAULT_TEMPLATE, embed_labels
from koclip.label_fit import BACKGROUND, FIT_THRESHOLD, excess
from koclip.model import KoCLIP

FALSE_ALARMS = 0.1
"""The share of right labels that a cutoff may call misfits where it is chosen."""
_DRAWS = 20  # of each kind, for each photograph
_SEED = 0


@dataclass(frozen=True)
class _Draws:
    """Label sets, one a row."""

    photo: np.ndarray
    fits: np.ndarray
    """bool: whether the best label is visible; otherwise none of the set is."""
    excess: np.ndarray
    probability: np.ndarray
    """Of the best label among its set."""

    def where(self, keep: np.ndarray) -> _Draws:
        return _Draws(self.photo[keep], self.fits[keep], self.excess[keep], self.probability[keep])


def fit_figures(
    model: KoCLIP,
    photos: Sequence[Photo],
    image_rows: np.ndarray,
    labels: Sequence[str],
    sizes: tuple[int, int] = (3, 10),
) -> list[Figure]:
    """The rule beside a flat cutoff of the best label's probability; chance is a rule that is
    blind to the photograph.

    Args:
        photos: whose visible labels are known.
        image_rows: their unit rows [photos, D].
        labels: what sets are drawn from.
        sizes: the least and the most labels of a set; fewer where fewer are not visible.

    Returns:
        Nothing when either half of the photographs lacks one of the two kinds of sets.
    """
    draws = _drawn(model, photos, image_rows, labels, sizes)
    even, odd = draws.where(draws.photo % 2 == 0), draws.where(draws.photo % 2 == 1)
    if not all(half.fits.any() and not half.fits.all() for half in (even, odd)):
        return []
    chosen = np.quantile(even.probability[even.fits], FALSE_ALARMS)
    return [
        _tenth_percentile(even),
        *_rule_figures("fit", odd, odd.excess, FIT_THRESHOLD),
        *_rule_figures(f"flat cutoff {chosen:.2f}", odd, odd.probability, float(chosen)),
    ]


def _drawn(
    model: KoCLIP,
    photos: Sequence[Photo],
    image_rows: np.ndarray,
    labels: Sequence[str],
    sizes: tuple[int, int],
) -> _Draws:
    rng = np.random.default_rng(_SEED)
    label_cosines = similarity.cosine(image_rows, embed_labels(model, labels, [DEFAULT_TEMPLATE]))
    rows = embed_labels(model, BACKGROUND, [DEFAULT_TEMPLATE])
    background = similarity.cosine(image_rows, rows)
    other = np.array([[word != label for word in BACKGROUND] for label in labels])
    found = []
    for i, photo in enumerate(photos):
        visible = np.array([label in photo.objects for label in labels])
        absent = np.flatnonzero(~visible)
        if not absent.size:
            continue
        for present in [False] * _DRAWS + [True] * _DRAWS * bool(visible.any()):
            count = min(int(rng.integers(*sizes, endpoint=True)), len(absent))
            chosen = rng.choice(absent, count, replace=False)
            if present:
                chosen[0] = rng.choice(np.flatnonzero(visible))
            cosines = label_cosines[i, chosen]
            best = chosen[cosines.argmax()]
            if present and not visible[best]:
                continue  # a wrong answer, neither a fit nor a set without one
            probability = similarity.softmax(cosines, model.logit_scale).max()
            stands_out = excess(cosines.max(), background[i, other[best]], count)
            found.append((i, present, stands_out, probability))
    columns = np.array(found, float).reshape(-1, 4).T
    return _Draws(columns[0].astype(int), columns[1] == 1, *columns[2:])


def _rule_figures(name: str, draws: _Draws, scores: np.ndarray, cutoff: float) -> list[Figure]:
    alarms = scores < cutoff
    false = _share(f"{name}: false alarms", alarms, draws.photo, draws.fits, None)
    blind = false.value
    caught = _share(f"{name}: misfits noticed", alarms, draws.photo, ~draws.fits, blind)
    return [_auc(f"{name}: AUC", draws, scores), false, caught]


def _share(
    name: str, alarms: np.ndarray, photo: np.ndarray, cases: np.ndarray, chance: float | None
) -> Figure:
    counts = np.bincount(photo[cases])
    sums = np.bincount(photo[cases], alarms[cases])
    return mean_figure(name, sums[counts > 0], chance, counts[counts > 0])


def _auc(name: str, draws: _Draws, scores: np.ndarray) -> Figure:
    """How often a set that fits scores above one that does not; a tie counts half."""
    _, rank = np.unique(scores, return_inverse=True)

    def auc(weights: np.ndarray) -> float:
        fits = np.bincount(rank, weights * draws.fits)
        misfits = np.bincount(rank, weights * ~draws.fits)
        below = misfits.cumsum() - misfits / 2
        return float(fits @ below / (fits.sum() * misfits.sum()))

    return _resampled(name, auc, draws.photo, chance=0.5)


def _tenth_percentile(draws: _Draws) -> Figure:
    draws = draws.where(draws.fits)

    def percentile(weights: np.ndarray) -> float:
        return float(
            np.quantile(draws.excess, FALSE_ALARMS, weights=weights, method="inverted_cdf")
        )

    name = f"fit: excess that {FALSE_ALARMS:.0%} of right labels stay below"
    return _resampled(name, percentile, draws.photo, chance=None)


def _resampled(
    name: str,
    statistic: Callable[[np.ndarray], float],
    photo: np.ndarray,
    chance: float | None,
) -> Figure:
    """A statistic of weighted draws, with its interval over photographs."""
    _, number = np.unique(photo, return_inverse=True)
    resamples = resampled_counts(int(number.max()) + 1)
    low, high = percentile_interval(
        np.array([statistic(counts[number].astype(float)) for counts in resamples])
    )
    return Figure(name, statistic(np.ones(len(photo))), low, high, chance, len(photo))
