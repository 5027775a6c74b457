"""koclip-mini's training data put together: a manifest of captions and the files they are about.

The pictures stay where they are, and nothing of them may go into the project: the photographs
belong to their authors.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from koclip.assets import assets_dir
from koclip.errors import KoCLIPError
from koclip.files import write_whole
from koclip.training.captions import CaptionedImage
from koclip.training.mini_sources import Source

MANIFEST, LEFT_OUT = "manifest.jsonl", "left_out.jsonl"
RESERVED = "reserved for evaluation"

_COCO = re.compile(r"(?:COCO_(?:train|val|test)20\d\d_)?(\d{12})", re.IGNORECASE)
_RESERVED_COCO_IDS = 14_000
_IMAGENET_VALIDATION = re.compile(r"ILSVRC20\d\d_val_\d+", re.IGNORECASE)
_CALTECH_101 = re.compile(r"caltech[-_ ]?101|101_ObjectCategories", re.IGNORECASE)
_HANGUL = re.compile("[가-힣]")


class Count(NamedTuple):
    """How much of a source is in a split, or was left out for what reason."""

    source: str
    split: str
    images: int
    pairs: int | None
    """Pictures times their captions."""
    korean: int | None
    """Pairs whose caption is in Korean."""


def is_reserved(path: Path) -> bool:
    """Whether a picture is kept for evaluation, by its name or folder.

    These are MSCOCO's images with an id below 14,000, Caltech-101 and ImageNet's validation set.
    """
    coco = _COCO.fullmatch(path.stem)
    return (
        (coco is not None and int(coco[1]) < _RESERVED_COCO_IDS)
        or _IMAGENET_VALIDATION.match(path.name) is not None
        or any(_CALTECH_101.fullmatch(part) for part in path.parts[:-1])
    )


def frozen_split(item: CaptionedImage) -> str:
    """The split of `item`: its source's own, else one in twenty "dev" and "test", by its name."""
    if item.split:
        return item.split
    digest = hashlib.sha256(f"{item.source}/{item.path.name}".encode()).digest()
    return {0: "dev", 1: "test"}.get(int.from_bytes(digest[:8]) % 20, "train")


def write_manifest(sources: Iterable[Source], folder: Path) -> list[Count]:
    """Writes `manifest.jsonl`, which `read_captions` reads, and `left_out.jsonl` into `folder`.

    Raises:
        KoCLIPError: `folder` is among the project's assets, or cannot be written to.
    """
    if folder.resolve().is_relative_to(assets_dir().resolve()):
        raise KoCLIPError("manifest_in_assets", folder=folder)
    lines, left_out, counts = [], [], []
    for source in sources:
        kept: dict[str, list[CaptionedImage]] = defaultdict(list)
        refused = defaultdict(list, {reason: list(p) for reason, p in source.left_out.items()})
        for item in source.items:
            if is_reserved(item.path):
                refused[RESERVED].append(item.path)
            else:
                kept[frozen_split(item)].append(item)
        for split, items in kept.items():
            lines += [_line(item, split) for item in items]
            counts.append(_count(source.name, split, items))
        for reason, paths in refused.items():
            left_out += [
                {"file": str(path), "source": source.name, "reason": reason} for path in paths
            ]
        counts += [
            Count(source.name, reason, len(paths), None, None)
            for reason, paths in refused.items()
            if paths
        ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / LEFT_OUT, _json_lines(left_out))
        write_whole(folder / MANIFEST, _json_lines(lines))
    except OSError as error:
        raise KoCLIPError("manifest_unwritable", folder=folder, reason=error) from error
    return counts


def _line(item: CaptionedImage, split: str) -> dict[str, object]:
    return {
        "file": os.path.abspath(item.path),  # noqa: PTH100 (keeps a link's own name)
        "captions": item.captions,
        "source": item.source,
        "license": item.license,
        "split": split,
    }


def _count(source: str, split: str, items: list[CaptionedImage]) -> Count:
    captions = Counter(bool(_HANGUL.search(caption)) for item in items for caption in item.captions)
    return Count(source, split, len(items), captions.total(), captions[True])


def _json_lines(rows: Iterable[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
