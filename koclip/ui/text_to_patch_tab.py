"""The tab Text to Patch: where is it in the picture, and what is that there."""

from __future__ import annotations

import gradio as gr
from PIL import Image

from koclip.images import open_image
from koclip.limits import MAX_OVERLAP, MAX_ROWS
from koclip.settings import MINI
from koclip.text_to_patch import LOCALISING
from koclip.ui import answers
from koclip.ui.examples import example_name, example_path, sample
from koclip.ui.feedback import reporter
from koclip.ui.frame import data_url, framed
from koclip.ui.image_to_text_tab import ImageToTextTab
from koclip.ui.label_bars import label_bars
from koclip.ui.language import language_of
from koclip.ui.links import TABS, make_link
from koclip.ui.models import ModelPool
from koclip.ui.parts import (
    FirstAnswer,
    Tab,
    answered,
    example_pictures,
    picture_input,
    result_place,
    stop_button,
)
from koclip.ui.patches_view import patches_view
from koclip.ui.snippets import Picture, snippet, space_address
from koclip.ui.texts import I18N, say

ID = "text-to-patch"
_FIRST = sample("boats.webp")
_DEFAULTS = {
    "image": _FIRST["file"],
    "query": _FIRST["patch_query_ko"],
    **LOCALISING,
    "contrast": "",
    "dense": True,
    "model": MINI,
}


def text_to_patch_tab(
    pool: ModelPool, model: gr.Radio, tabs: gr.Tabs, classify: ImageToTextTab
) -> Tab:
    """Builds the tab's inputs and events inside the current gr.Tab.

    Args:
        tabs, classify: where a tile is taken to, to be looked at as a picture of its own.
    """
    gr.Markdown(I18N("text_to_patch_help"), elem_classes="help")
    pictures = example_pictures()
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            image = picture_input(_FIRST["file"])
            query = gr.Textbox(
                _DEFAULTS["query"],
                label=I18N("queries"),
                placeholder=I18N("query_patch_placeholder"),
                max_lines=1,
            )
            with gr.Row():
                rows, columns = (
                    gr.Slider(
                        1, MAX_ROWS, value=_DEFAULTS[name], step=1, label=I18N(name), min_width=170
                    )
                    for name in ("rows", "columns")
                )
            with gr.Accordion(I18N("options"), open=False):
                overlap = gr.Slider(
                    0, MAX_OVERLAP, value=_DEFAULTS["overlap"], step=0.25, label=I18N("overlap")
                )
                scales = gr.Slider(1, 3, value=_DEFAULTS["scales"], step=1, label=I18N("scales"))
                contrast = gr.Textbox(
                    "", label=I18N("contrast"), placeholder=I18N("contrast_placeholder")
                )
                dense = gr.Checkbox(_DEFAULTS["dense"], label=I18N("dense"))
            run = gr.Button(I18N("rank"), variant="primary")
        with gr.Column(scale=6, min_width=300, elem_classes="answers"):
            result = result_place("patch-results")
            stop_place = gr.Column()
            tile = gr.State(None)
            named = gr.HTML(elem_id="tile-name", apply_default_css=False, js_on_load=None)
            take = gr.Button(I18N("open_in_image_to_text"), visible=False, size="sm")

    view = _View(pool)
    inputs = [image, query, rows, columns, overlap, scales, contrast, dense, model]
    private = {"concurrency_id": "model", "api_visibility": "private"}
    quick = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    events = [
        trigger(answered(view.rank), inputs, result, **private)
        for trigger in (run.click, query.submit, contrast.submit)
    ]
    filled = pictures.click(_filled, None, [image, query], **quick)
    events.append(filled.then(answered(view.rank), inputs, result, **private))
    for event in events:  # what was asked about a tile of another answer
        event.then(lambda: ["", None, gr.Button(visible=False)], None, [named, tile, take], **quick)
    pressed = result.click(_tile, image, tile, **quick)
    pressed.then(answered(view.name), [tile, model], named, **private)
    pressed.then(lambda: gr.Button(visible=True), None, take, **quick)
    with stop_place:
        stop_button(*events)
    taken = take.click(_taken, tile, [classify.inputs[0], tabs], **quick)
    taken.then(classify.name_it, [classify.inputs[0], model], classify.result, **private)
    return Tab(inputs, result, FirstAnswer(ID, _DEFAULTS | {"model": model.value}, view.rank))


class _View:
    """What the tab shows, from the models of a pool."""

    def __init__(self, pool: ModelPool) -> None:
        self._pool = pool

    def rank(
        self,
        image: str | None,
        query: str,
        rows: int,
        columns: int,
        overlap: float,
        scales: int,
        contrast: str,
        dense: bool,
        model: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio hands it over)
    ) -> str:
        """The picture with the tiles that fit."""
        language = language_of(request)
        choice = self._pool.choose_now(model, language)
        options = {
            "rows": rows,
            "columns": columns,
            "overlap": overlap,
            "scales": scales,
            "contrast": contrast,
            "dense": dense,
        }
        answer = answers.patch_answer(
            choice, image, query, **options, progress=reporter(progress, language)
        )
        example = example_name(image)
        arguments = {"query": query, **options, "model": model}
        return framed(
            "patches",
            answer,
            patches_view(open_image(image), answer["results"], language),
            language,
            link=make_link(ID, {"image": example, **arguments}),
            link_note="" if example else say("link_without_picture", language),
            code=snippet(
                space_address(request), "/text_to_patch", {"image": Picture.of(image), **arguments}
            ),
        )

    def name(self, tile: Image.Image, model: str, request: gr.Request) -> str:
        """What a tile shows, out of the whole vocabulary."""
        language = language_of(request)
        choice = self._pool.choose_now(model, language)
        vocabulary = self._pool.vocabulary(choice.name)
        answer = answers.name_answer(choice, vocabulary, tile, language)
        return (
            f'<h3>{say("what_is_this", language)}</h3><div class="tile-name">'
            f'<img src="{data_url(open_image(tile), 240)}" alt="">'
            f"<div>{label_bars(answer['results'][:5], language)}</div></div>"
        )


def _tile(image: str, event: gr.EventData) -> Image.Image:
    """The pressed tile, cut out of the picture."""
    return open_image(image).crop([int(edge) for edge in event.choice.split(",")])


def _taken(tile: Image.Image) -> list:
    return [tile, gr.Tabs(selected=TABS[0])]


def _filled(event: gr.EventData) -> list:
    chosen = sample(event.choice)
    return [example_path(chosen["file"]), chosen["patch_query_ko"]]
