"""Micro-batching: calls that come at the same time are computed in one batch.

There is no timer. Whoever finds nobody computing computes at once, so that a single caller waits
for nothing; who comes meanwhile waits, and the next to compute takes all of them along.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np


class _Request:
    """The rows of one caller, and what became of them."""

    def __init__(self, rows: tuple[np.ndarray, ...]) -> None:
        self.rows = rows
        self.features: np.ndarray | None = None
        self.error: BaseException | None = None

    def __len__(self) -> int:
        return len(self.rows[0])

    @property
    def is_done(self) -> bool:
        return self.features is not None or self.error is not None

    def fits(self, other: _Request) -> bool:
        """Whether both can be in one batch: their rows have the same shapes and types."""
        return all(
            mine.shape[1:] == others.shape[1:] and mine.dtype == others.dtype
            for mine, others in zip(self.rows, other.rows, strict=True)
        )


class MicroBatcher:
    """Makes one function of arrays serve many threads, a batch at a time.

    First come, first served: a batch begins with the rows that have waited longest, and takes
    those of the others that fit, in their order. A call of more rows than a batch has goes to the
    end of the queue after each batch, so that it holds up nobody for longer than that.
    """

    def __init__(self, encode: Callable[..., np.ndarray], most: int) -> None:
        """
        Args:
            encode: arrays with as many rows each → an array with a row for each of them.
            most: rows in one call of `encode`.
        """
        self._encode = encode
        self._most = most
        self._waiting: deque[_Request] = deque()
        self._is_computing = False
        self._changed = threading.Condition()

    def run(self, *rows: np.ndarray) -> np.ndarray:
        """`encode` of the rows, perhaps together with those of other threads.

        Raises:
            Exception: what `encode` raised for the batch that the rows were in.
        """
        starts = range(0, len(rows[0]) or 1, self._most)
        pieces = [tuple(array[start : start + self._most] for array in rows) for start in starts]
        return _joined([self._wait_for(piece) for piece in pieces])

    def _wait_for(self, rows: tuple[np.ndarray, ...]) -> np.ndarray:
        request = _Request(rows)
        with self._changed:
            self._waiting.append(request)
            while not request.is_done:
                if self._is_computing:
                    self._changed.wait()
                else:
                    self._compute(self._next_batch())
        if request.error is not None:
            raise request.error
        return request.features

    def _next_batch(self) -> list[_Request]:
        batch, rest, count = [], deque(), 0
        for request in self._waiting:
            if not batch or (request.fits(batch[0]) and count + len(request) <= self._most):
                batch.append(request)
                count += len(request)
            else:
                rest.append(request)
        self._waiting = rest
        return batch

    def _compute(self, batch: list[_Request]) -> None:
        """Computes a batch. The condition is held before and after, but not meanwhile."""
        self._is_computing = True
        self._changed.release()
        try:
            columns = zip(*(request.rows for request in batch), strict=True)
            features = self._encode(*map(_joined, columns))
            ends = np.cumsum([len(request) for request in batch])
            for request, part in zip(batch, np.split(features, ends[:-1]), strict=True):
                request.features = part
        except BaseException as error:
            for request in batch:
                request.error = error
        finally:
            self._changed.acquire()
            self._is_computing = False
            self._changed.notify_all()


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
