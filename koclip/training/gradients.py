"""The contrastive gradient of a whole batch, with or without room for the whole batch at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import unflatten_dict
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from koclip.checkpoints.checkpoint import Parameters
from koclip.training.config import TrainConfig
from koclip.training.loss import LossOutput, contrastive_loss
from koclip.training.optimizer import FlatParameters

Batch = Mapping[str, jax.Array | np.ndarray]
"""Arrays with a leading axis B. Only towers look inside; "image_id", int [B], is for the loss."""

LOGIT_SCALE, LOGIT_BIAS = "logit_scale", "logit_bias"


class Features(NamedTuple):
    """What the towers say of a batch, in its order: float32 [B, D], not normalised."""

    image: jax.Array
    text: jax.Array


class Towers(NamedTuple):
    """How a batch becomes features [B, D], not normalised."""

    image: Callable[[Parameters, Batch], jax.Array]
    text: Callable[[Parameters, Batch], jax.Array]


Penalty = Callable[[Parameters, Batch, Features], jax.Array]
"""A scalar added to the loss of the whole batch; may depend on the parameters directly, too.

With a mesh it is written for the global batch, as the loss is."""


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

    def of_features(trained: FlatParameters, features: Features) -> tuple[jax.Array, LossOutput]:
        flat = trained | locked
        output = _loss(config, flat, features, batch)
        if penalty:
            added = penalty(unflatten_dict(flat, sep="."), batch, features)
            output = output._replace(loss=output.loss + added)
        return output.loss, output

    if config.accumulation == 1:

        def of_whole_batch(trained: FlatParameters) -> tuple[jax.Array, LossOutput]:
            return of_features(trained, _features(towers, config, trained | locked, batch))

        (_, output), gradients = jax.value_and_grad(of_whole_batch, has_aux=True)(trained)
        return output, gradients

    micro_batches = _split(batch, config.accumulation, mesh)
    features = jax.lax.map(
        lambda rows: _features(towers, config, trained | locked, rows), micro_batches
    )
    (_, output), (gradients, cotangents) = jax.value_and_grad(
        lambda trained, features: of_features(trained, _join(features, mesh)),
        argnums=(0, 1),
        has_aux=True,
    )(trained, features)

    def of_micro_batch(trained: FlatParameters, rows: Batch, cotangents: Features) -> jax.Array:
        features = _features(towers, config, trained | locked, rows)
        return sum(map(jnp.vdot, features, cotangents))

    def accumulate(gradients: FlatParameters, micro: tuple) -> tuple[FlatParameters, None]:
        return jax.tree.map(jnp.add, gradients, jax.grad(of_micro_batch)(trained, *micro)), None

    gradients, _ = jax.lax.scan(accumulate, gradients, (micro_batches, cotangents))
    return output, gradients


def _features(towers: Towers, config: TrainConfig, flat: FlatParameters, batch: Batch) -> Features:
    """In bfloat16 the towers get everything cast, while the parameters themselves stay float32:
    small updates would be rounded away."""

    def cast(x: jax.Array) -> jax.Array:
        return x.astype(config.dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x

    parameters = unflatten_dict({path: cast(value) for path, value in flat.items()}, sep=".")
    batch = {name: cast(value) for name, value in batch.items()}
    image, text = (tower(parameters, batch) for tower in towers)
    return Features(image.astype(jnp.float32), text.astype(jnp.float32))


def _loss(
    config: TrainConfig,
    flat: FlatParameters,
    features: Features,
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


def _join(features: Features, mesh: Mesh) -> Features:
    """Undoes `_split`: [accumulation, B / accumulation, D] → [B, D]."""

    def join(x: jax.Array) -> jax.Array:
        x = x.reshape(len(x), mesh.size, -1, x.shape[-1]).swapaxes(0, 1)
        return x.reshape(-1, x.shape[-1])

    return jax.tree.map(join, features)
