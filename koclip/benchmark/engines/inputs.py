"""The same input for every engine."""

from __future__ import annotations

import numpy as np
from PIL import Image

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.samples import pictures

_FIRST_WORD = 5  # ids below are special tokens


def pixels(task: Task) -> np.ndarray:
    """Photographs, squashed and brought to about zero mean: float32 [batch, size, size, 3]."""
    size = (task["size"], task["size"])
    squares = [Image.open(file).convert("RGB").resize(size) for file in pictures(0, task["batch"])]
    return np.stack([np.asarray(square, np.float32) / 64 - 2 for square in squares])


def tokens(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Ids and mask without padding, int32 [batch, tokens]."""
    shape = (task["batch"], task["tokens"])
    ids = np.random.default_rng(1).integers(_FIRST_WORD, task["vocabulary"], shape, np.int32)
    return ids, np.ones_like(ids)


def torch_inputs(task: Task) -> dict[str, np.ndarray]:
    """The same as PyTorch wants it: channels first, numbers of 64 bits."""
    if task["tower"] == "image":
        return {"pixel_values": np.ascontiguousarray(pixels(task).transpose(0, 3, 1, 2))}
    ids, mask = tokens(task)
    return {"input_ids": ids.astype(np.int64), "attention_mask": mask.astype(np.int64)}


def unit_rows(count: int, width: int, seed: int = 0, step: int = 1 << 16) -> np.ndarray:
    """Random unit rows, float32 [count, width], made in place piece by piece."""
    generator = np.random.default_rng(seed)
    rows = np.empty((count, width), np.float32)
    for start in range(0, count, step):
        piece = rows[start : start + step]
        generator.standard_normal(out=piece, dtype=np.float32)
        piece /= np.linalg.norm(piece, axis=1, keepdims=True)
    return rows
