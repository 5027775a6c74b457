"""Results as the page shows them: HTML for lists, pictures for places."""

from __future__ import annotations

from html import escape

import gradio as gr
import numpy as np
from PIL import Image, ImageDraw

from koclip.images import open_image
from koclip.ui.texts import language_of, say

SHOWN_LABELS = 20
SHOWN_PATCHES = 6
_LARGEST_HEATMAP = 1024  # pixels along the longer side
_COLD, _WARM = np.array([30, 27, 75], np.float32), np.array([250, 204, 21], np.float32)


def render_labels(answer: dict | None, request: gr.Request) -> str:
    """Bars of probability, with the raw cosine beside each."""
    language = language_of(request)
    if not answer:
        return _empty("classify_empty", language)
    cosine = say("cosine", language)
    rows = []
    for result in answer["results"][:SHOWN_LABELS]:
        probability = result["probability"]
        # Without softmax the bar shows the cosine itself; negative ones have no length.
        share = max(0.0, result["cosine"]) if probability is None else probability
        figure = "" if probability is None else f"<b>{probability:.1%}</b>"
        rows.append(
            f'<li><span class="label">{escape(result["label"])}</span>'
            f'<span class="figure">{figure} <small>{cosine} {result["cosine"]:.3f}</small></span>'
            f'<span class="bar"><i style="width:{share:.2%}"></i></span></li>'
        )
    return f'{_notices(answer)}<ol class="scores">{"".join(rows)}</ol>'


def render_images(answer: dict | None, request: gr.Request) -> str:
    """Cards with picture, caption, score and whom to thank for it."""
    language = language_of(request)
    if not answer:
        return _empty("search_empty", language)
    cards = "".join(_card(result, language) for result in answer["results"])
    return f'{_notices(answer)}<div class="cards">{cards}</div>'


def _card(result: dict, language: str) -> str:
    caption = result["caption_ko"] if language == "ko" else result["caption_en"]
    caption = escape(caption or result["caption_ko"] or result["id"])
    source = escape(
        result["image"].lstrip("/") if "://" not in result["image"] else result["image"]
    )
    credits = []
    if result["kind"]:
        credits.append(say(result["kind"], language))
    if result["license"]:
        # SPDX spells licences outside its list "LicenseRef-Public-Domain".
        license = result["license"].replace("LicenseRef-Public-Domain", "public domain")
        credits += [result["author"] or say("unknown_author", language), license]
    return (
        f'<figure><a href="{source}" target="_blank" rel="noopener">'
        f'<img src="{source}" alt="{caption}" loading="lazy"></a>'
        f"<figcaption><b>{result['rank']}</b> {caption} <span>{result['score']:.3f}</span>"
        f"<small>{escape(' · '.join(credits))}</small></figcaption></figure>"
    )


def render_patches(
    image: str | None, answer: dict | None, request: gr.Request
) -> tuple[Image.Image | None, list[tuple[Image.Image, str]], str]:
    """The picture with a heatmap, the best tiles with rank and score, and notices."""
    language = language_of(request)
    if not answer or not image:
        return None, [], _empty("patches_empty", language)
    picture = open_image(image)
    results = answer["results"]
    tiles = [
        (
            picture.crop(result["box"]),
            say("patch_caption", language, rank=result["rank"], score=result["score"]),
        )
        for result in results[:SHOWN_PATCHES]
    ]
    return heatmap(picture, results), tiles, _notices(answer)


def heatmap(picture: Image.Image, results: list[dict]) -> Image.Image:
    """`picture` with the tiles that fit lit up and the best three framed and numbered."""
    scale = min(1.0, _LARGEST_HEATMAP / max(picture.size))
    canvas = picture.resize([max(1, round(edge * scale)) for edge in picture.size])
    pixels = np.asarray(canvas, np.float32)
    scores = np.array([result["score"] for result in results], np.float32)
    spread = np.ptp(scores)
    warmth = (scores - scores.min()) / spread if spread > 1e-6 else np.ones_like(scores)
    shaded = pixels * 0.35 + _COLD * 0.25
    boxes = [[round(edge * scale) for edge in result["box"]] for result in results]
    for (left, top, right, bottom), heat in zip(boxes, warmth, strict=True):
        tile = (slice(top, bottom), slice(left, right))
        glow = pixels[tile] * 0.82 + _WARM * 0.18
        shaded[tile] = shaded[tile] * (1 - heat**2) + glow * heat**2
    canvas = Image.fromarray(np.clip(shaded, 0, 255).astype(np.uint8))
    _frame(canvas, boxes[:3])
    return canvas


def _frame(canvas: Image.Image, boxes: list[list[int]]) -> None:
    draw = ImageDraw.Draw(canvas)
    line = max(2, max(canvas.size) // 256)
    for rank, (left, top, right, bottom) in reversed(list(enumerate(boxes, start=1))):
        if right - left < 4 * line or bottom - top < 4 * line:
            continue
        colour = (250, 204, 21) if rank == 1 else (255, 255, 255)
        inside = [left + 1, top + 1, right - 2, bottom - 2]
        draw.rectangle(inside, outline=colour, width=line if rank == 1 else max(1, line // 2))
        size = max(12, max(canvas.size) // 32)
        corner = (left + line, top + line)
        draw.rectangle([*corner, corner[0] + size, corner[1] + size * 1.25], fill=(30, 27, 75))
        middle = (corner[0] + size / 2, corner[1] + size * 0.62)
        draw.text(middle, str(rank), fill=colour, font_size=size, anchor="mm")


def _notices(answer: dict) -> str:
    return "".join(f'<p class="notice">{escape(notice)}</p>' for notice in answer["notices"])


def _empty(key: str, language: str) -> str:
    return f'<p class="empty">{escape(say(key, language))}</p>'
