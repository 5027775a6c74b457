"""A small crowd, hostile in part, at the running Space, which is then told to stop."""

from __future__ import annotations

import json

import pytest

from tests.crowd import Crowd, crowd, report
from tests.crowd_clients import HOSTILE


@pytest.fixture(scope="module")
def met() -> Crowd:
    result = crowd(clients=12, seconds=8, think=0.5, hostile=0.3, interval=2)
    print(report(result))
    return result


def test_whoever_asks_is_answered_and_whoever_attacks_is_told(met):
    assert met.failures() == []
    assert sum(outcome.result == "ok" for outcome in met.valid()) >= 12
    hostile = {o.kind for o in met.outcomes if o.kind.startswith("hostile")}
    assert len(hostile) >= len(HOSTILE) // 2


def test_it_stops_with_all_answers_given(met):
    """Nobody is cut off, nobody new is taken, and the process ends as it should."""
    assert met.exit_code == 0
    assert any(outcome.start > met.stopped for outcome in met.outcomes)
    assert met.failures() == []  # of those who came too late, too: told so, or no server any more
    assert met.left_behind == []


def test_the_log_is_lines_of_json_without_what_visitors_said(met):
    assert "Traceback" not in met.log
    lines = [json.loads(line) for line in met.log.splitlines() if line.startswith("{")]
    events = {line["event"] for line in lines}
    assert {"started", "call", "refused", "stopping", "stopped"} <= events
    assert not any(line["level"] == "error" for line in lines), lines
    for word in ("고양이", "passwd", "169.254"):
        assert word not in met.log
