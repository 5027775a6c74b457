"""The three demos as page and API give them: plain values in, JSON-friendly answers out.

Every answer is {"model", "revision", "notices", "results"}: who answered, what to know about that,
and the results, best first.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from koclip.database import ImageDatabase, ImageItem
from koclip.dense import is_dense
from koclip.image_to_text import LabelScore, classify, classify_images, parse_labels
from koclip.images import ImageSource
from koclip.label_sets import label_set
from koclip.open_vocabulary import OpenVocabulary
from koclip.text_to_image import SearchHit, search
from koclip.text_to_patch import rank_patches
from koclip.ui.frame import webp_url
from koclip.ui.models import Choice
from koclip.ui.texts import say
from koclip.visible_text import in_utf8

_WEB = ("http://", "https://")  # other addresses could be programs that a browser runs


def label_answer(
    choice: Choice,
    background: OpenVocabulary,
    image: ImageSource | None,
    labels: str,
    template: str,
    softmax: bool,
    language: str,
) -> dict:
    """How likely each label is for an image; results {"rank", "label", "probability", "cosine"}."""
    duplicates = parse_labels(labels).duplicates  # first: it is told before a missing picture
    row = choice.model.embed_images([image])[0]
    scores = classify(choice.model, row, labels, template, softmax)
    notices = list(choice.notices)
    if duplicates:
        notices.append(say("merged", language, labels=", ".join(duplicates)))
    if len(scores) == 1 and softmax:
        notices.append(say("one_label", language))
    fits = background.fits(row, scores)
    if not fits:
        notices.append(say("none_fits", language))
    return _answer(choice, notices, _ranked(scores)) | {"fits": fits}


def name_answer(
    choice: Choice, vocabulary: OpenVocabulary, image: ImageSource | None, language: str
) -> dict:
    """What an image shows, out of the whole vocabulary; results as `label_answer`'s."""
    row = choice.model.embed_images([image])[0]
    scores = vocabulary.name(row)
    fits = vocabulary.fits(row, scores, among=len(vocabulary.words))
    notices = list(choice.notices)
    notices.append(say("name_it_help", language, count=len(vocabulary.words)))
    if not fits:
        notices.append(say("unsure", language))
    return _answer(choice, notices, _ranked(scores)) | {"fits": fits}


def label_answers(
    choice: Choice, images: list[ImageSource], labels: str, template: str, softmax: bool
) -> dict:
    """`label_answer` of several images; a list of results for each."""
    scores = classify_images(choice.model, images, labels, template, softmax)
    return _answer(choice, choice.notices, [_ranked(of_image) for of_image in scores])


def embeddings(choice: Choice, rows: np.ndarray) -> dict:
    """Unit rows [N, D] as lists, and the revision of the model, for which alone they count."""
    return _answered_by(choice, choice.notices) | {"embeddings": rows.tolist()}


def set_labels(name: str) -> str:
    """The labels of a ready set, one per line."""
    return "\n".join(label.ko for label in label_set(name))


def image_answer(
    choice: Choice,
    database: ImageDatabase,
    query: str,
    count: int,
    image: ImageSource | None,
    plus: str,
    minus: str,
    address: Callable[[SearchHit], str],
) -> dict:
    """The images of a database that fit best; results as documented in `koclip.ui.api`.

    Args:
        address: where each picture can be shown from.
    """
    hits = search(choice.model, database, query, count, image=image, plus=plus, minus=minus)
    results = [
        {
            "rank": hit.rank,
            "score": hit.score,
            "id": hit.item.id,
            "image": address(hit),
            "caption_ko": hit.item.caption_ko,
            "caption_en": hit.item.caption_en,
            "kind": hit.item.kind,
            "license": hit.item.license,
            "author": hit.item.author,
            "source": hit.item.source,
            "title": hit.item.title,
        }
        for hit in hits
    ]
    return _answer(choice, choice.notices, results)


def patch_answer(
    choice: Choice, image: ImageSource | None, query: str, *, dense: bool = False, **options: object
) -> dict:
    """Which tiles of an image fit; `options` go to `rank_patches`.

    Args:
        dense: in one pass, if whoever answers can; the answer's "dense" says so.
    """
    dense = dense and is_dense(choice.model)
    patches = rank_patches(choice.model, image, query, dense=dense, **options)
    results = [patch._asdict() | {"box": list(patch.box)} for patch in patches]
    return _answer(choice, choice.notices, results) | {"dense": dense}


def _answer(choice: Choice, notices: list[str], results: list[dict]) -> dict:
    return _answered_by(choice, notices) | {"results": results}


def _answered_by(choice: Choice, notices: list[str]) -> dict:
    """Who answered; the revision tells one state of a model from another."""
    searched = {"database": choice.database_name} if choice.database_name else {}
    model = {"model": choice.model.name, "revision": choice.model.revision}
    return model | searched | {"notices": notices}


def _ranked(scores: list[LabelScore]) -> list[dict]:
    return [{"rank": rank, **score._asdict()} for rank, score in enumerate(scores, start=1)]


def served_by(database: ImageDatabase) -> Callable[[SearchHit], str]:
    """URLs stay as they are, files of the database are served by Gradio as static files; of any
    other picture there is the thumbnail, as a data: URL, or nothing ("").

    Of pictures on the Hub the thumbnail comes first: whoever asks may not see a private repository,
    and not every picture has to be there.
    """

    def address(hit: SearchHit) -> str:
        location = served_location(database, hit.item)
        if not location or database.pictures:
            small = None if hit.row is None else database.thumbnail(hit.row)
            if small:
                return webp_url(small)
        if not location or "://" in location:
            return in_utf8(location or "")
        return in_utf8(f"/gradio_api/file={location}")

    return address


def served_location(database: ImageDatabase, item: ImageItem) -> str | None:
    """The URL of a picture, or its path if it is a file inside the database's folder. Any other
    path is None: Gradio does not serve it, and it is no one else's business."""
    location = database.location(item) if database.folder else item.file
    if "://" in location:
        return location if location.lower().startswith(_WEB) else None
    if database.folder is None:
        return None
    path = Path(location)
    inside = path.resolve().is_relative_to(database.folder.resolve())
    return location if inside and path.is_file() else None
