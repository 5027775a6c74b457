"""Readers of weight files: a name → stored-tensor table, with nothing read before it is asked for.

Every reader maps the file into memory, so that a 1.7 GB checkpoint costs address space, not RAM,
until each tensor is taken out. No reader runs code from a file.
"""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import ml_dtypes
import numpy as np

from koclip.checkpoints.flax_msgpack import read_flax_tree
from koclip.checkpoints.torch_pickle import read_torch_index
from koclip.errors import KoCLIPError

SAFETENSORS = "model.safetensors"
"""The name under which weights are saved."""


_MAX_RANK = 64  # NumPy's own limit
_LARGEST = 1 << 62  # of sizes and places: products of 64 of them are quick to make
_LONGEST_HEADER = 100_000_000  # bytes; as the format's own reader


class StoredTensor(NamedTuple):
    """A tensor that is still in its file."""

    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[], np.ndarray]
    """Returns the tensor; a view of the file unless it has to be dequantised."""


def open_tensors(path: str | Path) -> dict[str, StoredTensor]:
    """The tensors in a weight file of any published form.

    Raises:
        KoCLIPError: the file is cut short, damaged, or wants to run code.
    """
    path = Path(path)
    reader = {".safetensors": _open_safetensors, ".msgpack": _open_msgpack}.get(
        path.suffix, _open_torch
    )
    try:
        return reader(path)
    except KoCLIPError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in json, pickle or zipfile
        raise KoCLIPError("weights_unreadable", path=path, reason=error) from error


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # ValueError when empty


def _stored(
    buffer: mmap.mmap,
    offset: int,
    shape: tuple[int, ...],
    dtype: np.dtype,
    strides: tuple[int, ...] | None = None,
) -> StoredTensor:
    """The tensor that starts at `offset`; `strides` in bytes, None for a contiguous one."""
    if len(shape) > _MAX_RANK:
        raise ValueError(f"a tensor of {len(shape)} dimensions")
    for number in (offset, *shape, *(strides or ())):
        if type(number) is not int or not 0 <= number <= _LARGEST:
            raise ValueError(f"{number} is no place or size")
    size = math.prod(shape) * dtype.itemsize
    spread = 0
    if strides and size:
        spread = dtype.itemsize + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    if offset + max(size, spread) > len(buffer):
        raise ValueError("the file ends too early")

    def read() -> np.ndarray:
        return np.ndarray(shape, dtype, buffer, offset, strides)

    return StoredTensor(shape, dtype, read)


# safetensors ---------------------------------------------------------------------------------

_SAFETENSORS_TYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}


def _type_of(tensor: str, name: str, types: dict[str, np.dtype]) -> np.dtype:
    if name not in types:
        raise ValueError(f"{tensor}: numbers of type '{name}' are not supported")
    return types[name]


def _open_safetensors(path: Path) -> dict[str, StoredTensor]:
    """The format is a length, a JSON header and the bytes (huggingface/safetensors, README)."""
    buffer = _map(path)
    start = 8 + int.from_bytes(buffer[:8], "little")
    if start > len(buffer):
        raise ValueError("the file ends too early")
    if start > _LONGEST_HEADER:
        raise ValueError(f"a header of {start:,} bytes")
    header = json.loads(buffer[8:start])
    header.pop("__metadata__", None)
    tensors, places = {}, []
    for name, entry in header.items():
        dtype = _type_of(name, entry["dtype"], _SAFETENSORS_TYPES)
        begin, end = entry["data_offsets"]
        shape = tuple(entry["shape"])
        tensors[name] = _stored(buffer, start + begin, shape, dtype)
        if begin < 0 or end - begin != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{name}: shape and size disagree")
        places.append((begin, end, name))
    places.sort()
    for (_, end, one), (begin, _, other) in pairwise(places):
        if begin < end:
            raise ValueError(f"{one} and {other} are in the same place")
    return _dequantised(tensors)


def _dequantised(tensors: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    """Joins `X.q4_0` or `X.int8` and its scale into one float tensor `X`."""
    plain = dict(tensors)
    for name in tensors:
        base, _, suffix = name.rpartition(".")
        if suffix in _DEQUANTISERS:
            dequantise, scale = _DEQUANTISERS[suffix]
            if f"{base}.{scale}" not in plain:
                raise ValueError(f"{name}: its scale is missing")
            if base in plain:
                raise ValueError(f"{base} is stored twice")
            plain[base] = dequantise(plain.pop(name), plain.pop(f"{base}.{scale}"))
    return plain


def _dequantise_q4(blocks: StoredTensor, scale: StoredTensor) -> StoredTensor:
    """Blocks of 32 four-bit values (ggml's Q4_0): [R, C/32, 16] bytes, [R, C/32] scales → [R, C].

    The low half-bytes are the first 16 values of a block; a value is (half-byte − 8) · scale.
    """
    rows, per_row, half = blocks.shape
    if half != 16 or blocks.dtype != np.uint8 or scale.shape != (rows, per_row):
        raise ValueError("four-bit blocks and scales disagree")

    def read() -> np.ndarray:
        packed = blocks.read()
        values = np.empty((rows, per_row, 32), np.float32)
        np.subtract(packed & 15, 8, out=values[..., :16], dtype=np.float32)
        np.subtract(packed >> 4, 8, out=values[..., 16:], dtype=np.float32)
        values *= scale.read().astype(np.float32)[..., None]
        return values.reshape(rows, per_row * 32)

    return StoredTensor((rows, per_row * 32), np.dtype(np.float32), read)


def _dequantise_int8(values: StoredTensor, scale: StoredTensor) -> StoredTensor:
    """[R, …] signed bytes and one scale per row → floats."""
    if scale.shape != values.shape[:1] or values.dtype != np.int8:
        raise ValueError("eight-bit rows and scales disagree")

    def read() -> np.ndarray:
        per_row = scale.read().astype(np.float32).reshape(-1, *[1] * (len(values.shape) - 1))
        return values.read() * per_row

    return StoredTensor(values.shape, np.dtype(np.float32), read)


_DEQUANTISERS = {"q4_0": (_dequantise_q4, "q4_scale"), "int8": (_dequantise_int8, "int8_scale")}


# Flax ----------------------------------------------------------------------------------------


_FLAX_TYPES = {str(dtype): dtype for dtype in _SAFETENSORS_TYPES.values()}  # as NumPy names them


def _open_msgpack(path: Path) -> dict[str, StoredTensor]:
    buffer = _map(path)
    tensors = {}
    for name, leaf in read_flax_tree(buffer).items():
        dtype = _type_of(name, leaf.dtype, _FLAX_TYPES)
        if leaf.size != math.prod(leaf.shape) * dtype.itemsize:
            raise ValueError(f"{name}: shape and size disagree")
        tensors[name] = _stored(buffer, leaf.offset, leaf.shape, dtype)
    return tensors


# PyTorch -------------------------------------------------------------------------------------


def _open_torch(path: Path) -> dict[str, StoredTensor]:
    buffer = _map(path)
    return {
        name: _stored(buffer, entry.offset, entry.shape, entry.dtype, entry.strides)
        for name, entry in read_torch_index(path).items()
    }
