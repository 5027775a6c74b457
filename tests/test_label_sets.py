"""The ready label sets: well formed, distinct, and what their README says."""

from __future__ import annotations

import re
import unicodedata

import pytest

from koclip.assets import assets_dir
from koclip.errors import KoCLIPError
from koclip.image_to_text import parse_labels
from koclip.label_sets import LABEL_SETS, glossary, label_set
from koclip.limits import MAX_LABELS

NAMES = list(LABEL_SETS)


def test_six_sets_with_titles_in_both_languages():
    assert NAMES == ["animals", "food", "vehicles", "places", "moods", "everyday"]
    for title in LABEL_SETS.values():
        assert re.search("[가-힣]", title.ko) and not re.search("[가-힣]", title.en)


def test_every_bundled_file_is_a_set():
    files = {path.stem for path in (assets_dir() / "labels").glob("*.tsv")}
    assert files == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_labels_is_as_stated(name):
    readme = (assets_dir() / "labels" / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{name}\.tsv` \| (.+) \((.+)\) \| (\d+) \|$", readme, re.MULTILINE)
    assert (row[1], row[2].lower()) == (LABEL_SETS[name].ko, LABEL_SETS[name].en.lower())
    assert int(row[3]) == len(label_set(name))
    assert len(label_set(name)) == 1000 or 40 <= len(label_set(name)) <= 80


def test_there_are_1000_everyday_things():
    assert len(label_set("everyday")) == len({label.ko for label in label_set("everyday")}) == 1000


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_distinct_in_both_languages(name):
    for words in zip(*label_set(name), strict=True):
        assert len(set(words)) == len(words)


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_composed_hangul_with_an_english_gloss(name):
    for label in label_set(name):
        assert re.fullmatch(r"[가-힣]+( [가-힣]+)*", label.ko), label
        assert unicodedata.is_normalized("NFC", label.ko), label
        assert re.fullmatch(r"[A-Za-zéí'.-]+( [A-Za-zéí'.-]+)*", label.en), label


def test_a_word_means_the_same_in_every_set():
    for name in NAMES:
        for label in label_set(name):
            assert glossary()[label.ko] == label.en, (name, label)
    assert len(set(glossary().values())) == len(glossary())


@pytest.mark.parametrize("name", NAMES)
def test_a_set_can_be_given_to_classify_as_it_is(name):
    words = [label.ko for label in label_set(name)]
    assert len(words) <= MAX_LABELS
    assert parse_labels("\n".join(words)) == (words, [])


def test_koclip_mini_has_tokens_for_every_word(mini):
    unknown = mini.processor.tokenizer.backend.token_to_id("<unk>")
    ids, _ = mini.processor.tokenize(list(glossary()))
    assert unknown is not None
    missing = [w for w, row in zip(glossary(), ids, strict=True) if unknown in row]
    assert missing == []


def test_an_unknown_set_is_named_with_those_there_are():
    with pytest.raises(KoCLIPError) as caught:
        label_set("animal")
    assert caught.value.code == "label_set_unknown"
    for language in ("ko", "en"):
        assert "animal" in caught.value.localized(language)
        assert "everyday" in caught.value.localized(language)
