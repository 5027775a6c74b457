"""Which pairs a training step takes: shuffled passes, weighted mixtures, no state to save."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

_SEARCHED_BATCHES = 20
"""How far back a place is looked for, for a repeated picture that is left at the end of a pass."""


def shares(batch_size: int, demands: Sequence[float]) -> list[int]:
    """`batch_size` rows divided in proportion to `demands`, at least one row each.

    By highest averages (Webster), which is as near to the proportions as whole rows can be.
    """
    rows = np.ones(len(demands), int)
    for _ in range(batch_size - len(demands)):
        rows[np.argmax(np.asarray(demands) / (2 * rows + 1))] += 1
    return rows.tolist()


class PairStream:
    """Pairs in shuffled passes, one after another without end, `rows` of them a step.

    Every pair comes exactly once in a pass. The captions of one picture are spread over the pass,
    and no step has a picture twice where that can be avoided; a step in which one pass ends and
    the next begins may. Each pass follows from `seed` and its number alone, so a run can start at
    any step.
    """

    def __init__(self, images: np.ndarray, rows: int, seed: Sequence[int]) -> None:
        """`images` [N] numbers the picture of each pair."""
        self._images = images
        self._rows = rows
        self._seed = tuple(seed)
        self._pass = lru_cache(maxsize=2)(self._shuffled)

    def step(self, step: int) -> np.ndarray:
        """The positions in `images` of the pairs that `step` takes, [rows]."""
        size, first, taken = len(self._images), step * self._rows, []
        while (missing := self._rows - sum(map(len, taken))) > 0:
            number, start = divmod(first + self._rows - missing, size)
            taken.append(self._pass(number)[start : start + missing])
        return np.concatenate(taken)

    def _shuffled(self, number: int) -> np.ndarray:
        """The order of the pairs in pass `number`."""
        rng = np.random.default_rng([*self._seed, number])
        pairs_of_image = np.bincount(self._images)
        if pairs_of_image.max() == 1:
            return rng.permutation(len(self._images))
        # A picture with c pairs has one at a random moment of each c-th part of the pass.
        shuffled = np.lexsort((rng.random(len(self._images)), self._images))
        firsts = np.cumsum(pairs_of_image) - pairs_of_image
        part = np.empty(len(self._images))
        part[shuffled] = np.arange(len(shuffled)) - firsts[self._images[shuffled]]
        moments = (part + rng.random(len(part))) / pairs_of_image[self._images]
        begun = number * len(self._images) % self._rows
        return self._without_repeats(np.argsort(moments, kind="stable"), self._rows - begun)

    def _without_repeats(self, order: np.ndarray, first_room: int) -> np.ndarray:
        """`order` with what would repeat a picture within a step put off to a later one."""
        images = self._images.tolist()
        waiting, coming = deque(), deque(order.tolist())
        result: list[int] = []
        steps: list[set[int]] = []
        while waiting or coming:
            room = self._rows if steps else first_room
            taken: set[int] = set()
            steps.append(taken)
            repeats = deque()
            for queue in (waiting, coming):
                while queue and len(taken) < room:
                    pair = queue.popleft()
                    if images[pair] in taken:
                        repeats.append(pair)
                    else:
                        taken.add(images[pair])
                        result.append(pair)
            waiting = repeats + waiting
            for _ in range(min(room - len(taken), len(waiting))):  # nothing else is left
                self._append_repeat(waiting.popleft(), result, steps, images, first_room)
        return np.array(result)

    def _append_repeat(
        self,
        pair: int,
        result: list[int],
        steps: list[set[int]],
        images: list[int],
        first_room: int,
    ) -> None:
        """Gives `pair` the place of one that can be in the last step instead, if there is any."""
        last = steps[-1]
        earliest = max(0, len(result) - _SEARCHED_BATCHES * self._rows)
        for place in range(len(result) - 1, earliest - 1, -1):
            step = steps[0 if place < first_room else 1 + (place - first_room) // self._rows]
            other = result[place]
            if images[pair] not in step and images[other] not in last:
                step.remove(images[other])
                step.add(images[pair])
                last.add(images[other])
                result[place] = pair
                result.append(other)
                return
        result.append(pair)
