"""Gradio's Blocks for the public: they open what was uploaded, nothing else, and fetch nothing."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
from pydantic import BaseModel

from koclip.errors import KoCLIPError
from koclip.ui.feedback import explained
from koclip.ui.language import language_of
from koclip.ui.uploads import OpenFiles

log = logging.getLogger(__name__)

_language: contextvars.ContextVar[str] = contextvars.ContextVar("language", default="ko")


class PublicBlocks(gr.Blocks):
    """What every call passes, whether it came by the page, the API or MCP.

    Gradio fetches a file that is given by its address. These refuse it, before any look-up of the
    name; a path is refused unless it is among `open_files`. Whatever is wrong with the input, or
    fails, is told in the caller's language.
    """

    open_files: OpenFiles | None = None
    """Which paths can be given; None for none."""
    loop: asyncio.AbstractEventLoop | None = None
    """That of the server, while it runs."""

    async def process_api(
        self, block_fn: Any, inputs: list, state: Any = None, request: Any = None, **options: Any
    ) -> dict:
        by_mcp = request is not None and not isinstance(request, (gr.Request, list))
        if by_mcp:
            request = gr.Request(request)
        language = language_of(request)
        _language.set(language)
        name = getattr(block_fn, "api_name", None) or getattr(block_fn, "name", "")
        start, outcome = time.monotonic(), "answered"
        try:
            output = await super().process_api(block_fn, inputs, state, request, **options)
            outcome = "going on" if output.get("is_generating") else outcome
            if by_mcp:  # which makes text of it, and knows no models
                output["data"] = [_plain(value) for value in output["data"]]
            return output
        except gr.Error as error:
            outcome, error.print_exception = "refused", False
            if by_mcp:  # which tells the text of the exception, and Gradio's is in quotes
                raise RuntimeError(error.message) from None
            raise
        except Exception as error:
            outcome = "failed"
            raise gr.Error(explained(error, language), print_exception=False) from None
        finally:
            if outcome != "going on":
                self._forget_caller(options)
                seconds = round(time.monotonic() - start, 3)
                fields = {"endpoint": name, "outcome": outcome, "seconds": seconds}
                log.info("call", extra={"fields": fields})

    def _forget_caller(self, options: dict) -> None:
        """A call of the API that names no session gets one of its own, which nobody uses again."""
        session, event = options.get("session_hash"), options.get("event_id")
        if session is not None and session == event:
            self.state_holder.session_data.pop(session, None)
            self.state_holder.time_last_used.pop(session, None)

    async def preprocess_data(
        self, block_fn: Any, inputs: list, state: Any, explicit_call: bool = False
    ) -> list:
        try:
            for block, value in zip(block_fn.inputs, inputs, strict=False):
                self._check_files(value, getattr(block, "data_model", None))
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except Exception as error:
            told = _as_told(error).localized(_language.get())
            raise gr.Error(told, print_exception=False) from None

    def _check_files(self, value: Any, data_model: Any) -> None:
        if data_model is not None and _is_address(value):
            raise KoCLIPError("request_address")
        for path, url in _files(value):
            if _is_address(path) or (path is None and _is_address(url)):
                raise KoCLIPError("request_address")
            if path is not None and not self._is_open(path):
                raise KoCLIPError("request_not_uploaded")

    def _is_open(self, path: Any) -> bool:
        return isinstance(path, str) and self.open_files is not None and path in self.open_files


def _as_told(error: Exception) -> KoCLIPError:
    """What is wrong with an input that Gradio, or one of its components, did not take."""
    if isinstance(error.__cause__, KoCLIPError):
        return error.__cause__
    if isinstance(error, KoCLIPError):
        return error
    if isinstance(error, gr.Error):  # of a component: for example, no such choice
        return KoCLIPError("request_bad_value", reason=error.message)
    return KoCLIPError("request_bad")


def _files(value: Any) -> Iterator[tuple[str | None, Any]]:
    """(path, url) of whatever in `value` Gradio could take for a file, however deep."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, BaseModel):
            value = value.model_dump()
        if isinstance(value, dict):
            if "path" in value or "url" in value:
                yield value.get("path") or None, value.get("url")
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and "://" in value[:20]
