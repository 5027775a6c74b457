"""The tab Image to Text: what is it, out of labels that one writes, takes ready, or leaves open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import gradio as gr

from koclip.errors import KoCLIPError
from koclip.image_to_text import DEFAULT_TEMPLATE, parse_labels, parse_templates
from koclip.images import open_image
from koclip.label_sets import LABEL_SETS
from koclip.settings import MINI
from koclip.ui import answers
from koclip.ui.api import OPEN
from koclip.ui.examples import example_name, example_path, sample
from koclip.ui.frame import data_url, framed, notices_html
from koclip.ui.label_bars import label_bars
from koclip.ui.language import language_of
from koclip.ui.links import make_link
from koclip.ui.models import ModelPool
from koclip.ui.parts import (
    FirstAnswer,
    Tab,
    answered,
    bilingual,
    choices,
    example_pictures,
    picture_input,
    result_place,
    stop_button,
)
from koclip.ui.snippets import Picture, snippet, space_address
from koclip.ui.texts import I18N, say

ID = "image-to-text"
_FIRST = sample("cat.webp")
_DEFAULTS = {
    "image": _FIRST["file"],
    "labels": "\n".join(_FIRST["labels_ko"]),
    "template": DEFAULT_TEMPLATE,
    "softmax": True,
    "effect": False,
    "compare": [],
    "model": MINI,
}
_PREVIEWED = 2  # sentences shown below the template


@dataclass(frozen=True)
class ImageToTextTab(Tab):
    """The tab, and how to ask it what a picture shows."""

    name_it: Callable
    """Handler of an event with a picture and a model; its output is `result`."""


def image_to_text_tab(pool: ModelPool, model: gr.Radio, models: tuple[str, ...]) -> ImageToTextTab:
    """Builds the tab's inputs and events inside the current gr.Tab."""
    gr.Markdown(I18N("image_to_text_help"), elem_classes="help")
    pictures = example_pictures()
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            image = picture_input(_FIRST["file"])
            name_it = gr.Button(I18N("name_it"), variant="secondary", elem_id="name-it")
            labels = gr.Textbox(
                _DEFAULTS["labels"],
                label=I18N("labels"),
                info=I18N("labels_info"),
                lines=5,
                max_lines=10,
            )
            sets = choices(_set_buttons(), "label_sets")
            with gr.Accordion(I18N("options"), open=False):
                template = gr.Textbox(
                    DEFAULT_TEMPLATE,
                    label=I18N("template"),
                    info=I18N("template_info"),
                    max_lines=8,
                )
                preview = gr.HTML(elem_id="template-preview", apply_default_css=False)
                effect = gr.Checkbox(False, label=I18N("template_effect"))
                softmax = gr.Checkbox(True, label=I18N("softmax"))
                compare = gr.CheckboxGroup(
                    list(models), label=I18N("compare"), info=I18N("compare_info")
                )
            run = gr.Button(I18N("classify"), variant="primary")
        with gr.Column(scale=6, min_width=300, elem_classes="answers"):
            result = result_place("label-results")
            stop_place = gr.Column()

    view = _View(pool)
    inputs = [image, labels, template, softmax, effect, compare, model]
    private = {"concurrency_id": "model", "api_visibility": "private"}
    quick = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    ran = run.click(answered(view.classify), inputs, result, **private)
    named = name_it.click(answered(view.name), [image, model], result, **private)
    filled = pictures.click(_filled, None, [image, labels], **quick)
    shown = filled.then(answered(view.classify), inputs, result, **private)
    chosen = sets.click(_chosen_set, None, labels, **quick)
    matched = chosen.then(answered(view.classify), inputs, result, **private)
    with stop_place:
        stop_button(ran, named, shown, matched)
    gr.on(
        # Not template.input, which misses what is pasted.
        [template.change, labels.change, effect.change],
        _preview,
        [template, labels],
        preview,
        **quick,
        trigger_mode="always_last",
    )
    first = FirstAnswer(ID, _DEFAULTS | {"model": model.value}, view.first)
    return ImageToTextTab(inputs, result, first, answered(view.name))


class _View:
    """What the tab shows, from the models of a pool."""

    def __init__(self, pool: ModelPool) -> None:
        self._pool = pool

    def classify(
        self,
        image: str | None,
        labels: str,
        template: str,
        softmax: bool,
        effect: bool,
        compare: list[str],
        model: str,
        request: gr.Request,
    ) -> str:
        """The labels by how well they fit, by one model or several side by side."""
        language = language_of(request)
        names = [model, *(name for name in compare if name != model)]
        columns, found = [], []
        for name in names:
            choice = self._pool.choose_now(name, language)
            if choice.name != name and len(names) > 1:
                columns.append((name, notices_html({"notices": [self._why_not(name, language)]})))
                continue
            background = self._pool.background(choice.name)
            ask = (choice, background, image, labels)
            answer = answers.label_answer(*ask, template, softmax, language)
            bare = None
            if effect:
                without = answers.label_answer(*ask, "", softmax, language)["results"]
                bare = {result["label"]: result for result in without}
            found.append(answer)
            columns.append((choice.model.name, label_bars(answer["results"], language, bare)))
        arguments = {"labels": labels, "template": template, "softmax": softmax, "model": model}
        extra = {"effect": effect, "compare": compare}
        return self._framed(found, columns, image, arguments, extra, request)

    def _why_not(self, name: str, language: str) -> str:
        status = self._pool.status(name)
        if isinstance(status, KoCLIPError):
            return status.localized(language)
        return say("model_opening", language, model=name)

    def name(self, image: str | None, model: str, request: gr.Request) -> str:
        """What the picture shows, out of the whole vocabulary."""
        language = language_of(request)
        choice = self._pool.choose_now(model, language)
        vocabulary = self._pool.vocabulary(choice.name)
        answer = answers.name_answer(choice, vocabulary, image, language)
        column = (choice.model.name, label_bars(answer["results"], language))
        arguments = {"labels": "", "model": model, "label_set": OPEN}
        return self._framed([answer], [column], image, arguments, {}, request)

    def first(self, image: str, labels: str, *rest: object) -> str:
        """The answer to a link: without labels it asked "what is it?"."""
        if not labels:
            model, request = rest[-2:]
            return self.name(image, model, request)
        return self.classify(image, labels, *rest)

    def _framed(
        self,
        found: list[dict],
        columns: list[tuple[str, str]],
        image: str | None,
        arguments: dict,
        extra: dict,
        request: gr.Request,
    ) -> str:
        language = language_of(request)
        example = example_name(image)
        thumbnail = data_url(open_image(image), 320)
        body = f'<img class="subject" src="{thumbnail}" alt="" hidden>'
        if len(columns) == 1:
            body += columns[0][1]
        else:
            parts = (f'<div class="column"><h3>{escape(n)}</h3>{h}</div>' for n, h in columns)
            body += f'<div class="columns">{"".join(parts)}</div>'
        notices = [notice for answer in found for notice in answer["notices"]]
        several = {"models": found, "notices": list(dict.fromkeys(notices))}
        return framed(
            "labels",
            found[0] if len(columns) == 1 else several,
            body,
            language,
            link=make_link(ID, {"image": example, **arguments, **extra}),
            link_note="" if example else say("link_without_picture", language),
            code=snippet(
                space_address(request), "/image_to_text", {"image": Picture.of(image), **arguments}
            ),
        )


def _set_buttons() -> list[tuple[str, str]]:
    return [(name, bilingual(title.ko, title.en)) for name, title in LABEL_SETS.items()]


def _chosen_set(event: gr.EventData) -> str:
    return answers.set_labels(event.choice)


def _filled(event: gr.EventData) -> list:
    chosen = sample(event.choice)
    return [example_path(chosen["file"]), "\n".join(chosen["labels_ko"])]


def _preview(template: str, labels: str, request: gr.Request) -> str:
    """The sentences that the model reads for the first label."""
    try:
        label = parse_labels(labels).labels[0]
        sentences = [t.replace("{}", label) for t in parse_templates(template)[:_PREVIEWED]]
    except KoCLIPError as error:
        return f'<p class="note">{escape(error.localized(language_of(request)))}</p>'
    shown = say("template_preview", language_of(request), sentences=" / ".join(sentences))
    return f'<p class="note">{escape(shown)}</p>'
