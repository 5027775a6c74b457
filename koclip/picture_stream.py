"""Many pictures → embeddings, batch by batch: decoded on threads while the model embeds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from koclip import similarity
from koclip.batching import BATCH_SIZES
from koclip.errors import KoCLIPError
from koclip.images import ImageSource, open_image

if TYPE_CHECKING:
    from koclip.model import KoCLIP

_BATCH = BATCH_SIZES[-1]
_DECODERS = 2
# Pictures are handed on as the model's pixels: full ones are in memory one per decoder only.

Key = TypeVar("Key")
Note = TypeVar("Note")


class _Read(NamedTuple):
    """A picture as pixels [1, H, W, 3], or its unit row [D]."""

    pixels: np.ndarray | None = None
    note: object = None
    row: np.ndarray | None = None


class EmbeddedBatch(NamedTuple, Generic[Key, Note]):
    """What became of up to 32 pictures."""

    keys: list[Key]
    rows: np.ndarray
    """float32 unit rows [pictures, D], in the order of `keys`."""
    notes: list[Note]
    """What was noted of each picture while it was whole; None of a row."""
    broken: list[tuple[Key, KoCLIPError]]
    """Pictures that could not be read, and why."""


def embed_stream(
    model: KoCLIP,
    sources: Iterable[tuple[Key, Callable[[], ImageSource]]],
    note: Callable[[Key, Image.Image], Note] = lambda key, picture: None,
) -> Iterator[EmbeddedBatch[Key, Note]]:
    """Embeds pictures in the order given.

    Args:
        sources: a key for each picture, and what opens it, which may raise a KoCLIPError. A unit
            row [D] stands for the picture that it was made from, and is not embedded again.
        note: called with each key and its picture while that is whole, on the thread that decoded
            it. Of a row nothing is noted.
    """
    dimension = model.config.projection_dim

    def read(key: Key, open_source: Callable[[], ImageSource]) -> _Read | KoCLIPError:
        try:
            source = open_source()
            if isinstance(source, np.ndarray) and source.shape == (dimension,):
                return _Read(row=source)
            picture = open_image(source)
            return _Read(model.processor.image_processor([picture]), note(key, picture))
        except KoCLIPError as error:
            _drop_tracebacks(error)
            return error

    waiting: deque[tuple[Key, Future]] = deque()
    with ThreadPoolExecutor(_DECODERS) as decoders:
        try:
            for key, open_source in sources:
                waiting.append((key, decoders.submit(read, key, open_source)))
                if len(waiting) == 2 * _BATCH:
                    yield _embedded(model, [waiting.popleft() for _ in range(_BATCH)])
            while waiting:
                count = min(_BATCH, len(waiting))
                yield _embedded(model, [waiting.popleft() for _ in range(count)])
        finally:  # a reader who stops early waits for no more than what is being decoded
            decoders.shutdown(cancel_futures=True)


def _embedded(model: KoCLIP, read: list[tuple[Key, Future]]) -> EmbeddedBatch[Key, Note]:
    results = [(key, future.result()) for key, future in read]
    broken = [(key, result) for key, result in results if isinstance(result, KoCLIPError)]
    good = [(key, result) for key, result in results if not isinstance(result, KoCLIPError)]
    rows = np.empty((len(good), model.config.projection_dim), np.float32)
    fresh = [place for place, (_, result) in enumerate(good) if result.row is None]
    if fresh:
        pixels = np.concatenate([good[place][1].pixels for place in fresh])
        rows[fresh] = similarity.unit_rows(model.get_image_features(pixels))
    for place, (_, result) in enumerate(good):
        if result.row is not None:
            rows[place] = result.row
    return EmbeddedBatch([key for key, _ in good], rows, [r.note for _, r in good], broken)


def _drop_tracebacks(error: BaseException | None) -> None:
    """They keep the variables of what failed: of a broken picture, the whole file."""
    while error:
        error.__traceback__ = None
        error = error.__context__
