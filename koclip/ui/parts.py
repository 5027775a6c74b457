"""What the tabs are made of: inputs, buttons of choices, the place of the answer."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from koclip.ui.examples import example_path, samples
from koclip.ui.feedback import explained
from koclip.ui.frame import NOTICE, failure
from koclip.ui.language import language_of
from koclip.ui.links import linked_values, make_link
from koclip.ui.picture import PictureInput
from koclip.ui.snippets import space_address
from koclip.ui.texts import I18N, TEXTS

# A button inside gr.HTML tells Python which one was pressed; the event's data is its dataset.
_PRESS = """element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-choice]');
  if (button) trigger('click', { choice: button.dataset.choice });
});"""

# The address follows the answer that was asked for last, so that it can be shared as it is.
_FOLLOW = """watch('value', () => {
  const link = element.querySelector('.answer')?.dataset.link;
  if (!link || !element.offsetParent) return;
  const language = new URLSearchParams(location.search).get('lang');
  history.replaceState(history.state, '', link + (language ? `&lang=${language}` : ''));
  // On a phone the answer is below the inputs: out of sight of who asked for it.
  const below = element.getBoundingClientRect().top > innerHeight * 0.8;
  if (below && navigator.userActivation?.hasBeenActive) element.scrollIntoView();
});"""


@dataclass(frozen=True)
class Tab:
    """One demo on the page, and how it looks when the page opens."""

    inputs: list[Component]
    result: gr.HTML
    first: Callable[[gr.Request], list]
    """The values of inputs and result when the page opens: a `FirstAnswer`."""


def picture_input(file: str | None = None, height: int = 300, **options: Any) -> PictureInput:
    """A picture by upload, drop, paste or camera; an example to begin with."""
    return PictureInput(
        example_path(file) if file else None,
        placeholder=I18N("picture_placeholder"),
        sources=["upload", "clipboard", "webcam"],
        type="filepath",
        height=height,
        **{"label": I18N("picture"), **options},
    )


def result_place(elem_id: str) -> gr.HTML:
    """Where an answer is shown, and announced to screen readers."""
    return gr.HTML(
        f'<p class="empty preparing">{bilingual(*TEXTS["preparing"])}</p>',
        elem_id=elem_id,
        elem_classes="result",
        apply_default_css=False,
        html_template='<div aria-live="polite">${value}</div>',
        js_on_load=_PRESS + _FOLLOW,
        min_height=160,
    )


def choices(buttons: Iterable[tuple[str, str]], label: str, elem_class: str = "chips") -> gr.HTML:
    """Buttons in a row; a press is a `click` event whose data has the button's `choice`.

    Args:
        buttons: the choice and the HTML of each.
        label: key of the text above them.
    """
    row = "".join(
        f'<button type="button" data-choice="{escape(choice)}">{html}</button>'
        for choice, html in buttons
    )
    html = f'<p class="label">{bilingual(*TEXTS[label])}</p><div class="{elem_class}">{row}</div>'
    return gr.HTML(html, apply_default_css=False, js_on_load=_PRESS)


def example_pictures() -> gr.HTML:
    """The bundled example pictures, to be pressed."""
    buttons = [
        (
            sample["file"],
            f'<img src="gradio_api/file={escape(example_path(sample["file"]))}" alt="">'
            f'<span class="unseen">{bilingual(sample["alt_ko"], sample["alt_en"])}</span>',
        )
        for sample in samples()
    ]
    return choices(buttons, "examples", "pictures")


def bilingual(korean: str, english: str) -> str:
    """Both languages; the style sheet shows the one that the page is in."""
    return f'<span lang="ko">{escape(korean)}</span><span lang="en">{escape(english)}</span>'


def stop_button(*events: Any) -> gr.Button:
    """Takes a request back; style.css shows it only while one is waiting or running."""
    stop = gr.Button(I18N("stop"), size="sm", elem_classes="stop")
    stop.click(None, None, None, cancels=list(events), api_visibility="private")
    return stop


def answered(handler: Callable) -> Callable:
    """An event handler whose last output is an answer; errors are told in its place."""

    @functools.wraps(handler)
    def run(*args: Any) -> Any:
        request = next(arg for arg in args if isinstance(arg, gr.Request))
        try:
            return handler(*args)
        except Exception as error:
            return failure(explained(error, language_of(request)))

    return run


class FirstAnswer:
    """What a tab shows when the page opens: a link's inputs and answer, or the tab's own."""

    _KEPT = 32  # of the answers that everyone gets who brings no link

    def __init__(
        self,
        tab: str,
        defaults: dict,
        answer: Callable[..., str],
        complete: Callable[[dict], dict] = dict,
    ) -> None:
        """
        Args:
            complete: fills in what neither a link nor the defaults say.
        """
        self._tab = tab
        self._defaults = defaults
        self._answer = answer
        self._complete = complete
        self._kept: dict[tuple[str, str, str], str] = {}

    def values(self, request: gr.Request) -> dict:
        """What the inputs hold, by the names of the defaults; of a picture the example's name."""
        values = linked_values(dict(request.query_params), self._tab, self._defaults)
        if values["image"] not in {"", *(sample["file"] for sample in samples())}:
            values["image"] = self._defaults["image"]
        return self._complete(values)

    def __call__(self, request: gr.Request) -> list:
        """The values of the tab's inputs, in the order of `defaults`, and the answer to them."""
        values = self.values(request)
        inputs = list(values.values())
        picture = example_path(values["image"]) if values["image"] else None
        inputs[list(values).index("image")] = picture
        is_own = values == self._complete(self._defaults)
        shown = [gr.skip() for _ in inputs] if is_own else inputs
        asked = (language_of(request), space_address(request), make_link(self._tab, values))
        if is_own and asked in self._kept:
            return [*shown, self._kept[asked]]
        try:
            answer = self._answer(*inputs, request)
        except Exception as error:
            return [*shown, failure(explained(error, language_of(request)))]
        if is_own and NOTICE not in answer and len(self._kept) < self._KEPT:
            self._kept[asked] = answer
        return [*shown, answer]
