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
from koclip.layers import TowerOutput, layer_norm, run_blocks


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
        patch = (config.patch_size, config.patch_size)
        x = nn.Conv(
            config.hidden_size,
            patch,
            strides=patch,
            padding="VALID",
            use_bias=not is_clip,
            name="patch_embedding",
        )(pixel_values)
        x = x.reshape(x.shape[0], -1, config.hidden_size)
        normal = nn.initializers.normal(0.02)
        class_token = self.param("class_token", normal, (config.hidden_size,))
        positions = self.param(
            "position_embedding", normal, (config.num_positions, config.hidden_size)
        )
        class_tokens = jnp.broadcast_to(class_token, (x.shape[0], 1, config.hidden_size))
        x = jnp.concatenate([class_tokens, x], axis=1) + positions
        if is_clip:
            x = layer_norm(config.layer_norm_eps, "pre_norm")(x)
        x = run_blocks(config, x, pre_norm=True, queries=1 if pooled_only else None)
        post_norm = layer_norm(config.layer_norm_eps, "post_norm")
        if is_clip:  # the hidden states stay un-normalised, as transformers returns them
            return TowerOutput(x, post_norm(x[:, 0]))
        x = post_norm(x)
        return TowerOutput(x, nn.tanh(nn.Dense(config.hidden_size, name="pooler")(x[:, 0])))
