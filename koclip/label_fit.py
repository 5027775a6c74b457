"""Whether the best of some labels fits an image at all, or only better than the others do.

A probability compares the labels with each other only, and a cosine means something else in every
model. So the best label is compared with everyday words on the same image: it must stand out from
them by more than the best of equally many words would by luck.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from koclip.label_sets import label_set

BACKGROUND = tuple(label.ko for label in label_set("everyday")[::16])
"""63 words from all fields of the everyday set, which is in the order of its fields."""

FIT_THRESHOLD = 0.9
"""The least excess of a label that fits: a little under what nine in ten right labels reach.

Measured on koclip-mini by `koclip evaluate koclip-mini --fit`. That tenth percentile is 0.98 on the
even ones of 256 Flickr8k dev photographs, for sets of 3 to 10 labels. On the odd ones the rule
calls 7 % of the right labels misfits and notices 87 % of the sets of which nothing is visible (AUC
0.958); on those of the gallery, which had no part in it, 4 % and 83 % (AUC 0.968).

A flat cutoff of the best label's probability, chosen alike, does so with 9 % and 79 % (AUC 0.936).
It tells nothing of a single label and would have to be 0.88 for two and 0.42 for forty. This
threshold keeps false alarms at 7 to 12 % from one label to forty; of forty it notices 69 %.
"""


def excess(cosine: float, background: np.ndarray, count: int) -> float:
    """How far the best of `count` labels stands out, in standard deviations.

    The distance from the mean cosine of the background, less the level that the best of `count`
    draws reaches from a normal distribution (its quantile `count` / (`count` + 1), the mean rank
    of a maximum). So a label that was picked from many must stand out further.

    Args:
        cosine: of the image and its best label.
        background: cosines [words] of the image and other words than that label.
        count: how many labels the best one was picked from.
    """
    deviations = (cosine - background.mean()) / max(float(background.std()), 1e-12)
    return float(deviations - NormalDist().inv_cdf(count / (count + 1)))
