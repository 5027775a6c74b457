"""The three demos as the page and the API call them: plain values in, JSON-friendly results out."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from koclip.errors import KoCLIPError
from koclip.hub import Progress
from koclip.image_to_text import DEFAULT_TEMPLATE, classify, parse_labels
from koclip.model import KoCLIP
from koclip.text_to_image import search
from koclip.text_to_patch import rank_patches
from koclip.ui.models import MINI, ModelPool
from koclip.ui.texts import language_of, say

log = logging.getLogger(__name__)
pool = ModelPool()


def kindly(endpoint: Callable) -> Callable:
    """Shows errors as sentences in the visitor's language; never a traceback."""

    @functools.wraps(endpoint)
    def run(*args: Any, **kwargs: Any) -> Any:
        request = next((a for a in (*args, *kwargs.values()) if isinstance(a, gr.Request)), None)
        language = language_of(request)
        try:
            return endpoint(*args, **kwargs)
        except KoCLIPError as error:
            message = error.localized(language)
        except Exception:
            log.exception("%s failed", endpoint.__name__)
            message = say("failed", language)
        raise gr.Error(message, print_exception=False)

    return run


@kindly
def image_to_text(
    image: str | None,
    labels: str,
    template: str = DEFAULT_TEMPLATE,
    softmax: bool = True,
    model: str = MINI,
    request: gr.Request = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio hands it over)
) -> dict:
    """Zero-shot classification: how likely each Korean label is for an image.

    Args:
        image: the picture, in any format that Pillow reads.
        labels: candidate labels, one per line or separated by commas, up to 1,000.
        template: sentence with {} where the label goes; several lines are averaged.
        softmax: true for probabilities that sum to 1, false for cosines only.
        model: koclip-mini, koclip-base or koclip-large.

    Returns:
        {"model", "notices", "results": [{"rank", "label", "probability", "cosine"}]}, best first.
    """
    language = language_of(request)
    opened, notices = _open(model, language, progress)
    scores = classify(opened, image, labels, template, softmax)
    duplicates = parse_labels(labels).duplicates
    if duplicates:
        notices.append(say("merged", language, labels=", ".join(duplicates)))
    if len(scores) == 1 and softmax:
        notices.append(say("one_label", language))
    results = [{"rank": rank, **score._asdict()} for rank, score in enumerate(scores, start=1)]
    return {"model": opened.name, "notices": notices, "results": results}


@kindly
def text_to_image(
    query: str,
    count: int = 12,
    model: str = MINI,
    request: gr.Request = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> dict:
    """Retrieval: the images of the model's database that fit a Korean query best.

    Args:
        query: what to look for, in Korean.
        count: how many images.
        model: koclip-mini (the bundled gallery), koclip-base or koclip-large (COCO val2017).

    Returns:
        {"model", "notices", "results": [{"rank", "score", "id", "image", "caption_ko",
        "caption_en", "kind", "license", "author", "source", "title"}]}, best first. `score` is
        the cosine; `image` is a URL, or a path on this server.
    """
    opened, notices = _open(model, language_of(request), progress, with_database=True)
    database = pool.database(opened.name)
    results = [
        {
            "rank": hit.rank,
            "score": hit.score,
            "id": hit.item.id,
            "image": _served(database.location(hit.item)),
            "caption_ko": hit.item.caption_ko,
            "caption_en": hit.item.caption_en,
            "kind": hit.item.kind,
            "license": hit.item.license,
            "author": hit.item.author,
            "source": hit.item.source,
            "title": hit.item.title,
        }
        for hit in search(opened, database, query, count)
    ]
    return {"model": opened.name, "notices": notices, "results": results}


@kindly
def text_to_patch(
    image: str | None,
    query: str,
    rows: int = 3,
    columns: int = 3,
    model: str = MINI,
    request: gr.Request = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> dict:
    """Localisation: which tiles of an image fit a Korean query best.

    Args:
        image: the picture, in any format that Pillow reads.
        query: what to look for, in Korean.
        rows: how many tiles from top to bottom, 1 to 16.
        columns: how many tiles from left to right, 1 to 16.
        model: koclip-mini, koclip-base or koclip-large.

    Returns:
        {"model", "notices", "results": [{"rank", "row", "column", "box", "score"}]}, best first.
        `box` is [left, top, right, bottom] in pixels of the upright image; `score` the cosine.
    """
    opened, notices = _open(model, language_of(request), progress)
    patches = rank_patches(opened, image, query, rows, columns)
    results = [
        {"rank": rank, **patch._asdict(), "box": list(patch.box)}
        for rank, patch in enumerate(patches, start=1)
    ]
    return {"model": opened.name, "notices": notices, "results": results}


def _open(
    name: str, language: str, progress: gr.Progress, with_database: bool = False
) -> tuple[KoCLIP, list[str]]:
    """The model, or koclip-mini and a notice why; with its database if that is needed too."""
    report = _reporter(progress)
    try:
        model = pool.model(name, report)
        if with_database:
            pool.database(name, report)
        return model, []
    except KoCLIPError as error:
        if name == MINI:
            raise
        notice = say("fell_back", language, model=name, reason=error.localized(language))
        return pool.model(MINI), [notice]


def _reporter(progress: gr.Progress) -> Progress:
    def report(file: str, done: int, total: int) -> None:
        megabytes = f"{done / 1e6:,.0f} / {total / 1e6:,.0f} MB"
        progress(done / total if total else 0, desc=f"{file} · {megabytes}")

    return report


def _served(location: str) -> str:
    """A URL stays as it is; a bundled picture is served by Gradio as a static file."""
    return location if "://" in location else f"/gradio_api/file={location}"
