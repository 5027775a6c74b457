"""Pictures out of coloured half blocks."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from koclip.terminal_pictures import picture_lines, shows_colours

COLOUR = re.compile(r"\x1b\[(38|48);2;(\d+);(\d+);(\d+)m")


def width(line: str) -> int:
    return len(re.sub(r"\x1b\[[\d;]*m", "", line))


@pytest.mark.parametrize("size", [(400, 300), (300, 400), (4000, 10), (10, 4000), (1, 1), (3, 2)])
def test_every_picture_takes_the_same_place(size):
    lines = picture_lines(Image.new("RGB", size, "red"), 28, 10)
    assert len(lines) == 10 and {width(line) for line in lines} == {28}
    assert all("▀" not in line or line.rstrip(" ").endswith("\x1b[0m") for line in lines)
    assert {found[1:] for line in lines for found in COLOUR.findall(line)} == {("255", "0", "0")}


def test_pixels_are_where_they_are_in_the_picture():
    picture = Image.new("RGB", (2, 4))
    values = [(10 * i, 20 * i, 30 * i) for i in range(8)]
    picture.putdata(values)
    upper, lower = picture_lines(picture, 2, 2)
    told = [tuple(map(int, found[1:])) for line in (upper, lower) for found in COLOUR.findall(line)]
    assert told == [values[i] for i in (0, 2, 1, 3, 4, 6, 5, 7)]  # above and below in turn


def test_which_terminals_show_colours():
    assert shows_colours({"TERM": "xterm-256color"})
    for environment in ({}, {"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}):
        assert not shows_colours(environment)
