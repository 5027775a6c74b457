"""A small local stand-in for the Hugging Face Hub, for tests with the real client.

It speaks what the client asks for: repository listings under /api, files under /resolve, large
files by redirect to a second port that plays the CDN (another origin, as on the real Hub), ETags,
commit headers and ranges. `HubServer.requests` records what was asked, `HubServer.fail` makes it
misbehave.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import close_session, constants

LARGE_FILES = (".safetensors", ".msgpack", ".bin", ".webp")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_PIECE = 1 << 14


@dataclass
class Repository:
    """What the stand-in serves under one id: file contents by name, at one commit."""

    files: dict[str, bytes]
    commit: str
    branches: set[str] = field(default_factory=lambda: {"main"})
    token: str | None = None
    """Private: without this token it does not seem to exist."""
    private: bool = False
    """What the listing says; `token` is what is enforced."""

    def holds(self, revision: str) -> bool:
        return revision == self.commit or revision in self.branches


@dataclass(frozen=True)
class Request:
    """One request as it came in; `start` is where a range begins, 0 without one."""

    method: str
    path: str
    start: int
    authorization: str | None
    cdn: bool


@dataclass
class Fault:
    """Misbehaviour for requests whose "METHOD path" contains `match`, `times` times.

    kind: `status` (answer with `value`), `cut` (close after `value` bytes of the body), `short`
    (serve only the first `value` bytes, as if they were all), `long` (append `value` bytes),
    `alter` (flip byte number `value`), `slow` (wait `value` seconds before every 16 KiB),
    `stall` (wait `value` seconds before answering), `close` (hang up without an answer),
    `ignore_range` (always send the whole), `page` (an HTML page, as a login portal does).
    """

    kind: str
    match: str = ""
    value: float = 0
    times: int | None = None
    error_code: str | None = None


class HubServer:
    """Run as a context manager; `url` is the endpoint."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.connections: list[socket.socket] = []
        self._lock = threading.Lock()
        self._hub = _listen(self, self.handler(), cdn=False)
        self._cdn = _listen(self, self.handler(), cdn=True)
        self.url = f"http://127.0.0.1:{self._hub.server_port}"
        self.cdn_url = f"http://localhost:{self._cdn.server_port}"  # another host, as on the Hub

    def __enter__(self) -> HubServer:
        for server in (self._hub, self._cdn):
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def handler(self) -> type[Handler]:
        """What answers requests."""
        return Handler

    def stop(self) -> None:
        """Refuse connections from now on, like a Hub that is out of reach."""
        for server in (self._hub, self._cdn):
            server.shutdown()
            server.server_close()
        for connection in self.connections:  # kept alive by the client for its next request
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def add(
        self, repo_id: str, files: Mapping[str, bytes] | Path, *, repo_type: str = "model"
    ) -> Repository:
        """Serve `files` (contents by name, or a folder) as a new commit of `repo_id`."""
        if isinstance(files, Path):
            files = {
                path.relative_to(files).as_posix(): path.read_bytes()
                for path in sorted(files.rglob("*"))
                if path.is_file()
            }
        digest = hashlib.sha1(repr(sorted(files.items())).encode(), usedforsecurity=False)
        repository = Repository(dict(files), digest.hexdigest())
        self.repositories[repo_type, repo_id] = repository
        return repository

    def fail(self, kind: str, match: str = "", value: float = 0, **options: object) -> Fault:
        """Misbehave from now on; see `Fault`."""
        fault = Fault(kind, match, value, **options)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Behave again, and forget the requests so far."""
        self.faults.clear()
        self.requests.clear()

    def downloads(self) -> list[tuple[str, int]]:
        """(file name, first byte asked for) of every request for contents, in order."""
        return [
            (request.path.split("/resolve/", 1)[1].split("/", 1)[1], request.start)
            for request in self.requests
            if request.method == "GET" and "/resolve/" in request.path
        ]

    def fault_for(self, method: str, path: str) -> Fault | None:
        """The first fault that applies to this request, counted as used."""
        with self._lock:
            for fault in self.faults:
                if fault.match in f"{method} {path}" and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    def handle_error(self, *address: object) -> None:
        """Say nothing of clients that hang up, which some tests make them do."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(*address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every small body waits 40 ms for an acknowledgement
    hub: HubServer
    cdn: bool

    def setup(self) -> None:
        super().setup()
        self.hub.connections.append(self.connection)

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Quiet: `HubServer.requests` is the log."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        start = int(re.match(r"bytes=(\d+)-|", self.headers.get("Range", "")).group(1) or 0)
        self.hub.requests.append(
            Request(self.command, path, start, self.headers.get("Authorization"), self.cdn)
        )
        fault = self.hub.fault_for(self.command, path)
        match fault:
            case Fault(kind="status"):
                return self._error(int(fault.value), fault.error_code)
            case Fault(kind="close"):
                return self._hang_up()
            case Fault(kind="stall"):
                time.sleep(fault.value)
            case Fault(kind="page"):
                return self._send(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})
        for pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and self.cdn == (answer is Handler._cdn_file):
                return answer(self, fault, **found.groupdict())
        return self._error(404)

    def _listing(self, fault: Fault | None, kind: str, repo: str, revision: str | None) -> None:
        repository = self._repository(kind.rstrip("s"), repo, revision or "main")
        if repository is None:
            return
        siblings = []
        for name, contents in repository.files.items():
            sibling = {"rfilename": name, "size": len(contents), "blobId": git_sha1(contents)}
            if name.endswith(LARGE_FILES):
                digest = hashlib.sha256(contents).hexdigest()
                sibling["lfs"] = {"sha256": digest, "size": len(contents), "pointerSize": 134}
            siblings.append(sibling)
        about = {"id": repo, "sha": repository.commit, "private": repository.private}
        body = about | {"siblings": siblings}
        self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _resolve(
        self, fault: Fault | None, kind: str | None, repo: str, revision: str, file: str
    ) -> None:
        repository = self._repository((kind or "models").rstrip("s"), repo, revision)
        if repository is None:
            return None
        headers = {"X-Repo-Commit": repository.commit}
        contents = repository.files.get(file)
        if contents is None:
            return self._error(404, "EntryNotFound", headers)
        if not file.endswith(LARGE_FILES):
            headers["ETag"] = f'"{git_sha1(contents)}"'
            return self._send_file(contents, headers, fault)
        digest = hashlib.sha256(contents).hexdigest()
        headers["X-Linked-ETag"] = f'"{digest}"'
        headers["X-Linked-Size"] = str(len(contents))
        headers["Location"] = f"{self.hub.cdn_url}/{digest}/{file}"
        return self._send(302, b"", headers)

    def _cdn_file(self, fault: Fault | None, digest: str) -> None:
        for repository in self.hub.repositories.values():
            for contents in repository.files.values():
                if hashlib.sha256(contents).hexdigest() == digest:
                    return self._send_file(contents, {"ETag": f'"{digest}"'}, fault)
        return self._error(404)

    def _repository(self, repo_type: str, repo: str, revision: str) -> Repository | None:
        """The repository asked for, or None after the matching error was sent."""
        repository = self.hub.repositories.get((repo_type, repo))
        authorization = self.headers.get("Authorization")
        allowed = repository and repository.token in (None, (authorization or "")[len("Bearer ") :])
        if not allowed:  # as on the Hub: private looks like absent, and absent asks to log in
            self._error(404 if authorization else 401, "RepoNotFound")
        elif not repository.holds(revision):
            self._error(404, "RevisionNotFound")
        else:
            return repository
        return None

    def _send_file(self, contents: bytes, headers: dict[str, str], fault: Fault | None) -> None:
        kind, value = (fault.kind, fault.value) if fault else ("", 0)
        match kind:
            case "short":
                contents = contents[: int(value)]
            case "long":
                contents += bytes(int(value))
            case "alter":
                at = int(value)
                contents = contents[:at] + bytes([contents[at] ^ 1]) + contents[at + 1 :]
        if not self.cdn and "gzip" in self.headers.get("Accept-Encoding", ""):
            contents = gzip.compress(contents)
            headers["Content-Encoding"] = "gzip"
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        status, body = 200, contents
        if found and kind != "ignore_range":
            start = int(found.group(1))
            if start >= len(contents):
                return self._send(416, b"", {"Content-Range": f"bytes */{len(contents)}"})
            status, body = 206, contents[start:]
            last = len(contents) - 1
            headers["Content-Range"] = f"bytes {start}-{last}/{len(contents)}"
        return self._send(status, body, headers, fault)

    def _error(
        self, status: int, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        named = {"X-Error-Code": code, "X-Error-Message": code} if code else {}
        self._send(status, b"", {**named, **(headers or {})})

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str], fault: Fault | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        limit = int(fault.value) if fault and fault.kind == "cut" else len(body)
        try:
            for begin in range(0, min(limit, len(body)), _PIECE):
                if fault and fault.kind == "slow":
                    time.sleep(fault.value)
                self.wfile.write(body[begin : min(begin + _PIECE, limit)])
        except OSError:  # the client went away, which some tests make it do
            self.close_connection = True
        if limit < len(body):
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True


def point_client_at(monkeypatch: pytest.MonkeyPatch, url: str, home: Path) -> None:
    """Make huggingface_hub in this process use the Hub at `url` and the cache under `home`.

    The client reads its environment variables when it is imported, so they come too late here;
    `client_environment` is for a new process.
    """
    monkeypatch.setattr(constants, "ENDPOINT", url)
    template = f"{url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(home / "assets"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in (*_PROXIES, *map(str.upper, _PROXIES)):
        if name in os.environ:
            monkeypatch.delenv(name)
            close_session()  # it has read the proxies already


def client_environment(url: str, home: Path, **more: str) -> dict[str, str]:
    """Environment variables for a process whose client uses `url` and the cache under `home`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HF_", "HUGGING")) and name.lower() not in _PROXIES
    }
    hub = {"HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    return {**kept, **hub, **more}


_ROUTES: list[tuple[str, Callable[..., None]]] = [
    (
        r"/api/(?P<kind>models|datasets|spaces)/(?P<repo>[^/]+/[^/]+)(/revision/(?P<revision>.+))?",
        Handler._listing,
    ),
    (
        r"/((?P<kind>datasets|spaces)/)?(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)",
        Handler._resolve,
    ),
    (r"/(?P<digest>[0-9a-f]{64})/.+", Handler._cdn_file),
]


def _listen(hub: HubServer, handler: type[Handler], *, cdn: bool) -> ThreadingHTTPServer:
    server = _Server(("127.0.0.1", 0), type("Handler", (handler,), {"hub": hub, "cdn": cdn}))
    server.daemon_threads = True
    return server


def git_sha1(contents: bytes) -> str:
    header = b"blob %d\0" % len(contents)
    return hashlib.sha1(header + contents, usedforsecurity=False).hexdigest()
