"""The one dense layer of the transformers: it computes in the form that its weights have.

    kernel             [in, out], float32 or bfloat16: x @ kernel
    kernel_transposed  [out, in], float32: for a CPU
    int8, scale, smoothing   [out, in], [out], [in]: dynamic eight-bit products
    uint8, scale, smoothing  the same, plus 128: for few tokens

`koclip.precision` makes the other forms of the first.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from koclip.towers.mixed_product import mixed_product, without_128
from koclip.towers.stored import stored

_barrier = jax.lax.optimization_barrier

# For how many rows W @ xᵀ beats x @ W on a CPU, where a library packs the right operand anew in
# every call: the weights are much larger than so few tokens. Of 1024 × 4096 weights, times against
# x @ W: .63 (16 rows), .66 (32), .77 (64), 1.03 (128), and 1.2 for 50, which is no multiple of 16.
_FEW_ROWS = 64


class Linear(nn.Module):
    """[..., in] → [..., features], as `nn.Dense`, whose parameters it takes.

    When the collection "inputs" is mutable, the largest magnitude of each input channel is noted
    there as `largest` [in].
    """

    features: int
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        rows = x.reshape(-1, x.shape[-1])
        if self.is_mutable_collection("inputs"):
            self.variable("inputs", "largest", lambda: jnp.abs(rows).max(axis=0))
        eight_bits = [name for name in ("int8", "uint8") if self.has_variable("params", name)]
        if eight_bits:
            names = (*eight_bits, "scale", "smoothing")
            y = _eight_bit_product(rows, *(self.get_variable("params", name) for name in names))
        elif self.has_variable("params", "kernel_transposed"):
            y = _transposed_product(rows, self.get_variable("params", "kernel_transposed"))
        else:
            shape = (x.shape[-1], self.features)
            y = _product(rows, self.param("kernel", stored, shape))
        if self.use_bias:
            y = y + self.param("bias", stored, (self.features,))
        return y.reshape(*x.shape[:-1], self.features)


def _product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """[N, in] and [in, out] → [N, out] in the type of x, multiplied in that of the kernel."""
    if kernel.dtype == x.dtype:
        return x @ kernel
    rows = _two_rows(x).astype(kernel.dtype)
    return jnp.matmul(rows, kernel, preferred_element_type=x.dtype)[: len(x)]


def _transposed_product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """[N, in] and [out, in] → [N, out]. The barriers keep XLA from undoing the transposes."""
    if len(x) <= _FEW_ROWS and (len(x) % 16 == 0 or len(x) == 8):
        return _barrier(kernel @ _barrier(x.T)).T
    return _contract_last(x, kernel, x.dtype)


def _eight_bit_product(
    x: jax.Array, weight: jax.Array, scale: jax.Array, smoothing: jax.Array
) -> jax.Array:
    """[N, in] and int8 or uint8 [out, in] → [N, out].

    Each token has a step of its own, as its largest value tells (dynamic quantisation); each output
    has its `scale`. The weights were multiplied by what `smoothing` divides the inputs by.
    """
    count = len(x)
    # Without barriers XLA computes the inputs, and the levels, again inside of all that reads them.
    x = _barrier(_two_rows(x * smoothing))
    step = jnp.maximum(jnp.abs(x).max(axis=-1, keepdims=True), 1e-12) / 127
    levels, step = _barrier((jnp.rint(x / step).astype(jnp.int8), step))
    is_unsigned = weight.dtype == jnp.uint8
    if is_unsigned and len(x) <= _FEW_ROWS:  # W @ xᵀ, as in `_transposed_product`; less 128 · Σ x
        sums = _barrier(mixed_product(weight, levels)).T
        sums = sums - 128 * levels.astype(jnp.int32).sum(axis=-1, keepdims=True)
    else:
        if is_unsigned:  # 128 less, in place; transposing the sums of many tokens takes far longer
            weight = without_128(weight)
        sums = _contract_last(levels, weight, jnp.int32)
    return (sums.astype(jnp.float32) * (step * scale))[:count]


def _contract_last(a: jax.Array, b: jax.Array, kind: jnp.dtype) -> jax.Array:
    """[N, K] and [M, K] → [N, M], added up in `kind`."""
    return jax.lax.dot_general(a, b, (((1,), (1,)), ((), ())), preferred_element_type=kind)


def _two_rows(x: jax.Array) -> jax.Array:
    """A single row twice: XLA computes matrix by vector ten times slower in these types."""
    return jnp.concatenate([x, x]) if len(x) == 1 else x
