"""Where the tensors lie in a `pytorch_model.bin`, without torch and without running its pickle.

torch.save writes a zip: a pickle that names the storages, and each storage as an uncompressed
member. The pickle is read by an unpickler that knows four harmless names and refuses all others,
so nothing from the file is executed. Format: torch/serialization.py, torch/_utils.py.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import ml_dtypes
import numpy as np

from koclip.errors import KoCLIPError

_STORAGE_TYPES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}
_LARGEST = 1 << 62  # of places, sizes and steps
_LOCAL_HEADER_SIZE = 30  # of a zip member, before its name and extra field


class TensorLocation(NamedTuple):
    """A tensor's first element is at `offset` of the file."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype
    strides: tuple[int, ...]
    """In bytes, as in NumPy."""


class _Storage(NamedTuple):
    """Bytes that tensors are cut from; `offset` and `size` in bytes."""

    dtype: np.dtype
    offset: int
    size: int


def read_torch_index(path: Path) -> dict[str, TensorLocation]:
    """Tensor names → where they are.

    Raises:
        KoCLIPError: the pickle asks for anything but tensors.
        Exception: not the zip form of torch.save, or damaged; a pickle fails in many ways.
    """
    if not zipfile.is_zipfile(path):
        raise ValueError("not the zip archive that torch.save has written since PyTorch 1.6")
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("its members are compressed")  # torch.save compresses none
        pickles = [n for n in archive.namelist() if n.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("not a torch.save archive")
        folder = pickles[0].removesuffix("data.pkl")

        def storage(dtype: np.dtype, key: str) -> _Storage:
            member = archive.getinfo(f"{folder}data/{key}")
            file.seek(member.header_offset)
            header = file.read(_LOCAL_HEADER_SIZE)
            name_length = int.from_bytes(header[26:28], "little")
            extra_length = int.from_bytes(header[28:30], "little")
            start = member.header_offset + _LOCAL_HEADER_SIZE + name_length + extra_length
            return _Storage(dtype, start, member.file_size)

        state = _TensorUnpickler(archive.read(pickles[0]), storage, path).load()
    if not isinstance(state, dict):
        raise ValueError("it does not hold a table of tensors")
    return {k: v for k, v in state.items() if isinstance(v, TensorLocation)}


# One takes as much memory as it asks for, the others hash what they are given: a tuple that holds
# itself twice, thirty times over, takes forever. No table of tensors needs them.
_LEFT_OUT = {op[0] for op in (pickle.BYTEARRAY8, pickle.DICT, pickle.ADDITEMS, pickle.FROZENSET)}


class _TensorUnpickler(pickle._Unpickler):
    """The unpickler that is written in Python: the one in C takes as much memory as a damaged
    file asks for before it looks whether the file is that long."""

    dispatch = {  # noqa: RUF012, as in the base class
        code: operation
        for code, operation in pickle._Unpickler.dispatch.items()
        if code not in _LEFT_OUT
    }

    def __init__(self, data: bytes, storage: Callable[[np.dtype, str], _Storage], path: Path):
        super().__init__(io.BytesIO(data))
        self._storage = storage
        self._path = path

    def _set_items(self) -> None:
        self._set(self.pop_mark())

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _set(self, items: list) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.stack[-1][_text(key)] = value

    def _build(self) -> None:
        """The attributes of an object are not needed."""
        self.stack.pop()

    dispatch |= {
        pickle.SETITEMS[0]: _set_items,
        pickle.SETITEM[0]: _set_item,
        pickle.BUILD[0]: _build,
    }

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return _empty_table
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _locate_tensor
        if module == "torch" and name in _STORAGE_TYPES:
            return name
        raise KoCLIPError("weights_unsafe", path=self._path, name=f"{module}.{name}")

    def persistent_load(self, pid: tuple) -> _Storage:
        _kind, type_name, key, *_ = pid
        return self._storage(_STORAGE_TYPES[_text(type_name)], _text(key))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a name of type {type(value).__name__}")
    return value


def _empty_table() -> dict:
    """Takes the place of collections.OrderedDict."""
    return {}


def _locate_tensor(
    storage: _Storage, first: int, shape: Sequence[int], strides: Sequence[int], *_: object
) -> TensorLocation:
    """Takes the place of torch._utils._rebuild_tensor_v2, which counts in elements."""
    numbers = (first, *shape, *strides)
    if not all(type(number) is int and 0 <= number <= _LARGEST for number in numbers):
        raise ValueError("a tensor has no such place or shape")
    item = storage.dtype.itemsize
    last = first + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if all(shape) and (last + 1) * item > storage.size:
        raise ValueError("a tensor is larger than its storage")
    return TensorLocation(
        storage.offset + first * item,
        tuple(shape),
        storage.dtype,
        tuple(step * item for step in strides),
    )
