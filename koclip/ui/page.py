"""The page: a header, a model selector and three tabs."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.components import Component

from koclip.assets import assets_dir
from koclip.image_to_text import DEFAULT_TEMPLATE
from koclip.text_to_patch import MAX_ROWS
from koclip.ui.endpoints import image_to_text, text_to_image, text_to_patch
from koclip.ui.models import CHOICES, MINI
from koclip.ui.picture import PictureInput
from koclip.ui.rendering import render_images, render_labels, render_patches
from koclip.ui.texts import I18N

FIRST_TO_CLASSIFY, FIRST_TO_SEARCH = "cat.webp", "boats.webp"
QUERY_EXAMPLES = ["고양이", "눈 덮인 산", "커피 한 잔", "바닷가", "하늘을 나는 새", "빨간 꽃"]


@dataclass(frozen=True)
class Demo:
    """What one tab runs and where its answer goes.

    The endpoint fills `answer`, which the API returns as it is; `render` draws the page from it.
    """

    endpoint: Callable
    inputs: list[Component]
    answer: gr.JSON
    render: Callable
    drawn_from: list[Component]
    drawn_on: list[Component]

    def run_on(self, trigger: Callable, public: bool = False) -> None:
        """Runs when `trigger` happens; the one public trigger is the API endpoint."""
        visibility = (
            {"api_name": self.endpoint.__name__} if public else {"api_visibility": "private"}
        )
        event = trigger(
            self.endpoint, self.inputs, self.answer, concurrency_id="model", **visibility
        )
        self.draw_on(event.success)
        # An old answer left standing would be read as the new one.
        self.draw_on(event.failure(_nothing, None, self.answer, api_visibility="private").then)

    def draw_on(self, trigger: Callable) -> None:
        """Draws the answer when `trigger` happens."""
        trigger(
            self.render,
            self.drawn_from,
            self.drawn_on,
            api_visibility="private",
            show_progress="hidden",
        )


def build_page() -> gr.Blocks:
    """The whole Space as one Blocks interface."""
    with gr.Blocks(title="KoCLIP") as page:
        with gr.Row(elem_id="header"):
            with gr.Column(scale=5, min_width=280, elem_id="hero"):
                gr.Markdown("# KoCLIP")
                gr.Markdown(I18N("tagline"))
            model = gr.Radio(
                list(CHOICES),
                value=MINI,
                label=I18N("model"),
                info=I18N("model_info"),
                scale=6,
                min_width=280,
            )
        with gr.Tab(I18N("image_to_text"), id="image-to-text"):
            first = _image_to_text_tab(model)
        with gr.Tab(I18N("text_to_image"), id="text-to-image"):
            second = _text_to_image_tab(model)
        with gr.Tab(I18N("text_to_patch"), id="text-to-patch"):
            third = _text_to_patch_tab(model)
        # Every tab shows an answer before anything is typed.
        for demo, first_answer in (
            (first, _first_labels),
            (second, _first_images),
            (third, _first_patches),
        ):
            loaded = page.load(first_answer, None, demo.answer, api_visibility="private")
            demo.draw_on(loaded.success)
    return page


def _image_to_text_tab(model: gr.Radio) -> Demo:
    gr.Markdown(I18N("image_to_text_help"), elem_classes="help")
    first = _sample(FIRST_TO_CLASSIFY)
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            image = _picture(first["file"])
            labels = gr.Textbox(
                "\n".join(first["labels_ko"]),
                label=I18N("labels"),
                info=I18N("labels_info"),
                lines=5,
                max_lines=12,
            )
            with gr.Accordion(I18N("options"), open=False):
                template = gr.Textbox(
                    DEFAULT_TEMPLATE,
                    label=I18N("template"),
                    info=I18N("template_info"),
                    max_lines=8,
                )
                softmax = gr.Checkbox(True, label=I18N("softmax"))
            run = gr.Button(I18N("classify"), variant="primary")
        with gr.Column(scale=6, min_width=300):
            scores = gr.HTML(elem_id="label-results", apply_default_css=False)
            answer = _answer()
    inputs = [image, labels, template, softmax, model]
    demo = Demo(image_to_text, inputs, answer, render_labels, [answer], [scores])
    demo.run_on(run.click, public=True)
    rows = [[str(_example(s["file"])), "\n".join(s["labels_ko"])] for s in _samples()]
    demo.run_on(_examples(rows, [image, labels]))
    return demo


def _text_to_image_tab(model: gr.Radio) -> Demo:
    gr.Markdown(I18N("text_to_image_help"), elem_classes="help")
    with gr.Row():
        query = gr.Textbox(
            QUERY_EXAMPLES[0],
            label=I18N("query"),
            placeholder=I18N("query_image_placeholder"),
            scale=5,
            max_lines=1,
        )
        count = gr.Slider(1, 60, value=12, step=1, label=I18N("count"), scale=3, min_width=200)
    run = gr.Button(I18N("search"), variant="primary")
    clicked_example = _examples([[text] for text in QUERY_EXAMPLES], [query])
    cards = gr.HTML(elem_id="image-results", apply_default_css=False)
    answer = _answer()
    demo = Demo(text_to_image, [query, count, model], answer, render_images, [answer], [cards])
    demo.run_on(run.click, public=True)
    demo.run_on(query.submit)
    demo.run_on(clicked_example)
    return demo


def _text_to_patch_tab(model: gr.Radio) -> Demo:
    gr.Markdown(I18N("text_to_patch_help"), elem_classes="help")
    first = _sample(FIRST_TO_SEARCH)
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            image = _picture(first["file"])
            query = gr.Textbox(
                first["patch_query_ko"],
                label=I18N("query"),
                placeholder=I18N("query_patch_placeholder"),
                max_lines=1,
            )
            with gr.Row():
                rows, columns = (
                    gr.Slider(1, MAX_ROWS, value=3, step=1, label=I18N(name), min_width=100)
                    for name in ("rows", "columns")
                )
            run = gr.Button(I18N("rank"), variant="primary")
        with gr.Column(scale=6, min_width=300):
            notices = gr.HTML(apply_default_css=False, elem_id="patch-notices")
            heatmap = gr.Image(
                label=I18N("heatmap"), interactive=False, elem_id="heatmap", format="webp"
            )
            best = gr.Gallery(
                label=I18N("best_patches"),
                columns=3,
                height="auto",
                interactive=False,
                elem_id="best-patches",
            )
            answer = _answer()
    inputs = [image, query, rows, columns, model]
    drawn_on = [heatmap, best, notices]
    demo = Demo(text_to_patch, inputs, answer, render_patches, [image, answer], drawn_on)
    demo.run_on(run.click, public=True)
    demo.run_on(query.submit)
    samples = [[str(_example(s["file"])), s["patch_query_ko"]] for s in _samples()]
    demo.run_on(_examples(samples, [image, query]))
    return demo


def _picture(example: str) -> PictureInput:
    return PictureInput(
        str(_example(example)),
        label=I18N("picture"),
        placeholder=I18N("picture_placeholder"),
        sources=["upload", "clipboard", "webcam"],
        type="filepath",
        height=320,
    )


def _answer() -> gr.JSON:
    with gr.Accordion(I18N("raw"), open=False):
        return gr.JSON(label="answer", show_label=False)


def _examples(rows: list[list[str]], filled: list[Component]) -> Callable:
    """Examples that fill in `filled` when clicked; returns what to hang the run on."""
    examples = gr.Examples(
        rows, filled, label=I18N("examples"), visible_columns=[0], api_visibility="private"
    )
    return examples.load_input_event.then


def _nothing() -> None:
    return None


@functools.cache
def _samples() -> list[dict]:
    return json.loads(_example("examples.json").read_text(encoding="utf-8"))


def _sample(file: str) -> dict:
    return next(sample for sample in _samples() if sample["file"] == file)


def _example(file: str) -> Path:
    return assets_dir() / "examples" / file


@functools.cache
def _first_labels() -> dict:
    sample = _sample(FIRST_TO_CLASSIFY)
    return image_to_text(str(_example(sample["file"])), "\n".join(sample["labels_ko"]))


@functools.cache
def _first_images() -> dict:
    return text_to_image(QUERY_EXAMPLES[0])


@functools.cache
def _first_patches() -> dict:
    sample = _sample(FIRST_TO_SEARCH)
    return text_to_patch(str(_example(sample["file"])), sample["patch_query_ko"])
