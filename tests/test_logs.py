"""The log tells what happened, and nothing of what visitors said."""

from __future__ import annotations

import json
import logging
import sys

from koclip.errors import KoCLIPError
from koclip.logs import JsonLines


def line(**options: object) -> dict:
    record = logging.LogRecord("koclip.ui", logging.INFO, "x.py", 1, "call", (), None)
    vars(record).update(options)
    text = JsonLines().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_an_event_is_one_line_of_json():
    found = line(fields={"endpoint": "embed_text", "seconds": 0.5})
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "info",
        "logger": "koclip.ui",
        "event": "call",
        "endpoint": "embed_text",
        "seconds": 0.5,
    }


def test_an_exception_is_told_without_its_message():
    """It may quote what a visitor wrote."""
    try:
        raise KoCLIPError("text_too_long", tokens=999, limit=8, start="비밀 이야기")
    except KoCLIPError:
        found = line(exc_info=sys.exc_info())
    assert found["error"] == "KoCLIPError" and "test_logs.py" in found["at"][0]
    assert "비밀" not in json.dumps(found, ensure_ascii=False)
