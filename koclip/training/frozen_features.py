"""What two towers that are not trained say of pictures and captions: computed once, then kept.

Training projections on them takes seconds an epoch where the towers would take minutes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from koclip.checkpoints.checkpoint import Parameters
from koclip.checkpoints.tensor_files import open_tensors
from koclip.config import ModelConfig
from koclip.encoder import TEXT_LENGTHS
from koclip.errors import KoCLIPError
from koclip.files import write_whole
from koclip.model import KoCLIP
from koclip.towers.dual_encoder import DualEncoder
from koclip.training.captions import CaptionedImage
from koclip.training.transforms import make_transform

Report = Callable[[str, int, int], None]
"""Called with (what, how many so far, how many in all)."""

_IMAGE_BATCH, _TEXT_BATCH = 32, 64


class FrozenFeatures(NamedTuple):
    """The towers' pooled outputs, before any projection."""

    images: np.ndarray
    """float16 [views, images, P]; a broken picture's rows are NaN."""
    texts: np.ndarray
    """float32 [texts, W]: all captions of the first picture, then those of the second, …"""


@partial(jax.jit, static_argnames="config")
def _pooled_images(config: ModelConfig, parameters: Parameters, pixels: jax.Array) -> jax.Array:
    return DualEncoder(config).apply(
        {"params": parameters}, pixels, method=lambda m, x: m.vision_tower(x).pooler_output
    )


@partial(jax.jit, static_argnames="config")
def _pooled_texts(
    config: ModelConfig, parameters: Parameters, ids: jax.Array, mask: jax.Array
) -> jax.Array:
    return DualEncoder(config).apply(
        {"params": parameters}, ids, mask, method=lambda m, *x: m.text_tower(*x).pooler_output
    )


def text_features(
    model: KoCLIP, texts: Sequence[str], max_length: int, report: Report = lambda *_: None
) -> np.ndarray:
    """The text tower's pooled output, float32 [texts, W]; longer texts are cut to `max_length`."""
    tokenizer = model.processor.text_tokenizer
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # alike lengths pad little
    features = np.empty((len(texts), model.config.text.hidden_size), np.float32)
    for start in range(0, len(texts), _TEXT_BATCH):
        rows = order[start : start + _TEXT_BATCH]
        filled = [texts[i] for i in rows] + [""] * (_TEXT_BATCH - len(rows))
        ids, mask = tokenizer.truncated(filled, max_length, TEXT_LENGTHS)
        pooled = _pooled_texts(model.config, model.parameters, ids, mask)
        features[rows] = np.asarray(pooled)[: len(rows)]
        report("texts", start + len(rows), len(texts))
    return features


def image_features(
    model: KoCLIP,
    items: Sequence[CaptionedImage],
    augment: str,
    seed: Sequence[int],
    *,
    workers: int,
    report: Report = lambda *_: None,
) -> np.ndarray:
    """The image tower's pooled output, float16 [items, P]; NaN for pictures that do not open.

    `augment` is a transform of `koclip.training.transforms`; each picture has random numbers of its
    own, from `seed` and its place.
    """
    processor = model.processor.image_processor
    transform = make_transform(augment, processor)
    edge = model.config.vision.image_size

    def pixels(i: int) -> np.ndarray | None:
        try:
            rng = np.random.default_rng([*seed, i])
            return transform(items[i].open(), rng, " ".join(items[i].captions))
        except KoCLIPError:
            return None

    features = None
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        ahead: list = []
        for start in range(0, len(items), _IMAGE_BATCH):
            rows = range(start, min(start + _IMAGE_BATCH, len(items)))
            opened = [future.result() for future in ahead] or list(pool.map(pixels, rows))
            after = range(rows.stop, min(rows.stop + _IMAGE_BATCH, len(items)))
            ahead = [pool.submit(pixels, i) for i in after]
            batch = np.zeros((_IMAGE_BATCH, edge, edge, 3), np.uint8)
            for row, picture in enumerate(opened):
                batch[row] = 0 if picture is None else picture
            normalized = processor.normalize(batch)
            pooled = np.asarray(_pooled_images(model.config, model.parameters, normalized))
            if features is None:
                features = np.empty((len(items), pooled.shape[1]), np.float16)
            features[rows.start : rows.stop] = pooled[: len(rows)]
            features[[i for i, picture in zip(rows, opened, strict=True) if picture is None]] = (
                np.nan
            )
            report(augment, rows.stop, len(items))
    return features


def frozen_features(
    model: KoCLIP,
    items: Sequence[CaptionedImage],
    folder: str | Path,
    *,
    views: int = 1,
    augment: str = "crop",
    max_length: int = 96,
    seed: int = 0,
    workers: int = 2,
    report: Report = lambda *_: None,
) -> FrozenFeatures:
    """Features of `items`, the pictures once as they are and in `views` - 1 augmented forms.

    Each part is kept as a file in `folder`, so that an interrupted run goes on from the last whole
    one; a part that was made of other data or by another model is made anew.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    data = [[str(item.path), *item.captions] for item in items]
    source = json.dumps([model.revision, seed, max_length, data], ensure_ascii=False)
    captions = [caption for item in items for caption in item.captions]

    def part(name: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        key = hashlib.sha256(f"{name}\0{source}".encode()).hexdigest()[:16]
        path = folder / f"{name}-{key}.safetensors"
        if not path.is_file():
            from safetensors.numpy import save

            write_whole(path, save({"features": compute()}))
        return open_tensors(path)["features"].read()

    texts = part("texts", lambda: text_features(model, captions, max_length, report))
    pictures = [
        part(
            f"{name}-{view}",
            partial(
                image_features, model, items, name, (seed, view), workers=workers, report=report
            ),
        )
        for view, name in enumerate(["none"] + [augment] * (views - 1))
    ]
    return FrozenFeatures(np.stack(pictures), texts)
