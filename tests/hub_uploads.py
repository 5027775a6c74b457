"""The stand-in for the Hub, when it takes uploads too.

It answers what the client asks in order to push a model or a Space: making a repository, checking
its README, sorting files into small and large (LFS) ones, the LFS batch, upload and verification,
the commit. As on the Hub, what was uploaded shows only once a commit names it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from huggingface_hub import constants

from tests.hub_server import (
    LARGE_FILES,
    Fault,
    Handler,
    HubServer,
    Repository,
    Request,
    git_sha1,
    point_client_at,
)


@contextmanager
def writable_hub(monkeypatch: pytest.MonkeyPatch, home: Path, owner: str) -> Iterator[UploadHub]:
    """An empty Hub; the client is logged in as somebody who may write to `owner`."""
    with UploadHub() as server:
        server.tokens = {"hf_writer": {owner}, "hf_reader": set()}
        point_client_at(monkeypatch, server.url, home)
        monkeypatch.setenv("HF_TOKEN", "hf_writer")
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _seconds: None)
        yield server


class UploadHub(HubServer):
    """`HubServer` with owners: `tokens` says where each token may write."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, set[str]] = {}
        """The namespaces that a token may write to, by token."""
        self.objects: dict[str, bytes] = {}
        """Large files that have arrived, by their sha256."""
        self.messages: list[str] = []
        """Of all commits, the newest last."""

    def handler(self) -> type[Handler]:
        return UploadHandler

    def uploads(self) -> list[str]:
        """What was sent to: the path of each PUT, in order."""
        return [request.path for request in self.requests if request.method == "PUT"]


class UploadHandler(Handler):
    hub: UploadHub

    def do_GET(self) -> None:  # noqa: N802
        """Adds the listing that `hf upload --delete` asks for."""
        found = re.fullmatch(rf"{_API}/tree/(?P<revision>[^/]+)", urlsplit(self.path).path)
        if not found:
            return super().do_GET()
        repository = self._repository(_type(found["kind"]), found["repo"], found["revision"])
        if repository is None:
            return None
        files = [
            {"type": "file", "path": name, "size": len(contents), "oid": git_sha1(contents)}
            for name, contents in repository.files.items()
        ]
        return self._json(files)

    def do_POST(self) -> None:  # noqa: N802
        self._take()

    def do_PUT(self) -> None:  # noqa: N802
        self._take()

    def _take(self) -> None:
        path = unquote(urlsplit(self.path).path)
        authorization = self.headers.get("Authorization")
        self.hub.requests.append(Request(self.command, path, 0, authorization, self.cdn))
        fault = self.hub.fault_for(self.command, path)
        match fault:
            case Fault(kind="close"):
                return self._hang_up()
            case Fault(kind="cut"):
                self.rfile.read(int(fault.value))
                return self._hang_up()
        body = self._body()
        match fault:
            case Fault(kind="status"):
                return self._error(int(fault.value), fault.error_code)
            case Fault(kind="page"):
                return self._send(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})
        for pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and self.cdn == (answer is UploadHandler._object):
                return answer(self, body, **found.groupdict())
        return self._error(404)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _json(self, value: object, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _may_write(self, repo: str) -> bool:
        """Whether the request's token may; otherwise the matching error was sent."""
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in self.hub.tokens:
            message = {"X-Error-Message": "Invalid credentials in Authorization header"}
            self._error(401, headers=message)
            return False
        if repo.partition("/")[0] not in self.hub.tokens[token]:
            self._error(403)
            return False
        return True

    def _create(self, body: bytes) -> None:
        wanted = json.loads(body)
        repo = f"{wanted['organization']}/{wanted['name']}"
        if not self._may_write(repo):
            return None
        repo_type = wanted.get("type", "model")
        url = {"url": f"{self.hub.url}/{'' if repo_type == 'model' else f'{repo_type}s/'}{repo}"}
        if (repo_type, repo) in self.hub.repositories:
            return self._json(url, 409)
        if (repo_type == "space") != (wanted.get("sdk") == "gradio"):
            return self._error(400)
        first = {".gitattributes": b"*.safetensors filter=lfs\n"}
        repository = self.hub.add(repo, first, repo_type=repo_type)
        if wanted.get("visibility") == "private":
            repository.private = True
            repository.token = self.headers["Authorization"].removeprefix("Bearer ")
        return self._json(url)

    def _check_card(self, body: bytes) -> None:
        found = re.match(r"---\n(.*?)\n---\n", json.loads(body)["content"], re.DOTALL)
        try:
            metadata = yaml.safe_load(found[1]) if found else None
        except yaml.YAMLError as error:
            return self._json({"errors": [{"message": str(error)}], "warnings": []}, 400)
        warnings = [] if metadata else [{"message": "empty or missing yaml metadata"}]
        return self._json({"errors": [], "warnings": warnings})

    def _sort(self, body: bytes, kind: str, repo: str, revision: str) -> None:
        """Which files are large."""
        repository = self._writable(kind, repo, revision)
        if repository is None:
            return
        files = []
        for file in json.loads(body)["files"]:
            mode = "lfs" if file["path"].endswith(LARGE_FILES) else "regular"
            answer = {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}
            if (old := repository.files.get(file["path"])) is not None:
                is_large = mode == "lfs"
                answer["oid"] = hashlib.sha256(old).hexdigest() if is_large else git_sha1(old)
            files.append(answer)
        self._json({"files": files})

    def _batch(self, body: bytes, kind: str | None, repo: str) -> None:
        if self._writable(kind, repo, "main") is None:
            return
        objects = []
        for wanted in json.loads(body)["objects"]:
            if wanted["oid"] not in self.hub.objects:
                upload = {"href": f"{self.hub.cdn_url}/upload/{wanted['oid']}"}
                verify = {"href": f"{self.hub.url}{self.path.removesuffix('objects/batch')}verify"}
                wanted["actions"] = {"upload": upload, "verify": verify}
            objects.append(wanted)
        self._json({"transfer": "basic", "objects": objects})

    def _object(self, body: bytes, digest: str) -> None:
        if hashlib.sha256(body).hexdigest() != digest:
            return self._error(400)
        self.hub.objects[digest] = body
        return self._send(200, b"", {})

    def _verify(self, body: bytes, kind: str | None, repo: str) -> None:
        wanted = json.loads(body)
        arrived = self.hub.objects.get(wanted["oid"])
        is_whole = arrived is not None and len(arrived) == wanted["size"]
        self._json({}, 200 if is_whole else 404)

    def _commit(self, body: bytes, kind: str, repo: str, revision: str) -> None:
        repository = self._writable(kind, repo, revision)
        if repository is None:
            return None
        lines = [json.loads(line) for line in body.splitlines()]
        header, files = lines[0]["value"], dict(repository.files)
        if header.get("parentCommit") not in (None, repository.commit):
            return self._error(412)
        for line in lines[1:]:
            value = line["value"]
            match line["key"]:
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    files[value["path"]] = self.hub.objects[value["oid"]]
                case "deletedFile":
                    del files[value["path"]]
        fresh = self.hub.add(repo, files, repo_type=_type(kind))
        fresh.private, fresh.token = repository.private, repository.token
        self.hub.messages.append(header["summary"])
        url = f"{self.hub.url}/{repo}/commit/{fresh.commit}"
        return self._json({"success": True, "commitOid": fresh.commit, "commitUrl": url})

    def _writable(self, kind: str | None, repo: str, revision: str) -> Repository | None:
        """The repository, or None after the matching error was sent."""
        return self._repository(_type(kind), repo, revision) if self._may_write(repo) else None


def _type(kind: str | None) -> str:
    """The repository type that a path names in the plural, or not at all."""
    return (kind or "models").rstrip("s")


_API = r"/api/(?P<kind>models|datasets|spaces)/(?P<repo>[^/]+/[^/]+)"
_LFS = r"/((?P<kind>datasets|spaces)/)?(?P<repo>[^/]+/[^/]+)\.git/info/lfs"
_ROUTES: list[tuple[str, Callable[..., None]]] = [
    (r"/api/repos/create", UploadHandler._create),
    (r"/api/validate-yaml", UploadHandler._check_card),
    (rf"{_API}/preupload/(?P<revision>[^/]+)", UploadHandler._sort),
    (rf"{_LFS}/objects/batch", UploadHandler._batch),
    (rf"{_LFS}/verify", UploadHandler._verify),
    (r"/upload/(?P<digest>[0-9a-f]{64})", UploadHandler._object),
    (rf"{_API}/commit/(?P<revision>[^/]+)", UploadHandler._commit),
]
