"""Zero-shot classification: labels in, ranked labels out."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from PIL import Image

from koclip import KoCLIP
from koclip.errors import KoCLIPError
from koclip.image_to_text import (
    DEFAULT_TEMPLATE,
    embed_labels,
    parse_labels,
    parse_templates,
)
from koclip.limits import MAX_LABELS, MAX_SENTENCES, MAX_TEMPLATES
from koclip.similarity import unit_rows

LABELS = ["고양이", "강아지", "커피", "자전거"]


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    rng = np.random.default_rng(9)
    return Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8))


def code_of(function, *arguments: object) -> str:
    with pytest.raises(KoCLIPError) as caught:
        function(*arguments)
    assert caught.value.localized("ko")
    return caught.value.code


@pytest.mark.parametrize(
    "text",
    [
        "고양이, 강아지,커피 ,자전거",
        "고양이\n강아지\r\n커피\n\n자전거\n",
        "고양이，강아지、커피;자전거",
        ",고양이,, 강아지\n커피\t,\n자전거,",
        LABELS,
        tuple(LABELS),
        (label for label in LABELS),
        [" 고양이 ", "강아지\n", "", "  ", "커피", "자전거"],
    ],
)
def test_labels_are_read(text):
    assert parse_labels(text) == (LABELS, [])


def test_duplicates_are_merged_and_named():
    decomposed = unicodedata.normalize("NFD", "고양이")
    labels, duplicates = parse_labels(["고양이", "강아지", decomposed, " 고양이", "강아지", "커피"])
    assert labels == ["고양이", "강아지", "커피"]
    assert duplicates == ["고양이", "강아지"]
    assert parse_labels("검은  고양이, 검은 고양이").labels == ["검은 고양이"]


def test_a_label_in_a_list_may_have_commas():
    assert parse_labels(["빨강, 파랑"]).labels == ["빨강, 파랑"]


@pytest.mark.parametrize("labels", ["", " \n,,;", [], ["", " "], ()])
def test_no_labels(labels):
    assert code_of(parse_labels, labels) == "labels_empty"


@pytest.mark.parametrize("labels", [None, 5, [None], ["고양이", 5], b"cat", [["고양이"]]])
def test_labels_that_are_no_text(labels):
    assert code_of(parse_labels, labels) == "text_not_string"


def test_the_number_of_labels_is_limited():
    labels = [f"말 {i}" for i in range(MAX_LABELS)]
    assert len(parse_labels(labels).labels) == MAX_LABELS
    assert len(parse_labels(labels + labels).labels) == MAX_LABELS
    assert code_of(parse_labels, [*labels, "하나 더"]) == "labels_too_many"


def test_templates_are_read():
    assert parse_templates(DEFAULT_TEMPLATE) == [DEFAULT_TEMPLATE]
    assert parse_templates("{}\n이것은 {} 이다.\n\n{}\n") == ["{}", "이것은 {} 이다."]
    assert parse_templates(["{} 사진", " {} 사진 "]) == ["{} 사진"]
    assert parse_templates("") == parse_templates([]) == parse_templates([" "]) == ["{}"]


@pytest.mark.parametrize(
    "template", ["이것은 이다.", "{", "}{", "{0}", "{label}", ["{}", "사진"], "{}\n사진", "{ }"]
)
def test_a_template_without_a_place_for_the_label(template):
    assert code_of(parse_templates, template) == "template_without_slot"


@pytest.mark.parametrize("template", [None, 5, [None], ["{}", 5]])
def test_templates_that_are_no_text(template):
    assert code_of(parse_templates, template) == "text_not_string"


def test_the_number_of_templates_is_limited():
    templates = [f"{{}} {i}" for i in range(MAX_TEMPLATES)]
    assert len(parse_templates(templates)) == MAX_TEMPLATES
    assert code_of(parse_templates, "\n".join([*templates, "{}"])) == "templates_too_many"


class Recorder:
    """Stands where a model would, and keeps the sentences."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        self.sentences += texts
        return unit_rows(np.random.default_rng(0).normal(size=(len(texts), 3)))


@pytest.mark.parametrize(
    ("template", "label", "sentence"),
    [
        ("이것은 {} 이다.", "고양이", "이것은 고양이 이다."),
        ("{} {}", "고양이", "고양이 고양이"),
        ("{0.__class__} {}", "고양이", "{0.__class__} 고양이"),
        ("{label!r:>10} {} %s {{}}", "고양이", "{label!r:>10} 고양이 %s {고양이}"),
        ("이것은 {}", "{}", "이것은 {}"),
        ("이것은 {}", "{0.__init__.__globals__}", "이것은 {0.__init__.__globals__}"),
        ("이것은 {}", r"\1 \g<0>", r"이것은 \1 \g<0>"),
    ],
)
def test_other_braces_are_plain_text(template, label, sentence):
    model = Recorder()
    embed_labels(model, [label], parse_templates(template))
    assert model.sentences == [sentence]


def test_several_templates_are_averaged(tiny_korean: KoCLIP):
    templates = ["{}", "이것은 {} 이다.", "{} 사진 한장"]
    each = [
        tiny_korean.embed_texts([template.replace("{}", label) for label in LABELS])
        for template in templates
    ]
    mean = np.mean(np.float64(each), axis=0)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    actual = embed_labels(tiny_korean, LABELS, templates)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_scores_are_the_softmax_of_scaled_cosines(tiny_korean: KoCLIP, picture):
    results = tiny_korean.classify(picture, LABELS)
    assert {result.label for result in results} == set(LABELS)
    sentences = [DEFAULT_TEMPLATE.replace("{}", result.label) for result in results]
    image = np.float64(tiny_korean.embed_images(picture)[0])
    cosines = np.float64(tiny_korean.embed_texts(sentences)) @ image
    np.testing.assert_allclose([result.cosine for result in results], cosines, atol=1e-6)
    exponentials = np.exp(cosines * tiny_korean.logit_scale)
    np.testing.assert_allclose(
        [result.probability for result in results], exponentials / exponentials.sum(), atol=1e-5
    )
    assert sum(result.probability for result in results) == pytest.approx(1, abs=1e-6)
    assert [r.cosine for r in results] == sorted((r.cosine for r in results), reverse=True)
    assert all(type(value) is float for r in results for value in (r.probability, r.cosine))


def test_without_softmax_there_are_cosines_only(tiny_korean: KoCLIP, picture):
    with_softmax = tiny_korean.classify(picture, LABELS)
    without = tiny_korean.classify(picture, LABELS, softmax=False)
    assert [result.probability for result in without] == [None] * 4
    assert [(r.label, r.cosine) for r in without] == [(r.label, r.cosine) for r in with_softmax]


def test_one_label_is_certain(tiny_korean: KoCLIP, picture):
    (only,) = tiny_korean.classify(picture, "고양이", "이것은 {} 이다.")
    assert (only.label, only.probability) == ("고양이", 1.0)


def test_the_order_and_repetition_of_labels_do_not_matter(tiny_korean: KoCLIP, picture):
    expected = tiny_korean.classify(picture, LABELS)
    shuffled = tiny_korean.classify(picture, "커피, 고양이\n자전거, 커피, 강아지, 고양이")
    assert [r.label for r in shuffled] == [r.label for r in expected]
    np.testing.assert_allclose(
        [r.probability for r in shuffled], [r.probability for r in expected], atol=1e-6
    )


def test_a_long_label_is_named(tiny_korean: KoCLIP, picture):
    assert code_of(tiny_korean.classify, picture, ["바다 " * 40, "하늘"]) == "text_too_long"


def test_bad_input_is_named(tiny_korean: KoCLIP, tiny_base: KoCLIP, picture):
    assert code_of(tiny_korean.classify, None, LABELS) == "image_missing"
    assert code_of(tiny_korean.classify, b"x", LABELS) == "image_unreadable"
    assert code_of(tiny_korean.classify, picture, "") == "labels_empty"
    assert code_of(tiny_korean.classify, picture, LABELS, "사진") == "template_without_slot"
    assert code_of(tiny_base.classify, picture, LABELS) == "tokenizer_missing"


def test_labels_in_many_templates_are_too_many_sentences(tiny_korean, picture):
    templates = [f"{{}} {i}" for i in range(MAX_TEMPLATES)]
    labels = [f"{i}" for i in range(MAX_SENTENCES // MAX_TEMPLATES + 1)]
    with pytest.raises(KoCLIPError) as caught:
        tiny_korean.classify(picture, labels, templates)
    assert caught.value.code == "sentences_too_many"
