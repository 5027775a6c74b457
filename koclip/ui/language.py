"""Which language a visitor reads: `?lang=ko|en` in the address, or what the browser asks for."""

from __future__ import annotations

import gradio as gr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LANGUAGES = {"ko": "한국어", "en": "English"}

# Gradio's front end reads navigator.language once, before any script given to `launch(head=)`
# runs; a choice must be in place earlier than that. It is remembered, and kept in the address,
# because the address is what events send to the server.
_SCRIPT = b"""<script>(() => {
  const address = new URL(location.href);
  let remembered = null;
  try { remembered = localStorage.getItem("koclip-language"); } catch {}
  const language = address.searchParams.get("lang") || remembered;
  if (language !== "ko" && language !== "en") return;
  try { localStorage.setItem("koclip-language", language); } catch {}
  if (!address.searchParams.has("lang")) {
    address.searchParams.set("lang", language);
    history.replaceState(history.state, "", address);
  }
  Object.defineProperty(navigator, "language", { get: () => language });
  Object.defineProperty(navigator, "languages", { get: () => [language] });
})();</script>"""


def language_of(request: gr.Request | None) -> str:
    """The visitor's language, "ko" or "en"; Korean when nothing says otherwise."""
    if request is None:
        return "ko"
    chosen = request.query_params.get("lang", "")
    if chosen in LANGUAGES:
        return chosen
    preferred = request.headers.get("accept-language", "").split(",")[0]
    preferred = preferred.split(";")[0].split("-")[0].strip().lower()
    return "ko" if preferred in ("", "*", "ko") else "en"


class LanguageChoice:
    """Middleware that puts the script above into the page, first thing in its head."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def rewrite(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            page = body.replace(b"<head>", b"<head>" + _SCRIPT, 1)
            headers = [(k, v) for k, v in start["headers"] if k != b"content-length"]
            headers.append((b"content-length", b"%d" % len(page)))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, rewrite)
