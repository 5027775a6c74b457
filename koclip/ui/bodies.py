"""Bodies of requests: no larger than they may be, and read before they are handed on."""

from __future__ import annotations

from starlette.formparsers import MultiPartException
from starlette.types import Message, Receive, Scope

from koclip.errors import KoCLIPError


def content_length(scope: Scope) -> int:
    """What the header says; 0 without one."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def bounded(receive: Receive, scope: Scope, megabytes: int) -> Receive:
    """`receive` that takes no more of a body than that, whatever its header says.

    Raises:
        KoCLIPError: "request_too_large"; when it is called, or later from what it returns.
    """
    error = KoCLIPError("request_too_large", limit=megabytes)
    limit, count = megabytes * 1_000_000, 0
    if content_length(scope) > limit:
        raise error

    async def receive_bounded() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > limit:
            raise error
        return message

    return receive_bounded


def uploading(receive: Receive) -> Receive:
    """`receive` for Gradio's upload, which removes what has arrived for this exception alone."""

    async def receive_upload() -> Message:
        try:
            message = await receive()
        except KoCLIPError as error:
            raise MultiPartException("It exceeded the maximum allowed size.") from error
        if message["type"] == "http.disconnect":
            raise MultiPartException("The caller is gone.")
        return message

    return receive_upload


async def read(receive: Receive) -> bytes:
    """The whole body.

    Raises:
        KoCLIPError: it broke off.
    """
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise KoCLIPError("request_bad")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def replayed(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives a body that has been read once more, before what comes next."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return first.pop() if first else await receive()

    return receive_again
