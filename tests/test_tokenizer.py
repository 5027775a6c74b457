"""Korean text → token ids, and what is refused on the way."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from koclip import KoCLIP
from koclip.config import TextConfig
from koclip.errors import KoCLIPError
from koclip.limits import MAX_CHARACTERS
from koclip.tokenizer import TextTokenizer, clean_text
from tests.conftest import ORACLE, WORDS, write_tokenizer

CONFIG = TextConfig(vocab_size=64, max_position_embeddings=12)


@pytest.fixture
def folder(tmp_path) -> Path:
    write_tokenizer(tmp_path / "tokenizer.json")
    return tmp_path


@pytest.fixture
def tokenizer(folder) -> TextTokenizer:
    return TextTokenizer.from_folder(folder, CONFIG)


def ids(*words: str) -> list[int]:
    return [WORDS.index(word) for word in words]


def test_words_become_ids_padded_on_the_right(tokenizer):
    tokens, mask = tokenizer(["고양이 사진", "바다"])
    assert tokens.tolist() == [
        ids("[CLS]", "고", "##양", "##이", "사진", "[SEP]"),
        ids("[CLS]", "바다", "[SEP]", "[PAD]", "[PAD]", "[PAD]"),
    ]
    assert mask.tolist() == [[1] * 6, [1] * 3 + [0] * 3]
    assert tokens.dtype == mask.dtype == np.int32


def test_one_text_is_a_batch_of_one(tokenizer):
    np.testing.assert_array_equal(tokenizer("바다")[0], tokenizer(["바다"])[0])
    assert tokenizer([])[0].shape == (0, 0)
    assert tokenizer(text for text in ("바다", "하늘"))[0].shape == (2, 3)


def test_composed_and_decomposed_hangul_are_the_same(tokenizer):
    decomposed = unicodedata.normalize("NFD", "고양이 사진")
    assert len(decomposed) > len("고양이 사진")
    np.testing.assert_array_equal(tokenizer([decomposed])[0], tokenizer(["고양이 사진"])[0])


@pytest.mark.parametrize(
    "text", ["\ud800", "바다 \udfff 하늘", "\0", "🦆", "", " \n\t", "가" * 500]
)
def test_odd_texts_have_tokens(tokenizer, text):
    tokens, mask = tokenizer([text])
    assert tokens[0, 0] == WORDS.index("[CLS]")
    assert mask.all()


def test_lone_surrogates_are_replaced():
    assert clean_text("바다\ud83d") == "바다?"
    assert clean_text("\ud83e\udd86") == "??"  # two halves that were never joined


def test_limits_count_the_models_positions(folder):
    fits = " ".join(["바다"] * 10)
    assert TextTokenizer.from_folder(folder, CONFIG)([fits])[0].shape == (1, 12)
    offset = TextConfig(vocab_size=64, max_position_embeddings=12, positions_after_padding=True)
    with pytest.raises(KoCLIPError) as caught:
        TextTokenizer.from_folder(folder, offset)([fits])
    assert caught.value.code == "text_too_long"
    assert "12 tokens" in str(caught.value)
    assert "at most 10" in str(caught.value)
    assert "“바다 바다" in str(caught.value)


def test_a_text_that_is_too_long_is_named_among_others(tokenizer):
    with pytest.raises(KoCLIPError, match=r"13 tokens.*at most 12.*하늘 바다") as caught:
        tokenizer(["바다", "하늘 " + "바다 " * 10])
    assert "13 토큰" in caught.value.localized("ko")


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (None, "NoneType"),
        (5, "int"),
        ([None], "NoneType"),
        (["바다", 5], "int"),
        ([["바다"]], "list"),
        (b"sea", "int"),
        ([b"sea"], "bytes"),
    ],
)
def test_what_is_no_text(tokenizer, texts, kind):
    with pytest.raises(KoCLIPError) as caught:
        tokenizer(texts)
    assert caught.value.code == "text_not_string"
    assert kind in str(caught.value)


def test_truncation_and_padding_of_the_file_are_not_followed(folder):
    """A tokenizer.json may come with both; the model's own limits count."""
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.enable_truncation(4)
    backend.enable_padding(length=9)
    backend.save(str(folder / "tokenizer.json"))
    tokens, _ = TextTokenizer.from_folder(folder, CONFIG)(["바다 바다 바다 바다"])
    assert tokens.shape == (1, 6)


def test_a_tokenizer_with_more_ids_than_the_vocabulary_is_refused(folder):
    small = TextConfig(vocab_size=len(WORDS) - 1)
    with pytest.raises(KoCLIPError) as caught:
        TextTokenizer.from_folder(folder, small)
    assert caught.value.code == "tokenizer_mismatch"
    assert str(len(WORDS) - 1) in str(caught.value)
    TextTokenizer.from_folder(folder, TextConfig(vocab_size=len(WORDS)))
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.add_tokens(["오리"])
    backend.save(str(folder / "tokenizer.json"))
    with pytest.raises(KoCLIPError, match="vocabulary"):
        TextTokenizer.from_folder(folder, TextConfig(vocab_size=len(WORDS)))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff\xfe", b'{"model": {"type": "Odd"}}'])
def test_a_damaged_file_is_named(folder, data):
    (folder / "tokenizer.json").write_bytes(data)
    with pytest.raises(KoCLIPError, match=r"tokenizer\.json") as caught:
        TextTokenizer.from_folder(folder, CONFIG)
    assert caught.value.code == "tokenizer_unreadable"


def test_ids_that_are_added_to_every_text_are_in_the_vocabulary(folder):
    raw = json.loads((folder / "tokenizer.json").read_text())
    raw["post_processor"]["special_tokens"]["[CLS]"]["ids"] = [2**31]
    (folder / "tokenizer.json").write_text(json.dumps(raw))
    with pytest.raises(KoCLIPError, match=str(2**31)) as caught:
        TextTokenizer.from_folder(folder, CONFIG)
    assert caught.value.code == "tokenizer_mismatch"


def test_a_panic_of_the_library_is_told_as_any_damage(folder):
    raw = json.loads((folder / "tokenizer.json").read_text())
    raw["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": "!!!"}
    (folder / "tokenizer.json").write_text(json.dumps(raw))
    with pytest.raises(KoCLIPError, match=r"tokenizer\.json") as caught:
        TextTokenizer.from_folder(folder, CONFIG)
    assert caught.value.code == "tokenizer_unreadable"


def test_a_tokenizer_that_leaves_nothing_of_a_text(folder):
    """Its mean would be of no token at all."""
    raw = json.loads((folder / "tokenizer.json").read_text())
    raw["post_processor"] = None
    (folder / "tokenizer.json").write_text(json.dumps(raw))
    tokenizer = TextTokenizer.from_folder(folder, CONFIG)
    with pytest.raises(KoCLIPError, match="no tokens for"):
        tokenizer(["고양이", " "])


def test_texts_of_too_many_characters_are_refused_unread(tokenizer):
    """White space has no tokens, so the tokens would not tell."""
    tokenizer([" " * MAX_CHARACTERS])
    with pytest.raises(KoCLIPError) as caught:
        tokenizer(["고양이", "고" + " " * 1_000_000])
    assert caught.value.code == "text_too_many_characters"
    assert "1,000,001" in str(caught.value)
    ids, _ = tokenizer.truncated(["고양이" + " " * 1_000_000], 8)
    assert ids.shape[0] == 1


def test_a_tokenizer_without_a_token_for_the_unknown(folder):
    raw = json.loads((folder / "tokenizer.json").read_text())
    raw["model"]["unk_token"] = "[MISSING]"
    (folder / "tokenizer.json").write_text(json.dumps(raw))
    with pytest.raises(KoCLIPError, match=r"tokenizer\.json"):
        TextTokenizer.from_folder(folder, CONFIG)(["세상에 없는 말"])


def test_a_vocab_txt_alone_opens_through_transformers(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer = TextTokenizer.from_folder(tmp_path, CONFIG)
    expected = ids("[CLS]", "고", "##양", "##이", "사진", "[SEP]")
    assert tokenizer(["고양이 사진"])[0].tolist() == [expected]


def test_a_folder_with_no_tokenizer_transformers_knows(tmp_path):
    (tmp_path / "vocab.txt").mkdir()
    with pytest.raises(KoCLIPError):
        TextTokenizer.from_folder(tmp_path, CONFIG)


def test_a_model_without_a_tokenizer_says_so_when_text_comes(tiny_base):
    with pytest.raises(KoCLIPError) as caught:
        tiny_base.embed_texts(["바다"])
    assert caught.value.code == "tokenizer_missing"
    assert "tiny-base" in str(caught.value)
    with pytest.raises(KoCLIPError, match="get_text_features"):
        tiny_base.processor(text="바다")


def test_a_model_refuses_the_tokenizer_of_another(tmp_path):
    for file in (ORACLE / "flax/tiny-base").iterdir():
        (tmp_path / file.name).symlink_to(file)
    write_tokenizer(tmp_path / "tokenizer.json", WORDS + [f"말{i}" for i in range(64)])
    with pytest.raises(KoCLIPError) as caught:
        KoCLIP.from_pretrained(tmp_path)
    assert caught.value.code == "tokenizer_mismatch"
    assert "64 rows" in str(caught.value)


def test_for_training_a_long_text_is_cut_and_keeps_its_end(tokenizer):
    tokens, mask = tokenizer.truncated(["바다 하늘 바다 하늘", "바다"], 4)
    assert tokens.tolist() == [
        ids("[CLS]", "바다", "하늘", "[SEP]"),
        [*ids("[CLS]", "바다", "[SEP]"), CONFIG.pad_token_id],
    ]
    assert mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


@pytest.mark.parametrize(
    ("words", "max_length", "length"),
    [(1, 10, 4), (2, 10, 4), (3, 10, 8), (6, 10, 8), (7, 10, 10), (40, 10, 10), (40, 512, 12)],
)
def test_for_training_rows_have_one_of_a_few_lengths(tokenizer, words, max_length, length):
    """Or the limit, which is the model's own, 12, at most."""
    tokens, _ = tokenizer.truncated([" ".join(["바다"] * words)], max_length, (4, 8, 16))
    assert tokens.shape == (1, length)
