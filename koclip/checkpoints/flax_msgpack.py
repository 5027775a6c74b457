"""Where the arrays lie in a `flax_model.msgpack`, without reading them.

flax.serialization packs a nested map whose leaves are msgpack extension 1 (an array) or 3 (a NumPy
scalar), both the packed triple (shape, dtype name, bytes). Its own reader copies every array
twice; this one only finds the offsets. Formats: msgpack/spec.md; flax/serialization.py.
"""

from __future__ import annotations

import mmap
import struct
from typing import NamedTuple

_ARRAY_EXTENSIONS = (1, 3)
_MAX_DEPTH = 64  # far deeper than any model; keeps a damaged file from exhausting the stack
_MAX_RANK = 64  # NumPy's own limit; keeps it from exhausting the memory
_LONGEST_NAME = 1024  # of a map or an array; each array's has all those above it


class ArrayLocation(NamedTuple):
    """An array is the `size` bytes at `offset` of the file."""

    offset: int
    size: int
    shape: tuple[int, ...]
    dtype: str


def read_flax_tree(buffer: mmap.mmap | bytes) -> dict[str, ArrayLocation]:
    """Array names joined by "/" → where they are.

    Raises:
        ValueError: the bytes are not a msgpack tree of arrays, or end too early.
    """
    arrays: dict[str, ArrayLocation] = {}
    reader = _Reader(buffer)
    _walk(reader, (), arrays)
    if reader.position != len(buffer):
        raise ValueError("bytes follow the end of the tree")
    return arrays


def _walk(reader: _Reader, path: tuple[str, ...], arrays: dict[str, ArrayLocation]) -> None:
    if len(path) > _MAX_DEPTH:
        raise ValueError("the tree is too deep")
    code = reader.byte()
    if (count := reader.map_length(code)) is not None:
        for _ in range(count):
            _walk(reader, (*path, reader.string()), arrays)
    elif (length := reader.extension_length(code)) is not None:
        if reader.byte() not in _ARRAY_EXTENSIONS:
            raise ValueError(f"{'/'.join(path)}: not an array")
        end = reader.position + length
        array = _array(reader)
        if array.offset + array.size != end:
            raise ValueError(f"{'/'.join(path)}: the sizes of the array and its bytes disagree")
        arrays["/".join(path)] = array
        reader.position = end
    else:
        raise ValueError(f"{'/'.join(path) or 'the top'}: neither a map nor an array")


def _array(reader: _Reader) -> ArrayLocation:
    if reader.array_length(reader.byte()) != 3:
        raise ValueError("an array is not packed as (shape, dtype, bytes)")
    rank = reader.array_length(reader.byte())
    if rank > _MAX_RANK:
        raise ValueError(f"an array of {rank} dimensions")
    shape = tuple(reader.integer() for _ in range(rank))
    dtype = reader.string()
    size = reader.binary_length(reader.byte())
    return ArrayLocation(reader.position, size, shape, dtype)


class _Reader:
    """A cursor over msgpack bytes: just the types that a tree of arrays is made of."""

    def __init__(self, buffer: mmap.mmap | bytes) -> None:
        self._buffer = buffer
        self.position = 0

    def byte(self) -> int:
        return self._unpack("B")

    def _unpack(self, format: str) -> int:
        try:
            (value,) = struct.unpack_from(f">{format}", self._buffer, self.position)
        except struct.error:
            raise ValueError("the file ends too early") from None
        self.position += struct.calcsize(f">{format}")
        return value

    def _sized(self, code: int, formats: dict[int, str]) -> int | None:
        return self._unpack(formats[code]) if code in formats else None

    def map_length(self, code: int) -> int | None:
        """The number of entries if `code` opens a map, else None."""
        return code & 0x0F if code >> 4 == 0x8 else self._sized(code, {0xDE: "H", 0xDF: "I"})

    def extension_length(self, code: int) -> int | None:
        """The number of bytes if `code` opens an extension, else None."""
        if 0xD4 <= code <= 0xD8:
            return 1 << (code - 0xD4)
        return self._sized(code, {0xC7: "B", 0xC8: "H", 0xC9: "I"})

    def array_length(self, code: int) -> int:
        if code >> 4 == 0x9:
            return code & 0x0F
        return self._required(self._sized(code, {0xDC: "H", 0xDD: "I"}), "an array")

    def binary_length(self, code: int) -> int:
        return self._required(self._sized(code, {0xC4: "B", 0xC5: "H", 0xC6: "I"}), "bytes")

    def integer(self) -> int:
        code = self.byte()
        if code < 0x80:
            return code
        sized = self._sized(code, {0xCC: "B", 0xCD: "H", 0xCE: "I", 0xCF: "Q"})
        return self._required(sized, "a whole number")

    def string(self) -> str:
        code = self.byte()
        if code >> 5 == 0b101:
            length = code & 0x1F
        else:
            length = self._required(self._sized(code, {0xD9: "B", 0xDA: "H", 0xDB: "I"}), "text")
        if length > _LONGEST_NAME:
            raise ValueError(f"a name of {length:,} bytes")
        start = self.position
        self.position += length
        return bytes(self._buffer[start : self.position]).decode()

    @staticmethod
    def _required(value: int | None, what: str) -> int:
        if value is None:
            raise ValueError(f"expected {what}")
        return value
