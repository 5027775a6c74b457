"""Nothing is fetched from addresses that callers give, and only what was uploaded is opened."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import gradio as gr
import gradio.mcp
import httpx
import pytest
import safehttpx
from starlette.middleware import Middleware

from koclip.settings import Settings
from koclip.ui.blocks import PublicBlocks
from koclip.ui.gate import Gate
from koclip.ui.guard import Guard
from koclip.ui.mcp import serve_tools
from koclip.ui.picture import PictureInput
from koclip.ui.uploads import OpenFiles

META = {"_type": "gradio.FileData"}


@pytest.fixture
def fetched(monkeypatch) -> Iterator[tuple[str, list[str]]]:
    """The address of a picture, and the requests for it."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"what a server inside would say")

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    # Gradio fetches from public hosts alone; here, this machine is one.
    monkeypatch.setattr(safehttpx, "is_public_ip", lambda address: True)
    yield f"http://127.0.0.1:{server.server_port}/picture.png", requests
    server.shutdown()
    server.server_close()


def served(blocks: type[gr.Blocks], uploads: Path) -> gr.Blocks:
    """A small page with every kind of input that the Space has."""
    with blocks() as page:
        picture, files = PictureInput(type="filepath"), gr.File(file_count="multiple")
        text, answer = gr.Textbox(), gr.JSON()

        def look(picture: str = "", files: list | None = None, text: str = "") -> dict:
            """Looks.

            Args:
                picture: one.
                files: some.
                text: a word.
            """
            return {"seen": [picture, files, text]}

        gr.Button().click(look, [picture, files, text], answer, api_name="look")

        def read(texts: list[str]) -> dict:
            """Reads.

            Args:
                texts: words.
            """
            return {"read": texts}

        gr.api(read, api_name="read")
    page.queue()
    options = {}
    if blocks is PublicBlocks:
        settings = Settings()
        page.open_files = OpenFiles(uploads, [])
        gate = Gate(page, settings)
        guard = Middleware(Guard, page, gate, page.open_files, uploads, settings)
        options = {"app_kwargs": {"middleware": [guard]}}
    page.launch(prevent_thread_lock=True, quiet=True, mcp_server=True, ssr_mode=False, **options)
    if blocks is PublicBlocks:
        serve_tools(page)
    return page


@pytest.fixture(params=[gr.Blocks, PublicBlocks])
def page(request, tmp_path_factory, monkeypatch) -> Iterator[gr.Blocks]:
    uploads = tmp_path_factory.mktemp("uploads")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    monkeypatch.setattr(gradio.mcp, "DEFAULT_TEMP_DIR", str(uploads))  # read at import
    page = served(request.param, uploads)
    yield page
    page.close(verbose=False)


def call(url: str, name: str, data: list) -> str:
    """What the API says to a call, if it has to wait for it."""
    response = httpx.post(f"{url}gradio_api/call/{name}", json={"data": data})
    if response.status_code != 200:
        return response.text
    event = response.json()["event_id"]
    return httpx.get(f"{url}gradio_api/call/{name}/{event}").text


def join(url: str, page: gr.Blocks, data: list) -> str:
    number = next(n for n, f in page.fns.items() if f.api_name == "look")
    body = {"data": data, "fn_index": number, "session_hash": "visitor"}
    httpx.post(f"{url}gradio_api/queue/join", json=body)
    return httpx.get(f"{url}gradio_api/queue/data?session_hash=visitor").text


def tool(url: str, name: str, arguments: dict) -> str:
    method = {"method": "tools/call", "params": {"name": name, "arguments": arguments}}
    headers = {"Accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, **method}
    return httpx.post(f"{url}gradio_api/mcp/", json=body, headers=headers, timeout=20).text


def as_file(address: str) -> dict:
    return {"path": address, "meta": META}


WAYS = {
    "a picture": lambda u, p, a: call(u, "look", [as_file(a), None, ""]),
    "a picture with its address": lambda u, p, a: call(
        u, "look", [{"url": a, "meta": META}, 0, ""]
    ),
    "a list of files": lambda u, p, a: call(u, "look", [None, [as_file(a)], ""]),
    "a text": lambda u, p, a: call(u, "look", [None, None, as_file(a)]),
    "nested in a text": lambda u, p, a: call(u, "look", [None, None, {"x": [[as_file(a)]]}]),
    "a list of texts": lambda u, p, a: call(u, "read", [[as_file(a)]]),
    "the page": lambda u, p, a: join(u, p, [as_file(a), None, ""]),
    "a tool": lambda u, p, a: tool(u, "look", {"picture": a, "text": ""}),
    "a file to be served": lambda u, p, a: httpx.get(f"{u}gradio_api/file={a}").text,
    "a proxy": lambda u, p, a: httpx.get(f"{u}gradio_api/proxy={a}").text,
}
NO_CALLS = {"a file to be served", "a proxy"}
FETCHED_BY_GRADIO = set(WAYS) - {"a picture with its address", "a proxy"}


def test_no_address_is_fetched(page, fetched):
    """Gradio alone fetches it, so the test would see it."""
    address, requests = fetched
    for number, (name, way) in enumerate(WAYS.items()):
        requests.clear()
        told = way(page.local_url, page, f"{address}?{number}")  # Gradio keeps what it has fetched
        if type(page) is gr.Blocks:
            assert bool(requests) == (name in FETCHED_BY_GRADIO), name
        else:
            assert requests == [], name
            refused = "아무것도 없습니다" if name in NO_CALLS else "내려받지 않습니다"
            assert refused in told or json.dumps(refused)[1:-1] in told, (name, told)


@pytest.mark.parametrize("page", [PublicBlocks], indirect=True)
def test_only_what_was_uploaded_is_opened(page, tmp_path):
    url = page.local_url
    elsewhere = tmp_path / "private.png"
    elsewhere.write_bytes(b"x")
    for path in (str(elsewhere), "/etc/passwd", "app.py", "../etc/passwd", "none.png", "\0"):
        for data in (
            [as_file(path), None, ""],
            [None, [as_file(path)], ""],
            [None, None, as_file(path)],
        ):
            assert json.dumps("올라온 파일이 아니어서")[1:-1] in call(url, "look", data), data
    files = {"files": ("mine.png", b"x")}
    (path,) = httpx.post(f"{url}gradio_api/upload", files=files).json()
    assert path in call(url, "look", [as_file(path), [as_file(path)], "x"])


@pytest.mark.parametrize("page", [PublicBlocks], indirect=True)
def test_what_is_no_input_is_told_kindly(page):
    url = page.local_url
    for name, data in [
        ("look", [5, None, ""]),
        ("look", []),
        ("look", [None, "x", ""]),
        ("read", []),
    ]:
        told = call(url, name, data)
        assert json.dumps("이해할 수 없습니다")[1:-1] in told or "None" not in told, (
            name,
            data,
            told,
        )
        assert "Traceback" not in told and "null" not in told
    assert 'isError":true' in tool(url, "look", {"picture": "no address", "text": ""})
    assert '"isError":true' in tool(url, "look", {"text": 5})
    assert "word" in tool(url, "read", {"texts": ["word"]})


@pytest.mark.parametrize("page", [PublicBlocks], indirect=True)
def test_tools_take_pictures_that_were_uploaded_alone_and_in_lists(page):
    """Gradio's own refuse every list of files, and fetch what lies on this very server."""
    url = page.local_url
    (path,) = httpx.post(f"{url}gradio_api/upload", files={"files": ("mine.png", b"x")}).json()
    address = f"https://anywhere.example/gradio_api/file={path}"
    inline = "data:image/png;base64,eA=="
    told = tool(url, "look", {"picture": address, "files": [address, inline], "text": ""})
    assert '"isError":false' in told and told.count("mine.png") >= 2, told
    elsewhere = "https://anywhere.example/gradio_api/file=/etc/passwd"
    for arguments in (
        {"picture": elsewhere, "files": []},
        {"picture": inline, "files": [elsewhere]},
    ):
        assert "올라온 파일이 아니어서" in tool(url, "look", {**arguments, "text": ""})
