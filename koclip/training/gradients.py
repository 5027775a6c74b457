"""The contrastive gradient of a whole batch, with or without room for the whole batch at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import unflatten_dict
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from koclip.checkpoint import Parameters
from koclip.training.config import TrainConfig
from koclip.training.loss import LossOutput, contrastive_loss
from koclip.training.optimizer import FlatParameters

Batch = Mapping[str, jax.Array | np.ndarray]
"""Arrays with a leading axis B. Only towers look inside; "image_id", int [B], is for the loss."""

Penalty = Callable[[Parameters, Batch], jax.Array]
"""Added to the loss: a mean over the examples of the batch."""

LOGIT_SCALE, LOGIT_BIAS = "logit_scale", "logit_bias"


class Towers(NamedTuple):
    """How a batch becomes features [B, D], not normalised."""

    image: Callable[[Parameters, Batch], jax.Array]
    text: Callable[[Parameters, Batch], jax.Array]


def batch_loss(
    towers: Towers, config: TrainConfig, flat: FlatParameters, batch: Batch
) -> LossOutput:
    """The contrastive loss of the global batch, without penalty."""
    return _loss(config, flat, _features(towers, config, flat, batch), batch)


def loss_and_gradients(
    towers: Towers,
    config: TrainConfig,
    mesh: Mesh,
    trained: FlatParameters,
    locked: FlatParameters,
    batch: Batch,
    penalty: Penalty | None = None,
) -> tuple[LossOutput, FlatParameters]:
    """The loss of the global batch and its gradient with respect to `trained`.

    With `config.accumulation` > 1 the towers see one micro-batch at a time and the result is still
    that of the whole batch (GradCache, Gao et al. 2021, arXiv 2101.06983): embed all micro-batches
    without gradients, differentiate the loss with respect to the embeddings, then embed again,
    passing those gradients back into the towers.
    """

    def penalized(flat: FlatParameters, rows: Batch) -> jax.Array:
        return penalty(unflatten_dict(flat, sep="."), rows) if penalty else jnp.zeros(())

    def of_whole_batch(trained: FlatParameters) -> tuple[jax.Array, LossOutput]:
        flat = trained | locked
        output = batch_loss(towers, config, flat, batch)
        total = output.loss + penalized(flat, batch)
        return total, output._replace(loss=total)

    if config.accumulation == 1:
        (_, output), gradients = jax.value_and_grad(of_whole_batch, has_aux=True)(trained)
        return output, gradients

    micro_batches = _split(batch, config.accumulation, mesh)
    features = jax.lax.map(
        lambda rows: _features(towers, config, trained | locked, rows), micro_batches
    )

    def of_features(
        trained: FlatParameters, features: tuple[jax.Array, jax.Array]
    ) -> tuple[jax.Array, LossOutput]:
        output = _loss(config, trained | locked, _join(features, mesh), batch)
        return output.loss, output

    (_, output), (gradients, cotangents) = jax.value_and_grad(
        of_features, argnums=(0, 1), has_aux=True
    )(trained, features)

    def of_micro_batch(
        trained: FlatParameters, rows: Batch, cotangents: tuple[jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array]:
        flat = trained | locked
        image, text = _features(towers, config, flat, rows)
        extra = penalized(flat, rows) / config.accumulation
        return jnp.vdot(image, cotangents[0]) + jnp.vdot(text, cotangents[1]) + extra, extra

    def accumulate(carry: tuple[FlatParameters, jax.Array], micro: tuple) -> tuple:
        gradients, total = carry
        more, extra = jax.grad(of_micro_batch, has_aux=True)(trained, *micro)
        return (jax.tree.map(jnp.add, gradients, more), total + extra), None

    (gradients, total), _ = jax.lax.scan(
        accumulate, (gradients, output.loss), (micro_batches, cotangents)
    )
    return output._replace(loss=total), gradients


def _features(
    towers: Towers, config: TrainConfig, flat: FlatParameters, batch: Batch
) -> tuple[jax.Array, jax.Array]:
    """Image and text features, float32. In bfloat16 the towers get everything cast, while the
    parameters themselves stay float32: small updates would be rounded away."""

    def cast(x: jax.Array) -> jax.Array:
        return x.astype(config.dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x

    parameters = unflatten_dict({path: cast(value) for path, value in flat.items()}, sep=".")
    batch = {name: cast(value) for name, value in batch.items()}
    image, text = (tower(parameters, batch) for tower in towers)
    return image.astype(jnp.float32), text.astype(jnp.float32)


def _loss(
    config: TrainConfig,
    flat: FlatParameters,
    features: tuple[jax.Array, jax.Array],
    batch: Batch,
) -> LossOutput:
    bias = flat.get(LOGIT_BIAS)
    return contrastive_loss(config.loss, *features, flat[LOGIT_SCALE], bias, batch.get("image_id"))


def _split(batch: Batch, accumulation: int, mesh: Mesh) -> Batch:
    """[B, …] → [accumulation, B / accumulation, …]; every device keeps its rows, so that nothing
    moves and each micro-batch is spread over all devices."""
    devices = mesh.size
    sharding = NamedSharding(mesh, PartitionSpec(None, "data"))

    def split(x: jax.Array) -> jax.Array:
        x = x.reshape(devices, accumulation, -1, *x.shape[1:]).swapaxes(0, 1)
        x = x.reshape(accumulation, -1, *x.shape[3:])
        return jax.lax.with_sharding_constraint(x, sharding)

    return jax.tree.map(split, batch)


def _join(features: tuple[jax.Array, jax.Array], mesh: Mesh) -> tuple[jax.Array, jax.Array]:
    """Undoes `_split`."""

    def join(x: jax.Array) -> jax.Array:
        x = x.reshape(len(x), mesh.size, -1, x.shape[-1]).swapaxes(0, 1)
        return x.reshape(-1, x.shape[-1])

    return jax.tree.map(join, features)
