"""Two small towers and pairs that they learn, for tests of what does not care for towers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from koclip.training.config import TrainConfig
from koclip.training.gradients import Batch, Features, Towers

PICTURE, CAPTION, HIDDEN, WIDTH = 12, 10, 16, 8


def parameters(seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)

    def dense(inputs: int, outputs: int) -> dict:
        kernel = rng.normal(size=(inputs, outputs)).astype(np.float32) / np.sqrt(inputs)
        return {"kernel": jnp.asarray(kernel), "bias": jnp.zeros(outputs)}

    def tower(inputs: int) -> dict:
        return {"up": dense(inputs, HIDDEN), "norm": {"scale": jnp.ones(HIDDEN)}}

    return {
        "vision_tower": tower(PICTURE),
        "text_tower": tower(CAPTION),
        "visual_projection": {"kernel": dense(HIDDEN, WIDTH)["kernel"]},
        "text_projection": {"kernel": dense(HIDDEN, WIDTH)["kernel"]},
        "logit_scale": jnp.asarray(2.6592, jnp.float32),
    }


def _features(tower: dict, projection: dict, x: jax.Array) -> jax.Array:
    hidden = jnp.tanh(x @ tower["up"]["kernel"] + tower["up"]["bias"]) * tower["norm"]["scale"]
    return hidden @ projection["kernel"]


TOWERS = Towers(
    lambda p, batch: _features(p["vision_tower"], p["visual_projection"], batch["picture"]),
    lambda p, batch: _features(p["text_tower"], p["text_projection"], batch["caption"]),
)


def penalty(p: dict, batch: Batch, features: Features) -> jax.Array:
    """Something that depends on parameters, examples and features, and on each in no linear way;
    the order of the rows matters."""
    kernel = p["text_projection"]["kernel"]
    weight = jnp.square(batch["caption"]).sum(axis=1)
    of_features = jnp.mean(weight * jnp.square(features.text).sum(axis=1) * features.image[:, 0])
    return 1e-3 * of_features + 0.1 * jnp.square(kernel).mean()


def batch(step: int, size: int = 16, ids: bool = False) -> dict[str, np.ndarray]:
    """The pairs of one step: pictures and captions that show the same hidden thing.

    With `ids` the first half of the rows and the second are declared to be of the same pictures.
    """
    rng = np.random.default_rng([7, step])
    hidden = rng.normal(size=(size, 6)).astype(np.float32)
    mixing = np.random.default_rng(1)
    picture = hidden @ mixing.normal(size=(6, PICTURE)).astype(np.float32)
    caption = hidden @ mixing.normal(size=(6, CAPTION)).astype(np.float32)
    pairs = {"picture": picture, "caption": caption}
    return pairs | {"image_id": np.arange(size, dtype=np.int32) % (size // 2)} if ids else pairs


def batches(first: int, size: int = 16) -> Iterator[dict[str, np.ndarray]]:
    step = first
    while True:
        yield batch(step, size)
        step += 1


def config(**changes: Any) -> TrainConfig:
    return TrainConfig(
        **{"batch_size": 16, "steps": 12, "learning_rate": 1e-2, "log_every": 1} | changes
    )
