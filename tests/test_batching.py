"""Calls of several threads are joined in batches, and each gets what it would have got alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from koclip import batching
from koclip.batching import BATCH_SIZES, MicroBatcher, portion

PATIENCE = 20  # seconds until a test that hangs is called one


class Recorder:
    """Doubles its rows, and remembers the batches; holds the first one until `go` is set."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.has_begun, self.go = threading.Event(), threading.Event()

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        self.batches.append(rows.ravel().tolist())
        self.has_begun.set()
        assert self.go.wait(PATIENCE)
        return 2 * rows


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def rows(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def run_while_busy(batcher: MicroBatcher, recorder: Recorder, calls: list[tuple]) -> list[Future]:
    """Starts `calls` one after the other while another call, of the row 0, is computed."""
    with ThreadPoolExecutor(len(calls) + 1) as threads:
        first = threads.submit(batcher.run, rows(0))
        assert recorder.has_begun.wait(PATIENCE)
        futures = []
        for call in calls:
            futures.append(threads.submit(batcher.run, *call))
            wait_until(lambda: len(batcher._waiting) == len(futures))
        recorder.go.set()
    assert first.result().tolist() == [[0]]
    return futures


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(PATIENCE * 1000):
        if holds():
            return
        threading.Event().wait(0.001)
    raise TimeoutError


@pytest.fixture
def up_to_two(monkeypatch) -> None:
    monkeypatch.setattr(batching, "BATCH_SIZES", (1, 2))


def test_a_single_call_is_computed_at_once_and_alone(recorder):
    recorder.go.set()
    result = MicroBatcher(recorder).run(rows(1, 2))
    assert result.tolist() == [[2], [4]]
    assert recorder.batches == [[1, 2]]


def test_calls_that_come_meanwhile_are_joined_in_their_order(recorder):
    calls = [(rows(1),), (rows(2, 3),), (rows(4),)]
    futures = run_while_busy(MicroBatcher(recorder), recorder, calls)
    assert recorder.batches == [[0], [1, 2, 3, 4]]
    assert [future.result().ravel().tolist() for future in futures] == [[2], [4, 6], [8]]


def test_a_batch_has_no_more_rows_than_it_may(recorder, up_to_two):
    calls = [(rows(i),) for i in range(1, 6)]
    futures = run_while_busy(MicroBatcher(recorder), recorder, calls)
    assert recorder.batches == [[0], [1, 2], [3, 4], [5]]
    assert [future.result().item() for future in futures] == [2, 4, 6, 8, 10]


@pytest.mark.parametrize("count", range(1, 101))
def test_little_padding_is_computed(count):
    sizes = []
    while count:
        taken = portion(count)
        size = next(size for size in BATCH_SIZES if size >= taken)
        assert taken in (count, size), "only the last batch is padded"
        assert size - taken <= max(1, size / 5)
        sizes.append(taken)
        count -= taken
    assert sizes == sorted(sizes, reverse=True)


def test_a_batch_is_cut_rather_than_padded_a_lot(recorder):
    calls = [(rows(i),) for i in range(1, 7)]
    run_while_busy(MicroBatcher(recorder), recorder, calls)
    assert recorder.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_a_call_of_many_rows_lets_others_in_between(recorder, up_to_two):
    calls = [(rows(1, 2, 3, 4, 5),), (rows(6, 7),)]
    many, one = run_while_busy(MicroBatcher(recorder), recorder, calls)
    assert recorder.batches == [[0], [1, 2], [6, 7], [3, 4], [5]]
    assert many.result().ravel().tolist() == [2, 4, 6, 8, 10]
    assert one.result().ravel().tolist() == [12, 14]


def test_only_rows_of_one_shape_and_type_are_joined(recorder):
    wide, whole = np.ones((1, 3), np.float32), np.ones((1, 1), np.int32)
    calls = [(rows(1),), (wide,), (rows(2),), (whole,), (wide,)]
    futures = run_while_busy(MicroBatcher(recorder), recorder, calls)
    assert recorder.batches == [[0], [1, 2], [1] * 6, [1]]
    for (array,), future in zip(calls, futures, strict=True):
        np.testing.assert_array_equal(future.result(), 2 * array)
        assert future.result().dtype == array.dtype


def test_several_arrays_keep_together(recorder):
    recorder.go.set()
    batcher = MicroBatcher(lambda ids, mask: recorder(ids * mask))
    result = batcher.run(rows(1, 2, 3), rows(1, 0, 1))
    assert result.ravel().tolist() == [2, 0, 6]


def test_no_rows_give_no_rows(recorder):
    recorder.go.set()
    assert MicroBatcher(recorder).run(rows()).shape == (0, 1)


def test_an_error_reaches_those_whose_batch_failed_only(recorder, up_to_two):
    def encode(array: np.ndarray) -> np.ndarray:
        result = recorder(array)
        if 3 in array:
            raise ValueError("three")
        return result

    batcher = MicroBatcher(encode)
    futures = run_while_busy(batcher, recorder, [(rows(i),) for i in range(1, 6)])
    assert [future.result().item() for future in futures[:2] + futures[4:]] == [2, 4, 10]
    for future in futures[2:4]:
        with pytest.raises(ValueError, match="three"):
            future.result()
    assert batcher.run(rows(6)).item() == 12, "it goes on afterwards"


def test_many_threads_at_once_get_each_its_own():
    batcher = MicroBatcher(lambda array: 2 * array)

    def call(number: int) -> bool:
        array = rows(*range(number, number + number % 70))
        return np.array_equal(batcher.run(array), 2 * array)

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(call, range(500)))


def test_the_model_answers_many_threads_like_one(mini, examples):
    texts = ["고양이", "커피 한 잔", "이것은 눈 덮인 산을 오르는 사람들 이다.", "바다"] * 3
    pictures = sorted(examples.glob("*.webp"))[:3]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(mini.embed_texts, texts))
        seen = list(threads.map(mini.embed_images, pictures))
    for text, rows_of_text in zip(texts, together, strict=True):
        np.testing.assert_allclose(rows_of_text, mini.embed_texts(text), atol=1e-5)
    for picture, row in zip(pictures, seen, strict=True):
        np.testing.assert_allclose(row, mini.embed_images(picture), atol=1e-5)
