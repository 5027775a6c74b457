"""Zero-shot classification: an image and Korean labels → how likely each label is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from koclip import similarity
from koclip.errors import KoCLIPError
from koclip.images import ImageSource
from koclip.limits import MAX_LABELS, MAX_SENTENCES, MAX_TEMPLATES
from koclip.text_lists import split_texts
from koclip.tokenizer import as_texts

if TYPE_CHECKING:
    from koclip.model import KoCLIP

DEFAULT_TEMPLATE = "이것은 {} 이다."
"""The KoCLIP authors found zero-shot results more reliable with this sentence than without."""


class LabelScore(NamedTuple):
    """How well one label fits."""

    label: str
    probability: float | None
    """Softmax over all labels of this image; None when softmax is off."""
    cosine: float


class Labels(NamedTuple):
    """Distinct labels in the order given, and those that were given more than once."""

    labels: list[str]
    duplicates: list[str]


def parse_labels(labels: str | Sequence[str]) -> Labels:
    """Labels from a list, or from text with one per line or separated by commas.

    Raises:
        KoCLIPError: there is none, or more than `MAX_LABELS`.
    """
    distinct: dict[str, int] = {}
    for label in split_texts(labels):
        distinct[label] = distinct.get(label, 0) + 1
    if not distinct:
        raise KoCLIPError("labels_empty")
    if len(distinct) > MAX_LABELS:
        raise KoCLIPError("labels_too_many", count=len(distinct), limit=MAX_LABELS)
    return Labels(list(distinct), [label for label, count in distinct.items() if count > 1])


def parse_templates(templates: str | Sequence[str]) -> list[str]:
    """Templates from a list, or from text with one per line; none at all means the bare label.

    Raises:
        KoCLIPError: a template has no `{}` for the label, or there are more than `MAX_TEMPLATES`.
    """
    pieces = templates.splitlines() if isinstance(templates, str) else as_texts(templates)
    distinct = list(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))
    for template in distinct:
        if "{}" not in template:
            raise KoCLIPError("template_without_slot", template=template)
    if len(distinct) > MAX_TEMPLATES:
        raise KoCLIPError("templates_too_many", count=len(distinct), limit=MAX_TEMPLATES)
    return distinct or ["{}"]


def embed_labels(model: KoCLIP, labels: Sequence[str], templates: Sequence[str]) -> np.ndarray:
    """Each label's mean embedding over the templates, as unit rows [labels, D]."""
    # `replace`, not `format`: other braces in a template are plain text.
    sentences = [template.replace("{}", label) for template in templates for label in labels]
    rows = model.embed_texts(sentences).reshape(len(templates), len(labels), -1)
    return rows[0] if len(templates) == 1 else similarity.unit_rows(rows.mean(axis=0))


def classify(
    model: KoCLIP,
    image: ImageSource,
    labels: str | Sequence[str],
    template: str | Sequence[str] = DEFAULT_TEMPLATE,
    softmax: bool = True,
) -> list[LabelScore]:
    """Ranks `labels` for `image`, the likeliest first.

    Args:
        labels: a list, or text with one label per line or separated by commas; duplicates count
            once.
        template: the sentence each label is put into at `{}`; the embeddings of several
            sentences are averaged. Empty: the bare label.
        softmax: whether to turn scaled cosines into probabilities that sum to 1, as CLIP does.

    Raises:
        KoCLIPError: no readable image, no labels, a template without `{}`, or too much of them:
            see `koclip.limits`.
    """
    return classify_images(model, [image], labels, template, softmax)[0]


def classify_images(
    model: KoCLIP,
    images: Sequence[ImageSource],
    labels: str | Sequence[str],
    template: str | Sequence[str] = DEFAULT_TEMPLATE,
    softmax: bool = True,
) -> list[list[LabelScore]]:
    """`classify` for several images, whose labels are embedded once: a list for each image."""
    distinct = parse_labels(labels).labels
    templates = parse_templates(template)
    if (count := len(distinct) * len(templates)) > MAX_SENTENCES:
        raise KoCLIPError("sentences_too_many", count=count, limit=MAX_SENTENCES)
    rows = model.embed_images(list(images))
    cosines = similarity.cosine(rows, embed_labels(model, distinct, templates))
    probabilities = (
        similarity.softmax(cosines, model.logit_scale).tolist()
        if softmax
        else [[None] * len(distinct)] * len(cosines)
    )
    return [
        sorted(map(LabelScore, distinct, *of_image), key=lambda score: -score.cosine)
        for of_image in zip(probabilities, cosines.tolist(), strict=True)
    ]
