"""One process of a mesh: searches rows that it did not make, and saves what it found.

python -m tests.scale.mesh_worker ROWS.npy ANSWERS.npz [PROCESS PROCESSES ADDRESS]
"""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import numpy as np

from koclip.scale.mesh import ShardedRows
from koclip.segmented_store import SegmentedStore
from tests.scale.cases import CASES, ask, segmented

rows_file, answers_file, *cluster = sys.argv[1:]
if cluster:
    process, processes, address = int(cluster[0]), int(cluster[1]), cluster[2]
    jax.distributed.initialize(address, processes, process)


class Watched(SegmentedStore):
    """Notes which rows are read."""

    read: set[int] = set()  # noqa: RUF012 - of all of them

    def rows_at(self, numbers: np.ndarray) -> np.ndarray:
        Watched.read |= set(numbers.tolist())
        return super().rows_at(numbers)


rows = np.load(rows_file, mmap_mode="r")
placed = ShardedRows.place(Watched(segmented(rows).segments))
answers = {"devices": jax.device_count(), "read": sorted(Watched.read)}
for name in CASES:
    numbers, scores = ask(placed.top_k, rows, name)
    answers |= {f"{name} numbers": numbers, f"{name} scores": scores}
answers["read later"] = sorted(Watched.read)
np.savez(Path(answers_file), **answers)
