"""What stays in memory when there is not enough for all models."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Callable

import pytest

from koclip.errors import KoCLIPError
from koclip.settings import MINI, Settings
from koclip.ui.memory import ModelMemory
from koclip.ui.models import ModelPool


class Room:
    """A `ModelMemory` of 10 bytes, with 1 of koclip-mini's in it."""

    def __init__(self) -> None:
        self.evicted = []
        self.memory = ModelMemory(10, "mini", self.evicted.append)
        self.memory.admit("mini", 1)


@pytest.fixture
def room() -> Room:
    return Room()


def test_nothing_goes_while_there_is_room(room):
    room.memory.admit("a", 4)
    room.memory.admit("b", 5)
    assert room.evicted == []


def test_the_one_that_was_asked_longest_ago_goes(room):
    room.memory.admit("a", 4)
    room.memory.admit("b", 5)
    room.memory.lease("a")  # asked, and answered already
    room.memory.admit("c", 2)
    assert room.evicted == ["b"]


def test_as_many_go_as_must(room):
    for name in "abc":
        room.memory.admit(name, 3)
    room.memory.admit("d", 5)
    assert room.evicted == ["a", "b"]


def test_mini_never_goes(room):
    room.memory.admit("a", 9)
    room.memory.admit("b", 9)
    assert room.evicted == ["a"]
    with pytest.raises(KoCLIPError, match="no room"):
        room.memory.admit("c", 10)


def test_who_is_answering_stays(room):
    room.memory.admit("a", 4)
    room.memory.admit("b", 4)
    lease = room.memory.lease("a")
    room.memory.lease("b")
    room.memory.admit("c", 5)
    assert room.evicted == ["b"], "though a was asked longer ago"
    with pytest.raises(KoCLIPError) as caught:
        room.memory.admit("d", 6)
    assert caught.value.code == "model_no_room"
    assert room.evicted == ["b"], "what would not have been enough is not closed for nothing"
    del lease
    room.memory.admit("d", 6)
    assert room.evicted == ["b", "a", "c"]


def test_a_size_can_be_corrected(room):
    room.memory.admit("a", 9)
    room.memory.admit("a", 2)
    room.memory.admit("b", 7)
    assert room.evicted == []
    room.memory.remove("b")
    room.memory.admit("c", 7)
    assert room.evicted == []


@pytest.fixture(scope="module")
def folders(tmp_path_factory, mini) -> list[str]:
    """Three models of koclip-mini's size."""
    root = tmp_path_factory.mktemp("pool")
    return [str(shutil.copytree(mini.files.folder, root / name)) for name in "abc"]


@pytest.fixture
def pool_for(mini) -> Callable[..., ModelPool]:
    """Makes a pool of folders with room for so many models like koclip-mini."""

    def make(folders: list[str], models: float) -> ModelPool:
        pool = ModelPool(Settings(models=(MINI, *folders)))
        pool._memory.limit = int(models * mini.nbytes)
        return pool

    return make


def choose(pool: ModelPool, name: str):
    return pool.choose(name, "en", lambda *step: None)


def test_the_pool_closes_what_must_make_room(folders, pool_for):
    pool = pool_for(folders, 3.5)
    choose(pool, MINI)
    a, b, c = folders
    gone = weakref.ref(choose(pool, a).model)
    pool.background(a)
    choose(pool, b)
    assert choose(pool, c).notices == []
    gc.collect()
    assert gone() is None, "its memory is free"
    assert a not in pool._models and a not in pool._backgrounds
    assert all(name in pool._models for name in (MINI, b, c))
    assert choose(pool, a).name == a, "and it opens again"
    assert b not in pool._models


def test_mini_answers_when_there_is_no_room(folders, pool_for):
    pool = pool_for(folders, 2.5)
    choose(pool, MINI)
    answering = choose(pool, folders[0])
    instead = choose(pool, folders[1])
    assert instead.name == MINI
    assert "KOCLIP_MEMORY_GB" in instead.notices[0]
    assert choose(pool, folders[0]).model is answering.model


def test_a_model_that_cannot_be_opened_takes_no_room(folders, pool_for, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(folders[0], broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    pool = pool_for([*folders, str(broken)], 2.5)
    choose(pool, MINI)
    assert choose(pool, str(broken)).name == MINI
    assert choose(pool, folders[0]).name == folders[0]
