"""Towers run with one block's weights in memory, beside the towers as they are."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koclip.benchmark.weights import random_parameters
from koclip.config import ModelConfig, TextConfig, ViTConfig
from koclip.encoder import Encoder
from koclip.towers.dual_encoder import DualEncoder

CONFIG = ModelConfig(
    TextConfig(200, 128, 3, 4, 256, max_position_embeddings=64),
    ViTConfig("clip_vision_model", 64, 2, 4, 128, image_size=32, patch_size=16),
    projection_dim=32,
)
IDS = np.arange(39, dtype=np.int32).reshape(3, 13) + 2
MASK = (np.arange(13) < np.array([[13], [9], [2]])).astype(np.int32)
PIXELS = np.random.default_rng(0).standard_normal((2, 32, 32, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def parameters() -> dict:
    return random_parameters(CONFIG)


@pytest.mark.parametrize("mutable", [False, ["inputs"]], ids=["", "noting"])
@pytest.mark.parametrize(
    ("method", "inputs", "tower", "blocks"),
    [
        ("text_features", (IDS, MASK), "text_tower", 3),
        ("image_features", (PIXELS,), "vision_tower", 2),
    ],
)
def test_blocks_are_read_when_it_is_their_turn(parameters, method, inputs, tower, blocks, mutable):
    alive, read = [], []

    def reader(block: str):
        def read_block() -> dict:
            assert not any(array() is not None for array in alive)
            read.append(block)
            arrays = jax.tree.map(jnp.array, parameters[tower][block])
            alive.extend(map(weakref.ref, jax.tree.leaves(arrays)))
            return arrays

        return read_block

    names = [f"block_{i}" for i in range(blocks)]
    unread = parameters | {tower: parameters[tower] | {name: reader(name) for name in names}}
    answer = DualEncoder(CONFIG).apply({"params": unread}, *inputs, method=method, mutable=mutable)
    features = answer[0] if mutable else answer
    whole = getattr(Encoder(CONFIG, parameters), method)(*inputs)
    np.testing.assert_allclose(features, whole, atol=1e-5)
    assert read == names


def test_the_largest_inputs_are_those_of_all_tokens(parameters):
    """Of the last block, too, which serves only the first token."""

    def noted(method: str | Callable) -> dict:
        model = DualEncoder(CONFIG)
        variables = {"params": parameters}
        return model.apply(variables, IDS, MASK, method=method, mutable="inputs")[1]["inputs"]

    def all_tokens(model: DualEncoder, ids: jax.Array, mask: jax.Array) -> jax.Array:
        return model.text_tower(ids, mask).last_hidden_state

    pooled, whole = noted("text_features"), noted(all_tokens)
    jax.tree.map(np.testing.assert_array_equal, pooled, whole)
    blocks = [f"block_{i}" for i in range(3)]
    assert list(pooled["text_tower"]) == blocks
    hidden = parameters["text_tower"]["block_2"]["feed_forward"]["up"]["kernel"].shape[0]
    assert pooled["text_tower"]["block_2"]["feed_forward"]["up"]["largest"].shape == (hidden,)
