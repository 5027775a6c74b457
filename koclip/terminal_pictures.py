"""Pictures on a terminal, out of half blocks in 24-bit colour.

Terminals that show real pictures each have a protocol of their own, and multiplexers swallow most
of them; coloured characters get through wherever colours do.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image

_UPPER_HALF = "▀"  # the upper pixel in the text's colour, the lower one in the background's
_RESET = "\x1b[0m"


def shows_colours(environment: Mapping[str, str]) -> bool:
    """Whether a terminal with these environment variables is asked, and able, to show colours."""
    is_plain = environment.get("TERM", "dumb") == "dumb" or environment.get("NO_COLOR")
    return not is_plain


def picture_lines(picture: Image.Image, columns: int, lines: int) -> list[str]:
    """`picture` as large as fits, centred in so many columns and lines of a terminal.

    Args:
        picture: RGB.
    """
    scale = min(columns / picture.width, 2 * lines / picture.height)
    width = max(1, round(picture.width * scale))
    height = 2 * max(1, round(picture.height * scale / 2))
    pixels = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))
    left = (columns - width) // 2
    right = columns - width - left
    shown = [" " * left + _line(upper, lower) + " " * right for upper, lower in _pairs(pixels)]
    above = (lines - len(shown)) // 2
    blank = " " * columns
    return [blank] * above + shown + [blank] * (lines - above - len(shown))


def _pairs(pixels: np.ndarray) -> list[tuple[list, list]]:
    return list(zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True))


def _line(upper: list, lower: list) -> str:
    cells = (
        f"\x1b[38;2;{a[0]};{a[1]};{a[2]}m\x1b[48;2;{b[0]};{b[1]};{b[2]}m{_UPPER_HALF}"
        for a, b in zip(upper, lower, strict=True)
    )
    return "".join(cells) + _RESET
