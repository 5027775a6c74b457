"""The bundled model: its files, its text tower against the original, and what it can tell apart."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from koclip.assets import assets_dir
from koclip.checkpoints.tensor_files import open_tensors
from tests.mini_references import SENTENCES, TEXTS, TOKENS

FOLDER = assets_dir() / "koclip-mini"


@pytest.fixture(scope="module")
def config() -> dict:
    return json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))


def test_bundle_is_small():
    assert sum(file.stat().st_size for file in FOLDER.rglob("*")) <= 60_000_000


def test_revision_is_the_hash_of_the_weights(config):
    digest = hashlib.sha256((FOLDER / "model.safetensors").read_bytes()).hexdigest()
    assert config["revision"] == digest


def test_licences_of_all_parts_are_beside_the_weights():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for licence in ("Apache-2.0.txt", "MIT-multilingual-e5-small.txt"):
        assert licence in card
        assert (FOLDER / "LICENSES" / licence).stat().st_size > 500


def test_every_class_has_a_korean_name():
    names = (FOLDER / "class_names_ko.txt").read_text(encoding="utf-8").splitlines()
    assert len(names) == 1000
    assert all(name == name.strip() and any("가" <= c <= "힣" for c in name) for name in names)


def test_aliases_name_classes_that_exist():
    for group in json.loads((FOLDER / "class_aliases_ko.json").read_text(encoding="utf-8")):
        assert set(group) == {"classes", "words", "scenes"}
        assert group["words"] or group["scenes"]
        for part in group["classes"].split(","):
            first, _, last = part.partition("-")
            assert 0 <= int(first) <= int(last or first) < 1000


def test_tokenizer_splits_as_the_whole_one(mini):
    """Pruning must not change how Korean, and English written in it, is split."""
    whole = json.loads(TOKENS.read_text(encoding="utf-8"))
    prefix = mini.config.text.prompt_prefix
    split = {s: mini.processor.tokenizer.backend.encode(prefix + s).tokens for s in SENTENCES}
    assert split == whole


def test_tokenizer_has_a_row_for_every_piece(mini):
    backend = mini.processor.tokenizer.backend
    table = open_tensors(FOLDER / "model.safetensors")[
        "text_model.embeddings.word_embeddings.weight"
    ]
    assert table.shape == (backend.get_vocab_size(), 384)
    special = [backend.token_to_id(piece) for piece in ("<s>", "<pad>", "</s>", "<unk>")]
    assert special == [0, 1, 2, 3]
    assert mini.config.text.pad_token_id == 1


def test_text_tower_agrees_with_the_original(mini):
    """The original package multiplies 8-bit activations, so it is near, not equal."""
    from koclip.towers.text_tower import TextTower

    ids, mask = mini.processor.tokenize(SENTENCES)
    tower = TextTower(mini.config.text)
    found = tower.apply({"params": mini.parameters["text_tower"]}, ids, mask).pooler_output
    cosines = (np.asarray(found) * np.load(TEXTS)["vectors"]).sum(axis=1)
    assert cosines.min() >= 0.999


def test_texts_are_centred(mini):
    """Without centring all texts of this encoder have cosines above 0.7. The centre is that of
    captions, so that bare nouns keep a little in common."""
    nouns = ["고양이", "자동차", "커피", "바다", "피아노", "우산", "피자", "비행기"]
    vectors = mini.embed_texts(nouns)
    cosines = (vectors @ vectors.T)[~np.eye(len(nouns), dtype=bool)]
    assert np.abs(cosines.mean()) < 0.3


def test_meaning_across_languages(mini):
    korean = mini.embed_texts(["개", "고양이", "자전거", "바다"])
    english = mini.embed_texts(["a dog", "a cat", "a bicycle", "the sea"])
    np.testing.assert_array_equal((korean @ english.T).argmax(axis=1), range(4))


@pytest.mark.parametrize(
    ("file", "label"), [("cat.webp", "고양이"), ("coffee.webp", "커피"), ("dogs.webp", "강아지")]
)
def test_photographs_are_recognised(mini, examples, file, label):
    labels = ["고양이", "강아지", "커피", "자전거", "자동차", "바다", "비행기", "기차", "꽃", "책"]
    best = mini.classify(examples / file, labels)[0]
    assert best.label == label
    assert best.probability > 0.5


def test_a_query_finds_its_photograph(mini, examples):
    files = ["cat.webp", "coffee.webp", "dogs.webp", "boats.webp", "citrus.webp"]
    queries = ["귀여운 고양이", "따뜻한 커피 한 잔", "개 두 마리", "물가의 배", "오렌지와 레몬"]
    images = mini.embed_images([examples / file for file in files])
    found = (mini.embed_texts(queries) @ images.T).argmax(axis=1)
    np.testing.assert_array_equal(found, range(5))
