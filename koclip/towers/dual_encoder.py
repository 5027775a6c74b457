"""Two towers and the space where they meet."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from koclip.config import ModelConfig, ViTConfig
from koclip.towers.efficientnet import EfficientNetLite
from koclip.towers.stored import dense
from koclip.towers.text_tower import TextTower
from koclip.towers.vision_tower import VisionTower

INITIAL_LOGIT_SCALE = 2.6592  # ln(1 / 0.07), as in CLIP


class DualEncoder(nn.Module):
    """Both towers, a bias-free projection behind each, and the learned temperature.

    Only koclip-mini's text projection has a bias: it holds the centring of its text space.
    """

    config: ModelConfig

    def setup(self) -> None:
        config = self.config
        vision_tower = VisionTower if isinstance(config.vision, ViTConfig) else EfficientNetLite
        self.text_tower = TextTower(config.text)
        self.vision_tower = vision_tower(config.vision)
        self.text_projection = dense(config.projection_dim, use_bias=config.text_projection_bias)
        self.visual_projection = dense(config.projection_dim, use_bias=False)
        self.logit_scale = self.param(
            "logit_scale", lambda _key: jnp.asarray(INITIAL_LOGIT_SCALE, jnp.float32)
        )

    def text_features(self, input_ids: jax.Array, attention_mask: jax.Array) -> jax.Array:
        """[B, T] ids and mask → [B, projection_dim], not normalised."""
        output = self.text_tower(input_ids, attention_mask, pooled_only=True)
        return self.text_projection(output.pooler_output)

    def image_features(self, pixel_values: jax.Array) -> jax.Array:
        """[B, H, W, 3] → [B, projection_dim], not normalised."""
        output = self.vision_tower(pixel_values, pooled_only=True)
        return self.visual_projection(output.pooler_output)

    def window_features(self, pixel_values: jax.Array, windows: jax.Array) -> jax.Array:
        """[1, H, W, 3] and weights [N, h, w] of its places → [N, projection_dim], not normalised;
        of an EfficientNet only, see there."""
        output = self.vision_tower(pixel_values, windows=windows)
        return self.visual_projection(output.pooler_output)

    def __call__(
        self, input_ids: jax.Array, attention_mask: jax.Array, pixel_values: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Text and image features; touches every parameter, so `init` can be run on it."""
        return (
            self.text_features(input_ids, attention_mask),
            self.image_features(pixel_values),
        )
