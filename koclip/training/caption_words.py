"""Korean labels that English captions imply: "a man on a bike" → 사람, 남자, 자전거."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np

from koclip.assets import assets_dir

TEMPLATES = ("{}", "이것은 {} 이다.", "{}의 사진", "{} 사진이다", "{} 있는 사진", "사진 속 {}")
_LEAST_PHOTOS = 4


def caption_labels(captions: Sequence[Sequence[str]]) -> tuple[list[str], np.ndarray]:
    """Labels, and for each photograph how many of its captions imply each: float32 [N, labels].

    The words are in assets/koclip-mini/caption_words_ko.json. Labels of fewer than four
    photographs are left out.
    """
    path = assets_dir() / "koclip-mini" / "caption_words_ko.json"
    table = [
        (re.compile(rf"\b(?:{'|'.join(row['words'])})\b", re.IGNORECASE), row["labels"])
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]
    labels = list(dict.fromkeys(label for _, implied in table for label in implied))
    at = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(captions), len(labels)), np.float32)
    for row, of_photo in zip(counts, captions, strict=True):
        for caption in of_photo:
            implied = {at[label] for words, own in table if words.search(caption) for label in own}
            row[list(implied)] += 1
    common = (counts > 0).sum(axis=0) >= _LEAST_PHOTOS
    return [label for label, kept in zip(labels, common, strict=True) if kept], counts[:, common]
