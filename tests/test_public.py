"""The running Space as the public reaches it: what is there, what is refused, and how kindly."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

from koclip import __version__
from koclip.assets import assets_dir
from koclip.ui.api import API_VERSION

CAT = assets_dir() / "examples" / "cat.webp"
META = {"_type": "gradio.FileData"}


@pytest.fixture(scope="module")
def http(space):
    with httpx.Client(base_url=space, timeout=60) as client:
        yield client


def upload(http: httpx.Client, name: str, content: bytes) -> str:
    (path,) = http.post("/gradio_api/upload", files={"files": (name, content)}).json()
    return path


def call(http: httpx.Client, endpoint: str, **arguments: object) -> str:
    event = http.post(f"/gradio_api/call/v2/{endpoint}", json=arguments).json()["event_id"]
    text = http.get(f"/gradio_api/call/{endpoint}/{event}").text
    return text.encode().decode("unicode_escape") if "\\u" in text else text


def is_kind(response: httpx.Response, status: int) -> bool:
    """A refusal says why, in the language of who asked, and never more."""
    told = response.text
    assert response.status_code == status, told
    assert "Traceback" not in told and "Internal Server Error" not in told
    return any("가" <= character <= "힣" for character in told)


def test_health_tells_what_an_operator_asks(http):
    def is_prepared() -> bool:  # before koclip-mini is being opened it is "ok", too
        health = http.get("/health").json()
        return health["status"] == "ok" and health["models"]["koclip-mini"]["state"] == "open"

    wait_until(is_prepared)
    response = http.get("/health")
    assert response.status_code == 200
    health = response.json()
    assert (health["status"], health["version"]) == ("ok", __version__)
    assert health["api"] == API_VERSION
    assert health["models"]["koclip-base"]["state"] in ("closed", "failed")
    assert health["databases"] == {}
    assert health["queue"]["limit"] > 0
    mini = health["models"]["koclip-mini"]
    assert (mini["state"], len(mini["revision"])) == ("open", 12)
    assert isinstance(mini["compiling"], bool)
    footer = http.get("/").text
    assert f"koclip-mini {mini['revision']}" in footer and API_VERSION in footer


# Routes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/openapi.json",
        "/monitoring",
        "/monitoring/summary",
        "/logout",
        "/gradio_api/deep_link?session_hash=a",
        "/gradio_api/runs",
        "/gradio_api/run-history/buckets",
        "/gradio_api/proxy=http://127.0.0.1/",
        "/gradio_api/vibe-code",
        "/gradio_api/token",
        "/gradio_api/dev/reload",
        "/gradio_api/custom_component/a/client/b/c",
        "/gradio_api/file/etc/passwd",
        "/none",
    ],
)
def test_other_routes_of_gradio_are_not_there(http, path):
    assert is_kind(http.get(path), 404)


@pytest.mark.parametrize("path", ["process_recording", "component_server", "vibe-edit", "stream/a"])
def test_nothing_else_takes_bodies(http, path):
    assert is_kind(http.post(f"/gradio_api/{path}", json={}), 404)


def test_what_the_page_and_clients_need_is_there(http):
    for path in ("/", "/config", "/theme.css", "/manifest.json", "/gradio_api/info"):
        assert http.get(path).status_code == 200, path
    assert http.head("/").status_code == 200
    assert http.get("/").headers["x-content-type-options"] == "nosniff"


# Files --------------------------------------------------------------------------------------------


def test_a_picture_on_show_is_served(http):
    response = http.get(f"/gradio_api/file={CAT}")
    assert response.headers["content-type"] == "image/webp"
    assert response.content == CAT.read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "app.py",
        "README.md",
        "requirements.txt",
        str(assets_dir() / "koclip-mini" / "config.json"),
        str(assets_dir() / "examples" / "examples.json"),
        str(assets_dir() / "examples" / ".." / "koclip-mini" / "config.json"),
        str(assets_dir() / "examples") + "/../../../../../../../etc/passwd",
        "/proc/self/environ",
        "/proc/self/cwd/app.py",
        "http://127.0.0.1:1/x.png",
        "HTTP://127.0.0.1:1/x.png",
        "file:///etc/passwd",
        "//etc/passwd",
        "~/.bashrc",
        ".gradio/cached_examples/x.png",
        "",
        "\0",
        "가" * 3000,
    ],
)
def test_no_other_file_is_served(http, path):
    for written in (path, quote(path, safe="")):
        if written and written.isprintable():
            response = http.get(f"/gradio_api/file={written}")
            assert is_kind(response, 404)
            assert "root:" not in response.text
    if path:
        told = call(http, "image_to_text", image={"path": path, "meta": META}, labels="가,나")
        assert told.startswith("event: error") and "null" not in told


def test_uploads_are_the_uploaders_alone(http, space):
    """Their path is nothing that another can find out: not by the same picture, not by a list."""
    first = upload(http, "mine.png", b"the same content")
    with httpx.Client(base_url=space) as other:
        second = upload(other, "mine.png", b"the same content")
        assert first != second
        folder, _, name = first.rpartition("/")
        for guess in (folder, f"{folder}/", folder.rpartition("/")[0], f"{folder}/../{name}"):
            assert is_kind(other.get(f"/gradio_api/file={guess}"), 404)
    assert len(folder.rpartition("/")[2]) >= 32
    response = http.get(f"/gradio_api/file={first}")
    assert response.content == b"the same content"


@pytest.mark.parametrize(
    "name", ["../../app.py", "/etc/cron.d/x", "a/../../b.html", "..", "\\..\\x"]
)
def test_the_name_of_an_upload_leads_nowhere(http, name):
    response = http.post("/gradio_api/upload", files={"files": (name, b"x")})
    if response.status_code == 200:
        (path,) = response.json()
        assert http.get(f"/gradio_api/file={path}").content == b"x"
        assert "/../" not in path and "/koclip-uploads-" in path
    else:
        assert is_kind(response, 400)


def test_an_uploaded_page_is_not_opened_in_the_browser(http):
    """A script in it would run as the Space's own."""
    for name in ("page.html", "picture.svg", "script.js"):
        response = http.get(f"/gradio_api/file={upload(http, name, b'<script>1</script>')}")
        assert response.headers["content-disposition"].startswith("attachment")
        assert response.headers["x-content-type-options"] == "nosniff"


# Requests -----------------------------------------------------------------------------------------


BAD_CALLS = {
    "no JSON": b"{",
    "no object": b"[1]",
    "null": b"null",
    "not UTF-8": b"\xff\xfe",
    "nested without end": b"[" * 100_000,
    "no function": b'{"data": [], "fn_index": 9999, "session_hash": "a"}',
    "function by name": b'{"data": [], "fn_index": "0", "session_hash": "a"}',
    "no session": b'{"data": [], "fn_index": 0}',
    "session too long": json.dumps({"data": [], "fn_index": 0, "session_hash": "a" * 99}).encode(),
    "session of another kind": b'{"data": [], "fn_index": 0, "session_hash": [1]}',
}


@pytest.mark.parametrize("kind", BAD_CALLS)
def test_a_request_that_is_no_call(http, kind):
    assert is_kind(http.post("/gradio_api/queue/join", content=BAD_CALLS[kind]), 400)


def test_refusals_are_in_the_language_of_who_asks(http):
    english = {"Accept-Language": "en"}
    response = http.post("/gradio_api/call/v2/nothing", json={}, headers=english)
    assert response.status_code == 404
    assert response.json()["detail"].startswith("There is no such endpoint. Known names: image_to")
    assert is_kind(http.post("/gradio_api/call/v2/nothing", json={}), 404)


def test_a_function_of_the_page_is_no_endpoint(http):
    assert is_kind(http.post("/gradio_api/call/classify", json={"data": []}), 404)
    assert is_kind(http.post("/gradio_api/run/image_to_text", json={"data": []}), 404)


@pytest.mark.parametrize("texts", [5, {"a": 1}, None, [1, None], [["가"]], [[[[]]]]])
def test_values_of_another_kind_are_told(http, texts):
    told = call(http, "embed_text", texts=texts)
    assert told.startswith("event: error") and "null" not in told
    assert "예상하지 못한" not in told


def test_a_body_that_is_too_large(http):
    assert is_kind(http.post("/gradio_api/queue/join", content=bytes(16_000_001)), 413)


def test_a_body_that_lies_about_its_size(http):
    """Sent in pieces, without a length."""

    def pieces():
        for _ in range(20):
            yield bytes(1_000_000)

    assert is_kind(http.post("/gradio_api/queue/join", content=pieces()), 413)


@pytest.mark.parametrize("name", ["upload_progress?upload_id", "queue/data?session_hash"])
def test_what_gradio_remembers_is_short(http, name):
    assert is_kind(http.get(f"/gradio_api/{name}={'a' * 65}"), 400)


def test_an_upload_that_breaks_off_leaves_nothing(http, space):
    """Nobody would ever delete it."""
    place = Path(upload(http, "whole.png", b"x")).parent.parent
    before, address = set(place.iterdir()), urlsplit(space)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        )
        connection.sendall(bytes(70_000))
        wait_until(lambda: set(place.iterdir()) != before)
    wait_until(lambda: set(place.iterdir()) == before)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(3600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def test_a_connection_outlasts_a_visitors_thoughts(http, space):
    """Uvicorn's own hang up after five seconds: just when many ask again."""

    def is_started() -> bool:
        return http.get("/health").json()["models"]["koclip-mini"].get("compiling") is False

    wait_until(is_started)
    connection = HTTPConnection(urlsplit(space).netloc, timeout=30)
    for pause in (0, 5.5):
        time.sleep(pause)
        connection.request("GET", "/gradio_api/app_id")
        assert connection.getresponse().read()
    connection.close()


def test_no_upload_form(http):
    for content, kind in [(b"x", "text/plain"), (b"--b\r\nbad", "multipart/form-data; boundary=b")]:
        response = http.post("/gradio_api/upload", content=content, headers={"Content-Type": kind})
        if response.status_code != 200:
            assert is_kind(response, 400)
    assert is_kind(
        http.post(
            "/gradio_api/upload", content=b"", headers={"Content-Type": "multipart/form-data"}
        ),
        400,
    )
