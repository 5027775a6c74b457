"""Korean sentences and photographs: the bundled gallery's."""

from __future__ import annotations

import json
from functools import cache
from itertools import cycle, islice
from pathlib import Path

from koclip.assets import assets_dir


def texts(start: int, count: int) -> list[str]:
    """`count` captions from the `start`-th on; after the last, they come again with a number.

    So all are different, and none is remembered by whoever remembers texts.
    """
    rounds = (place // len(_gallery()) for place in range(start, start + count))
    captions = (item["caption_ko"] for item in _items(start, count))
    return [f"{text} {r}" if r else text for text, r in zip(captions, rounds, strict=True)]


def pictures(start: int, count: int) -> list[Path]:
    """The files of the photographs that `texts` tells of, again the first after the last."""
    return [assets_dir() / "gallery" / item["file"] for item in _items(start, count)]


def _items(start: int, count: int) -> list[dict]:
    first = start % len(_gallery())
    return list(islice(cycle(_gallery()), first, first + count))


@cache
def _gallery() -> list[dict]:
    listed = (assets_dir() / "gallery" / "items.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in listed.splitlines()]
