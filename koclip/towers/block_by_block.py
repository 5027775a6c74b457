"""A model run with the weights of no more than one transformer block in memory at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
from flax.traverse_util import flatten_dict

from koclip.config import ModelConfig
from koclip.towers.dual_encoder import DualEncoder
from koclip.towers.layers import TransformerBlock

LargestInputs = dict[str, jax.Array]
"""The largest magnitude of each input channel [in], by the path of the linear layer."""


def run_block_by_block(
    config: ModelConfig,
    parameters: dict,
    block_parameters: Callable[[str, str], dict],
    method: str,
    *inputs: jax.Array,
) -> tuple[jax.Array, LargestInputs]:
    """`DualEncoder(config).apply` of a `method`, and what every `Linear` of a block had as input.

    All blocks of a tower are run on all tokens, in the same shapes, so one is compiled instead of
    dozens.

    Args:
        parameters: nested as `DualEncoder.init` makes them; those of the blocks are not looked at.
        block_parameters: ("text_tower", "block_0") → the parameters of that block. They are let go
            of before the next block's are asked for.
    """
    largest: LargestInputs = {}

    def intercept(
        run: Callable, args: tuple, kwargs: dict, context: nn.module.InterceptorContext
    ) -> jax.Array:
        block = context.module
        is_block = isinstance(block, TransformerBlock) and context.method_name == "__call__"
        if not is_block or not block.path:  # it has no path where `_run_block` calls it
            return run(*args, **kwargs)
        x, mask, queries = args
        x, noted = _run_block(
            block.clone(parent=None, name=None), block_parameters(*block.path), x, mask
        )
        jax.block_until_ready(x)  # the caller would run ahead, with many blocks in memory
        for path, value in flatten_dict(noted, sep=".").items():
            layer = path.removesuffix(".largest")
            largest[".".join((*block.path, layer))] = value
        return x[:, :queries]

    with nn.intercept_methods(intercept):
        features = DualEncoder(config).apply({"params": parameters}, *inputs, method=method)
    return features, largest


@partial(jax.jit, static_argnames="block")
def _run_block(
    block: TransformerBlock, parameters: dict, x: jax.Array, mask: jax.Array | None
) -> tuple[jax.Array, dict]:
    y, noted = block.apply({"params": parameters}, x, mask, mutable=["inputs"])
    return y, noted["inputs"]
