"""Which routes of Gradio's server the Space needs; there are no others for the public.

Left out: run history, deep links (each a file that stays), screen recordings, component functions,
monitoring, a proxy, editing by language models, the schema of FastAPI.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import gradio as gr

from koclip.errors import KoCLIPError

API = "/gradio_api"
NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
"""A session, an event or an upload, as clients call them."""


class _Route(NamedTuple):
    methods: tuple[str, ...]
    path: re.Pattern[str]
    kind: str


def _route(methods: str, path: str, kind: str = "page") -> _Route:
    return _Route(tuple(methods.split()), re.compile(path, re.ASCII), kind)


_ROUTES = (
    _route("GET HEAD", r"/"),
    _route("GET HEAD", r"/health", "health"),
    _route("GET", r"/(config/?|theme\.css|favicon\.ico|robots\.txt|manifest\.json)"),
    _route("GET", r"/(assets|static|svelte)/.+|/pwa_icon(/\d+)?"),
    _route("GET", API + r"/(info/?|openapi\.json|app_id/?|startup-events|theme\.css)"),
    _route("GET", API + r"/(login_check/?|queue/status|upload_progress)"),
    _route("GET", API + r"/heartbeat/[\w.-]{1,64}"),
    _route("GET HEAD", API + r"/file=.+", "file"),
    _route("POST", API + r"/upload", "upload"),
    _route("POST", API + r"/(queue/join|call/(v2/)?\w+/?)", "call"),
    _route("POST", API + r"/run/predict/?", "quick call"),
    _route("GET", API + r"/(queue/data|call/(v2/)?\w+/[\w.-]{1,64})", "answer"),
    _route("POST", API + r"/(cancel|reset/?)"),
    _route("POST", API + r"/mcp(/|/http/?)?", "mcp"),
    _route("GET DELETE", API + r"/mcp(/|/http/?|/schema)?"),
)


def kind_of(method: str, path: str) -> str:
    """What a request is: "page", "file", "upload", "call", "quick call" (not by the queue),
    "answer" (to a call), "mcp" or "health".

    Raises:
        KoCLIPError: there is no such route.
    """
    for route in _ROUTES:
        if method in route.methods and route.path.fullmatch(path):
            return route.kind
    raise KoCLIPError("request_no_page")


def check_names(parameters: Mapping[str, str]) -> None:
    """Raises a KoCLIPError for a long or odd name: Gradio remembers some of them for ever."""
    for name in ("session_hash", "upload_id"):
        if name in parameters and not NAME.fullmatch(parameters[name]):
            raise KoCLIPError("request_bad")


def check_call(page: gr.Blocks, path: str, call: object) -> str | None:
    """Looks whether `call`, the body of a request to `path`, can be made.

    Returns:
        The session that asks; None without one.

    Raises:
        KoCLIPError: it is no call, or of nothing that there is.
    """
    if not isinstance(call, dict):
        raise KoCLIPError("request_bad")
    if "/call/" in path:
        public = [f.api_name for f in page.fns.values() if f.api_visibility == "public"]
        if path.rstrip("/").rsplit("/", 1)[1] not in public:
            raise KoCLIPError("request_no_endpoint", known=", ".join(public))
    elif not isinstance(number := call.get("fn_index"), int) or number not in page.fns:
        raise KoCLIPError("request_bad")
    session = None if "/call/v2/" in path else call.get("session_hash")
    if session is not None and not (isinstance(session, str) and NAME.fullmatch(session)):
        raise KoCLIPError("request_bad")
    return session
