"""What surrounds every answer: notices above it; link, files and code below it."""

from __future__ import annotations

import base64
import io
import json
from html import escape

from PIL import Image

from koclip.served_databases import GALLERY
from koclip.ui.texts import say

NOTICE = '<p class="notice">'
"""How what a visitor should know about an answer begins; the next time there may be none."""


def framed(
    kind: str,
    answer: dict,
    body: str,
    language: str,
    link: str = "",
    code: str = "",
    link_note: str = "",
    title: str = "",
) -> str:
    """The answer as a section of the page.

    Args:
        kind: "labels", "images" or "patches"; page.js draws the PNG by it.
        answer: what JSON and CSV are made of, in the browser.
        link: query string of the deep link; none for what is private.
        code: Python that gives the same answer.
    """
    tools = []
    if link:
        done = say("copied", language)
        tools.append(_button("link", say("copy_link", language), done))
    saves = "".join(_button(form, form.upper()) for form in ("json", "csv", "png"))
    tools.append(f'<span class="save">{say("save_as", language)} {saves}</span>')
    by = answer.get("model", "")
    if (searched := answer.get("database", GALLERY)) != GALLERY:
        by = f"{by} · {searched}"
    revision = escape(answer.get("revision", ""))
    tools.append(f'<span class="model" title="{revision}">{escape(by)}</span>')
    data = escape(json.dumps(answer, ensure_ascii=False))
    heading = f"<h3>{escape(title)}</h3>" if title else ""
    note = f'<p class="note">{escape(link_note)}</p>' if link_note else ""
    return (
        f'<section class="answer" data-kind="{kind}" data-link="{escape(link)}"'
        f' data-title="{escape(title)}" data-answer="{data}">'
        f"{notices_html(answer)}{heading}{body}"
        f'<div class="tools">{"".join(tools)}</div>{note}'
        f"{_code(code, language) if code else ''}</section>"
    )


def notices_html(answer: dict) -> str:
    """What the visitor should know about the answer."""
    return "".join(f"{NOTICE}{escape(notice)}</p>" for notice in answer["notices"])


def empty(key: str, language: str) -> str:
    """What stands where an answer will be."""
    return f'<p class="empty">{escape(say(key, language))}</p>'


def failure(message: str) -> str:
    """What went wrong, where the answer would be; read out at once by screen readers."""
    return f'<p class="failure" role="alert">{escape(message)}</p>'


def data_url(image: Image.Image, longest: int) -> str:
    """The image as a data: URL, at most `longest` pixels wide and high."""
    image = image.copy()
    image.thumbnail((longest, longest))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82)
    return webp_url(buffer.getvalue())


def webp_url(encoded: bytes) -> str:
    """WebP bytes as a data: URL."""
    return "data:image/webp;base64," + base64.b64encode(encoded).decode()


def _button(action: str, text: str, done: str = "") -> str:
    attributes = f'data-do="{action}" data-done="{escape(done)}"'
    return f'<button type="button" {attributes}>{escape(text)}</button>'


def _code(code: str, language: str) -> str:
    copy = _button("code", say("copy_code", language), say("copied", language))
    return (
        f'<details class="code"><summary>{say("code", language)}</summary>'
        f'{copy}<pre tabindex="0"><code>{escape(code)}</code></pre></details>'
    )
