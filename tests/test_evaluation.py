"""The arithmetic of the scores, on cases small enough to work out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from koclip.errors import KoCLIPError
from koclip.evaluation import (
    Photo,
    bundled_captions,
    evaluate,
    read_labels,
    read_photos,
    retrieval,
    zero_shot,
)
from koclip.similarity import unit_rows


def values(scores) -> dict[str, float]:
    return {score.name: score.value for score in scores}


def test_retrieval_of_a_perfect_and_a_shifted_model():
    rows = np.eye(12, dtype=np.float32)
    assert set(values(retrieval(rows, rows)).values()) == {1.0}
    shifted = values(retrieval(rows, np.roll(rows, 1, axis=0)))
    assert shifted["text→image R@1"] == 0


def test_a_model_that_answers_all_alike_scores_nothing():
    same = unit_rows(np.ones((12, 4)))
    assert set(values(retrieval(same, same)).values()) == {0.0}


def test_retrieval_counts_ranks_both_ways():
    # caption 0 likes image 1 better than its own; images agree with their captions
    images = unit_rows(np.array([[1, 0], [0.9, 0.5]]))
    captions = unit_rows(np.array([[0.9, 0.45], [0.6, 0.9]]))
    scores = values(retrieval(images, captions))
    assert scores["text→image R@1"] == 0.5
    assert scores["image→text R@1"] == 0.5
    assert scores["text→image R@5"] == 1.0


def test_zero_shot_leaves_out_photos_of_people_alone():
    labels = ["사람", "개", "자동차", "컵"]
    photos = [
        Photo("a", "", ("사람",), "사람"),
        Photo("b", "", ("사람", "개"), "개"),
        Photo("c", "", ("자동차",), "자동차"),
    ]
    order = np.array([[0, 1, 2, 3], [0, 1, 2, 3], [3, 1, 0, 2]])
    scores = {score.name: score for score in zero_shot(photos, order, labels)}
    first = scores["any true label first of 80"]
    assert (first.value, first.n) == (0.5, 2)
    without = scores["any true label first of 79, 사람 left out"]
    assert (without.value, without.n) == (0.5, 2)
    assert scores["사람 first of 80"].value == 1.0
    assert scores["main object in the top 3 of 80"].value == pytest.approx(2 / 3)


def test_the_bundled_set_is_read():
    photos = read_photos(bundled_captions())
    labels = read_labels()
    assert len(photos) == 256 and len(labels) == 80
    assert {o for photo in photos for o in photo.objects} <= set(labels)


def test_evaluate_from_files(mini, examples, tmp_path):
    path = tmp_path / "captions.jsonl"
    truth = [("cat.webp", "아기 고양이", "고양이"), ("boats.webp", "호숫가의 나무배들", "배")]
    lines = [
        json.dumps({"file": file, "caption_ko": caption, "objects": [label], "main": label})
        for file, caption, label in truth
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    scores = values(evaluate(mini, read_photos(path), examples))
    assert scores["text→image R@1"] == 1.0
    assert scores["main object in the top 3 of 80"] == 1.0
    # the whole picture instead of its middle gives other embeddings, and leaves the model alone
    before = mini.processor
    evaluate(mini, read_photos(path), examples, squashed=True)
    assert mini.processor is before


@pytest.mark.parametrize("line", ["{", '{"file": "a.jpg"}', "[]"])
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "captions.jsonl"
    path.write_text('{"file": "a.jpg", "caption_ko": "가"}\n' + line, encoding="utf-8")
    with pytest.raises(KoCLIPError, match="line 2"):
        read_photos(path)
