"""Several stores of unit rows, some of their rows removed, searched as if they were one matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from koclip.vector_store import VectorStore


class Segment(NamedTuple):
    """A store, and which of its rows have not been removed."""

    store: VectorStore
    live: np.ndarray | None = None
    """Their positions in the store, ascending int64; None for all."""

    def __len__(self) -> int:
        return len(self.store if self.live is None else self.live)


class Block(NamedTuple):
    """A run of one store's rows, of which some or all are searched."""

    store: VectorStore
    start: int
    stop: int
    """The run, as positions in the store."""
    first: int
    """The number of the row at `start`; where `positions` is None they count on from there."""
    positions: np.ndarray | None = None
    """Of the rows that are searched, ascending; None for the whole run."""
    numbers: np.ndarray | None = None
    """Of the rows at `positions`."""

    def numbers_of(self, columns: np.ndarray) -> np.ndarray:
        """The numbers of the rows that are searched, for places among them."""
        return columns + self.first if self.numbers is None else self.numbers[columns]

    def positions_of(self, columns: np.ndarray) -> np.ndarray:
        """Their positions in the store."""
        return columns + self.start if self.positions is None else self.positions[columns]


@dataclass(frozen=True)
class SegmentedStore:
    """The rows of all segments, one after the other and numbered from 0; removed ones have none.

    Nothing is copied or joined: segments stay in their files.
    """

    segments: Sequence[Segment]

    @classmethod
    def of(cls, rows: np.ndarray | VectorStore | SegmentedStore) -> SegmentedStore:
        """The same rows, as segments; a matrix is one."""
        if isinstance(rows, SegmentedStore):
            return rows
        return cls([Segment(rows if isinstance(rows, VectorStore) else VectorStore(rows))])

    def __len__(self) -> int:
        return self._ends[-1]

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        """The numbers at which segments end, after a 0."""
        return tuple(accumulate(map(len, self.segments), initial=0))

    def rows_at(self, numbers: np.ndarray) -> np.ndarray:
        """The rows of these numbers [n], in their order: [n, D], of the type that they have."""
        of = np.searchsorted(self._ends, numbers, side="right") - 1
        parts, places = [], []
        for index in np.unique(of):
            place = np.flatnonzero(of == index)
            store, live = self.segments[index]
            positions = numbers[place] - self._ends[index]
            parts.append(store.rows[positions if live is None else live[positions]])
            places.append(place)
        if not parts:
            return np.empty((0, self.dimension), np.float32)
        return np.concatenate(parts)[np.argsort(np.concatenate(places))]

    @property
    def dimension(self) -> int:
        """D; 0 without any segment."""
        return self.segments[0].store.rows.shape[1] if self.segments else 0

    def blocks(self, step: int, keep: np.ndarray | None = None) -> Iterator[Block]:
        """All rows in runs of at most `step`, without those where the mask `keep` [N] is False."""
        for (store, live), first in zip(self.segments, self._ends, strict=False):
            for start in range(0, len(store), step):
                block = _block(store, live, first, start, min(start + step, len(store)), keep)
                if block.positions is None or len(block.positions):
                    yield block


def _block(
    store: VectorStore,
    live: np.ndarray | None,
    first: int,
    start: int,
    stop: int,
    keep: np.ndarray | None,
) -> Block:
    if live is None:
        first, count, positions = first + start, stop - start, None
    else:
        low, high = np.searchsorted(live, [start, stop])
        first, count, positions = first + int(low), int(high - low), live[low:high]
    if positions is None and (keep is None or keep[first : first + count].all()):
        return Block(store, start, stop, first)
    if keep is None:
        return Block(store, start, stop, first, positions, np.arange(first, first + count))
    kept = np.flatnonzero(keep[first : first + count])
    positions = kept + start if positions is None else positions[kept]
    return Block(store, start, stop, first, positions, kept + first)
