"""The text space of koclip-mini: centred, without the difference between languages, whitened."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class TextSpace(NamedTuple):
    """An affine map of text vectors that Korean and English captions of a photograph share.

    The encoder puts texts of one language together: the means of Korean and of English captions of
    the same photographs lie .30 apart, and a caption about .4 from its mean. Taking that one
    direction out lets English captions teach Korean queries.
    """

    mean: np.ndarray
    """[W], of Korean texts."""
    language: np.ndarray
    """[W], the unit vector from English to Korean."""

    def centred(self, vectors: np.ndarray) -> np.ndarray:
        """[..., W] → [..., W] around 0, without the language."""
        vectors = vectors - self.mean
        return vectors - (vectors @ self.language)[..., None] * self.language

    def folded(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The dense layer that does to raw vectors what (kernel, bias) does to centred ones."""
        kernel = kernel - np.outer(self.language, self.language @ kernel)
        return kernel, bias - self.mean @ kernel


def text_space(korean: np.ndarray, english: np.ndarray) -> TextSpace:
    """From vectors [N, W] and [M, W] of captions of the same photographs."""
    mean = korean.mean(axis=0)
    difference = mean - english.mean(axis=0)
    return TextSpace(mean, difference / max(np.linalg.norm(difference), 1e-12))


def whitening(vectors: np.ndarray, width: int, power: float) -> np.ndarray:
    """A kernel [W, width] onto the main axes of centred `vectors`, each over its deviation^power.

    0 leaves lengths alone, 1 is full whitening, which would blow up axes that mean little. Scaled
    so that vectors come out at length 1 on average.
    """
    _, singular, axes = np.linalg.svd(vectors, full_matrices=False)
    deviations = np.maximum(singular / np.sqrt(len(vectors)), 1e-3)[:width]
    signs = np.sign(axes[np.arange(width), np.abs(axes[:width]).argmax(axis=1)])
    kernel = (axes[:width] * (signs / deviations**power)[:, None]).T
    return kernel / np.linalg.norm(vectors @ kernel, axis=1).mean()
