"""The pieces that the towers share.

Linen, not NNX: a Linen module is a pure function of a plain nested dict, and a plain nested dict
is what every checkpoint is. Weights are therefore arguments of each compiled function without a
split or merge step, and shapes can be had without allocating. It is faster to call, too: with 600
leaves one call of a compiled function took 0.7 ms from a dict, 2.8 ms from an `nnx.State` and 68 ms
through `nnx.jit` (jax 0.12, flax 0.12.12, two virtual processors).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from koclip.config import TextConfig, ViTConfig
from koclip.towers.linear import Linear
from koclip.towers.stored import stored


class TowerOutput(NamedTuple):
    """What every tower returns."""

    last_hidden_state: jax.Array
    """Text: [B, T, D]. ViT: [B, 1 + patches, D]. EfficientNet: [B, h, w, D]."""
    pooler_output: jax.Array
    """[B, D], the input of the projection."""


def quick_gelu(x: jax.Array) -> jax.Array:
    """CLIP's approximation of gelu, x · sigmoid(1.702 x) (openai/CLIP, model.py)."""
    return x * jax.nn.sigmoid(1.702 * x)


def gelu(x: jax.Array) -> jax.Array:
    """The exact one, x · Φ(x), as transformers' "gelu".

    Through erf, as in PyTorch. `jax.nn.gelu` goes through erfc, an exponential and a division more:
    RoBERTa-large in int8 took 1.1 to 1.16 of the time with that one.
    """
    return 0.5 * x * (1 + jax.lax.erf(x * math.sqrt(0.5)))


ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "gelu": gelu,
    "gelu_new": lambda x: jax.nn.gelu(x, approximate=True),
    "quick_gelu": quick_gelu,
    "relu": jax.nn.relu,
}


QUERY_KEY_VALUE = ("query", "key", "value")


def layer_norm(epsilon: float, name: str) -> nn.LayerNorm:
    """Layer norm with the variance as the mean squared deviation.

    Flax's faster E[x²] − E[x]² loses digits where the mean is large: it left CLIP's hidden states
    1.1e-5 away from the original's instead of under 1e-5.
    """
    return nn.LayerNorm(
        epsilon=epsilon,
        use_fast_variance=False,
        scale_init=stored,
        bias_init=stored,
        name=name,
    )


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017).

    x [B, T, D]; mask [B, T] bool, False where a token must not be attended to → [B, T, D], or
    [B, queries, D] if only the first `queries` tokens are asked for.
    """

    num_heads: int

    @nn.compact
    def __call__(
        self, x: jax.Array, mask: jax.Array | None = None, queries: int | None = None
    ) -> jax.Array:
        batch, _length, width = x.shape
        if self.has_variable("params", "query_key_value"):  # joined, as `koclip.precision` does
            joined = Linear(3 * width, name="query_key_value")(x)
            query, key, value = jnp.split(joined, 3, axis=-1)
        else:
            query, key, value = (Linear(width, name=name)(x) for name in QUERY_KEY_VALUE)
        query, key, value = (
            tokens.reshape(*tokens.shape[:2], self.num_heads, width // self.num_heads)
            for tokens in (query[:, :queries], key, value)
        )
        mask = None if mask is None else mask[:, None, None, :]
        attended = jax.nn.dot_product_attention(query, key, value, mask=mask)
        return Linear(width, name="out")(attended.reshape(batch, -1, width))


class FeedForward(nn.Module):
    """Two dense layers with an activation between: [..., D] → [..., D]."""

    width: int
    activation: str

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        hidden = ACTIVATIONS[self.activation](Linear(self.width, name="up")(x))
        return Linear(x.shape[-1], name="down")(hidden)


class TransformerBlock(nn.Module):
    """Attention and feed-forward, each with a residual.

    `pre_norm` True: layer norm before each part (ViT); False: after each residual (BERT).
    """

    num_heads: int
    feed_forward_width: int
    activation: str
    layer_norm_eps: float
    pre_norm: bool

    @nn.compact
    def __call__(
        self, x: jax.Array, mask: jax.Array | None = None, queries: int | None = None
    ) -> jax.Array:
        """[B, T, D] → the same, or [B, queries, D] of the first tokens alone."""
        attention = Attention(self.num_heads, name="attention")
        feed_forward = FeedForward(self.feed_forward_width, self.activation, name="feed_forward")
        attention_norm = layer_norm(self.layer_norm_eps, "attention_norm")
        feed_forward_norm = layer_norm(self.layer_norm_eps, "feed_forward_norm")
        if self.pre_norm:
            x = x[:, :queries] + attention(attention_norm(x), mask, queries)
            return x + feed_forward(feed_forward_norm(x))
        x = attention_norm(x[:, :queries] + attention(x, mask, queries))
        return feed_forward_norm(x + feed_forward(x))


def run_blocks(
    tower: nn.Module,
    x: jax.Array,
    mask: jax.Array | None = None,
    *,
    pre_norm: bool,
    queries: int | None = None,
) -> jax.Array:
    """All blocks of a tower, from within its `__call__`; their parameters are block_0, block_1, …

    With `queries` the last block returns no more than the first tokens; what only the first is
    pooled from does not need the others any more.

    The parameters of a block may be a function that reads them. It is called when it is the block's
    turn, and nobody holds them after; outside of compiled functions, so that one block of a model
    is in memory at a time.

    Unrolled: `nn.scan` compiles faster but ran 1.3 to 1.7 times slower at batch 1. But traced once
    for all blocks of equal shapes, as a function that XLA puts in place of every call.
    """
    config: TextConfig | ViTConfig = tower.config
    make_block = partial(
        TransformerBlock,
        config.num_attention_heads,
        config.intermediate_size,
        config.hidden_act,
        config.layer_norm_eps,
        pre_norm,
    )
    block = make_block(parent=None)
    for i in range(config.num_hidden_layers):
        name = f"block_{i}"
        if tower.is_initializing():
            x = make_block(name=name)(x, mask)
            continue
        parameters = tower.get_variable("params", name)
        if callable(parameters):
            x.block_until_ready()  # else JAX would run ahead, with many blocks in memory
            parameters = parameters()
        queried = queries if i == config.num_hidden_layers - 1 else None
        if tower.is_mutable_collection("inputs"):
            x, noted = _run_noting(block, parameters, x, mask)
            tower.put_variable("inputs", name, noted)
            x = x[:, :queried]
        else:
            x = _run(block, parameters, x, mask, queried)
    return x


@partial(jax.jit, static_argnames=("block", "queries"))
def _run(
    block: TransformerBlock,
    parameters: dict,
    x: jax.Array,
    mask: jax.Array | None,
    queries: int | None,
) -> jax.Array:
    return block.apply({"params": parameters}, x, mask, queries)


@partial(jax.jit, static_argnames="block")
def _run_noting(
    block: TransformerBlock, parameters: dict, x: jax.Array, mask: jax.Array | None
) -> tuple[jax.Array, dict]:
    """All tokens, and the collection "inputs" of `koclip.towers.linear.Linear`."""
    y, noted = block.apply({"params": parameters}, x, mask, mutable=["inputs"])
    return y, noted["inputs"]


def unit_rows(x: jax.Array) -> jax.Array:
    """Each row of [..., D] at length 1; a zero row stays zero instead of becoming NaN."""
    return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-12)
