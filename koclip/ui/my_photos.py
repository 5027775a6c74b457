"""One's own photographs: upload, read with progress, download, delete; all in one session.

Nothing is kept that the session does not hold: files that are taken back, replaced or deleted are
deleted at once, all of them when the window is closed, and an hour after they came at the latest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

import gradio as gr
from gradio.data_classes import ListFiles

from koclip.errors import KoCLIPError
from koclip.limits import MAX_PHOTOS, MAX_PHOTOS_MEGABYTES
from koclip.photos import PhotoCollection, read_photos, room_for
from koclip.ui.feedback import explained
from koclip.ui.frame import failure
from koclip.ui.language import language_of
from koclip.ui.models import ModelPool
from koclip.ui.parts import bilingual
from koclip.ui.session_files import delete_files, own_folder
from koclip.ui.texts import I18N, TEXTS, say

_KEPT = 3600  # seconds after which all is forgotten; the page says so
_NAMED = 5  # files left out that are named; the rest is counted


class MyPhotos(NamedTuple):
    """What a session has brought."""

    model: str
    """What the pool knows the model as that read them."""
    collection: PhotoCollection


class PhotoFiles(gr.File):
    """Hands over the paths of uploads; gr.File makes another file for each, and leaves it there."""

    is_template = True  # drawn by gr.File's front end

    def preprocess(self, payload: ListFiles | None) -> list[str]:
        return [file.path for file in payload] if payload else []


def my_photos_panel(
    pool: ModelPool, model: gr.Radio, collection: gr.Radio, shown_for: str
) -> tuple[gr.State, tuple[Callable, ...]]:
    """Builds the panel, visible while `collection` is `shown_for`.

    Returns:
        The MyPhotos of the session (None before there are any), and what triggers when they have
        changed.
    """
    photos = gr.State(None, time_to_live=_KEPT)
    held, saved = (
        gr.State((), time_to_live=_KEPT, delete_callback=delete_files) for _ in ("uploads", "ZIP")
    )
    with gr.Column(visible=False) as panel:
        korean, english = (
            text.format(limit=MAX_PHOTOS, megabytes=MAX_PHOTOS_MEGABYTES)
            for text in TEXTS["photos_upload"]
        )
        gr.HTML(
            f'<p class="label">{bilingual(korean, english)}</p>',
            apply_default_css=False,
            js_on_load=None,
        )
        files = PhotoFiles(
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

    def ready(photos: MyPhotos | None, saved: tuple[str, ...]) -> list:
        """What can be done with the photos that have been read, be they all or not."""
        delete_files(saved)
        path = _save_zip(photos.collection) if photos else None
        return [
            gr.Button(visible=False),
            gr.DownloadButton(value=path, visible=path is not None),
            gr.Button(visible=path is not None),
            (path,) if path else (),
        ]

    done = [stop, download, forget, saved]
    gr.on(
        [files.upload, files.delete, files.clear],
        _hold,
        [files, held, photos],
        [files, held, status],
        trigger_mode="always_last",
        **quick,
    )
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
    finished = reading.then(ready, [photos, saved], done, **private)
    stopped = stop.click(None, cancels=[reading], **quick)
    stopped.then(ready, [photos, saved], done, **private)
    forgotten = forget.click(
        _forget, [files, held], [photos, files, held, status], cancels=[reading], **quick
    )
    forgotten.then(ready, [photos, saved], done, **private)
    return photos, (finished.then, stopped.then, forgotten.then)


def _hold(
    files: list[str], held: tuple[str, ...], photos: MyPhotos | None, request: gr.Request
) -> list:
    """Takes what the session has room for; all that it has brought and does not hold is deleted."""
    language = language_of(request)
    kept, refused = room_for(files)
    delete_files({*held, *files} - {*kept})
    if not refused:
        status = _status(photos.collection, language) if photos else ""
        return [gr.skip(), tuple(kept), status]
    told = say(
        "photos_no_room",
        language,
        files=MAX_PHOTOS,
        megabytes=MAX_PHOTOS_MEGABYTES,
        count=len(refused),
        names=", ".join(Path(path).name for path in refused[:_NAMED]),
    )
    return [kept, tuple(kept), failure(told)]


def _forget(files: list[str], held: tuple[str, ...], request: gr.Request) -> list:
    delete_files({*files, *held})
    return [None, None, (), _line(say("photos_forgotten", language_of(request)))]


def _reader(pool: ModelPool) -> Callable:
    def read(
        files: list[str], model: str, request: gr.Request
    ) -> Iterator[tuple[MyPhotos | None, str]]:
        """The photos so far and how far that is, after every batch: what is read can be searched
        even if the rest is stopped."""
        language = language_of(request)
        try:
            choice = pool.choose_now(model, language)
            if files and not any(Path(file).exists() for file in files):
                raise KoCLIPError("photos_gone")
            for collection in read_photos(choice.model, files):
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


def _save_zip(photos: PhotoCollection) -> str:
    """The collection as a file of this session."""
    path = own_folder() / "koclip-photos.zip"
    photos.save_zip(path)
    return str(path)
