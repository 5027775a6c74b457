"""The results of a search as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from koclip.credits import license_name, source_address
from koclip.database import ImageItem
from koclip.text_to_image import SearchHit

_WORDS = {
    "ko": {
        "count": "이미지 {count}장",
        "unseen": "보여 줄 수 없는 이미지",
        "author": "작가 미상",
        "source": "출처",
        "others": "거의 같은 이미지 {count}장",
    },
    "en": {
        "count": "Images: {count}",
        "unseen": "This picture cannot be shown",
        "author": "unknown author",
        "source": "source",
        "others": "Nearly equal images: {count}",
    },
}


def contact_sheet(
    hits: Sequence[SearchHit],
    title: str,
    about: str,
    language: str,
    *,
    thumbnail: Callable[[SearchHit], bytes | None],
    address: Callable[[ImageItem], str],
) -> str:
    """A page with a card for each hit: picture, caption, score, author, licence and source.

    It is light or dark as the reader's system is, and fits phones.

    Args:
        title: what was looked for.
        about: where, and by which model.
        language: "ko" for Korean, else English.
        thumbnail: WebP to embed; None if there is none: then a web address is shown instead, and
            the page does need a network.
        address: where the picture itself is; what a card's picture leads to.
    """
    words = _WORDS["ko" if language == "ko" else "en"]
    style = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    cards = (_card(hit, words, language, thumbnail(hit), address(hit.item)) for hit in hits)
    count = words["count"].format(count=len(hits))
    return f"""<!doctype html>
<html lang="{"ko" if language == "ko" else "en"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} – KoCLIP</title>
<style>
{style}</style>
</head>
<body>
<header><h1>{escape(title)}</h1><p>{count} · {escape(about)}</p></header>
<main>
{"".join(cards)}</main>
</body>
</html>
"""


def _card(
    hit: SearchHit, words: dict[str, str], language: str, thumbnail: bytes | None, address: str
) -> str:
    item = hit.item
    captions = [item.caption_ko, item.caption_en]
    caption = next(filter(None, captions if language == "ko" else captions[::-1]), "")
    caption = escape(caption or item.title or item.id)
    details = "" if not hit.others else _others(hit, words)
    return (
        f"<figure>{_picture(caption, words, thumbnail, address)}"
        f'<figcaption><b>{hit.rank}</b> {caption} <span class="score">{hit.score:.3f}</span>'
        f'<p class="credits">{_credits(item, words)}</p>{details}</figcaption></figure>\n'
    )


def _picture(caption: str, words: dict[str, str], thumbnail: bytes | None, address: str) -> str:
    is_web = address.startswith(("http://", "https://"))
    # A file's name that is no UTF-8 has surrogates for its bytes.
    address = escape(address if is_web else quote(address.encode("utf-8", "surrogateescape")))
    if thumbnail:
        shown = f"data:image/webp;base64,{base64.b64encode(thumbnail).decode()}"
    elif is_web:
        shown = address
    else:
        return f'<div class="none">{words["unseen"]}</div>'
    return f'<a href="{address}"><img src="{shown}" alt="{caption}" loading="lazy"></a>'


def _credits(item: ImageItem, words: dict[str, str]) -> str:
    parts = [escape(item.title or item.file)]
    if item.license:
        parts += [escape(item.author or words["author"]), escape(license_name(item.license))]
    if link := source_address(item.source):
        parts.append(f'<a href="{escape(link)}">{words["source"]}</a>')
    return " · ".join(parts)


def _others(hit: SearchHit, words: dict[str, str]) -> str:
    listed = "".join(f"<li>{escape(item.id)}</li>" for item in hit.others)
    summary = words["others"].format(count=len(hit.others))
    return f"<details><summary>{summary}</summary><ul>{listed}</ul></details>"
