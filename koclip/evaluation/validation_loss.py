"""The contrastive loss on held-out pairs, which the original's training monitored."""

from __future__ import annotations

import math

import numpy as np

from koclip import similarity
from koclip.errors import KoCLIPError
from koclip.evaluation.figures import Figure, mean_figure

BATCH_SIZE = 64
_SEED = 0


def validation_loss(
    image_rows: np.ndarray,
    caption_rows: np.ndarray,
    image_of: np.ndarray,
    logit_scale: float,
    batch_size: int = BATCH_SIZE,
) -> Figure:
    """Mean symmetric softmax loss over batches of caption and photograph; lower is better.

    Unlike retrieval it is defined over batches, and depends on their size: only figures of one
    size compare. Pairs are shuffled once, always alike; as in the original's loader, those that
    fill no batch are left out, and two captions of one photograph in a batch are negatives of each
    other. `chance` is the loss of equal scores, the logarithm of the size.

    Args:
        image_rows: unit rows [images, D].
        caption_rows: unit rows [captions, D].
        image_of: [captions], the row of each caption's photograph.
        logit_scale: what cosines are multiplied by, `KoCLIP.logit_scale`.
        batch_size: with fewer pairs than this, all of them make one batch.

    Raises:
        KoCLIPError: the batch size is less than 2.
    """
    image_of = np.asarray(image_of)
    size = min(batch_size, len(caption_rows))
    if size < 2:
        raise KoCLIPError("loss_batch_too_small", size=size)
    pairs = np.random.default_rng(_SEED).permutation(len(caption_rows))
    losses, photos = [], []
    for start in range(0, len(pairs) - size + 1, size):
        batch = pairs[start : start + size]
        logits = similarity.cosine(image_rows[image_of[batch]], caption_rows[batch]) * logit_scale
        losses.append((_cross_entropy(logits) + _cross_entropy(logits.T)) / 2)
        photos.append(image_of[batch])
    used, numbers = np.unique(np.concatenate(photos), return_inverse=True)
    sums = np.bincount(numbers, weights=np.concatenate(losses), minlength=len(used))
    counts = np.bincount(numbers, minlength=len(used))
    return mean_figure(f"validation loss, batches of {size}", sums, math.log(size), counts)


def _cross_entropy(logits: np.ndarray) -> np.ndarray:
    """[B, B] → [B]: of each row, whose own column is the right one."""
    logits = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)
