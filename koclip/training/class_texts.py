"""What each class of the image classifier is called in Korean, and what captions it suggests."""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np

from koclip.assets import assets_dir

TEMPLATES = ("{}", "{}의 사진", "{} 사진이다")


class ClassTexts(NamedTuple):
    """The 1,000 ImageNet classes in words."""

    nouns: list[str]
    """Names of classes, broader and other words for them."""
    captions: list[str]
    weights: np.ndarray
    """float32 [classes, nouns + captions]; a class is the mean of up to three means: its name, the
    other words, the captions."""
    names: np.ndarray
    """[classes], the place of each class's name among the nouns."""


def read_class_texts() -> ClassTexts:
    """The bundled texts: assets/koclip-mini/class_names_ko.txt and class_aliases_ko.json."""
    folder = assets_dir() / "koclip-mini"
    names = (folder / "class_names_ko.txt").read_text(encoding="utf-8").split("\n")[:1000]
    words, scenes = [[] for _ in names], [[] for _ in names]
    for group in json.loads((folder / "class_aliases_ko.json").read_text(encoding="utf-8")):
        for part in group["classes"].split(","):
            first, _, last = part.partition("-")
            for number in range(int(first), int(last or first) + 1):
                words[number] += [w for w in group["words"] if w not in words[number]]
                scenes[number] += group["scenes"]
    nouns = list(dict.fromkeys(names + [word for group in words for word in group]))
    captions = list(dict.fromkeys(scene for group in scenes for scene in group))
    noun_at = {noun: i for i, noun in enumerate(nouns)}
    caption_at = {caption: len(nouns) + i for i, caption in enumerate(captions)}
    weights = np.zeros((len(names), len(nouns) + len(captions)), np.float32)
    for row, name in zip(weights, names, strict=True):
        number = names.index(name)
        groups = (
            [noun_at[name]],
            [noun_at[word] for word in words[number]],
            [caption_at[scene] for scene in scenes[number]],
        )
        groups = [group for group in groups if group]
        for group in groups:
            np.add.at(row, group, 1 / len(groups) / len(group))
    return ClassTexts(nouns, captions, weights, np.array([noun_at[name] for name in names]))
