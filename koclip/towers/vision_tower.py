"""The image towers: CLIP's vision transformer (Radford et al. 2021) and ViT (Dosovitskiy 2020).

They differ in four places only: CLIP's patch embedding has no bias, it normalises before the
first block, it pools the normalised class token as it is, and its norms are named otherwise in
checkpoints. ViT sends the normalised class token through a dense tanh pooler.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from koclip.config import ViTConfig
from koclip.towers.layers import TowerOutput, layer_norm, run_blocks
from koclip.towers.stored import dense, stored


class PatchEmbedding(nn.Module):
    """A convolution whose stride is its size, [B, H, W, 3] → [B, patches, features].

    As one product of matrices: XLA's convolution took 3.5 times as long for 32 × 32 pixels.
    """

    features: int
    size: int
    use_bias: bool

    @nn.compact
    def __call__(self, pixels: jax.Array) -> jax.Array:
        size = self.size
        batch, height, width, channels = pixels.shape
        rows, columns = height // size, width // size
        pixels = pixels[:, : rows * size, : columns * size]
        patches = pixels.reshape(batch, rows, size, columns, size, channels).swapaxes(2, 3)
        shape = (size, size, channels, self.features)
        kernel = self.param("kernel", stored, shape)
        patches = patches.reshape(batch, rows * columns, -1)
        embedded = patches @ kernel.reshape(-1, self.features)
        if self.use_bias:
            embedded = embedded + self.param("bias", stored, (self.features,))
        return embedded


class VisionTower(nn.Module):
    """Pixels → hidden states and one pooled vector per image."""

    config: ViTConfig

    @nn.compact
    def __call__(self, pixel_values: jax.Array, *, pooled_only: bool = False) -> TowerOutput:
        """pixel_values [B, H, W, 3] normalised → [B, 1 + patches, D] and [B, D].

        With `pooled_only` the first of the two has the class token only.
        """
        config = self.config
        is_clip = config.model_type == "clip_vision_model"
        x = PatchEmbedding(
            config.hidden_size, config.patch_size, use_bias=not is_clip, name="patch_embedding"
        )(pixel_values)
        class_token = self.param("class_token", stored, (config.hidden_size,))
        positions = self.param(
            "position_embedding", stored, (config.num_positions, config.hidden_size)
        )
        class_tokens = jnp.broadcast_to(class_token, (x.shape[0], 1, config.hidden_size))
        x = jnp.concatenate([class_tokens, x], axis=1) + positions
        if is_clip:
            x = layer_norm(config.layer_norm_eps, "pre_norm")(x)
        x = run_blocks(self, x, pre_norm=True, queries=1 if pooled_only else None)
        post_norm = layer_norm(config.layer_norm_eps, "post_norm")
        if is_clip:  # the hidden states stay un-normalised, as transformers returns them
            return TowerOutput(x, post_norm(x[:, 0]))
        x = post_norm(x)
        return TowerOutput(x, nn.tanh(dense(config.hidden_size, name="pooler")(x[:, 0])))
