"""Open classification, and whether labels fit, on the example pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from koclip import open_vocabulary
from koclip.errors import KoCLIPError
from koclip.image_to_text import LabelScore
from koclip.label_fit import BACKGROUND, excess
from koclip.label_sets import glossary, label_set
from koclip.open_vocabulary import OpenVocabulary


@pytest.fixture(scope="module")
def vocabulary(mini) -> OpenVocabulary:
    return OpenVocabulary.of(mini)


@pytest.fixture(scope="module")
def background(mini) -> OpenVocabulary:
    return OpenVocabulary.of(mini, words=BACKGROUND)


def test_the_vocabulary_is_every_label_of_every_set_once(vocabulary):
    assert vocabulary.words == tuple(glossary())
    assert len(vocabulary.words) > 1000
    assert vocabulary.rows.shape == (len(vocabulary.words), 384)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("cat.webp", {"고양이"}),
        ("coffee.webp", {"커피"}),
        ("dogs.webp", {"개"}),
        ("boats.webp", {"배"}),
        ("rocket.webp", {"로켓", "우주 왕복선"}),
        ("citrus.webp", {"오렌지", "귤"}),
        ("city-night.webp", {"다리", "도시 야경"}),
    ],
)
def test_example_pictures_are_named(vocabulary, examples, file, words):
    assert vocabulary.name(examples / file)[0].label in words


def test_scores_agree_with_classify_over_the_same_words(vocabulary, examples, mini):
    picture = examples / "cat.webp"
    best = vocabulary.name(picture, k=5)
    assert len(best) == 5
    some = {score.label: score for score in mini.classify(picture, [s.label for s in best])}
    for score in best:
        assert score.cosine == pytest.approx(some[score.label].cosine, abs=1e-5)
    ratio = best[0].probability / best[1].probability
    of_five = [some[score.label].probability for score in best]
    assert ratio == pytest.approx(of_five[0] / of_five[1], rel=1e-2)


def test_probabilities_are_over_the_whole_vocabulary(vocabulary, examples):
    scores = vocabulary.name(examples / "cat.webp", k=5000)
    assert len(scores) == len(vocabulary.words)
    assert sum(score.probability for score in scores) == pytest.approx(1, abs=1e-4)
    assert all(type(x) is float for score in scores for x in (score.probability, score.cosine))
    cosines = [score.cosine for score in scores]
    assert cosines == sorted(cosines, reverse=True)


def test_without_softmax_there_are_cosines_only(vocabulary, examples):
    scores = vocabulary.name(examples / "cat.webp", k=3, softmax=False)
    assert [score.probability for score in scores] == [None] * 3


def test_progress_reaches_the_total_and_can_stop(mini):
    seen = []
    OpenVocabulary.of(mini, lambda *step: seen.append(step), BACKGROUND)
    assert seen == [("words", 32, 63), ("words", 63, 63)]

    def stop(*_step):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        OpenVocabulary.of(mini, stop, BACKGROUND)


@pytest.mark.parametrize(
    ("file", "labels", "fits"),
    [
        ("cat.webp", ["고양이", "강아지", "토끼"], True),
        ("cat.webp", ["고양이"], True),
        ("cat.webp", ["기차", "피자", "교실"], False),
        ("cat.webp", ["자동차"], False),
        ("coffee.webp", ["커피", "녹차", "우유"], True),
        ("coffee.webp", ["사자", "비행기", "눈 덮인 산"], False),
        ("rocket.webp", ["로켓", "기차", "등대"], True),
        ("rocket.webp", ["수박", "고양이", "침대"], False),
        ("boats.webp", ["노을 진 호수", "눈 덮인 들판", "사막"], True),
        ("boats.webp", ["햄버거", "치과", "타자기"], False),
    ],
)
def test_right_labels_fit_and_unrelated_ones_do_not(background, mini, examples, file, labels, fits):
    scores = mini.classify(examples / file, labels)
    assert background.fits(examples / file, scores) is fits


@pytest.mark.parametrize(
    ("file", "name", "fits"),
    [
        ("cat.webp", "animals", True),
        ("cat.webp", "vehicles", False),
        ("cat.webp", "everyday", True),
        ("coffee.webp", "food", True),
        ("coffee.webp", "animals", False),
        ("boats.webp", "vehicles", True),
    ],
)
def test_ready_sets_fit_pictures_of_their_kind(background, mini, examples, file, name, fits):
    scores = mini.classify(examples / file, [label.ko for label in label_set(name)])
    assert background.fits(examples / file, scores) is fits


def test_few_words_judge_as_the_whole_vocabulary_does(vocabulary, background, mini, examples):
    for labels in (["고양이", "토끼"], ["기차", "피자"]):
        scores = mini.classify(examples / "cat.webp", labels)
        judged = [v.fits(examples / "cat.webp", scores) for v in (vocabulary, background)]
        assert judged[0] == judged[1]


@pytest.mark.parametrize("template", ["{}", "{} 사진 한 장이다.", ["{}", "{}의 모습"]])
def test_the_template_of_the_scores_does_not_matter(background, mini, examples, template):
    picture = examples / "cat.webp"
    assert background.fits(picture, mini.classify(picture, ["고양이", "토끼"], template))
    assert not background.fits(picture, mini.classify(picture, ["기차", "피자"], template))


def test_a_word_of_the_background_is_not_compared_with_itself(background, examples, monkeypatch):
    """Otherwise the best label, when it is such a word, would raise the bar for itself."""
    compared = []

    def spy(cosine, others, count):
        compared.append((float(cosine), others.tolist()))
        return excess(cosine, others, count)

    monkeypatch.setattr(open_vocabulary, "excess", spy)
    for word in (BACKGROUND[0], "우주 왕복선"):
        background.fits(examples / "cat.webp", [LabelScore(word, 1.0, 0.4)])
    assert [len(others) for _, others in compared] == [len(BACKGROUND) - 1, len(BACKGROUND)]
    own, others = compared[0]
    assert compared[1][1] == pytest.approx([own, *others], abs=1e-5)


def test_a_best_of_many_must_stand_out_further(background, mini, examples):
    """The cosine of one label may do, and yet not that of the best of a million."""
    picture = examples / "dogs.webp"
    scores = mini.classify(picture, ["개"])
    assert background.fits(picture, scores)
    assert not background.fits(picture, scores, among=10**9)


def test_a_picture_of_nothing_fits_nothing(background, mini, rng):
    noise = Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8))
    assert not background.fits(noise, mini.classify(noise, ["고양이", "자동차", "피자"]))


@pytest.mark.parametrize("k", [0, -1, 1.5, "3", None, True])
def test_a_bad_number_of_words(vocabulary, examples, k):
    with pytest.raises(KoCLIPError) as caught:
        vocabulary.name(examples / "cat.webp", k)
    assert caught.value.code == "result_count_bad"


@pytest.mark.parametrize(("image", "code"), [(None, "image_missing"), (b"x", "image_unreadable")])
def test_a_bad_image(vocabulary, image, code):
    for ask in (vocabulary.name, lambda i: vocabulary.fits(i, [LabelScore("고양이", 1.0, 0.4)])):
        with pytest.raises(KoCLIPError) as caught:
            ask(image)
        assert caught.value.code == code


def test_a_model_that_cannot_read(tiny_base):
    with pytest.raises(KoCLIPError) as caught:
        OpenVocabulary.of(tiny_base)
    assert caught.value.code == "tokenizer_missing"
