"""uint8 × int8 products, which processors have an instruction for and JAX has no operation for."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.extend.mlir import ir
from jax.extend.mlir.dialects import stablehlo
from jax.interpreters import mlir

_product = Primitive("mixed_product")


def mixed_product(a: jax.Array, b: jax.Array) -> jax.Array:
    """uint8 [N, K] and int8 [M, K] → int32 [N, M], inside of a compiled function.

    `jax.lax.dot_general` widens operands of two types to int32 before the product. XLA itself takes
    them as they are; of two int8 operands it makes the first uint8, in every call.
    """
    return _product.bind(a, b)


def with_128(values: np.ndarray) -> np.ndarray:
    """int8 → uint8, 128 more, in the same memory: the sign bit turned over."""
    bits = values.view(np.uint8)
    return np.bitwise_xor(bits, np.uint8(128), out=bits)


def without_128(values: jax.Array) -> jax.Array:
    """uint8 → int8, 128 less: `with_128` undone."""
    return jax.lax.bitcast_convert_type(values ^ 128, jnp.int8)


@_product.def_abstract_eval
def _shape(a: jax.core.ShapedArray, b: jax.core.ShapedArray) -> jax.core.ShapedArray:
    return jax.core.ShapedArray((a.shape[0], b.shape[0]), jnp.int32)


def _lower(context: mlir.LoweringRuleContext, a: ir.Value, b: ir.Value) -> list[ir.Value]:
    (result,) = context.avals_out
    dimensions = stablehlo.DotDimensionNumbers.get(
        lhs_batching_dimensions=[],
        rhs_batching_dimensions=[],
        lhs_contracting_dimensions=[1],
        rhs_contracting_dimensions=[1],
    )
    kind = ir.RankedTensorType.get(result.shape, ir.IntegerType.get_signless(32))
    return [stablehlo.dot_general(kind, a, b, dimensions)]


mlir.register_lowering(_product, _lower)
