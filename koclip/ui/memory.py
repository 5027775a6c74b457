"""Room for models: which of them stay in memory, and which have to go when another comes."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from weakref import WeakSet

from koclip.errors import KoCLIPError


class Lease:
    """As long as somebody holds it, the model that it is for stays."""


class ModelMemory:
    """Keeps the weights of all models within a limit; who was asked last goes last."""

    def __init__(self, limit: int, pinned: str, evict: Callable[[str], None]) -> None:
        """
        Args:
            limit: bytes of weights, all models together.
            pinned: the model that never goes.
            evict: called with the name of a model that has to go, while no one can lease one.
        """
        self.limit = limit
        self._pinned = pinned
        self._evict = evict
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._leases: defaultdict[str, WeakSet[Lease]] = defaultdict(WeakSet)
        self._lock = threading.Lock()

    def lease(self, name: str) -> Lease:
        """Taken before a model is opened or used, and kept until it has answered."""
        lease = Lease()
        with self._lock:
            self._leases[name].add(lease)
            if name in self._sizes:
                self._sizes.move_to_end(name)
        return lease

    def admit(self, name: str, size: int) -> None:
        """Notes that a model takes `size` bytes, or will when it is open, and makes room for it.

        Raises:
            KoCLIPError: "model_no_room"; then nothing is evicted.
        """
        with self._lock:
            others = {other: bytes_ for other, bytes_ in self._sizes.items() if other != name}
            missing = size + sum(others.values()) - self.limit
            leaving = []
            for other, freed in others.items():
                if missing <= 0:
                    break
                if other != self._pinned and not self._leases[other]:
                    leaving.append(other)
                    missing -= freed
            if missing > 0 and name != self._pinned:
                raise KoCLIPError(
                    "model_no_room",
                    model=name,
                    size=f"{size / 1e9:.1f}",
                    taken=f"{sum(others.values()) / 1e9:.1f}",
                    limit=f"{self.limit / 1e9:.0f}",
                )
            for other in leaving:
                del self._sizes[other]
                self._evict(other)
            self._sizes[name] = size

    def remove(self, name: str) -> None:
        """Notes that a model could not be opened after all."""
        with self._lock:
            self._sizes.pop(name, None)
