"""The tab Text to Image: search databases, or one's own photos, by words and pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gradio as gr
import numpy as np

from koclip.database import ImageDatabase, ImageItem
from koclip.served_databases import GALLERY
from koclip.settings import MINI
from koclip.text_to_image import SearchHit
from koclip.ui import answers
from koclip.ui.cards import cards
from koclip.ui.examples import QUERIES, example_name
from koclip.ui.frame import empty, framed, webp_url
from koclip.ui.language import language_of
from koclip.ui.links import make_link
from koclip.ui.models import Choice, ModelPool
from koclip.ui.my_photos import MyPhotos, my_photos_panel
from koclip.ui.parts import (
    FirstAnswer,
    Tab,
    answered,
    bilingual,
    choices,
    picture_input,
    result_place,
    stop_button,
)
from koclip.ui.snippets import Picture, snippet, space_address
from koclip.ui.texts import I18N, say

ID = "text-to-image"
MY_PHOTOS = "own"
_IN = "in:"
"""Before a database's name, where the page chooses it: one may be called as my photos are."""
_DEFAULTS = {
    "query": QUERIES[0][0],
    "count": 12,
    "image": "",
    "plus": "",
    "minus": "",
    "like": "",
    "database": "",
    "model": MINI,
}


def text_to_image_tab(pool: ModelPool, model: gr.Radio) -> Tab:
    """Builds the tab's inputs and events inside the current gr.Tab."""
    gr.Markdown(I18N("text_to_image_help"), elem_classes="help")
    view = _View(pool)
    collection = gr.Radio(
        view.collections(model.value),
        value=_IN + pool.databases.at_hand(model.value),
        label=I18N("collection"),
        elem_classes=["segmented", "many"],
    )
    photos, photos_changed = my_photos_panel(pool, model, collection, shown_for=MY_PHOTOS)
    with gr.Row(equal_height=True, elem_classes="search-row"):
        query = gr.Textbox(
            _DEFAULTS["query"],
            label=I18N("query"),
            placeholder=I18N("query_image_placeholder"),
            scale=6,
            min_width=200,
            max_lines=1,
        )
        run = gr.Button(I18N("search"), variant="primary", scale=1, min_width=100)
    examples = choices([(ko, bilingual(ko, f"{ko} ({en})")) for ko, en in QUERIES], "examples")
    with gr.Accordion(I18N("refine"), open=False), gr.Row():
        with gr.Column(min_width=260):
            plus, minus = (
                gr.Textbox("", label=I18N(name), placeholder=I18N(f"{name}_placeholder"))
                for name in ("plus", "minus")
            )
            count = gr.Slider(1, 60, value=12, step=1, label=I18N("count"))
        image = picture_input(label=I18N("query_picture"), height=220)
    with gr.Column(elem_classes="answers"):
        result = result_place("image-results")
        stop_place = gr.Column()

    typed = [query, count, image, plus, minus]
    asked = [*typed, model, collection, photos]
    private = {"concurrency_id": "model", "api_visibility": "private"}
    quick = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    triggers = (run.click, query.submit, plus.submit, minus.submit, collection.input)
    events = [
        trigger(answered(view.search), asked, result, **private)
        for trigger in (*triggers, *photos_changed)
    ]
    filled = examples.click(_chosen_query, None, query, **quick)
    events.append(filled.then(answered(view.search), asked, result, **private))
    events.append(result.click(answered(view.more), asked, result, **private))
    with stop_place:
        stop_button(*events)
    if pool.databases.has_several:
        model.change(view.offer, [model, collection], collection, **quick)
    like = gr.State("")  # a link can name it; on the page it is pressed, not filled in
    defaults = _DEFAULTS | {"model": model.value}
    first = FirstAnswer(ID, defaults, view.first, view.complete)

    def opened(request: gr.Request) -> list:
        """What is shown at first; what there is to choose from may have changed since the start."""
        *inputs, answer = first(request)
        values = first.values(request)
        radio = view.offer(values["model"], _IN + values["database"])
        inputs[list(values).index("database")] = radio
        return [*inputs, answer]

    return Tab([*typed, like, collection, model], result, opened)


class _View:
    """What the tab shows, from the models of a pool."""

    def __init__(self, pool: ModelPool) -> None:
        self._pool = pool

    def collections(self, model: str) -> list[tuple[str, str]]:
        """What there is to choose from: labels and values."""
        names = self._pool.databases.names(model)
        labels = {name: name for name in names} | {GALLERY: I18N("gallery")}
        databases = [(labels[name], _IN + name) for name in names]
        return [*databases, (I18N("my_photos"), MY_PHOTOS)]

    def offer(self, model: str, chosen: str) -> gr.Radio:
        """What there is to choose from now; what was chosen remains if it is there."""
        offered = self.collections(model)
        if chosen not in dict(map(reversed, offered)):
            chosen = _IN + self._pool.databases.at_hand(model)
        return gr.Radio(offered, value=chosen)

    def complete(self, values: dict) -> dict:
        """Of a link, or of none: the database that is searched."""
        databases = self._pool.databases
        if values["database"] not in databases.names(values["model"]):
            values = values | {"database": databases.at_hand(values["model"])}
        return values

    def search(
        self,
        query: str,
        count: int,
        image: str | None,
        plus: str,
        minus: str,
        model: str,
        collection: str,
        photos: MyPhotos | None,
        request: gr.Request,
        like: str = "",
    ) -> str:
        """The pictures of the chosen collection that fit.

        Args:
            like: id of a picture of the collection to find more like, instead of the query.
        """
        language = language_of(request)
        asked = {"query": query, "count": count, "image": image, "plus": plus, "minus": minus}
        if collection == MY_PHOTOS:
            return self._search_photos(asked, like, model, photos, language)
        name = collection.removeprefix(_IN)
        choice = self._pool.choose_now(model, language, name)
        database = choice.database
        item = _item(database, like)
        answer = self._answer(choice, database, item, asked, answers.served_by(database))
        words = {"query": query, "count": count, "model": model, "plus": plus, "minus": minus}
        if self._pool.databases.has_several:
            words["database"] = name
        if item:
            words |= {"query": "", "plus": "", "minus": ""}
            picture = Picture(Path(item.file).name, answers.served_location(database, item))
        else:
            picture = Picture.of(image) if image else None
        example = example_name(image)
        return framed(
            "images",
            answer,
            cards(answer["results"], language),
            language,
            title=_title(asked, item, language),
            link=make_link(ID, {**words, "image": example, "like": item and like}),
            link_note=say("link_without_picture", language) if image and not example else "",
            code=snippet(
                space_address(request),
                "/text_to_image",
                {**words, **({"image": picture} if picture else {})},
            ),
        )

    def first(self, *inputs: object) -> str:
        """The answer to a link; no one else's photos are in a link."""
        *typed, like, database, model, request = inputs
        return self.search(*typed, model, _IN + database, None, request, like)

    def more(
        self,
        query: str,
        count: int,
        image: str | None,
        plus: str,
        minus: str,
        model: str,
        collection: str,
        photos: MyPhotos | None,
        request: gr.Request,
        event: gr.EventData,
    ) -> str:
        """Pictures like the one that was pressed."""
        asked = (query, count, image, plus, minus, model, collection, photos)
        return self.search(*asked, request, event.choice)

    def _search_photos(
        self, asked: dict, like: str, model: str, photos: MyPhotos | None, language: str
    ) -> str:
        if photos is None:
            return empty("photos_none", language)
        database, thumbnails = photos.collection.database, photos.collection.thumbnails
        choice = self._pool.choose_now(photos.model, language)
        if model != photos.model:
            choice.notices.append(say("photos_model", language, model=photos.model))
        item = _item(database, like)
        answer = self._answer(
            choice, database, item, asked, lambda hit: webp_url(thumbnails[hit.item.file])
        )
        body = cards(answer["results"], language)
        for result in answer["results"]:  # the data that can be saved names the files instead
            result["image"] = result["title"]
        return framed("images", answer, body, language, title=_title(asked, item, language))

    @staticmethod
    def _answer(
        choice: Choice,
        database: ImageDatabase,
        item: ImageItem | None,
        asked: dict,
        address: Callable[[SearchHit], str],
    ) -> dict:
        if item is not None:
            row = database.store.rows_at(np.array([database.items.index(item)]))[0]
            asked = {"query": "", "count": asked["count"], "image": row, "plus": "", "minus": ""}
        return answers.image_answer(choice, database, **asked, address=address)


def _chosen_query(event: gr.EventData) -> str:
    return event.choice


def _item(database: ImageDatabase, id: str) -> ImageItem | None:
    return next((item for item in database.items if item.id == id), None) if id else None


def _title(asked: dict, item: ImageItem | None, language: str) -> str:
    """What was searched for, as a heading."""
    if item is not None:
        name = item.caption_ko if language == "ko" else item.caption_en
        return f"{say('by_picture', language)}: {name or item.title or item.id}"
    signs = (("", "query"), ("+ ", "plus"), ("− ", "minus"))
    parts = [sign + asked[part] for sign, part in signs if asked[part].strip()]
    return " ".join(parts) or say("by_picture", language)
