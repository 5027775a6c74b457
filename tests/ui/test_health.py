"""What /health says while models open and are compiled."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from koclip.errors import KoCLIPError
from koclip.ui import health


class Pool:
    """koclip-mini in one state."""

    def __init__(self, status: str | KoCLIPError | None, revision: str | None, is_open: bool):
        self._status, self._revision, self._is_open = status, revision, is_open

    def status(self, name: str) -> str | KoCLIPError | None:
        return self._status

    def revision(self, name: str) -> str | None:
        return self._revision

    def is_open(self, name: str) -> bool:
        return self._is_open


FAILED = KoCLIPError("tokenizer_missing", name="koclip-mini")
OPENING = {"state": "opening"}
GATE = SimpleNamespace(is_stopping=False, waiting=0, limit=4)


@pytest.mark.parametrize(
    ("pool", "status", "model"),
    [
        (Pool("", None, False), "starting", OPENING),
        (Pool("12%", "abc", False), "ok", OPENING),
        (Pool("", "abc", True), "ok", {"state": "open", "revision": "abc", "compiling": True}),
        (Pool(None, "abc", True), "ok", {"state": "open", "revision": "abc", "compiling": False}),
        (Pool(FAILED, None, False), "failed", {"state": "failed", "reason": "tokenizer_missing"}),
        (Pool(None, None, False), "ok", {"state": "closed"}),
    ],
    ids=["reading", "without gallery", "compiling", "ready", "failed", "when it is asked for"],
)
def test_states(pool, status, model):
    assert health._status(pool, GATE) == status
    assert health._model(pool, "koclip-mini") == model


@pytest.mark.parametrize(
    ("gate", "status"),
    [
        (SimpleNamespace(is_stopping=True, waiting=0, limit=4), "stopping"),
        (SimpleNamespace(is_stopping=False, waiting=4, limit=4), "busy"),
    ],
)
def test_a_space_that_is_open_may_take_no_more(gate, status):
    assert health._status(Pool(None, "abc", True), gate) == status
