"""Which pairs a step takes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from koclip.training.sampling import PairStream, shares


def stream(images: int, captions: int, rows: int, seed: int = 0) -> PairStream:
    return PairStream(np.repeat(np.arange(images), captions), rows, (seed,))


def flat(stream: PairStream, steps: range) -> np.ndarray:
    return np.concatenate([stream.step(step) for step in steps])


@pytest.mark.parametrize(
    ("images", "captions", "rows"), [(12, 1, 4), (12, 5, 4), (7, 3, 5), (10, 1, 3), (4, 5, 8)]
)
def test_every_pair_comes_once_in_a_pass(images, captions, rows):
    size = images * captions
    pairs = flat(stream(images, captions, rows), range(-(-3 * size // rows)))
    for number in range(3):
        one_pass = pairs[number * size : (number + 1) * size]
        assert sorted(one_pass) == list(range(size))


@pytest.mark.parametrize("captions", [1, 4])
def test_a_step_follows_from_the_seed_and_its_number(captions):
    straight = stream(9, captions, 4)
    expected = [straight.step(step) for step in range(30)]
    for step in (29, 3, 17):
        np.testing.assert_array_equal(stream(9, captions, 4).step(step), expected[step])


@pytest.mark.parametrize("captions", [1, 4])
def test_seeds_and_passes_are_shuffled_differently(captions):
    size = 40 * captions
    first = flat(stream(40, captions, 40), range(captions))
    second = flat(stream(40, captions, 40), range(captions, 2 * captions))
    other = flat(stream(40, captions, 40, seed=1), range(captions))
    assert (first != np.arange(size)).any()
    assert (first != second).any()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("images", "captions", "rows"), [(8, 5, 8), (12, 5, 10), (10, 3, 6), (64, 5, 32)]
)
def test_no_step_has_a_picture_twice(images, captions, rows):
    taken = stream(images, captions, rows)
    for step in range(2 * images * captions // rows):  # two whole passes
        assert max(Counter(taken.step(step) // captions).values()) == 1


def test_pictures_with_many_captions_do_not_gather():
    images = np.array([0] * 10 + [1] * 10 + list(range(2, 82)))
    taken = PairStream(images, 10, (0,))
    for step in range(10):
        assert max(Counter(images[taken.step(step)]).values()) == 1


def test_more_captions_than_steps_have_to_repeat():
    taken = PairStream(np.zeros(12, int), 4, (0,))
    assert sorted(flat(taken, range(3))) == list(range(12))


def test_captions_of_a_picture_are_spread_over_the_pass():
    pairs = flat(stream(50, 4, 10), range(20)) // 4
    for image in range(50):
        quarters = np.flatnonzero(pairs == image) / 200 * 4
        # Each has its own quarter, give or take what putting off moves.
        assert np.abs(quarters - (np.arange(4) + 0.5)).max() < 0.75


@pytest.mark.parametrize(
    ("batch_size", "demands", "expected"),
    [
        (8, [1], [8]),
        (8, [3, 1], [6, 2]),
        (8, [1000, 1], [7, 1]),
        (9, [1, 1, 1], [3, 3, 3]),
        (10, [1, 1, 1], [4, 3, 3]),
        (2, [5, 1], [1, 1]),
    ],
)
def test_shares_are_proportional(batch_size, demands, expected):
    assert shares(batch_size, demands) == expected
