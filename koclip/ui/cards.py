"""Found pictures as the page shows them: cards with caption, score and whom to thank."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from koclip.credits import license_name, source_address
from koclip.ui.texts import say


def cards(results: Sequence[dict], language: str) -> str:
    """A grid of cards, the best first."""
    return f'<div class="cards">{"".join(_card(result, language) for result in results)}</div>'


def _card(result: dict, language: str) -> str:
    caption = result["caption_ko"] if language == "ko" else result["caption_en"]
    caption = escape(caption or result["caption_ko"] or result["title"] or result["id"])
    image = escape(result["image"].lstrip("/"))  # relative: the Space may live below a path
    more = say("more_like_this", language)
    picture = f'<img src="{image}" alt="{caption}" loading="lazy">'
    if not image:
        picture = f'<p class="note">{escape(say("picture_unseen", language))}</p>'
    elif not image.startswith("data:"):  # browsers open no data: address in a tab of its own
        picture = f'<a href="{image}" target="_blank" rel="noopener">{picture}</a>'
    return (
        f"<figure>{picture}"
        f"<figcaption><div><b>{result['rank']}</b> {caption}"
        f' <span class="score">{result["score"]:.3f}</span></div>'
        f"<small>{_credits(result, language)}</small>"
        f'<button type="button" data-choice="{escape(result["id"])}"'
        f' aria-label="{more}: {caption}">{more}</button></figcaption></figure>'
    )


def _credits(result: dict, language: str) -> str:
    parts = []
    if result["kind"]:
        parts.append(say(result["kind"], language))
    if result["license"]:
        author = result["author"] or say("unknown_author", language)
        parts += [escape(author), escape(license_name(result["license"]))]
    if address := source_address(result["source"]):
        source = say("source", language)
        parts.append(f'<a href="{escape(address)}" target="_blank" rel="noopener">{source}</a>')
    elif result["source"]:
        parts.append(f'<span title="{escape(result["source"])}">{say("source", language)}</span>')
    return " · ".join(parts)
