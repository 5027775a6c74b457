"""Calibration: whether a label that is given 70 % is right 70 % of the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from koclip.errors import KoCLIPError
from koclip.evaluation.figures import RESAMPLES, Figure, percentile_interval, resampled_sums

BINS = 15
_SEED = 0


class ReliabilityBin(NamedTuple):
    """The photographs whose first label was given a probability in (low, high]."""

    low: float
    high: float
    n: int
    confidence: float | None
    """Their mean probability; None without photographs."""
    accuracy: float | None
    """The share of them that is right."""


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error and the table that it sums up."""

    error: Figure
    bins: list[ReliabilityBin]


def calibration(probabilities: np.ndarray, correct: np.ndarray, bins: int = BINS) -> Calibration:
    """Expected calibration error over bins of equal width.

    The mean gap between probability and accuracy over the bins, weighted by their photographs
    (C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3). It is above
    0 even for a perfectly calibrated model, as few photographs fall into a bin: `error.chance` is
    what such a model would show on average with these probabilities. Resampling adds as much again,
    so the interval reaches further up than down.

    Args:
        probabilities: [photos], of each one's first label.
        correct: bool [photos], whether that label is true.

    Raises:
        KoCLIPError: no photographs, different numbers of both, or no probabilities.
    """
    probabilities = np.asarray(probabilities, np.float64)
    correct = np.asarray(correct, bool)
    in_range = (probabilities >= 0) & (probabilities <= 1)  # NaN is not
    if probabilities.shape != correct.shape or probabilities.ndim != 1 or not in_range.all():
        raise KoCLIPError("calibration_bad_input")
    if not len(probabilities):
        raise KoCLIPError("calibration_no_photos")
    n = len(probabilities)
    numbers = np.clip(np.ceil(probabilities * bins).astype(int) - 1, 0, bins - 1)
    member = np.eye(bins)[numbers]
    gaps = member * (probabilities - correct)[:, None]
    low, high = percentile_interval(_error(resampled_sums(gaps), n))
    calibrated = _error_when_calibrated(probabilities, member)
    value = float(_error(gaps.sum(axis=0), n))
    name = f"expected calibration error, {bins} bins"
    return Calibration(
        Figure(name, value, low, high, calibrated, n), _table(member, probabilities, correct)
    )


def _error(gap_sums: np.ndarray, n: int) -> np.ndarray:
    """Sums of probability minus correctness in each bin [..., bins] → errors [...]."""
    return np.abs(gap_sums).sum(axis=-1) / n


def _error_when_calibrated(probabilities: np.ndarray, member: np.ndarray) -> float:
    """The mean error when each label is true as often as its probability says."""
    rng = np.random.default_rng(_SEED)
    n = len(probabilities)
    draws = ((probabilities - (rng.random(n) < probabilities)) @ member for _ in range(RESAMPLES))
    return float(np.mean([_error(gap_sums, n) for gap_sums in draws]))


def _table(
    member: np.ndarray, probabilities: np.ndarray, correct: np.ndarray
) -> list[ReliabilityBin]:
    bins = member.shape[1]
    table = []
    for i, inside in enumerate(member.astype(bool).T):
        count = int(inside.sum())
        confidence = float(probabilities[inside].mean()) if count else None
        accuracy = float(correct[inside].mean()) if count else None
        table.append(ReliabilityBin(i / bins, (i + 1) / bins, count, confidence, accuracy))
    return table
