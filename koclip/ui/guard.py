"""Between the public and Gradio's server: bounded requests, kind refusals, files of one's own."""

from __future__ import annotations

import logging
import shutil
from contextlib import nullcontext
from pathlib import Path

import gradio as gr
import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from koclip.errors import KoCLIPError
from koclip.limits import MAX_CALL_MEGABYTES, MAX_PHOTOS_MEGABYTES
from koclip.settings import Settings
from koclip.ui.bodies import bounded, content_length, read, replayed, uploading
from koclip.ui.feedback import explained
from koclip.ui.gate import Gate
from koclip.ui.language import language_of
from koclip.ui.routes import API, check_call, check_names, kind_of
from koclip.ui.uploads import OpenFiles

log = logging.getLogger(__name__)

_SPARE_BYTES = 1_000_000_000
"""Of the disk, that uploads leave free."""
_RETRY_AFTER = 5  # seconds
_AWAITED = ("upload", "call", "quick call", "answer", "mcp")
_OWN_ERRORS = ("mcp", "health")
"""Their errors have a form that is passed on as it is."""
_STATUSES = {
    "request_no_page": 404,
    "request_no_endpoint": 404,
    "request_too_large": 413,
    "request_file_too_large": 413,
    "request_busy_yours": 429,
    "request_busy": 503,
    "request_stopping": 503,
    "request_disk_full": 507,
}


class Guard:
    """Middleware that hands on what the Space is for, and answers the rest itself."""

    def __init__(
        self,
        app: ASGIApp,
        page: gr.Blocks,
        gate: Gate,
        files: OpenFiles,
        uploads: Path,
        settings: Settings,
    ) -> None:
        """
        Args:
            files: the only ones that are served by their path.
            uploads: where uploads go; its disk is not filled up.
        """
        self._app, self._page, self._gate, self._files = app, page, gate, files
        self._uploads = uploads
        self._file_mb = settings.max_upload_mb
        self._upload_mb = max(settings.max_upload_mb, MAX_PHOTOS_MEGABYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        if scope["type"] != "http":  # Gradio has no web sockets
            return
        path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
        reply = _Reply(send, language_of(Request(scope)), self._gate, self._file_mb)
        try:
            reply.kind = kind_of(scope["method"], path)
            check_names(Request(scope).query_params)
            # Heartbeats last as long as a page is open: they are no reason not to stop.
            with self._gate.exchange() if reply.kind in _AWAITED else nullcontext():
                await self._hand_on(path, scope, receive, reply)
        except KoCLIPError as error:
            await reply.refuse(error)
        except Exception as error:
            await reply.fail(error)

    async def _hand_on(self, path: str, scope: Scope, receive: Receive, reply: _Reply) -> None:
        if reply.kind == "file" and path.removeprefix(f"{API}/file=") not in self._files:
            raise KoCLIPError("request_no_page")
        if reply.kind == "upload":
            self._gate.check()
            free = shutil.disk_usage(self._uploads).free
            if free < content_length(scope) + _SPARE_BYTES:
                raise KoCLIPError("request_disk_full")
            receive = uploading(bounded(receive, scope, self._upload_mb))
        else:
            receive = bounded(receive, scope, MAX_CALL_MEGABYTES)
        if reply.kind in ("call", "quick call"):
            body = await read(receive)
            try:
                call = orjson.loads(body)
            except ValueError:  # also of one that is nested too deeply
                raise KoCLIPError("request_bad") from None
            session = check_call(self._page, path, call)
            if reply.kind == "call":
                self._gate.check(session, len(body))
            receive = replayed(body, receive)
        if reply.kind == "mcp":
            async with self._gate.direct_call():
                await self._app(scope, receive, reply.pass_on)
        else:
            await self._app(scope, receive, reply.pass_on)


class _Reply:
    """Sends Gradio's answer, or says what is wrong instead of it."""

    def __init__(self, send: Send, language: str, gate: Gate, file_mb: int) -> None:
        self.kind = "page"
        self._send, self._language, self._gate, self._file_mb = send, language, gate, file_mb
        self._has_started = False
        self._instead: KoCLIPError | None = None

    async def pass_on(self, message: Message) -> None:
        """Of Gradio's refusals, which are English and may echo what was sent, the status alone."""
        if message["type"] == "http.response.start":
            if message["status"] >= 400 and self.kind not in _OWN_ERRORS:
                self._instead = self._refusal(message["status"])
                return
            self._has_started = True
            headers = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            message = {**message, "headers": headers}
        if self._instead is None:
            await self._send(message)
        elif not message.get("more_body"):
            await self.refuse(self._instead)

    def _refusal(self, status: int) -> KoCLIPError:
        if status == 413:
            return KoCLIPError("request_file_too_large", limit=self._file_mb)
        if status in (403, 404, 405):
            return KoCLIPError("request_no_page")
        if status == 503 and self._gate.is_stopping:
            return KoCLIPError("request_stopping")
        if status == 503:
            return KoCLIPError("request_busy", waiting=self._gate.waiting)
        return KoCLIPError("request_bad")

    async def refuse(self, error: KoCLIPError) -> None:
        """Says what is wrong with the request."""
        log.info("refused", extra={"fields": {"code": error.code, "kind": self.kind}})
        await self._say(error.localized(self._language), _STATUSES.get(error.code, 400))

    async def fail(self, error: Exception) -> None:
        """Says that something went wrong here; a stream that breaks off has said so itself."""
        if self._has_started and self.kind == "answer":
            log.info("broken off", extra={"fields": {"kind": self.kind}})
        else:
            await self._say(explained(error, self._language), 500)

    async def _say(self, text: str, status: int) -> None:
        if self._has_started:
            return
        self._has_started = True
        headers = {"retry-after": str(_RETRY_AFTER)} if status in (429, 503) else None
        # Gradio's front end shows the text of a failed upload as it is.
        if self.kind == "upload":
            response = PlainTextResponse(text, status, headers)
        else:
            response = JSONResponse({"detail": text, "error": text}, status, headers)
        await response({"type": "http"}, None, self._send)
