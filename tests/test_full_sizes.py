"""The true sizes of koclip-base and koclip-large: names, shapes and counts, without the weights."""

from __future__ import annotations

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from koclip.assets import assets_dir
from koclip.checkpoints.parameter_shapes import parameter_shapes
from koclip.checkpoints.tensor_names import published_tensor
from koclip.config import ModelConfig, read_config
from koclip.settings import MINI
from koclip.towers.dual_encoder import DualEncoder
from tests.conftest import ORACLE

FULL = ORACLE / "full"


def published_shapes(config: ModelConfig, form: str) -> dict[str, list[int]]:
    """The names and shapes that a model of `config` has in a published form."""
    shapes = {}
    for path, leaf in flatten_dict(parameter_shapes(config), sep=".").items():
        name, layout = published_tensor(path, config.vision.model_type, form)
        shapes[name] = list(layout.write(np.broadcast_to(np.float32(0), leaf.shape)).shape)
    return shapes


def expected_shapes(tree: dict) -> dict[str, list[int]]:
    return {name: entry["shape"] for name, entry in tree.items()}


@pytest.mark.parametrize("name", ["koclip-base", "koclip-large"])
def test_the_tree_is_the_original_one(name):
    before = sum(array.nbytes for array in jax.live_arrays())
    config = read_config(FULL / f"{name}.config.reconstructed.json")
    tree = json.loads((FULL / f"{name}.tree.json").read_text())
    assert published_shapes(config, "flax") == expected_shapes(tree)
    assert {entry["dtype"] for entry in tree.values()} == {"float32"}
    assert sum(array.nbytes for array in jax.live_arrays()) - before < 1_000_000


@pytest.mark.parametrize(
    ("name", "tensors", "parameters"),
    [("koclip-base", 593, 425_027_841), ("koclip-large", 786, 642_054_145)],
)
def test_the_counts_are_the_published_ones(name, tensors, parameters):
    sizes = json.loads((FULL / "sizes.json").read_text())[name]
    config = read_config(FULL / f"{name}.config.reconstructed.json")
    shapes = published_shapes(config, "flax")
    counts = [math.prod(shape) for shape in shapes.values()]
    assert (len(counts), sum(counts)) == (tensors, parameters)
    assert (sizes["n_tensors"], sizes["n_params"]) == (tensors, parameters)
    assert 4 * sum(counts) == sizes["raw_bytes"]
    assert packed_bytes(shapes) == sizes["msgpack_bytes_formula"]


def packed_bytes(shapes: dict[str, list[int]]) -> int:
    """What flax.serialization makes of float32 arrays with these names, counted by hand."""
    tree: dict = {}
    for name, shape in shapes.items():
        *parents, leaf = name.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = shape
    return _map_bytes(tree)


def _map_bytes(node: dict | list[int]) -> int:
    if isinstance(node, dict):
        assert all(len(key) < 32 for key in node)
        entries = sum(1 + len(key) + _map_bytes(child) for key, child in node.items())
        return (1 if len(node) < 16 else 3) + entries
    data = 4 * math.prod(node)
    numbers = sum(1 if n < 128 else 2 if n < 256 else 3 if n < 65536 else 5 for n in node)
    triple = 1 + (1 + numbers) + len("?float32") + _prefix_bytes(data) + data
    return 1 + (0 if triple in (1, 2, 4, 8, 16) else _prefix_bytes(triple) - 1) + 1 + triple


def _prefix_bytes(size: int) -> int:
    return 2 if size < 256 else 3 if size < 65536 else 5


@pytest.mark.parametrize("size", ["base", "large"])
def test_torch_names_and_layouts(size):
    config = read_config(ORACLE / f"pt/tiny-{size}-safetensors/config.json")
    tree = json.loads((ORACLE / f"pt/tiny-{size}.tree.json").read_text())
    shapes = published_shapes(config, "torch")
    assert shapes == expected_shapes(tree)


@pytest.mark.parametrize("folder", ["flax/tiny-base", "flax/tiny-large", MINI])
def test_the_shapes_are_those_that_the_modules_ask_for(folder):
    at = assets_dir() / MINI if folder == MINI else ORACLE / folder
    config = read_config(at / "config.json")
    ids = jnp.zeros((1, 2), jnp.int32)
    pixels = jnp.zeros((1, config.vision.image_size, config.vision.image_size, 3))
    init = DualEncoder(config).init
    traced = jax.eval_shape(init, jax.random.key(0), ids, ids, pixels)["params"]
    assert parameter_shapes(config) == traced
