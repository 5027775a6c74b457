"""Captioned pictures → batches, decoded in parallel, and the same whatever the workers."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from PIL import Image

from koclip.encoder import TEXT_LENGTHS
from koclip.errors import KoCLIPError
from koclip.processor import KoCLIPProcessor
from koclip.training.captions import CaptionedImage
from koclip.training.sampling import PairStream, shares
from koclip.training.transforms import make_transform

Batch = dict[str, np.ndarray]
"""pixel_values float32 [B, H, W, 3], input_ids and attention_mask int32 [B, T]."""

_PREFETCHED = 2
# Purposes of random numbers: one seed must not give an order and an augmentation the same ones.
_ORDER, _ROW = 0, 1


class CaptionLoader:
    """Endless batches of pairs of a picture and one of its captions.

    Batch k follows from the data, `seed` and k alone: not from the number of workers or
    processes, nor from the batches before it. So a run goes on from any step, and all it has to
    save is the step.

    Sources of the same weight are one pool, in which every pair comes exactly once in a pass. A
    source of twice the weight has its pairs come twice as often; every batch then has the same
    number of rows of either.
    """

    def __init__(
        self,
        sources: Sequence[tuple[Sequence[CaptionedImage], float]],
        processor: KoCLIPProcessor,
        *,
        batch_size: int,
        max_length: int,
        seed: int,
        augment: str,
        workers: int,
        process_index: int = 0,
        process_count: int = 1,
    ) -> None:
        """Nothing is decoded yet.

        Args:
            sources: pictures, and how often their pairs come relative to the other sources'.
            batch_size: rows of the global batch, of which every process yields its own part.
            max_length: tokens; longer captions are cut. T is the first of `TEXT_LENGTHS` that
                holds the longest caption of the global batch, so only few shapes are compiled.
            augment: a transform as `make_transform` names it.
            workers: threads that decode, at least one.

        Raises:
            KoCLIPError: too little data for a batch, a batch that does not divide, or a model
                without a tokenizer.
        """
        self._images = [image for images, _ in sources for image in images]
        pools = _pools(sources)
        self._pairs = np.array([pair for pool in pools.values() for pair in pool], np.int32)
        if len(self._pairs) < batch_size:
            raise KoCLIPError("training_too_little_data", total=len(self._images), size=batch_size)
        if len(pools) > batch_size:
            raise KoCLIPError("training_too_many_weights", weights=len(pools), batch=batch_size)
        if batch_size % process_count:
            raise KoCLIPError("training_rows_uneven", batch=batch_size, processes=process_count)
        rows = shares(batch_size, [weight * len(pool) for weight, pool in pools.items()])
        self._streams, first = [], 0
        for i, pool in enumerate(pools.values()):
            numbers = np.array([image for image, _ in pool])
            self._streams.append((first, PairStream(numbers, rows[i], (_ORDER, seed, i))))
            first += len(pool)
        self.steps_per_epoch = len(self._pairs) // batch_size
        """Steps of one pass. What does not fill the last batch begins the next pass."""
        size = batch_size // process_count
        self._rows = slice(process_index * size, (process_index + 1) * size)
        self._tokenizer = processor.text_tokenizer
        self._normalize = processor.image_processor.normalize
        self._transform = make_transform(augment, processor.image_processor)
        self._max_length = max_length
        self._seed = seed
        self._workers = max(1, workers)
        self._broken: dict[int, KoCLIPError] = {}

    @property
    def broken(self) -> list[tuple[str, KoCLIPError]]:
        """The pictures that could not be read so far, each once; others stood in for them."""
        broken = dict(self._broken)  # as workers may be adding to it
        return [(str(self._images[i].path), error) for i, error in sorted(broken.items())]

    def batches(self, first_step: int = 0) -> Iterator[Batch]:
        """Batch `first_step` and all that follow, without end.

        Raises:
            KoCLIPError: not one of the pictures can be read.
        """
        pool = ThreadPoolExecutor(self._workers)
        submitted: deque[tuple[np.ndarray, list[Future]]] = deque()
        try:
            for step in itertools.count(first_step):
                pairs = self._step_pairs(step)
                rows = range(*self._rows.indices(len(pairs)))
                examples = [pool.submit(self._example, step, row, pairs[row]) for row in rows]
                submitted.append((pairs, examples))
                if len(submitted) > _PREFETCHED:
                    pairs, examples = submitted.popleft()
                    yield self._batch(pairs, [example.result() for example in examples])
        finally:
            pool.shutdown(cancel_futures=True)

    def _step_pairs(self, step: int) -> np.ndarray:
        """Pair numbers of the global batch, [batch_size]."""
        return np.concatenate([first + stream.step(step) for first, stream in self._streams])

    def _example(self, step: int, row: int, pair: int) -> tuple[np.ndarray, str]:
        """Pixels and caption of `pair`, or of the first random one whose picture can be read."""
        rng = np.random.default_rng((_ROW, self._seed, step, row))
        while (picture := self._open(self._pairs[pair][0])) is None:
            if len(self._broken) == len(self._images):
                name, error = self.broken[0]
                count = len(self._broken)
                raise KoCLIPError("training_images_broken", count=count, name=name, reason=error)
            pair = rng.integers(len(self._pairs))
        caption = self._caption(pair)
        return self._normalize(self._transform(picture, rng, caption)), caption

    def _open(self, image: int) -> Image.Image | None:
        image = int(image)
        if image in self._broken:
            return None
        try:
            return self._images[image].open()
        except KoCLIPError as error:
            self._broken[image] = error
            return None

    def _caption(self, pair: int) -> str:
        image, caption = self._pairs[pair]
        return self._images[image].captions[caption]

    def _batch(self, pairs: np.ndarray, examples: list[tuple[np.ndarray, str]]) -> Batch:
        planned = [self._caption(pair) for pair in pairs]
        ids, mask = self._tokenizer.truncated(planned, self._max_length, TEXT_LENGTHS)
        pixels, captions = zip(*examples, strict=True)
        if list(captions) == planned[self._rows]:
            ids, mask = ids[self._rows], mask[self._rows]
        else:  # a picture was broken; the length stays, which all processes have to agree on
            ids, mask = self._tokenizer.truncated(captions, ids.shape[1])
        return {"pixel_values": np.stack(pixels), "input_ids": ids, "attention_mask": mask}


def _pools(
    sources: Sequence[tuple[Sequence[CaptionedImage], float]],
) -> dict[float, list[tuple[int, int]]]:
    """The pairs of each weight, as (number of the picture in all sources, of its caption)."""
    pools: dict[float, list[tuple[int, int]]] = {}
    number = 0
    for images, weight in sources:
        for image in images:
            pairs = [(number, caption) for caption in range(len(image.captions))]
            pools.setdefault(weight, []).extend(pairs)
            number += 1
    return {weight: pairs for weight, pairs in pools.items() if pairs}
