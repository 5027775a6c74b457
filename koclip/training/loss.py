"""Contrastive losses over a whole batch: every other pair of the batch is a negative."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from koclip.towers.layers import unit_rows

LOSSES = ("softmax", "sigmoid")

MAX_LOGIT_SCALE = 4.605170185988092
"""ln 100: CLIP (arXiv 2103.00020, section 2.5) keeps its learned scale at or below 100."""

SIGMOID_LOGIT_SCALE = 2.302585092994046
SIGMOID_LOGIT_BIAS = -10.0
"""What SigLIP starts from, ln 10 and -10: nearly all pairs are negatives, and so are predicted."""


class LossOutput(NamedTuple):
    """Scalars, all float32."""

    loss: jax.Array
    image_accuracy: jax.Array
    """Share of the images whose own text scores best of the batch."""
    text_accuracy: jax.Array
    """Share of the texts whose own image scores best of the batch."""


def contrastive_loss(
    kind: str,
    image_features: jax.Array,
    text_features: jax.Array,
    logit_scale: jax.Array,
    logit_bias: jax.Array | None = None,
    image_id: jax.Array | None = None,
) -> LossOutput:
    """The loss of B pairs, row i of the images belonging to row i of the texts.

    Args:
        kind: "softmax", the mean of the cross entropies of image → text and text → image (CLIP,
            arXiv 2103.00020, figure 3), or "sigmoid", each of the B² pairs judged by itself,
            summed and divided by B (SigLIP, arXiv 2303.15343, algorithm 1).
        image_features, text_features: [B, D], not normalised.
        logit_scale: scalar, the logarithm of what cosines are multiplied by.
        logit_bias: scalar that "sigmoid" adds to the scaled cosines.
        image_id: int [B]. Two captions of one picture in a batch are no negatives of each other;
            pairs off the diagonal with equal ids are left out.
    """
    image, text = (unit_rows(x.astype(jnp.float32)) for x in (image_features, text_features))
    # In full precision even where the default is lower: temperature multiplies the error by 100.
    cosines = jnp.matmul(image, text.T, precision=jax.lax.Precision.HIGHEST)
    logits = cosines * jnp.exp(logit_scale)
    own = jnp.eye(len(logits), dtype=bool)
    counted = jnp.ones_like(own)
    if image_id is not None:
        counted = own | (image_id[:, None] != image_id[None, :])
        logits = jnp.where(counted, logits, -jnp.inf)
    if kind == "softmax":
        loss = -jnp.mean(_own_log_softmax(logits) + _own_log_softmax(logits.T)) / 2
    else:
        likelihood = jax.nn.log_sigmoid(jnp.where(own, 1.0, -1.0) * (logits + logit_bias))
        loss = -jnp.sum(jnp.where(counted, likelihood, 0.0)) / len(logits)
    rows = jnp.arange(len(logits))
    return LossOutput(
        loss,
        jnp.mean(jnp.argmax(logits, axis=1) == rows, dtype=jnp.float32),
        jnp.mean(jnp.argmax(logits, axis=0) == rows, dtype=jnp.float32),
    )


def _own_log_softmax(logits: jax.Array) -> jax.Array:
    """[B, B] → [B], the log-probability of each row's own column."""
    return jnp.diag(jax.nn.log_softmax(logits, axis=1))
