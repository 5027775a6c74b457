"""One's own photographs: upload, read with progress, download, delete; all in one session."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

import gradio as gr

from koclip.photos import MAX_PHOTOS, PhotoCollection, read_photos
from koclip.ui.feedback import explained
from koclip.ui.frame import failure
from koclip.ui.language import language_of
from koclip.ui.models import ModelPool
from koclip.ui.parts import bilingual
from koclip.ui.texts import I18N, TEXTS, say

_KEPT = 3600  # seconds after which a collection is forgotten; the page says so
_NAMED = 5  # broken files that are named; the rest is counted


class MyPhotos(NamedTuple):
    """What a session has brought."""

    model: str
    """What the pool knows the model as that read them."""
    collection: PhotoCollection


def my_photos_panel(
    pool: ModelPool, model: gr.Radio, collection: gr.Radio, shown_for: str
) -> tuple[gr.State, tuple[Callable, ...]]:
    """Builds the panel, visible while `collection` is `shown_for`.

    Returns:
        The MyPhotos of the session (None before there are any), and what triggers when they have
        changed.
    """
    photos = gr.State(None, time_to_live=_KEPT)
    with gr.Column(visible=False) as panel:
        korean, english = (text.format(limit=MAX_PHOTOS) for text in TEXTS["photos_upload"])
        gr.HTML(
            f'<p class="label">{bilingual(korean, english)}</p>',
            apply_default_css=False,
            js_on_load=None,
        )
        files = gr.File(
            file_count="multiple",
            file_types=["image", ".zip"],
            show_label=False,
            height=140,
        )
        with gr.Row(elem_id="photo-buttons"):
            read = gr.Button(I18N("photos_index"), variant="primary", size="md", min_width=120)
            stop = gr.Button(I18N("stop"), size="md", visible=False, min_width=80)
            download = gr.DownloadButton(
                I18N("photos_download"), size="md", visible=False, min_width=160
            )
            forget = gr.Button(I18N("photos_forget"), size="md", visible=False, min_width=120)
        status = gr.HTML(elem_id="photo-status", apply_default_css=False, js_on_load=None)

    private = {"api_visibility": "private"}
    quick = {**private, "queue": False, "show_progress": "hidden"}

    def shown(chosen: str) -> gr.Column:
        return gr.Column(visible=chosen == shown_for)

    collection.input(shown, collection, panel, **quick)

    def ready(photos: MyPhotos | None) -> list:
        """What can be done with the photos that have been read, be they all or not."""
        has_photos = photos is not None
        path = _zip_path(photos.collection, download) if has_photos else None
        return [
            gr.Button(visible=False),
            gr.DownloadButton(value=path, visible=has_photos),
            gr.Button(visible=has_photos),
        ]

    started = read.click(lambda: gr.Button(visible=True), None, stop, **quick)
    reading = started.then(
        _reader(pool),
        [files, model],
        [photos, status],
        concurrency_id="photos",
        concurrency_limit=1,
        show_progress="hidden",
        **private,
    )
    finished = reading.then(ready, photos, [stop, download, forget], **private)
    stopped = stop.click(None, cancels=[reading], **quick)
    stopped.then(ready, photos, [stop, download, forget], **private)
    forgotten = forget.click(_forget, None, [photos, files, status], **quick)
    forgotten.then(ready, photos, [stop, download, forget], **private)
    return photos, (finished.then, stopped.then, forgotten.then)


def _forget(request: gr.Request) -> list:
    return [None, None, _line(say("photos_forgotten", language_of(request)))]


def _reader(pool: ModelPool) -> Callable:
    def read(
        files: list[str] | None, model: str, request: gr.Request
    ) -> Iterator[tuple[MyPhotos | None, str]]:
        """The photos so far and how far that is, after every batch: what is read can be searched
        even if the rest is stopped."""
        language = language_of(request)
        try:
            choice = pool.choose_now(model, language)
            for collection in read_photos(choice.model, files or []):
                yield MyPhotos(choice.name, collection), _status(collection, language)
        except Exception as error:
            yield gr.skip(), failure(explained(error, language))

    return read


def _status(photos: PhotoCollection, language: str) -> str:
    count, model = len(photos.database), photos.database.model
    lines = [_line(say("photos_ready", language, count=count, model=model))]
    if photos.done < photos.total:
        share = photos.done / photos.total
        text = say("photos_reading", language, done=photos.done, total=photos.total)
        bar = f'<progress value="{share:.3f}" aria-label="{escape(text)}"></progress>'
        lines.insert(0, bar + _line(f"{text} ({share:.0%})"))
    if photos.broken:
        named = "; ".join(f"{n}: {e.localized(language)}" for n, e in photos.broken[:_NAMED])
        lines.append(_line(say("photos_broken", language, count=len(photos.broken), files=named)))
    return "".join(lines)


def _line(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _zip_path(photos: PhotoCollection, download: gr.DownloadButton) -> str:
    """The collection as a file that Gradio deletes with the uploads."""
    Path(download.GRADIO_CACHE).mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=download.GRADIO_CACHE)) / "koclip-photos.zip"
    photos.save_zip(path)
    download.temp_files.add(str(path))
    return str(path)
