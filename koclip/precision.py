"""The number types that a model can be served in, and the weights in each of them."""

from __future__ import annotations

import math
import mmap
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from koclip.config import ModelConfig, TextConfig, ViTConfig
from koclip.errors import KoCLIPError
from koclip.towers.layers import QUERY_KEY_VALUE
from koclip.towers.mixed_product import with_128

PRECISIONS = ("auto", "float32", "int8", "bfloat16")
"""What can be asked for; "auto" stands for one of the others."""

EightBitLayers = dict[str, tuple[str, ...]]
"""By tower, the linear layers of each block that are in int8."""

LAYERS = (*QUERY_KEY_VALUE, "out", "up", "down")
"""All of a block."""
LAYERS_AFTER_NORMS = (*QUERY_KEY_VALUE, "up")
"""Those whose inputs a layer norm has made even: seven of a block's twelve parts. What activations
and attention put out is spread over more than eight bits can hold."""

Convert = Callable[[str, np.ndarray], dict[str, np.ndarray]]
"""A float parameter and its path → the leaves that serve it, by path."""

_IN_BLOCKS = re.compile(r"(text|vision)_tower\.block_\d+\.(attention|feed_forward)\.\w+\.kernel")
"""Nearly all of a transformer's weights. The rest is small, and stays float32."""

_LARGE = 50_000_000
"""Weights in the blocks from which "auto" is int8: koclip-mini has 21 million and is quick as it
is, koclip-base 387 million."""

_WIDE = 512
"""Inputs and outputs from which a layer is transposed for a CPU, whose library packs [out, in] for
itself faster than [in, out]: an image in ViT-B/32 took .86 of the time so, in ViT-L/16 .95. Of
koclip-mini's 384 × 1536 it is the other way round: 1.0 to 1.18 (1 to 32 tokens)."""

_CPUINFO = Path("/proc/cpuinfo")  # on Linux


def check_precision(precision: str) -> str:
    """`precision`, if it is one of `PRECISIONS`; else raises a KoCLIPError."""
    if precision not in PRECISIONS:
        raise KoCLIPError("precision_unknown", precision=precision, known=", ".join(PRECISIONS))
    return precision


def automatic(config: ModelConfig) -> str:
    """What "auto" tries: on a CPU int8 for large models, on accelerators bfloat16."""
    if jax.default_backend() != "cpu":
        return "bfloat16"
    weights = sum(
        tower.num_hidden_layers
        * (4 * tower.hidden_size + 2 * tower.intermediate_size)
        * tower.hidden_size
        for tower in (config.text, config.vision)
        if isinstance(tower, (TextConfig, ViTConfig))
    )
    return "int8" if weights >= _LARGE else "float32"


def without_int8() -> str:
    """The second choice on a CPU: bfloat16 where it is faster than float32.

    With jax 0.12 it took .55 to .67 of the time on an AMD processor that has such instructions, 1.2
    to 1.3 on an Intel one without AMX; with jax 0.10 three to four and a half times as long.
    """
    recent = tuple(map(int, jax.__version__.split(".")[:2])) >= (0, 12)
    try:
        flags = _CPUINFO.read_text(encoding="ascii", errors="replace")
    except OSError:
        return "float32"
    fast = "avx512_bf16" if "AuthenticAMD" in flags else "amx_bf16"
    return "bfloat16" if recent and fast in flags else "float32"


def converter(
    precision: str,
    largest: dict[str, np.ndarray] | None = None,
    layers: EightBitLayers | None = None,
) -> Convert:
    """Makes the leaves of `koclip.towers.linear.Linear` in "float32", "bfloat16" or "int8".

    Args:
        largest: for int8, the largest magnitude of each input channel [in], by the path of the
            linear layer; see `koclip.calibration`. Layers that are not in it are not smoothed.
        layers: which are in int8, the others being in what `without_int8` says; None for all.
    """
    otherwise = converter(without_int8()) if layers is not None else None

    def convert(path: str, value: np.ndarray) -> dict[str, np.ndarray]:
        if not _IN_BLOCKS.fullmatch(path):
            return as_float32(path, value)
        layer = path.removesuffix(".kernel")
        tower, *_, name = layer.split(".")
        if otherwise and name not in layers.get(tower, ()):
            return otherwise(path, value)
        on_cpu = jax.default_backend() == "cpu"
        if precision == "bfloat16":
            return {path: _copied(value, jnp.bfloat16)}
        if precision == "int8":
            smoothing = _smoothing(len(value), (largest or {}).get(layer))
            levels, scale = _quantised(value, smoothing)
            # Texts are few tokens; an image has 50 or more.
            few_tokens = on_cpu and layer.startswith("text_tower")
            form, weight = ("uint8", with_128(levels)) if few_tokens else ("int8", levels)
            leaves = {form: _row_major(weight), "scale": scale, "smoothing": smoothing}
            return {f"{layer}.{part}": leaf for part, leaf in leaves.items()}
        if on_cpu and min(value.shape) >= _WIDE:
            return {f"{layer}.kernel_transposed": _copied(value.T)}
        return as_float32(path, value)

    return convert


def as_float32(path: str, value: np.ndarray) -> dict[str, np.ndarray]:
    """The parameter as it is: what training, saving and every layout begin with."""
    return {path: _copied(value)}


def serve(parameters: dict, convert: Convert) -> dict:
    """Parameters as `DualEncoder.init` makes them → the nested dict of what `convert` makes."""
    served = {}
    for path, value in flatten_dict(parameters, sep=".").items():
        served |= convert(path, np.asarray(value))
    join_attention(served)
    return on_device(unflatten_dict(served, sep="."))


def on_device(parameters: dict) -> dict:
    """Nested NumPy arrays that nobody else changes → JAX arrays, without a copy on a CPU where
    they lie as JAX wants them (`_empty`)."""
    return jax.device_put(parameters, may_alias=True)


_JOINED = "query_key_value"
_AXES = {"kernel": 1, "kernel_transposed": 0, "int8": 0, "uint8": 0, "scale": 0, "bias": 0}


def join_attention(flat: dict[str, np.ndarray]) -> None:
    """Makes one layer of the query, key and value layers of every attention in `flat`.

    One product instead of three: for an image in ViT-B/32 that is nearly twice as fast.
    """
    for path in [path for path in flat if ".query." in path]:
        attention, _, name = path.partition(".query.")
        parts = [flat.pop(f"{attention}.{part}.{name}") for part in QUERY_KEY_VALUE]
        joined = parts[0] if name == "smoothing" else _joined(parts, _AXES[name])
        flat[f"{attention}.{_JOINED}.{name}"] = joined


def with_kernels(parameters: dict) -> dict:
    """Float32 parameters that are being served → as `DualEncoder.init` makes them."""
    plain = {}
    for path, value in flatten_dict(parameters, sep=".").items():
        layer, _, name = path.rpartition(".")
        if name == "kernel_transposed":
            path, value = f"{layer}.kernel", value.T
        attention, is_joined, name = path.partition(f".{_JOINED}.")
        if not is_joined:
            plain[path] = value
            continue
        parts = jnp.split(value, len(QUERY_KEY_VALUE), axis=-1)
        for part, values in zip(QUERY_KEY_VALUE, parts, strict=True):
            plain[f"{attention}.{part}.{name}"] = values
    return unflatten_dict(plain, sep=".")


_ALIGNMENT = 64  # bytes; arrays that begin at a multiple are taken by JAX as they are
_OWN_PAGES = 1 << 20  # bytes from which an array has pages of its own
_PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}


def _empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """`np.empty`, aligned. What is large goes back to the system as soon as nobody holds it: the
    allocator kept 400 MB of what blocks had needed. Nor does it ask for huge pages, as NumPy does:
    with them reading 1.7 GB took .95 to 4 times as long, as the system found some or had to make
    them."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size >= _OWN_PAGES:
        return np.frombuffer(mmap.mmap(-1, size, **_PRIVATE), dtype).reshape(shape)
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


_COLUMNS = 64  # of what is transposed at once: few enough to stay in the processor's cache


def _copied(value: np.ndarray, dtype: np.dtype = np.float32) -> np.ndarray:
    """In another type, of its own memory and in row-major order."""
    in_row_order = value.ndim != 2 or value.flags.c_contiguous
    if not in_row_order and value.flags.f_contiguous and np.dtype(dtype).itemsize < 4:
        return _row_major(_copied(value.T, dtype).T)
    copy = _empty(value.shape, dtype)
    if in_row_order:
        copy[...] = value
        return copy
    # NumPy's own order takes 5 to 12 times as long as copying by columns.
    for start in range(0, value.shape[1], _COLUMNS):
        columns = slice(start, start + _COLUMNS)
        copy[:, columns] = value[:, columns]
    return copy


def _row_major(values: np.ndarray) -> np.ndarray:
    """The same numbers of one or two bytes in the order of their indices. JAX takes under half of
    NumPy's time for that, but for float32 up to three times as long."""
    if values.flags.c_contiguous:
        return values
    try:
        cpu = jax.local_devices(backend="cpu")[0]
    except RuntimeError:  # JAX was told to know no other device than an accelerator
        return np.ascontiguousarray(values)
    return np.asarray(jax.device_put(values, cpu))


def _joined(parts: Sequence[np.ndarray], axis: int) -> np.ndarray:
    shape = list(parts[0].shape)
    shape[axis] *= len(parts)
    return np.concatenate(parts, axis=axis, out=_empty(tuple(shape), parts[0].dtype))


def _smoothing(size: int, largest: np.ndarray | None) -> np.ndarray:
    """What inputs are multiplied by, and weights divided by: [in].

    Some channels of trained transformers are far larger than the others, and would take all the
    levels of a token for themselves. Half of the difference, on a logarithmic scale, is moved into
    the weights (SmoothQuant, Xiao et al. 2022, α = 0.5; without its term for the weights, so that
    query, key and value, which have the same input, have the same smoothing).
    """
    if largest is None:
        return np.ones(size, np.float32)
    return 1 / np.sqrt(np.maximum(np.asarray(largest, np.float32), np.float32(1e-6)))


_BLOCK = 256  # outputs quantised at once: few enough to stay in the processor's cache


def _quantised(kernel: np.ndarray, smoothing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[in, out] → int8 [out, in], and one scale for each output [out].

    Of the two orders that a kernel may have in its file, each is read as it lies there.
    """
    weight = kernel.T
    in_rows = weight.flags.c_contiguous
    levels = _empty(weight.shape, np.int8) if in_rows else _empty(kernel.shape, np.int8).T
    scale = _empty(weight.shape[:1], np.float32)
    scratch = np.empty_like(weight[:_BLOCK], np.float32)
    for start in range(0, len(weight), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = scratch[: len(weight[rows])]
        np.divide(weight[rows], smoothing, out=block)
        largest = np.maximum(block.max(axis=1), -block.min(axis=1))
        scale[rows] = np.maximum(largest, np.float32(1e-12)) / np.float32(127)
        block /= scale[rows, None]
        np.rint(block, out=levels[rows], casting="unsafe")
    return levels, scale
