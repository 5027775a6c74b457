"""Deep links give back what they were made from, and take nothing that does not belong."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from koclip.ui.links import linked_values, make_link

DEFAULTS = {"query": "고양이", "count": 12, "softmax": True, "overlap": 0.5, "compare": []}


def parameters(link: str) -> dict[str, str]:
    return dict(parse_qsl(link.removeprefix("?"), keep_blank_values=True))


@pytest.mark.parametrize(
    "values",
    [
        DEFAULTS,
        {"query": "눈 덮인 산 & 100% #1\n둘째 줄", "count": 3, "softmax": False, "overlap": 0.25}
        | {"compare": ["koclip-base", "koclip-large"]},
        DEFAULTS | {"query": ""},
    ],
)
def test_round_trip(values):
    assert linked_values(parameters(make_link("tab", values)), "tab", DEFAULTS) == values


def test_missing_values_are_the_defaults():
    link = make_link("tab", {"query": None, "count": 5})
    assert linked_values(parameters(link), "tab", DEFAULTS) == DEFAULTS | {"count": 5}


def test_the_link_of_another_tab_says_nothing():
    assert linked_values({"tab": "other", "count": "5"}, "tab", DEFAULTS) == DEFAULTS


@pytest.mark.parametrize(
    "wrong", [{"count": "many"}, {"overlap": "wide"}, {"query": "가" * 20_001}, {"unknown": "1"}]
)
def test_what_cannot_be_is_ignored(wrong):
    assert linked_values({"tab": "tab", **wrong}, "tab", DEFAULTS) == DEFAULTS
