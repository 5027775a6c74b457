"""Ranks against a brute-force matrix, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from koclip.errors import KoCLIPError
from koclip.evaluation import Retrieval, retrieve
from koclip.evaluation import retrieval as module
from koclip.similarity import unit_rows


def values(result: Retrieval) -> dict[str, float]:
    return {figure.name: figure.value for figure in result.figures()}


def paired(image_rows: np.ndarray, caption_rows: np.ndarray) -> Retrieval:
    n = len(image_rows)
    return retrieve(image_rows, caption_rows, images=n, captions=n)


def test_a_perfect_and_a_shifted_model():
    rows = np.eye(12, dtype=np.float32)
    assert set(values(paired(rows, rows)).values()) == {1.0}
    shifted = values(paired(rows, np.roll(rows, 1, axis=0)))
    assert shifted["text→image R@1"] == shifted["image→text R@1"] == 0


def test_a_model_that_answers_all_alike_scores_nothing():
    same = unit_rows(np.ones((12, 4)))
    assert set(values(paired(same, same)).values()) == {0.0}


def test_ranks_both_ways():
    # caption 0 likes image 1 better than its own; images agree with their captions
    images = unit_rows(np.array([[1, 0], [0.9, 0.5]]))
    captions = unit_rows(np.array([[0.9, 0.45], [0.6, 0.9]]))
    result = paired(images, captions)
    assert result.text_to_image.tolist() == [2, 1]
    assert result.image_to_text.tolist() == [1, 2]


def test_other_captions_of_a_photo_do_not_count_against_it():
    images = np.eye(2, dtype=np.float32)
    captions = unit_rows(np.array([[1, 0], [1, 0], [1, 0.1], [0, 1], [1, 0.2]]))
    result = retrieve(images, captions, [0, 0, 1, 1, 0], images=2, captions=5)
    # caption 2 is of image 1, yet closer to image 0 than image 0's own worst one
    assert result.image_to_text.tolist() == [1, 1]
    assert result.text_to_image.tolist() == [1, 1, 2, 1, 1]


@pytest.mark.parametrize("block_bytes", [1, 4000, 64 << 20])
def test_many_captions_equal_a_full_matrix(rng, monkeypatch, block_bytes):
    monkeypatch.setattr(module, "_BLOCK_BYTES", block_bytes)
    image_of = rng.permutation(np.repeat(np.arange(40), [1, 2, 3, 5] * 10))
    images = unit_rows(rng.normal(size=(40, 8)))
    captions = unit_rows(images[image_of] + unit_rows(rng.normal(size=(len(image_of), 8))))
    captions[1] = captions[0]  # a tie
    result = retrieve(images, captions, image_of, images=40, captions=len(image_of))
    cosines = captions @ images.T
    for caption, image in enumerate(image_of):
        others = np.delete(cosines[caption], image)
        rank = 1 + (others >= cosines[caption, image]).sum()
        assert result.text_to_image[caption] == rank
    for image in range(40):
        own = image_of == image
        rank = 1 + (cosines[~own, image] >= cosines[own, image].max()).sum()
        assert result.image_to_text[image] == rank


def test_figures_state_n_and_chance():
    rows = np.eye(20, dtype=np.float32)
    image_of = np.repeat(np.arange(20), 2)
    result = retrieve(rows, rows[image_of], image_of, images=20, captions=40)
    figures = {figure.name: figure for figure in result.figures()}
    assert (result.images, result.captions) == (20, 40)
    assert figures["text→image R@5"].n == 40
    assert figures["text→image R@5"].chance == 5 / 20
    assert figures["image→text R@1"].n == 20
    assert figures["image→text R@1"].chance == pytest.approx(2 / 40)
    # of 40 captions 2 are right: neither is among 5 drawn in 35·34 of 40·39 cases
    assert figures["image→text R@5"].chance == pytest.approx(1 - 35 * 34 / (40 * 39))


def test_chance_is_what_random_rows_score(rng):
    image_of = np.repeat(np.arange(50), 5)
    hits = []
    for _ in range(60):
        images, captions = (unit_rows(rng.normal(size=(n, 64))) for n in (50, 250))
        result = retrieve(images, captions, image_of, images=50, captions=250)
        ranks = (result.text_to_image, result.image_to_text)
        hits.append([(rank <= k).mean() for rank in ranks for k in (1, 5, 10)])
    chances = [figure.chance for figure in result.figures()]
    np.testing.assert_allclose(np.mean(hits, axis=0), chances, atol=0.04)


def test_recall_is_higher_within_batches(rng):
    """Why a batch is refused: the same rows look many times better in it."""
    images = unit_rows(rng.normal(size=(320, 16)))
    captions = unit_rows(images + 2 * unit_rows(rng.normal(size=(320, 16))))
    whole = values(paired(images, captions))["text→image R@1"]
    batches = [
        values(paired(images[i : i + 32], captions[i : i + 32]))["text→image R@1"]
        for i in range(0, 320, 32)
    ]
    assert np.mean(batches) > 2 * whole


@pytest.mark.parametrize("rows", ["image", "caption"])
def test_a_batch_of_the_set_is_refused(rows):
    whole, batch = np.eye(64, dtype=np.float32), np.eye(64, dtype=np.float32)[:32]
    images, captions = (batch, whole) if rows == "image" else (whole, batch)
    with pytest.raises(KoCLIPError, match=rf"32 {rows} embeddings, but the data set has 64") as e:
        retrieve(images, captions, images=64, captions=64)
    assert e.value.code == "retrieval_not_whole_set"


def test_both_of_one_batch_are_refused():
    batch = np.eye(32, dtype=np.float32)
    with pytest.raises(KoCLIPError, match="not those of the whole"):
        retrieve(batch, batch, images=64, captions=64)


@pytest.mark.parametrize("stack", [np.stack, list], ids=["array", "list"])
def test_rows_in_batches_are_refused(rng, stack):
    sizes = (4, 4) if stack is np.stack else (4, 3)
    batches = stack([unit_rows(rng.normal(size=(n, 8))) for n in sizes])
    with pytest.raises(KoCLIPError, match="batch by batch") as error:
        retrieve(batches, batches, images=8, captions=8)
    assert error.value.code == "retrieval_in_batches"


@pytest.mark.parametrize(
    ("image_of", "code"),
    [
        ([0, 1, 4], "retrieval_index_outside"),
        ([0, 1, -1], "retrieval_index_outside"),
        ([0, 1, 1], "retrieval_no_caption"),
        ([0, 1], "retrieval_bad_index"),
        ([0.0, 1.0, 2.0], "retrieval_bad_index"),
        ([[0, 1, 2]], "retrieval_bad_index"),
    ],
)
def test_a_bad_index_is_refused(image_of, code):
    rows = np.eye(3, dtype=np.float32)
    with pytest.raises(KoCLIPError) as error:
        retrieve(rows, rows, image_of, images=3, captions=3)
    assert error.value.code == code


def test_nan_is_refused_instead_of_ranking_first():
    rows = np.eye(3, dtype=np.float32)
    broken = rows.copy()
    broken[1, 1] = np.nan
    for images, captions in ((broken, rows), (rows, broken)):
        with pytest.raises(KoCLIPError, match="NaN"):
            retrieve(images, captions, images=3, captions=3)
