"""EfficientNet-lite, the image tower of koclip-mini (Tan & Le 2019; TensorFlow's "lite" family).

An ImageNet classifier whose pooled output begins with the probabilities of the likeliest classes,
so that the projection behind it holds one vector per class. Batch normalisation is folded into the
convolutions when the weights are built.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from koclip.config import EfficientNetConfig
from koclip.towers.layers import TowerOutput
from koclip.towers.stored import dense, stored


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


def _padding(size: tuple[int, int], kernel: int, stride: int) -> list[tuple[int, int]]:
    """Rows and columns that "same" padding adds before and after; more after, if it is uneven."""
    return jax.lax.padtype_to_pads(size, (kernel, kernel), (stride, stride), "SAME")


def _correlate(padded: jax.Array, filters: jax.Array, stride: int) -> jax.Array:
    """[B, H, W, C], [k, k, C] → [B, h, w, C], without padding."""
    kernel = len(filters)
    height, width = ((size - kernel) // stride + 1 for size in padded.shape[1:3])
    total = jnp.zeros((), padded.dtype)
    for row in range(kernel):
        rows = slice(row, row + stride * (height - 1) + 1, stride)
        for column in range(kernel):
            columns = slice(column, column + stride * (width - 1) + 1, stride)
            total = total + padded[:, rows, columns] * filters[row, column]
    return total


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def depthwise_conv(x: jax.Array, filters: jax.Array, stride: int) -> jax.Array:
    """One k × k filter per channel, "same" padding.

    x [B, H, W, C], filters [k, k, C] → [B, ⌈H/s⌉, ⌈W/s⌉, C]. Written as k² shifted multiply-adds,
    which XLA fuses into a single loop; its own grouped convolution is an order of magnitude slower
    on a CPU. The gradient is written out too, as that derived from the shifts is several times
    slower; forward-mode differentiation is therefore not possible.
    """
    padding = _padding(x.shape[1:3], len(filters), stride)
    return _correlate(jnp.pad(x, ((0, 0), *padding, (0, 0))), filters, stride)


def _depthwise_forward(
    x: jax.Array, filters: jax.Array, stride: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return depthwise_conv(x, filters, stride), (x, filters)


def _depthwise_backward(
    stride: int, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """As for any convolution: x gets the gradient, `stride` apart, convolved with the filters
    turned by 180°, and each tap the sum of the gradient times what the tap saw."""
    x, filters = saved
    kernel, sizes = len(filters), x.shape[1:3]
    padding = _padding(sizes, kernel, stride)
    seen = [stride * (count - 1) + 1 for count in gradient.shape[1:3]]
    edges = [
        (kernel - 1 - before, before + size - length, stride - 1)
        for (before, _), size, length in zip(padding, sizes, seen, strict=True)
    ]
    zero = jnp.zeros((), gradient.dtype)
    spread = jax.lax.pad(gradient, zero, ((0, 0, 0), *edges, (0, 0, 0)))
    padded = jnp.pad(x, ((0, 0), *padding, (0, 0)))

    def of_tap(place: jax.Array) -> jax.Array:
        first = (0, *jnp.divmod(place, kernel), 0)
        view = jax.lax.dynamic_slice(padded, first, (len(x), *seen, x.shape[-1]))
        return (view[:, ::stride, ::stride] * gradient).sum((0, 1, 2))

    # A loop: XLA makes k² such sums in one expression up to five times slower on a CPU.
    of_filters = jax.lax.map(of_tap, jnp.arange(kernel**2)).reshape(filters.shape)
    return _correlate(spread, filters[::-1, ::-1], 1), of_filters


depthwise_conv.defvjp(_depthwise_forward, _depthwise_backward)


class DepthwiseConv(nn.Module):
    """`depthwise_conv` and a bias: [B, H, W, C] → [B, ⌈H/s⌉, ⌈W/s⌉, C]."""

    kernel: int
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1]
        shape = (self.kernel, self.kernel, channels)
        filters = self.param("kernel", stored, shape)
        bias = self.param("bias", stored, (channels,))
        return depthwise_conv(x, filters, self.stride) + bias


class InvertedBottleneck(nn.Module):
    """Expand, filter each channel by itself, project; a residual where the shape allows one."""

    block: Stage

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        block, hidden = self.block, x
        if block.expansion > 1:
            hidden = relu6(dense(x.shape[-1] * block.expansion, name="expand")(hidden))
        hidden = relu6(DepthwiseConv(block.kernel, block.stride, name="depthwise")(hidden))
        hidden = dense(block.channels, name="project")(hidden)
        return x + hidden if hidden.shape == x.shape else hidden


class EfficientNetLite(nn.Module):
    """Pixels → feature map and, pooled, the probabilities of the likeliest classes."""

    config: EfficientNetConfig

    @nn.compact
    def __call__(
        self,
        pixel_values: jax.Array,
        *,
        pooled_only: bool = False,
        windows: jax.Array | None = None,
    ) -> TowerOutput:
        """[B, H, W, 3] floats in about −1 … 1 → [B, h, w, 1280] and [B, num_classes].

        H and W may be others than `config.image_size`; h and w are 32 times less, rounded up.

        All but the `config.top_k` likeliest classes are 0 in the second. With
        `config.pooled_features` it is [B, num_classes + 1280]: the square roots of the mean
        features follow. Without the root their few large values would drown the others.
        `pooled_only` is what other towers take; here everything is needed for the second.
        With `windows` [N, h, w], which weigh the places of a single picture and sum up to 1, the
        second has a row for each window instead of one for the whole picture.
        """
        stem = nn.Conv(
            STEM_CHANNELS,
            (3, 3),
            strides=2,
            padding="SAME",
            kernel_init=stored,
            bias_init=stored,
            name="stem",
        )
        x = relu6(stem(pixel_values))
        for number, block in enumerate(blocks(self.config)):
            x = InvertedBottleneck(block, name=f"block_{number}")(x)
        features = relu6(dense(HEAD_CHANNELS, name="head")(x))
        if windows is None:
            mean = features.mean(axis=(1, 2))
        else:
            mean = jnp.einsum("nhw,hwc->nc", windows, features[0])
        logits = dense(self.config.num_classes, name="classifier")(mean)
        probabilities = nn.softmax(logits / self.config.temperature)
        pooled = likeliest(probabilities, self.config.top_k)
        if self.config.pooled_features:
            roots = jnp.sqrt(mean + 1e-4)  # no infinite slope at 0
            pooled = jnp.concatenate([pooled, roots], axis=-1)
        return TowerOutput(features, pooled)


def likeliest(probabilities: jax.Array, count: int) -> jax.Array:
    """The `count` greatest of each row, the others replaced by 0: [..., N] → [..., N]."""
    least = jax.lax.top_k(probabilities, count)[0][..., -1:]
    return jnp.where(probabilities >= least, probabilities, 0.0)
