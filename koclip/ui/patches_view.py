"""Found places as the page shows them: the picture, heat and frames for each query, a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from koclip.relevance_map import relevance_map
from koclip.text_to_patch import Box, PatchScore
from koclip.ui.frame import data_url
from koclip.ui.texts import say

COLOURS = ("#facc15", "#22d3ee", "#f472b6", "#a3e635", "#fb923c", "#c4b5fd")
"""One for each query, all readable on a darkened picture."""
FRAMED = 3
"""Tiles of each query that are framed and numbered in the picture."""
LISTED = 6
_SHARED = 0.3  # of a tile may lie in a better one that is shown
_LARGEST = 1024  # pixels along the longer side of the picture that is shown
_HEAT = 160  # and of the heat, which the browser draws smoothly over it


def patches_view(picture: Image.Image, results: Sequence[dict], language: str) -> str:
    """The picture with what fits lit up, and the best tiles to be pressed."""
    queries = list(dict.fromkeys(result["query"] for result in results))
    found = {q: [result for result in results if result["query"] == q] for q in queries}
    first = queries[0]
    layers, frames, lists = [], [], []
    for query, colour in zip(queries, COLOURS, strict=False):
        hidden = "" if query == first else " hidden"
        mark = f'data-query="{escape(query)}"{hidden}'
        alt = escape(say("patches_alt", language, query=query))
        layers.append(
            f'<img class="heat" src="{_heat(picture.size, found[query])}" alt="{alt}" {mark}>'
        )
        places = distinct(found[query], LISTED)
        # The last is drawn on top: the best.
        for result in reversed(places[:FRAMED]):
            frames.append(_frame(result, picture.size, colour, mark, language))
        lists.append(_list(picture, places, colour, mark, language))
    return (
        f"{_switch(queries, language)}"
        f'<div class="stage" style="aspect-ratio:{picture.width}/{picture.height}">'
        f'<img src="{data_url(picture, _LARGEST)}" alt="">{"".join(layers)}{"".join(frames)}</div>'
        f"{''.join(lists)}"
    )


def distinct(results: Sequence[dict], count: int) -> list[dict]:
    """The best results whose boxes hardly overlap, ranked anew among themselves.

    Overlapping tiles find one place many times.
    """
    kept: list[dict] = []
    for result in results:
        box = Box(*result["box"])
        if all(_shared(box, Box(*other["box"])) <= _SHARED for other in kept):
            kept.append(result | {"rank": len(kept) + 1})
        if len(kept) == count:
            break
    return kept


def _shared(box: Box, other: Box) -> float:
    """The part of the smaller box that the other one covers."""
    width = min(box.right, other.right) - max(box.left, other.left)
    height = min(box.bottom, other.bottom) - max(box.top, other.top)
    smaller = min((b.right - b.left) * (b.bottom - b.top) for b in (box, other))
    return max(0, width) * max(0, height) / smaller


def _switch(queries: list[str], language: str) -> str:
    """Which query's heat is shown, and whether heat and numbers are shown at all."""
    chips = [
        f'<button type="button" data-do="query" data-query="{escape(query)}"'
        f' aria-pressed="{"true" if query == queries[0] else "false"}">'
        f'<i style="background:{colour}"></i>{escape(query)}</button>'
        for query, colour in zip(queries, COLOURS, strict=False)
    ]
    layers = [
        f'<button type="button" data-do="layer" data-layer="{layer}" aria-pressed="true">'
        f"{say(layer, language)}</button>"
        for layer in ("heat", "boxes")
    ]
    return f'<div class="switch">{"".join(chips)}<span></span>{"".join(layers)}</div>'


def _frame(result: dict, size: tuple[int, int], colour: str, mark: str, language: str) -> str:
    left, top, right, bottom = result["box"]
    width, height = size
    place = (
        f"left:{left / width:.3%};top:{top / height:.3%};"
        f"width:{(right - left) / width:.3%};height:{(bottom - top) / height:.3%}"
    )
    return (
        f'<button type="button" class="box rank-{result["rank"]}" data-box {mark}'
        f' style="{place};border-color:{colour};color:{colour}" data-choice="{_choice(result)}"'
        f' aria-label="{_described(result, language)}"><span>{result["rank"]}</span></button>'
    )


def _list(picture: Image.Image, results: list[dict], colour: str, mark: str, language: str) -> str:
    tiles = [
        f'<li><button type="button" data-choice="{_choice(result)}"'
        f' aria-label="{_described(result, language)}">'
        f'<img src="{data_url(picture.crop(result["box"]), 160)}" alt="">'
        f'<span><b style="--query:{colour}">{result["rank"]}</b> {result["score"]:.3f}</span>'
        "</button></li>"
        for result in results
    ]
    return f'<ol class="tiles" {mark}>{"".join(tiles)}</ol>'


def _choice(result: dict) -> str:
    return ",".join(map(str, result["box"]))


def _described(result: dict, language: str) -> str:
    return escape(
        say("patch_button", language, **{k: result[k] for k in ("query", "rank", "score")})
    )


def _heat(size: tuple[int, int], results: list[dict]) -> str:
    """What does not fit is darkened, what fits is left as it is, with a warm rim."""
    patches = [PatchScore(**result | {"box": Box(*result["box"])}) for result in results]
    relevance = relevance_map(size, patches, longest=_HEAT)
    alpha = 0.78 * (1 - relevance) ** 1.5
    pixels = np.zeros((*relevance.shape, 4), np.float32)
    pixels[..., :3] = np.array([15, 12, 50], np.float32)
    pixels[..., 3] = 255 * alpha
    return data_url(Image.fromarray(pixels.round().astype(np.uint8), "RGBA"), _HEAT)
