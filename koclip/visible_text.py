"""Text that others wrote – captions, names of files, what a damaged file says – as it may be shown.

On a terminal some characters are commands; others hide, or turn round what stands beside them.
"""

from __future__ import annotations

import json
import re

_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # commands, but for tabs and new lines
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of writing
    "\u2028\u2029"  # lines and paragraphs
    "\ud800-\udfff"  # halves of characters: bytes of a file's name that are no UTF-8
)
_HIDDEN = re.compile(f"[{_UNSEEN}]")
_MOST = 1000  # characters of a line
_REPLACEMENT = "\ufffd"


def in_utf8(text: str) -> str:
    """With question marks for what UTF-8 cannot hold: halves of characters."""
    return text.encode("utf-8", "replace").decode()


def in_one_line(text: str) -> str:
    """With a replacement character for each that is none to be seen, and new lines as spaces; of a
    long text the middle is left out."""
    return _HIDDEN.sub(_REPLACEMENT, _shortened(text).replace("\n", " ").replace("\t", " "))


def in_lines(text: str) -> str:
    """As `in_one_line`, with lines kept."""
    return "\n".join(_HIDDEN.sub(_REPLACEMENT, _shortened(line)) for line in text.split("\n"))


def as_json(value: object) -> str:
    """Indented JSON with Hangul as it is, and the escapes of JSON for what is not to be seen."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _shortened(line: str) -> str:
    if len(line) <= _MOST:
        return line
    return f"{line[: _MOST * 2 // 3]} … {line[-_MOST // 3 :]}"
