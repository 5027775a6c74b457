"""Scored tiles → how relevant each place of the picture is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from koclip.text_to_patch import PatchScore

_LEAST_SPREAD = 0.08
"""Cosines of one picture's tiles that lie closer together than this tell nothing apart: the map
then stays below 1 instead of making a find of noise."""


def relevance_map(
    size: tuple[int, int], patches: Sequence[PatchScore], longest: int = 256
) -> np.ndarray:
    """Relevance of each place, float32 [H, W] in 0 … 1; what no tile covers is 0.

    The score of a place is the mean of the tiles that cover it, each weighted by a window (Hann's)
    that falls off towards its border: a tile says most about its middle. So overlapping tiles give
    a smooth map. Scores are then stretched from the least to the best of the picture.

    Args:
        size: width and height of the picture that the boxes belong to.
        patches: scores of one query.
        longest: pixels along the longer side of the map.
    """
    scale = min(1.0, longest / max(size))
    width, height = (max(1, round(edge * scale)) for edge in size)
    total = np.zeros((height, width), np.float32)
    weight = np.zeros((height, width), np.float32)
    for patch in patches:
        left, top, right, bottom = (round(edge * scale) for edge in patch.box)
        right, bottom = max(right, left + 1), max(bottom, top + 1)
        window = np.outer(_window(bottom - top), _window(right - left))
        place = slice(top, bottom), slice(left, right)
        window = window[: height - top, : width - left]
        total[place] += patch.score * window
        weight[place] += window
    covered = weight > 0
    scores = np.where(covered, total / np.where(covered, weight, 1), np.inf)
    least = scores.min()
    stretched = (scores - least) / max(float(scores[covered].max() - least), _LEAST_SPREAD)
    return np.where(covered, stretched, 0).astype(np.float32)


def _window(size: int) -> np.ndarray:
    """Hann's window without its zeros at both ends."""
    return np.sin(np.pi * (np.arange(size, dtype=np.float32) + 0.5) / size) ** 2 + 1e-3
