"""Pictures on their way through the model: order, batches, failures, and stopping early."""

from __future__ import annotations

import gc
import io
import threading
import weakref
from functools import partial

import numpy as np
import pytest
from PIL import Image

from koclip import KoCLIP
from koclip.errors import KoCLIPError
from koclip.picture_stream import embed_stream


def picture(number: int) -> Image.Image:
    return Image.new("RGB", (8 + number % 5, 8), (number * 3, 255 - number * 3, 90))


def sources(count: int) -> list:
    return [(number, partial(picture, number)) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 64, 70])
def test_batches_in_the_order_given(tiny_korean: KoCLIP, count):
    batches = list(embed_stream(tiny_korean, sources(count), note=lambda key, image: image.size))
    sizes = [len(batch.keys) for batch in batches]
    assert sum(sizes) == count and sizes[:-1] == [32] * (len(sizes) - 1)
    assert [key for batch in batches for key in batch.keys] == list(range(count))
    notes = [note for batch in batches for note in batch.notes]
    assert notes == [picture(number).size for number in range(count)]
    if count:
        rows = np.concatenate([batch.rows for batch in batches])
        expected = tiny_korean.embed_images([picture(number) for number in range(count)])
        np.testing.assert_allclose(rows, expected, atol=1e-5)


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(tiny_korean: KoCLIP):
    def missing():
        raise KoCLIPError("image_not_found", path="x")

    given = sources(40)
    given[3] = ("missing", missing)
    given[35] = ("broken", lambda: b"no picture")
    first, last = embed_stream(tiny_korean, given)
    assert [(key, error.code) for key, error in first.broken] == [("missing", "image_not_found")]
    assert [(key, error.code) for key, error in last.broken] == [("broken", "image_unreadable")]
    assert first.keys + last.keys == [n for n in range(40) if n not in (3, 35)]
    assert (first.rows.shape, last.rows.shape) == ((31, 24), (7, 24))


def test_a_batch_of_broken_pictures(tiny_korean: KoCLIP):
    (batch,) = embed_stream(tiny_korean, [(n, lambda: b"x") for n in range(5)])
    assert (batch.keys, batch.notes, batch.rows.shape) == ([], [], (0, 24))
    assert [key for key, _ in batch.broken] == list(range(5))


def test_whole_pictures_are_not_kept(tiny_korean: KoCLIP):
    """But one per decoder, and the one that either is about to give up."""
    noted: list[weakref.ref] = []

    def count(key: int, whole: Image.Image) -> int:
        noted.append(weakref.ref(whole))
        return sum(other() is not None for other in list(noted))

    batches = list(embed_stream(tiny_korean, sources(70), note=count))
    assert len(noted) == 70
    assert max(live for batch in batches for live in batch.notes) <= 4
    assert not any(whole() for whole in noted)


def test_of_broken_pictures_only_the_reason_is_kept(tiny_korean: KoCLIP):
    """A traceback would keep every file's content."""
    content = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(content, "PNG")
    opened: list[weakref.ref] = []

    def cut_off() -> io.BytesIO:
        file = io.BytesIO(content.getvalue()[:1000])
        opened.append(weakref.ref(file))
        return file

    (batch,) = embed_stream(tiny_korean, [(number, cut_off) for number in range(9)])
    gc.collect()
    assert [error.code for _, error in batch.broken] == ["image_unreadable"] * 9
    assert len(opened) == 9 and not any(file() for file in opened)


def test_other_errors_are_not_hidden(tiny_korean: KoCLIP):
    def fault():
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="a fault of ours"):
        list(embed_stream(tiny_korean, [(0, fault)]))


def test_few_pictures_are_read_ahead_and_none_after_stopping(tiny_korean: KoCLIP):
    opened = []

    def counted(number: int) -> Image.Image:
        opened.append(number)
        return picture(number)

    before = set(threading.enumerate())
    stream = embed_stream(tiny_korean, ((n, partial(counted, n)) for n in range(1000)))
    next(stream)
    stream.close()
    assert 32 <= len(opened) <= 64
    decoders = {t for t in threading.enumerate() if t.name.startswith("ThreadPoolExecutor")}
    assert decoders <= before
