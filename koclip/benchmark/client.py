"""A client of the Space's API that costs little, so that what is measured is the Space.

The protocol is Gradio's, as in docs/api.md: a call is asked for, then its event is waited for.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

_API = "/gradio_api"
_PATIENCE = 120.0  # seconds


class CallFailedError(Exception):
    """The Space could not be reached, refused, or answered with an error."""


class Client:
    """One caller: its connection is kept, and is not for several threads."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE)

    def upload(self, files: Sequence[Path]) -> list[dict]:
        """Sends pictures; returns what stands for them in a call."""
        boundary = uuid.uuid4().hex
        body = b"".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{file.name}"'
            "\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
            + file.read_bytes()
            + b"\r\n"
            for file in files
        )
        kind = f"multipart/form-data; boundary={boundary}"
        paths = self._post("/upload", body + f"--{boundary}--\r\n".encode(), kind)
        return [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]

    def call(self, endpoint: str, **arguments: object) -> dict:
        """What `endpoint` answers.

        Raises:
            CallFailedError: there is no answer, or it is an error.
        """
        body = json.dumps(arguments).encode()
        event = self._post(f"/call/v2/{endpoint}", body, "application/json")["event_id"]
        kind = ""
        for line in self._send("GET", f"/call/{endpoint}/{event}").read().decode().splitlines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind == "complete":
                return json.loads(value)[0]
            elif name == "data" and kind == "error":
                raise CallFailedError(value)
        raise CallFailedError("the answer ended early")

    def close(self) -> None:
        self._connection.close()

    def _post(self, path: str, body: bytes, kind: str) -> dict | list:
        return json.loads(self._send("POST", path, body, {"Content-Type": kind}).read())

    def _send(
        self, method: str, path: str, body: bytes | None = None, headers: dict | None = None
    ) -> HTTPResponse:
        try:
            self._connection.request(method, _API + path, body, headers or {})
            response = self._connection.getresponse()
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise CallFailedError(str(error)) from error
        if response.status != 200:
            raise CallFailedError(f"{response.status}: {response.read().decode()}")
        return response
