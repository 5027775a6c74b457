"""The validation loss is the training loss, batch by batch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from koclip.errors import KoCLIPError
from koclip.evaluation import validation_loss
from koclip.similarity import unit_rows
from koclip.training.loss import contrastive_loss


def test_one_batch_equals_the_training_loss(rng):
    images, captions = (unit_rows(rng.normal(size=(24, 8))) for _ in range(2))
    figure = validation_loss(images, captions, np.arange(24), 12.5, batch_size=24)
    expected = contrastive_loss("softmax", images, captions, np.log(12.5)).loss
    assert figure.value == pytest.approx(float(expected), rel=1e-5)
    assert figure.name == "validation loss, batches of 24"
    assert (figure.n, figure.chance) == (24, pytest.approx(math.log(24)))


def test_equal_scores_lose_the_logarithm_of_the_batch():
    same = unit_rows(np.ones((12, 4)))
    figure = validation_loss(same, same, np.arange(12), 100.0, batch_size=4)
    assert figure.value == pytest.approx(figure.chance, rel=1e-5)
    assert figure.chance == pytest.approx(math.log(4))


def test_a_perfect_model_loses_next_to_nothing():
    rows = np.eye(8, dtype=np.float32)
    assert validation_loss(rows, rows, np.arange(8), 100.0, batch_size=4).value < 1e-6


def test_pairs_that_fill_no_batch_are_left_out(rng):
    rows = unit_rows(rng.normal(size=(11, 4)))
    assert validation_loss(rows, rows, np.arange(11), 10.0, batch_size=4).n == 8


def test_fewer_pairs_than_a_batch_make_one(rng):
    rows = unit_rows(rng.normal(size=(5, 4)))
    figure = validation_loss(rows, rows, np.arange(5), 10.0, batch_size=64)
    assert (figure.name, figure.n) == ("validation loss, batches of 5", 5)


def test_captions_find_their_photo(rng):
    images = np.eye(6, dtype=np.float32)
    image_of = np.array([3, 1, 0, 5, 2, 4])
    figure = validation_loss(images, images[image_of], image_of, 100.0, batch_size=6)
    assert figure.value < 1e-6


@pytest.mark.parametrize("size", [1, 0, -3])
def test_a_batch_of_one_is_refused(size):
    rows = np.eye(4, dtype=np.float32)
    with pytest.raises(KoCLIPError, match="at least 2"):
        validation_loss(rows, rows, np.arange(4), 10.0, batch_size=size)
