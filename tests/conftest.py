"""Models that many tests share, opened once."""

from __future__ import annotations

import os

# Before any import of huggingface_hub or gradio: no test reaches beyond this machine.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from koclip import KoCLIP
from koclip.assets import assets_dir
from tests.space import running_space

ORACLE = Path(__file__).parent / "oracle"


@pytest.fixture(scope="session")
def mini() -> KoCLIP:
    """The bundled model."""
    return KoCLIP.from_pretrained("koclip-mini")


@pytest.fixture(scope="session")
def tiny_base() -> KoCLIP:
    """A tiny random model in the published Flax form, without a tokenizer."""
    return KoCLIP.from_pretrained(ORACLE / "flax/tiny-base")


WORDS = [
    "[CLS]",
    "[PAD]",
    "[SEP]",
    "[UNK]",
    "이",
    "##것",
    "##은",
    "이다",
    ".",
    "고",
    "##양",
    "##이",
]
WORDS += [
    "강",
    "##아",
    "##지",
    "커",
    "##피",
    "자전거",
    "자동차",
    "하늘",
    "바다",
    "한",
    "##장",
    "사진",
]
WORDS += ["a", "b", "##b"]
"""The vocabulary of `tiny_korean`: too small to be of use, in Hangul and WordPiece all the same."""


def write_tokenizer(path: Path, words: list[str] = WORDS) -> None:
    """A tokenizer.json like that of klue/roberta-large, with `words` for its vocabulary."""
    tokenizer = Tokenizer(WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(word, words.index(word)) for word in ("[CLS]", "[SEP]")],
    )
    tokenizer.save(str(path))


@pytest.fixture(scope="session")
def tiny_korean_folder(tmp_path_factory) -> Path:
    """The folder of `tiny_korean`."""
    folder = tmp_path_factory.mktemp("models") / "tiny-korean"
    shutil.copytree(ORACLE / "flax/tiny-base", folder)
    write_tokenizer(folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="session")
def tiny_korean(tiny_korean_folder) -> KoCLIP:
    """`tiny_base` with a tokenizer."""
    return KoCLIP.from_pretrained(tiny_korean_folder)


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder with the Space's example pictures."""
    return assets_dir() / "examples"


@pytest.fixture(scope="session")
def space(tmp_path_factory) -> Iterator[str]:
    """The address of the running app, with no Hub in reach."""
    log = tmp_path_factory.mktemp("space") / "app.log"
    with running_space(log, os.environ | {"HF_HUB_OFFLINE": "1"}) as url:
        yield url


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
