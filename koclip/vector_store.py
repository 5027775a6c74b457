"""How the unit rows of a database are stored and read: as they are, or with a compact copy.

A search reads every row once, so it is as fast as memory, or the disk, can be read. The compact
copy is a half (float16) or a quarter (int8) of float32, and says how far it is from the rows at
most; that lets `koclip.similarity.top_k` scan the copy, and still return what the rows would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from koclip.checkpoints.tensor_files import StoredTensor
from koclip.errors import KoCLIPError

CompactForm = Literal["float16", "int8"]
_TILE_BYTES = 8 << 20  # of float32: what is worked on at once should stay in the cache
_CHECKED_BYTES = 16 << 20  # of float32
_CHECKED_PLACES = 8
_ROWS, _VALUES, _SCALES, _ERROR = "embeddings", "compact", "compact_scales", "compact_error"


@dataclass(frozen=True)
class CompactCopy:
    """An approximation of unit rows [N, D]: `values * scales`."""

    values: np.ndarray
    """float16 or int8 [N, D], may be memory-mapped."""
    scales: np.ndarray
    """float32 [D]. One per column: some columns of CLIP's embeddings are several times larger than
    the others, and would set the step of a whole row. (On rows made to be like that, the int8 error
    is at most 0.0075 with a scale per column and 0.030 with one per row; on the bundled gallery,
    0.0078 and 0.0168.)"""
    error: float
    """The greatest distance, over all rows, of a row from its approximation."""


@dataclass(frozen=True)
class VectorStore:
    """Unit rows, and the copy of them that a search scans, if there is one."""

    rows: np.ndarray
    """[N, D], any float type, may be memory-mapped."""
    copy: CompactCopy | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def scanned(self) -> np.ndarray:
        """What a search reads of every row."""
        return self.rows if self.copy is None else self.copy.values

    def scan_queries(self, queries: np.ndarray) -> np.ndarray:
        """float32 [Q, D] whose products with `scanned` are the cosines, or near them."""
        return queries if self.copy is None else queries * self.copy.scales

    def scan_error(self, queries: np.ndarray) -> np.ndarray:
        """How far a float32 product of a scan can be from the cosine, for each query: [Q].

        By Cauchy-Schwarz a row that is off by a vector e changes q · x by at most |q| |e|. A sum of
        D float32 products in any order adds at most D · 2⁻²⁴ |q| |x|.
        """
        rounding = (self.rows.shape[1] + 4) * 2.0**-24 * 1.05  # rows are unit to within 0.05
        error = rounding + (0.0 if self.copy is None else self.copy.error)
        return np.linalg.norm(queries, axis=1) * np.float32(error)


def compact_copy(rows: np.ndarray, form: CompactForm) -> CompactCopy:
    """Of unit rows [N, D], made tile by tile.

    Raises:
        KoCLIPError: a row holds NaN or infinity.
    """
    scales = np.ones(rows.shape[1], np.float32)
    if form == "int8":
        largest = np.zeros_like(scales)
        for tile in tiles(rows):
            np.maximum(largest, np.abs(rows[tile]).max(axis=0), out=largest)
        scales = np.where(largest > 0, largest / 127, scales)
    values = np.empty(rows.shape, form)
    error = 0.0
    for tile in tiles(rows):
        exact = np.asarray(rows[tile], np.float32)
        with np.errstate(all="ignore"):  # what is not finite is told below
            values[tile] = np.rint(exact / scales) if form == "int8" else exact
            errors = _distances(values[tile], scales, exact)
        if not np.isfinite(errors).all():
            row = tile.start + int(np.argmin(np.isfinite(errors))) + 1
            raise KoCLIPError("embedding_not_finite", row=row)
        error = max(error, float(errors.max()))
    return CompactCopy(values, scales, error * 1.001)  # they are rounded themselves


def to_tensors(store: VectorStore) -> dict[str, np.ndarray]:
    """Names and tensors, for a file of them."""
    tensors = {_ROWS: store.rows}
    if copy := store.copy:
        error = np.array([copy.error])
        tensors |= {_VALUES: copy.values, _SCALES: copy.scales, _ERROR: error}
    return tensors


def from_tensors(tensors: Mapping[str, StoredTensor]) -> VectorStore:
    """What `to_tensors` gave, still in its file.

    Of large matrices only 16 MB are looked at here, in 8 places: a million rows of 512 with a copy
    open in 0.07 s from a disk that takes 2 to 5 s to read them all.
    NaN and infinity elsewhere are refused by the search that meets them.

    Raises:
        ValueError: the rows are no unit vectors, or the compact copy is not of them.
    """
    rows = tensors[_ROWS].read()
    if rows.ndim != 2 or rows.dtype.kind != "f":
        raise ValueError(f"embeddings of the shape {list(rows.shape)} and type {rows.dtype}")
    copy = None
    if _VALUES in tensors:
        values, scales = tensors[_VALUES].read(), tensors[_SCALES].read()
        copy = CompactCopy(values, scales, float(tensors[_ERROR].read()[0]))
        if values.shape != rows.shape or scales.shape != rows.shape[1:]:
            raise ValueError("the compact copy has another shape than the embeddings")
        if values.dtype not in (np.float16, np.int8) or scales.dtype != np.float32:
            raise ValueError(f"a compact copy of type {values.dtype}, scaled by {scales.dtype}")
    for sample in _samples(rows):
        exact = np.asarray(rows[sample], np.float32)
        squares = np.einsum("nd,nd->n", exact, exact)
        if not (np.abs(squares - 1) < 1e-2).all():  # False for NaN, too
            raise ValueError("the embeddings are not unit vectors")
        if copy and not (_distances(copy.values[sample], copy.scales, exact) <= copy.error).all():
            raise ValueError("the compact copy is not of these embeddings")
    return VectorStore(rows, copy)


def tiles(rows: np.ndarray, start: int = 0, stop: int | None = None) -> Iterator[slice]:
    """Slices of [N, D] that a processor's cache can hold, over the rows from `start` to `stop`."""
    stop = len(rows) if stop is None else min(stop, len(rows))
    step = max(1, _TILE_BYTES // (4 * max(1, rows.shape[1])))
    return (slice(at, min(at + step, stop)) for at in range(start, stop, step))


def widened(values: np.ndarray) -> np.ndarray:
    """As float32; the same array if it is that already.

    NumPy converts float16 number by number, which takes four times as long as shifting its sign,
    exponent and fraction into the places that float32 has for them. Infinity and NaN become
    finite then, beyond ±65,504.
    """
    if values.dtype != np.float16:
        return np.asarray(values, np.float32)
    bits = values.view(np.int16).astype(np.int32)
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, ~0x70000000, out=bits)  # the sign was spread over these three bits
    floats = bits.view(np.float32)
    floats *= np.float32(2.0**112)  # the exponents' biases are 15 and 127
    return floats


def _distances(values: np.ndarray, scales: np.ndarray, exact: np.ndarray) -> np.ndarray:
    return np.linalg.norm(widened(values) * scales - exact, axis=1)


def _samples(rows: np.ndarray) -> Iterator[slice]:
    """All rows, or as many as are to be checked, in runs that are evenly spread."""
    run = max(1, _CHECKED_BYTES // (4 * max(1, rows.shape[1]) * _CHECKED_PLACES))
    if len(rows) <= run * _CHECKED_PLACES:
        return tiles(rows)
    starts = np.linspace(0, len(rows) - run, _CHECKED_PLACES).astype(int).tolist()
    return (slice(start, start + run) for start in starts)
