"""Starting and calling the Space as the benchmark does."""

from __future__ import annotations

import json
import os
import urllib.request

import numpy as np
import pytest

from koclip.benchmark import serve, start, switch
from koclip.benchmark.client import CallFailedError, Client
from koclip.benchmark.engines import koclip_offline
from koclip.benchmark.engines.samples import pictures, texts
from koclip.benchmark.options import Options
from koclip.benchmark.space import running_server, wait_until_prepared
from koclip.errors import KoCLIPError

PAGE = """
import http.server, os
address = "127.0.0.1", int(os.environ["GRADIO_SERVER_PORT"])
http.server.ThreadingHTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def test_a_server_is_waited_for_and_stopped(tmp_path):
    with running_server(["-c", PAGE], tmp_path, tmp_path / "log", os.environ) as server:
        assert server.seconds_to_open > 0
        client = Client(server.url)
        with pytest.raises(CallFailedError, match=r"404|501"):
            client.call("embed_text", texts=["고양이"])
    with pytest.raises(CallFailedError, match="refused"):
        client.call("embed_text", texts=["고양이"])


def test_a_server_that_does_not_open_says_why(tmp_path):
    with (
        pytest.raises(KoCLIPError, match="no such setting"),
        running_server(
            ["-c", "raise SystemExit('no such setting')"], tmp_path, tmp_path / "log", os.environ
        ),
    ):
        pass


def test_clients_are_answered_as_the_model_answers(space, mini):
    client = Client(space)
    answer = client.call("embed_text", texts=texts(0, 1))
    assert answer["embeddings"] == pytest.approx(mini.embed_texts(texts(0, 1)), abs=1e-5)
    answer = client.call("embed_image", images=client.upload(pictures(5, 1)))
    assert answer["embeddings"] == pytest.approx(mini.embed_images(pictures(5, 1)), abs=1e-5)


def test_errors_of_the_space_are_no_answers(space):
    client = Client(space)
    with pytest.raises(CallFailedError):
        client.call("embed_text", texts=[])
    assert client.call("embed_text", texts=["고양이"])["embeddings"]  # the connection goes on


def test_no_text_comes_twice():
    assert len(set(texts(0, 10_000))) == 10_000
    assert texts(5, 2) == texts(0, 7)[5:]


def test_pictures_begin_again_after_the_last():
    (first,) = pictures(0, 1)
    (again,) = (place for place, file in enumerate(pictures(1, 1000), 1) if file == first)
    assert pictures(again - 1, 2) == [*pictures(again - 1, 1), first]


class Offline:
    """A worker that takes half a second for a batch of 32."""

    def answer(self, task: dict) -> None:
        assert task == {"kind": "text", "batch": 32}

    def time(self, task: dict, calls: int, *, warm: bool) -> list[float]:
        return [0.5] * calls


def test_throughput_beside_offline_batches(space):
    row = serve._row(space, Offline(), "text", 1, quick=True)
    served, alone = row.entries
    assert served.notes["failures"] == 0
    assert 0 < served.notes["p50 s"] <= served.notes["p95 s"]
    assert alone.samples == (64.0,)
    assert row.ratios[0].value == served.median / 64


def test_the_offline_engine_embeds_what_the_clients_send(mini, monkeypatch):
    monkeypatch.setattr(koclip_offline, "use_compilation_cache", lambda: None)
    for kind, embed in (("text", mini.embed_texts), ("image", mini.embed_images)):
        samples = texts(0, 1) if kind == "text" else pictures(0, 1)
        rows = koclip_offline.open_engine()({"kind": kind, "batch": 1})()
        np.testing.assert_allclose(rows, embed(samples), atol=1e-6)


def test_the_offline_engine_remembers_no_text(mini, monkeypatch):
    monkeypatch.setattr(koclip_offline, "use_compilation_cache", lambda: None)
    call = koclip_offline.open_engine()({"kind": "text", "batch": 2})
    for place in (0, 2):
        np.testing.assert_allclose(call(), mini.embed_texts(texts(place, 2)), atol=1e-6)


def test_failures_are_counted(tmp_path):
    with running_server(["-c", PAGE], tmp_path, tmp_path / "log", os.environ) as server:
        burst = serve._burst(server.url, "text", 1, 2, 0.0)
    assert len(burst.failures) == 2 and not burst.latencies


def test_imports_are_timed():
    row = start._imports(("json", "koclip"), 2)
    assert [(entry.name, len(entry.samples)) for entry in row.entries] == [
        ("json", 2),
        ("koclip", 2),
    ]


HEALTH = """
import http.server, json, os, time

class Health(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        states = {"state": "opening"}, {"state": "open", "compiling": True}
        Health.asked += self.path == "/health"
        last = {"state": "open", "compiling": False}
        state = states[Health.asked - 1] if 0 < Health.asked < 3 else last
        body = json.dumps({"models": {"koclip-mini": state}, "asked": Health.asked}).encode()
        self.send_response(503 if state["state"] == "opening" else 200)
        self.end_headers()
        self.wfile.write(body)

address = "127.0.0.1", int(os.environ["GRADIO_SERVER_PORT"])
http.server.HTTPServer(address, Health).serve_forever()
"""


def test_what_is_compiled_at_the_start_is_waited_for(tmp_path):
    with running_server(["-c", HEALTH], tmp_path, tmp_path / "log", os.environ) as server:
        wait_until_prepared(server.url)
        with urllib.request.urlopen(server.url) as response:
            assert json.load(response)["asked"] == 3


def test_a_visitor_calls_until_the_model_is_open(space):
    done = iter([False, True])
    latencies = switch._until(lambda: next(done), switch._caller(space))
    assert {kind: len(seconds) for kind, seconds in latencies.items()} == {"text": 2, "image": 2}
    assert all(second > 0 for seconds in latencies.values() for second in seconds)
    assert switch._ask_for(space, "koclip-mini") > 0
    with pytest.raises(CallFailedError, match="no-such-model"):
        switch._ask_for(space, "no-such-model")
    with pytest.raises(CallFailedError, match="koclip-base"):  # it answers with koclip-mini
        switch._ask_for(space, "koclip-base")


def test_only_the_rows_that_are_wanted_are_measured():
    assert not list(switch.run(Options(rows=("RoBERTa",))))


def test_a_space_that_failed_is_not_waited_for(tmp_path):
    page = HEALTH.replace('{"state": "opening"}', '{"state": "failed", "reason": "no room"}')
    with (
        running_server(["-c", page], tmp_path, tmp_path / "log", os.environ) as server,
        pytest.raises(KoCLIPError, match="no room"),
    ):
        wait_until_prepared(server.url)
