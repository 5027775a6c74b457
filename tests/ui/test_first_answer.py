"""What a tab shows when the page opens is worked out once for all, unless it may change."""

from __future__ import annotations

import gradio as gr
import pytest

from koclip.errors import KoCLIPError
from koclip.ui.frame import NOTICE
from koclip.ui.parts import FirstAnswer

DEFAULTS = {"query": "고양이", "image": "", "database": ""}


class Shown:
    """The first answers of a tab; `said` is what it answers next, an exception if it fails."""

    def __init__(self, database: str = "") -> None:
        self.said: str | Exception = "pictures"
        self.database = database
        self.first = FirstAnswer("tab", DEFAULTS, self._answer, self._complete)

    def _answer(self, *inputs: object) -> str:
        if isinstance(self.said, Exception):
            raise self.said
        return f"{self.said} of {inputs[2] or 'the gallery'}"

    def _complete(self, values: dict) -> dict:
        return values | {"database": values["database"] or self.database}

    def __call__(self, **link: str) -> list:
        return self.first(gr.Request(query_params=link, headers={}))


def test_it_is_kept_for_those_without_a_link():
    shown = Shown()
    *inputs, answer = shown()
    assert answer == "pictures of the gallery"
    assert inputs == [gr.skip()] * 3
    shown.said = "others"
    assert shown()[-1] == answer
    assert shown(tab="tab", query="개") == ["개", None, "", "others of the gallery"]
    assert shown(lang="en")[-1] == "others of the gallery", "another language is another answer"


@pytest.mark.parametrize("passing", [f"{NOTICE}wait</p>", KoCLIPError("photos_none")])
def test_what_will_be_otherwise_is_not_kept(passing):
    shown = Shown()
    shown.said = passing
    assert shown(lang="en")[-1] != "pictures of the gallery"
    shown.said = "pictures"
    assert shown(lang="en")[-1] == "pictures of the gallery"


def test_it_follows_what_is_searched_at_first():
    shown = Shown(database="a")
    assert shown()[-1] == "pictures of a"
    shown.database = "b"
    assert shown()[-1] == "pictures of b"
