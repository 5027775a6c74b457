"""A little of `python -m tests.fuzz`, and that it finds what is wrong."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from koclip.errors import KoCLIPError
from tests.fuzz.engine import STORAGES, Engine
from tests.fuzz.files import Files
from tests.fuzz.kinds import Kind
from tests.fuzz.pictures import Pictures
from tests.fuzz.run import fuzz
from tests.fuzz.texts import Texts


def try_some(kind: Kind, count: int, place: Path) -> set[str]:
    outcomes = set()
    for number in range(count):
        empty = place / f"{number}"
        empty.mkdir()
        outcomes.add(kind.outcome(kind.make(random.Random(f"ci/{number}")), empty))
    return outcomes


@pytest.mark.filterwarnings("ignore::Warning")
def test_pictures_have_an_embedding_or_a_message(mini, tmp_path):
    assert {"accepted", "image_unreadable"} <= try_some(Pictures(mini), 80, tmp_path)


def test_texts_have_an_answer_or_a_message(tiny_korean, tmp_path, monkeypatch, rng):
    config = tiny_korean.config
    table = rng.normal(size=(config.text.vocab_size, config.projection_dim))

    def features(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Instead of the tower, which takes a second to compile for each length of texts."""
        return (table[ids] * mask[..., None]).sum(axis=1)

    monkeypatch.setattr(tiny_korean._encoder, "text_features", features)
    assert "accepted" in try_some(Texts(tiny_korean), 12, tmp_path)


def test_files_are_used_or_refused_by_name(tmp_path):
    (tmp_path / "own").mkdir()
    outcomes = try_some(Files(tmp_path / "own"), 120, tmp_path)
    assert {"accepted", "weights_unreadable", "database_unreadable"} <= outcomes


def test_the_engine_answers_the_same_in_every_storage(tmp_path):
    assert try_some(Engine(), 60, tmp_path) == {"accepted"}
    made = [Engine().make(random.Random(f"ci/{number}")) for number in range(60)]
    assert all(any(name.encode() in data for data in made) for name in STORAGES)


def test_the_long_form_counts_what_it_tries():
    tallies, finding = fuzz(seed=1, inputs=20, minutes=None, kinds=("engine",))
    assert finding is None
    assert tallies["engine"].tried == 20
    assert tallies["engine"].largest > 0


def test_a_kind_tells_what_is_no_clear_message(tmp_path):
    class Wrong(Kind):
        name = "wrong"

        def make(self, chance: random.Random) -> bytes:
            return b""

        def use(self, data: bytes, place: Path) -> None:
            if data:
                raise KoCLIPError("text_empty")
            raise OSError

    assert Wrong().outcome(b"x", tmp_path) == "text_empty"
    with pytest.raises(OSError):
        Wrong().outcome(b"", tmp_path)
