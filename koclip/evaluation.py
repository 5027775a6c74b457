"""How good a model is on captioned photographs: retrieval and zero-shot, with chance levels.

A data set is a folder of photographs and a JSONL file, one photograph a line:
`{"file": …, "caption_ko": …, "objects": [labels that are visible], "main": label or null}`.
The bundled one names 256 photographs of Flickr8k's dev split; assets/evaluation/README.md says
where to get them.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from koclip import similarity
from koclip.assets import assets_dir
from koclip.errors import KoCLIPError
from koclip.image_to_text import DEFAULT_TEMPLATE, embed_labels
from koclip.images import open_image
from koclip.model import KoCLIP

PERSON = "사람"
_BATCH = 32


@dataclass(frozen=True)
class Photo:
    """One photograph and what is true of it."""

    file: str
    caption_ko: str
    objects: tuple[str, ...]
    main: str | None


class Score(NamedTuple):
    """One figure, on how many photographs, and what guessing would score."""

    name: str
    value: float
    n: int
    chance: float


def bundled_captions() -> Path:
    """The Korean captions and objects of 256 Flickr8k dev photographs."""
    return assets_dir() / "evaluation" / "flickr8k_dev_ko.jsonl"


def read_labels() -> list[str]:
    """The 80 everyday labels: COCO's categories in Korean, in COCO's order."""
    path = assets_dir() / "evaluation" / "labels80_ko.txt"
    return path.read_text(encoding="utf-8").split("\n")[:80]


def read_photos(path: str | Path) -> list[Photo]:
    """Reads the JSONL file of a data set.

    Raises:
        KoCLIPError: the file is not there, or a line is not as it should be.
    """
    path = Path(path)
    photos = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            raw = json.loads(line)
            objects = tuple(raw.get("objects", ()))
            photos.append(Photo(raw["file"], raw["caption_ko"], objects, raw.get("main")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        line = len(photos) + 1
        raise KoCLIPError("captions_unreadable", path=path, line=line, reason=error) from error
    return photos


def evaluate(
    model: KoCLIP, photos: Sequence[Photo], folder: str | Path, squashed: bool = False
) -> list[Score]:
    """Every score of `model` on `photos`, whose files are in `folder`.

    Args:
        squashed: the files were squashed to squares, so the whole picture is looked at instead of
            its middle.

    Raises:
        KoCLIPError: a photograph is missing or unreadable.
    """
    image_rows = _embed_photos(_whole_picture(model) if squashed else model, photos, Path(folder))
    caption_rows = model.embed_texts([photo.caption_ko for photo in photos])
    label_scores = _label_ranks(model, image_rows)
    return [*retrieval(image_rows, caption_rows), *zero_shot(photos, label_scores, read_labels())]


def retrieval(image_rows: np.ndarray, caption_rows: np.ndarray) -> list[Score]:
    """R@1, R@5, R@10 both ways: row i of the images belongs to row i of the captions.

    A pair's rank counts equal scores against it, so a model that answers all alike scores nothing.
    """
    n = len(image_rows)
    cosines = similarity.cosine(caption_rows, image_rows)
    scores = []
    for name, matrix in (("text→image", cosines), ("image→text", cosines.T)):
        ranks = (matrix >= np.diag(matrix)[:, None]).sum(axis=1)
        for k in (1, 5, 10):
            scores.append(Score(f"{name} R@{k}", float((ranks <= k).mean()), n, min(1.0, k / n)))
    return scores


def zero_shot(photos: Sequence[Photo], order: np.ndarray, labels: list[str]) -> list[Score]:
    """Everyday labels: `order` [photos, labels] holds label numbers, the likeliest first."""
    ranked = [[labels[i] for i in row] for row in order]
    things = [
        (ranking, set(photo.objects))
        for ranking, photo in zip(ranked, photos, strict=True)
        if set(photo.objects) - {PERSON}
    ]
    without_person = [
        ([label for label in ranking if label != PERSON], truth - {PERSON})
        for ranking, truth in things
    ]
    people = [r for r, photo in zip(ranked, photos, strict=True) if PERSON in photo.objects]
    mains = [(r, {p.main}) for r, p in zip(ranked, photos, strict=True) if p.main]
    return [
        _first_is_true("any true label first of 80", things),
        _first_is_true("any true label first of 79, 사람 left out", without_person),
        _in_top("사람 in the top 3 of 80", 3, [(r, {PERSON}) for r in people]),
        _in_top("사람 first of 80", 1, [(r, {PERSON}) for r in people]),
        _in_top("main object in the top 3 of 80", 3, mains),
    ]


def _first_is_true(name: str, cases: list[tuple[list[str], set[str]]]) -> Score:
    """Its chance level is what the best constant guess would score."""
    value = np.mean([ranking[0] in truth for ranking, truth in cases]) if cases else 0.0
    counts = Counter(label for _, truth in cases for label in truth)
    guess = counts.most_common(1)[0][1] / len(cases) if cases else 0.0
    return Score(name, float(value), len(cases), guess)


def _in_top(name: str, k: int, cases: list[tuple[list[str], set[str]]]) -> Score:
    """Its chance level is that of a random order."""
    value = np.mean([bool(set(ranking[:k]) & truth) for ranking, truth in cases]) if cases else 0.0
    return Score(name, float(value), len(cases), k / 80)


def _label_ranks(model: KoCLIP, image_rows: np.ndarray) -> np.ndarray:
    label_rows = embed_labels(model, read_labels(), [DEFAULT_TEMPLATE])
    return np.argsort(-similarity.cosine(image_rows, label_rows), axis=1, kind="stable")


def _embed_photos(model: KoCLIP, photos: Sequence[Photo], folder: Path) -> np.ndarray:
    batches = (photos[i : i + _BATCH] for i in range(0, len(photos), _BATCH))
    return np.concatenate(
        [model.embed_images([open_image(folder / p.file) for p in batch]) for batch in batches]
    )


def _whole_picture(model: KoCLIP) -> KoCLIP:
    """`model` without its centre crop."""
    edge = model.config.vision.image_size
    images = dataclasses.replace(model.processor.image_processor, size=(edge, edge), crop=None)
    whole = copy.copy(model)
    whole.processor = dataclasses.replace(model.processor, image_processor=images)
    return whole
