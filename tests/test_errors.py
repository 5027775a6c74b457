"""Every sentence that KoCLIP says when something is wrong."""

from __future__ import annotations

import ast
import copy
import json
import pickle
import re
from pathlib import Path
from string import Formatter

import pytest

import koclip
from koclip.errors import KoCLIPError, translate
from koclip.messages import MESSAGES

PACKAGE = Path(koclip.__file__).parent
HANGUL = re.compile("[가-힣]")


def placeholders(text: str) -> dict[str, str]:
    """The names in `text` that are to be filled in, and how each is formatted."""
    parts = Formatter().parse(text)
    return {name: f"{conversion}:{spec}" for _, name, spec, conversion in parts if name is not None}


def example(code: str) -> dict[str, object]:
    """A value for each placeholder; a number fits every format."""
    return dict.fromkeys(placeholders(MESSAGES[code][1]), 1234567)


@pytest.mark.parametrize("code", MESSAGES)
def test_both_languages_fill_in_the_same_values(code):
    korean, english = MESSAGES[code]
    assert placeholders(korean) == placeholders(english)
    for name in placeholders(english):
        assert name.isidentifier()  # no attribute, no index, nothing positional
        assert name not in ("code", "language", "self")  # the parameters of translate
    assert HANGUL.search(korean)
    assert not HANGUL.search(english.replace("이것은 {{}} 이다.", ""))
    for text in (korean, english):
        assert text == text.strip()
        assert "  " not in text


@pytest.mark.parametrize("code", MESSAGES)
def test_messages_are_translated_pickled_and_copied(code):
    error = KoCLIPError(code, **example(code))
    assert str(error) == error.localized("en") == translate(code, "en", **example(code))
    assert HANGUL.search(error.localized("ko"))
    assert error.localized("ko-KR") == error.localized("ko")
    assert error.localized("fr") == str(error)
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(again) is KoCLIPError
        assert (again.code, again.values) == (error.code, error.values)
        assert again.localized("ko") == error.localized("ko")


def test_values_are_plain_text():
    for value in ("{}", "{0}", "{path.__class__}", "%s", "{{"):
        error = KoCLIPError("image_not_found", path=value)
        assert value in str(error)
        assert value in error.localized("ko")


def test_errors_within_errors_are_said_in_the_same_language():
    inner = [
        KoCLIPError("text_empty"),
        KoCLIPError("setting_refused", **example("setting_refused")),
    ]
    error = KoCLIPError("settings_wrong", errors=inner)
    for language in ("ko", "en"):
        said = [f"- {one.localized(language)}" for one in inner]
        assert error.localized(language).splitlines()[1:] == said
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    reason = KoCLIPError("text_empty")
    error = KoCLIPError("setting_refused", **example("setting_refused") | {"reason": reason})
    assert error.localized("ko").endswith(reason.localized("ko"))


def test_an_error_is_a_value_error():
    """So callers who expect Python's own exceptions of bad values catch it too."""
    assert issubclass(KoCLIPError, ValueError)


def test_errors_with_their_causes_survive_pickling():
    """Worker processes send them: the reason may be any exception."""
    reasons = [OSError(2, "no such file", "x"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")]
    for reason in [*reasons, KeyError("x"), json.JSONDecodeError("bad", "doc", 0)]:
        error = KoCLIPError("weights_unreadable", path=Path("x"), reason=reason)
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


def calls() -> list[tuple[str, str, set[str]]]:
    """Where a message is named in the package: its place, its code and the values given."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "KoCLIPError":
                (code,) = node.args
                if isinstance(code, ast.Constant) and all(key.arg for key in node.keywords):
                    place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                    found.append((place, code.value, {key.arg for key in node.keywords}))
    return found


def test_every_error_names_a_message_and_gives_its_values():
    assert len(calls()) > 50
    for place, code, values in calls():
        assert code in MESSAGES, place
        assert values == set(placeholders(MESSAGES[code][1])), place


def test_no_message_is_left_unused():
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "messages"
    )
    assert [code for code in MESSAGES if f'"{code}"' not in source] == []
