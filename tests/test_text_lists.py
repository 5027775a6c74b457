"""Several short texts in one."""

from __future__ import annotations

import unicodedata

import pytest

from koclip.errors import KoCLIPError
from koclip.text_lists import split_texts


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ("바다", ["바다"]),
        ("바다,고양이, 배", ["바다", "고양이", "배"]),
        ("바다\n고양이\r\n배\n", ["바다", "고양이", "배"]),
        (
            "바다，고양이、배;개",
            ["바다", "고양이", "배", "개"],
        ),  # as input methods write
        (" 눈  덮인\t산 ,\n,, 배", ["눈 덮인 산", "배"]),
        ("눈\u3000덮인\u00a0산", ["눈 덮인 산"]),
        ("개, 개", ["개", "개"]),
        ("", []),
        (" ,\n;、 ", []),
    ],
)
def test_text_is_split_at_lines_and_commas(texts, expected):
    assert split_texts(texts) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["바다, 하늘", " 고양이\n", "", "  "], ["바다, 하늘", "고양이"]),
        (("개", "배"), ["개", "배"]),
        ([], []),
    ],
)
def test_the_texts_of_a_list_stay_whole(texts, expected):
    assert split_texts(texts) == expected


def test_hangul_is_composed():
    decomposed = unicodedata.normalize("NFD", "한강, 고양이")
    assert split_texts(decomposed) == split_texts([decomposed[:6], "고양이"]) == ["한강", "고양이"]


def test_what_utf8_cannot_hold_is_replaced():
    (text,) = split_texts("바다\ud800")
    assert text.encode() == "바다?".encode()


@pytest.mark.parametrize("texts", [None, 5, ["바다", None], ["바다", ["배"]], [b"x"], b"x"])
def test_anything_but_text_is_refused(texts):
    with pytest.raises(KoCLIPError) as caught:
        split_texts(texts)
    assert caught.value.code == "text_not_string"
