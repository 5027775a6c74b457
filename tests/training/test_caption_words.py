"""Labels that English captions imply, and what the classifier's classes are called."""

from __future__ import annotations

import numpy as np

from koclip.evaluation import read_labels
from koclip.training.caption_words import caption_labels
from koclip.training.class_texts import read_class_texts


def implied(*captions: str) -> set[str]:
    """What four photographs with these captions are taken to show: rare labels are left out."""
    labels, counts = caption_labels([captions] * 4)
    return {label for label, count in zip(labels, counts[0], strict=True) if count}


def test_captions_imply_labels():
    assert {"사람", "남자", "자전거", "길"} <= implied("A man rides his bike down the street .")
    assert {"개", "동물", "원반"} <= implied("Two dogs chase a frisbee")
    assert "사람" not in implied("A dog runs through snow")


def test_only_whole_words_count():
    assert implied("A carpet , a mantel and a category") == set()
    assert "자동차" in implied("CAR")


def test_a_label_counts_once_for_each_caption():
    labels, counts = caption_labels([["a boy and a girl", "a child", "a tree"]] * 4)
    assert counts[0, labels.index("사람")] == 2
    assert counts[0, labels.index("나무")] == 1


def test_labels_of_few_photographs_are_left_out():
    labels, counts = caption_labels([["a dog"]] * 4 + [["a cat"]] * 3)
    assert "개" in labels and "고양이" not in labels
    assert counts.shape == (7, len(labels))


def test_a_korean_caption_implies_nothing():
    assert implied("개 두 마리가 달린다.") == set()


def test_everyday_labels_are_spelled_as_in_the_list():
    captions = "dog cat horse cow bird bus truck train boat bench kite ball skateboard surfboard"
    everyday = {"개", "고양이", "말", "소", "새", "버스", "트럭", "기차", "배", "벤치", "연", "공"}
    assert everyday | {"스케이트보드", "서핑보드"} <= implied(*captions.split()) & set(
        read_labels()
    )


def test_each_class_is_a_mean_of_its_texts():
    texts = read_class_texts()
    assert texts.weights.shape == (1000, len(texts.nouns) + len(texts.captions))
    np.testing.assert_allclose(texts.weights.sum(axis=1), 1, rtol=1e-5)
    assert (texts.weights >= 0).all()
    assert (texts.weights[np.arange(1000), texts.names] > 0.3).all()
    assert len(set(texts.nouns)) == len(texts.nouns)
