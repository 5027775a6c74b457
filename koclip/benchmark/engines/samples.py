"""Korean sentences and photographs, all different: the bundled gallery's."""

from __future__ import annotations

import json
from functools import cache
from itertools import cycle, islice
from pathlib import Path

from koclip.assets import assets_dir


def texts(start: int, count: int) -> list[str]:
    """`count` captions from the `start`-th on, again from the first after the last."""
    return [item["caption_ko"] for item in _items(start, count)]


def pictures(start: int, count: int) -> list[Path]:
    """The files of the photographs that `texts` tells of."""
    return [assets_dir() / "gallery" / item["file"] for item in _items(start, count)]


def _items(start: int, count: int) -> list[dict]:
    first = start % len(_gallery())
    return list(islice(cycle(_gallery()), first, first + count))


@cache
def _gallery() -> list[dict]:
    listed = (assets_dir() / "gallery" / "items.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in listed.splitlines()]
