"""A figure as it is reported: value, interval, what guessing would score, and on how many.

Intervals are percentile bootstrap intervals (B. Efron, "Bootstrap methods: another look at the
jackknife", Annals of Statistics 7, 1979) over photographs: what belongs to one photograph, such as
its five captions, is drawn together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

RESAMPLES = 1000
CONFIDENCE = 0.95
_SEED = 0


class Figure(NamedTuple):
    """One number with what it takes to judge it."""

    name: str
    value: float
    low: float
    """Lower end of the 95 % bootstrap interval."""
    high: float
    """Upper end."""
    chance: float | None
    """What guessing would score; None where nothing is guessed."""
    n: int
    """On how many cases: photographs, captions or scenes."""


def mean_figure(
    name: str, outcomes: np.ndarray, chance: float | None, counts: np.ndarray | None = None
) -> Figure:
    """The mean outcome as a figure.

    Args:
        outcomes: [photos], the outcome of each photograph, or the sum of its outcomes.
        counts: [photos], how many outcomes each sum is of. Default: one each.
    """
    outcomes = np.asarray(outcomes, np.float64)
    counts = np.ones(len(outcomes)) if counts is None else np.asarray(counts, np.float64)
    sums = resampled_sums(np.stack([outcomes, counts], axis=1))
    low, high = percentile_interval(sums[:, 0] / sums[:, 1])
    value = float(outcomes.sum() / counts.sum())
    return Figure(name, value, low, high, chance, int(counts.sum()))


def resampled_counts(n: int) -> Iterator[np.ndarray]:
    """1000 times, how often each of `n` photographs is drawn with replacement: [n].

    Always the same draws for the same number of photographs.
    """
    rng = np.random.default_rng(_SEED)
    for _ in range(RESAMPLES):
        yield np.bincount(rng.integers(n, size=n), minlength=n)


def resampled_sums(values: np.ndarray) -> np.ndarray:
    """[photos, columns] → [1000, columns]: the column sums over resampled photographs."""
    return np.stack([counts @ values for counts in resampled_counts(len(values))])


def percentile_interval(statistics: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of a statistic's resampled values."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(statistics, [tail, 100 - tail])
    return float(low), float(high)
