"""The text tower: a BERT or RoBERTa encoder (Devlin et al. 2018; Liu et al. 2019)."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from koclip.config import TextConfig
from koclip.towers.layers import TowerOutput, layer_norm, run_blocks, unit_rows
from koclip.towers.stored import dense, embed


def token_positions(input_ids: jax.Array, config: TextConfig) -> jax.Array:
    """The row of the position table for each token: [B, T] → [B, T].

    From 0 in the Flax form. In the PyTorch form as RoBERTa counts: padding, known by its id and
    not by the attention mask, stays at `pad_token_id`, and other tokens follow from there.
    """
    if not config.positions_after_padding:
        return jnp.broadcast_to(jnp.arange(input_ids.shape[1]), input_ids.shape)
    is_token = (input_ids != config.pad_token_id).astype(jnp.int32)
    return jnp.cumsum(is_token, axis=1) * is_token + config.pad_token_id


class TextTower(nn.Module):
    """Token ids and a mask → hidden states and one pooled vector per text."""

    config: TextConfig

    @nn.compact
    def __call__(
        self, input_ids: jax.Array, attention_mask: jax.Array, *, pooled_only: bool = False
    ) -> TowerOutput:
        """input_ids [B, T] int, attention_mask [B, T] (0 = padding) → [B, T, D] and [B, D].

        With `pooled_only` the first of the two has those tokens only that the second needs.
        T must not exceed `config.max_tokens`; past the position table a gather gives NaN.
        """
        config = self.config
        width = config.hidden_size
        tokens = embed(config.vocab_size, width, name="token_embedding")
        positions = embed(config.max_position_embeddings, width, name="position_embedding")
        token_types = embed(config.type_vocab_size, width, name="token_type_embedding")
        x = (
            tokens(input_ids)
            + positions(token_positions(input_ids, config))
            + token_types(jnp.zeros_like(input_ids))
        )
        x = layer_norm(config.layer_norm_eps, "embedding_norm")(x)
        mask = attention_mask.astype(bool)
        queries = 1 if pooled_only and config.pooling == "first" else None
        x = run_blocks(self, x, mask, pre_norm=False, queries=queries)
        if config.pooling == "mean":
            weight = mask[..., None].astype(x.dtype)
            pooled = (x * weight).sum(axis=1) / jnp.maximum(weight.sum(axis=1), 1.0)
        else:
            pooled = nn.tanh(dense(width, name="pooler")(x[:, 0]))
        return TowerOutput(x, unit_rows(pooled) if config.normalize_pooled else pooled)
