"""Readers of weight files: a name → stored-tensor table, with nothing read before it is asked for.

Every reader maps the file into memory, so that a 1.7 GB checkpoint costs address space, not RAM,
until each tensor is taken out. No reader runs code from a file.
"""

from __future__ import annotations

import json
import mmap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import ml_dtypes
import numpy as np

from koclip.errors import KoCLIPError
from koclip.flax_msgpack import read_flax_tree
from koclip.torch_pickle import read_torch_index

SAFETENSORS = "model.safetensors"
FLAX_MSGPACK = "flax_model.msgpack"
TORCH_BIN = "pytorch_model.bin"
WEIGHT_FILES = (SAFETENSORS, FLAX_MSGPACK, TORCH_BIN)
"""The weight files that are read, the preferred first."""


class StoredTensor(NamedTuple):
    """A tensor that is still in its file."""

    shape: tuple[int, ...]
    is_float: bool
    read: Callable[[], np.ndarray]
    """Returns the tensor; a view of the file where its type needs no conversion."""


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
    except (OSError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile) as error:
        raise KoCLIPError("weights_unreadable", path=path, reason=error) from error


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # ValueError when empty


def _stored(
    buffer: mmap.mmap, offset: int, shape: tuple[int, ...], dtype: np.dtype
) -> StoredTensor:
    count = int(np.prod(shape, dtype=np.int64))
    if offset < 0 or offset + count * dtype.itemsize > len(buffer):
        raise ValueError("the file ends too early")

    def read() -> np.ndarray:
        return np.frombuffer(buffer, dtype, count, offset).reshape(shape)

    return StoredTensor(shape, dtype.kind in "fV", read)


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


def _open_safetensors(path: Path) -> dict[str, StoredTensor]:
    """The format is a length, a JSON header and the bytes (huggingface/safetensors, README)."""
    buffer = _map(path)
    start = 8 + int.from_bytes(buffer[:8], "little")
    if start > len(buffer):
        raise ValueError("the file ends too early")
    header = json.loads(buffer[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        dtype = _SAFETENSORS_TYPES[entry["dtype"]]
        begin, end = entry["data_offsets"]
        shape = tuple(entry["shape"])
        if end - begin != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
            raise ValueError(f"{name}: shape and size disagree")
        tensors[name] = _stored(buffer, start + begin, shape, dtype)
    return _dequantised(tensors)


def _dequantised(tensors: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    """Joins `X.q4_0` or `X.int8` and its scale into one float tensor `X`."""
    plain = {}
    for name, stored in tensors.items():
        base, _, suffix = name.rpartition(".")
        if suffix == "q4_0":
            plain[base] = _dequantise_q4(stored, tensors[f"{base}.q4_scale"])
        elif suffix == "int8":
            plain[base] = _dequantise_int8(stored, tensors[f"{base}.int8_scale"])
        elif suffix not in ("q4_scale", "int8_scale"):
            plain[name] = stored
    return plain


def _dequantise_q4(blocks: StoredTensor, scale: StoredTensor) -> StoredTensor:
    """Blocks of 32 four-bit values (ggml's Q4_0): [R, C/32, 16] bytes, [R, C/32] scales → [R, C].

    The low half-bytes are the first 16 values of a block; a value is (half-byte − 8) · scale.
    """
    rows, per_row, half = blocks.shape
    if half != 16 or scale.shape != (rows, per_row):
        raise ValueError("four-bit blocks and scales disagree")

    def read() -> np.ndarray:
        packed = blocks.read()
        values = np.empty((rows, per_row, 32), np.float32)
        np.subtract(packed & 15, 8, out=values[..., :16], dtype=np.float32)
        np.subtract(packed >> 4, 8, out=values[..., 16:], dtype=np.float32)
        values *= scale.read().astype(np.float32)[..., None]
        return values.reshape(rows, per_row * 32)

    return StoredTensor((rows, per_row * 32), True, read)


def _dequantise_int8(values: StoredTensor, scale: StoredTensor) -> StoredTensor:
    """[R, …] signed bytes and one scale per row → floats."""
    if scale.shape != values.shape[:1]:
        raise ValueError("eight-bit rows and scales disagree")

    def read() -> np.ndarray:
        per_row = scale.read().astype(np.float32).reshape(-1, *[1] * (len(values.shape) - 1))
        return values.read() * per_row

    return StoredTensor(values.shape, True, read)


# Flax ----------------------------------------------------------------------------------------


def _open_msgpack(path: Path) -> dict[str, StoredTensor]:
    buffer = _map(path)
    return {
        name: _stored(buffer, leaf.offset, leaf.shape, _flax_type(leaf.dtype))
        for name, leaf in read_flax_tree(buffer).items()
    }


def _flax_type(name: str) -> np.dtype:
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


# PyTorch -------------------------------------------------------------------------------------


def _open_torch(path: Path) -> dict[str, StoredTensor]:
    buffer = _map(path)
    tensors = {}
    for name, entry in read_torch_index(path).items():
        if entry.is_contiguous:
            tensors[name] = _stored(buffer, entry.offset, entry.shape, entry.dtype)
        else:
            raise ValueError(f"{name}: stored with strides")
    return tensors
