"""Runs that have one block's weights in memory, beside the towers as they are."""

from __future__ import annotations

import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koclip.benchmark.weights import random_parameters
from koclip.config import ModelConfig, TextConfig, ViTConfig
from koclip.encoder import Encoder
from koclip.towers.block_by_block import run_block_by_block

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


@pytest.mark.parametrize(
    ("method", "inputs", "tower", "blocks"),
    [
        ("text_features", (IDS, MASK), "text_tower", 3),
        ("image_features", (PIXELS,), "vision_tower", 2),
    ],
)
def test_features_are_those_of_the_whole_tower(parameters, method, inputs, tower, blocks):
    alive, read = [], []

    def block_parameters(*path: str) -> dict:
        assert not any(array() is not None for array in alive)
        read.append(path)
        block = jax.tree.map(jnp.array, parameters[path[0]][path[1]])
        alive.extend(map(weakref.ref, jax.tree.leaves(block)))
        return block

    outside = {
        name: {k: v for k, v in part.items() if not k.startswith("block_")}
        if isinstance(part, dict)
        else part
        for name, part in parameters.items()
    }
    features, largest = run_block_by_block(CONFIG, outside, block_parameters, method, *inputs)
    whole = getattr(Encoder(CONFIG, parameters), method)(*inputs)
    np.testing.assert_allclose(features, whole, atol=1e-5)
    assert read == [(tower, f"block_{i}") for i in range(blocks)]
    assert len(largest) == 6 * blocks
    assert all(path.startswith(f"{tower}.block_") for path in largest)


def test_the_largest_inputs_are_those_of_all_tokens(parameters):
    def block_parameters(tower: str, block: str) -> dict:
        return parameters[tower][block]

    _, of_all = run_block_by_block(CONFIG, parameters, block_parameters, "text_features", IDS, MASK)
    of_each = [
        run_block_by_block(
            CONFIG, parameters, block_parameters, "text_features", IDS[i : i + 1], MASK[i : i + 1]
        )[1]
        for i in range(3)
    ]
    for path, values in of_all.items():
        expected = np.max([largest[path] for largest in of_each], axis=0)
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)
