"""EfficientNet-lite, the image tower of koclip-mini (Tan & Le 2019; TensorFlow's "lite" family).

An ImageNet classifier whose pooled output is the probabilities of the likeliest classes, so that
the projection behind it is a table with one vector per class. Batch normalisation is folded into
the convolutions when the weights are built.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from koclip.config import EfficientNetConfig
from koclip.layers import TowerOutput


class Stage(NamedTuple):
    """Blocks of one kind; only the first of them strides."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


# The family's base network. The stem, the head, and the depth of the first and the last stage are
# the same in every member; the rest grows with the coefficients.
STEM_CHANNELS = 32
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
HEAD_CHANNELS = 1280


def scaled_channels(channels: int, coefficient: float) -> int:
    """`channels` × `coefficient` to the nearest multiple of 8, but not more than 10 % below."""
    exact = channels * coefficient
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * exact else rounded


def blocks(config: EfficientNetConfig) -> list[Stage]:
    """The network's blocks in order, each a `Stage` of one repeat."""
    scaled = []
    for number, stage in enumerate(STAGES):
        fixed = number in (0, len(STAGES) - 1)
        repeats = stage.repeats if fixed else math.ceil(config.depth_coefficient * stage.repeats)
        block = stage._replace(
            repeats=1, channels=scaled_channels(stage.channels, config.width_coefficient)
        )
        scaled += [block] + [block._replace(stride=1)] * (repeats - 1)
    return scaled


def relu6(x: jax.Array) -> jax.Array:
    return jnp.clip(x, 0.0, 6.0)


class DepthwiseConv(nn.Module):
    """One k × k filter per channel, "same" padding: [B, H, W, C] → [B, ⌈H/s⌉, ⌈W/s⌉, C].

    Written as k² shifted multiply-adds, which XLA fuses into a single loop; its own grouped
    convolution is an order of magnitude slower on a CPU.
    """

    kernel: int
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1]
        shape = (self.kernel, self.kernel, channels)
        filters = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        window, strides = (self.kernel, self.kernel), (self.stride, self.stride)
        padding = jax.lax.padtype_to_pads(x.shape[1:3], window, strides, "SAME")
        padded = jnp.pad(x, ((0, 0), *padding, (0, 0)))
        height, width = (-(-size // self.stride) for size in x.shape[1:3])
        total = bias
        for row in range(self.kernel):
            rows = slice(row, row + self.stride * (height - 1) + 1, self.stride)
            for column in range(self.kernel):
                columns = slice(column, column + self.stride * (width - 1) + 1, self.stride)
                total = total + padded[:, rows, columns] * filters[row, column]
        return total


class InvertedBottleneck(nn.Module):
    """Expand, filter each channel by itself, project; a residual where the shape allows one."""

    block: Stage

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        block, hidden = self.block, x
        if block.expansion > 1:
            hidden = relu6(nn.Dense(x.shape[-1] * block.expansion, name="expand")(hidden))
        hidden = relu6(DepthwiseConv(block.kernel, block.stride, name="depthwise")(hidden))
        hidden = nn.Dense(block.channels, name="project")(hidden)
        return x + hidden if hidden.shape == x.shape else hidden


class EfficientNetLite(nn.Module):
    """Pixels → feature map and the probabilities of the likeliest classes."""

    config: EfficientNetConfig

    @nn.compact
    def __call__(self, pixel_values: jax.Array) -> TowerOutput:
        """[B, H, W, 3] floats in about −1 … 1 → [B, h, w, 1280] and [B, num_classes].

        All but the `config.top_k` likeliest classes are 0 in the second.
        """
        stem = nn.Conv(STEM_CHANNELS, (3, 3), strides=2, padding="SAME", name="stem")
        x = relu6(stem(pixel_values))
        for number, block in enumerate(blocks(self.config)):
            x = InvertedBottleneck(block, name=f"block_{number}")(x)
        features = relu6(nn.Dense(HEAD_CHANNELS, name="head")(x))
        logits = nn.Dense(self.config.num_classes, name="classifier")(features.mean(axis=(1, 2)))
        probabilities = nn.softmax(logits / self.config.temperature)
        return TowerOutput(features, likeliest(probabilities, self.config.top_k))


def likeliest(probabilities: jax.Array, count: int) -> jax.Array:
    """The `count` greatest of each row, the others replaced by 0: [..., N] → [..., N]."""
    least = jax.lax.top_k(probabilities, count)[0][..., -1:]
    return jnp.where(probabilities >= least, probabilities, 0.0)
