"""Scored tiles → how relevant each place of the picture is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from koclip.text_to_patch import PatchScore

_REACH = 0.75
"""How far a tile is heard from its middle, in its edges: a quarter beyond its border."""
_PRIOR = 0.3
"""How much the mean of all tiles counts beside the tiles of a place, which count 1 in their
middle. Without it, a place that one tile barely touches gets all of that tile's score, and the
best place is often the rim of the picture: with windows as large as their tiles and no prior, the
pointing game of `LOCALISING` falls from .70 to .54."""
_FULL_HEIGHT = 0.15
"""Of the best tile above the mean of all, in cosine. With less the map stays below 1, so that noise
looks like less of a find: with `LOCALISING`'s tiles, .67 of 105 queries for what is in a free scene
reach it, and .24 of 1,050 for what is not."""


def relevance_map(
    size: tuple[int, int], patches: Sequence[PatchScore], longest: int = 256
) -> np.ndarray:
    """Relevance of each place, float32 [H, W] in 0 … 1.

    The score of a place is the mean of the tiles around it, each weighted by a window (Hann's)
    that falls off from its middle, and of a prior: the mean of all tiles. So the map is smooth,
    more so with tiles that overlap. It is then stretched from the least to the best place.

    Args:
        size: width and height of the picture that the boxes belong to.
        patches: scores of one query; at least one.
        longest: pixels along the longer side of the map.
    """
    scale = min(1.0, longest / max(size))
    width, height = (max(1, round(edge * scale)) for edge in size)
    boxes = np.array([patch.box for patch in patches], np.float32)
    scores = np.array([patch.score for patch in patches], np.float32)
    columns = _windows(boxes[:, 0], boxes[:, 2], width, size[0])
    rows = _windows(boxes[:, 1], boxes[:, 3], height, size[1])
    above_mean = scores - scores.mean()
    # A tile's window is the product of one down and one across, so sums over tiles are products.
    places = (rows * above_mean[:, None]).T @ columns / (rows.T @ columns + _PRIOR)
    least, best = places.min(), places.max()
    strength = min(1.0, above_mean.max() / _FULL_HEIGHT)
    return (places - least) * np.float32(strength / max(best - least, 1e-12))


def _windows(starts: np.ndarray, ends: np.ndarray, pixels: int, length: int) -> np.ndarray:
    """[tiles, pixels]: each tile's window along one edge of the picture."""
    positions = (np.arange(pixels, dtype=np.float32) + 0.5) * (length / pixels)
    middles, sizes = (starts + ends) / 2, ends - starts
    distances = np.abs(positions - middles[:, None]) / sizes[:, None]
    return np.cos(np.pi / 2 * np.minimum(distances / _REACH, 1)) ** 2
