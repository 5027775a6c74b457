"""The page: a header with the models, three tabs, and a footer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import gradio as gr

from koclip import __version__
from koclip.errors import KoCLIPError
from koclip.hub import locate
from koclip.settings import MINI, Settings
from koclip.ui.api import API_VERSION, Api
from koclip.ui.blocks import PublicBlocks
from koclip.ui.image_to_text_tab import image_to_text_tab
from koclip.ui.language import LANGUAGES, language_of
from koclip.ui.links import TABS
from koclip.ui.models import ModelPool
from koclip.ui.parts import bilingual
from koclip.ui.text_to_image_tab import text_to_image_tab
from koclip.ui.text_to_patch_tab import text_to_patch_tab
from koclip.ui.texts import I18N, TEXTS, say

_POLL = 0.5  # seconds between looks at how far a model is


def build_page(pool: ModelPool, settings: Settings) -> PublicBlocks:
    """The whole Space as one Blocks interface."""
    models = settings.models
    with PublicBlocks(title="KoCLIP · 한국어 CLIP") as page:
        gr.HTML(_header(), elem_id="header", apply_default_css=False, js_on_load=None)
        with gr.Row(elem_id="models"):
            model = gr.Radio(
                list(models),
                value=settings.default_model,
                label=I18N("model"),
                elem_classes="segmented",
                scale=0,
            )
            status = gr.HTML(elem_id="model-status", apply_default_css=False, js_on_load=None)
        with gr.Tabs(selected=TABS[0], elem_id="demos") as tabs:
            with gr.Tab(I18N("image_to_text"), id=TABS[0]):
                first = image_to_text_tab(pool, model, models)
            with gr.Tab(I18N("text_to_image"), id=TABS[1]):
                second = text_to_image_tab(pool, model)
            with gr.Tab(I18N("text_to_patch"), id=TABS[2]):
                third = text_to_patch_tab(pool, model, tabs, first)
        gr.HTML(_footer(), elem_id="footer", apply_default_css=False, js_on_load=None)
        Api(pool).add_to_page(models, settings.default_model)

        private = {"api_visibility": "private", "show_progress": "hidden"}
        gr.on(
            [model.change, page.load],
            _follow(pool),
            model,
            status,
            concurrency_limit=None,
            **private,
        )
        page.load(_linked_tab, None, tabs, queue=False, **private)
        for tab in (first, second, third):
            page.load(tab.first, None, [*tab.inputs, tab.result], **private)
    return page


def _linked_tab(request: gr.Request) -> gr.Tabs:
    tab = request.query_params.get("tab")
    return gr.Tabs(selected=tab) if tab in TABS else gr.skip()


def _follow(pool: ModelPool) -> Callable:
    """Opens the chosen model in the background and tells how far it is, until it is ready."""

    # Asynchronous: a thread for everyone who waits would leave none for those who ask.
    async def follow(name: str, request: gr.Request) -> AsyncIterator[str]:
        language = language_of(request)
        if pool.status(name) is None and not pool.is_open(name):
            pool.open_in_background(name)
        waited = False
        while isinstance(status := pool.status(name), str):
            if name != MINI:  # koclip-mini is open before anyone could read this
                waited = True
                yield say("model_loading", language, model=name, progress=status)
            await asyncio.sleep(_POLL)
        if isinstance(status, KoCLIPError):
            reason = status.localized(language)
            yield say("fell_back", language, model=name, reason=reason)
        else:
            yield say("model_ready", language, model=name) if waited else ""

    return follow


def _header() -> str:
    languages = "".join(
        f'<button type="button" data-do="language" data-language="{code}" lang="{code}">'
        f"{name}</button>"
        for code, name in LANGUAGES.items()
    )
    return (
        f'<a class="skip" href="#demos" data-do="skip">{bilingual(*TEXTS["skip"])}</a>'
        f"<div><h1>KoCLIP</h1><p>{bilingual(*TEXTS['tagline'])}</p></div>"
        f'<nav><span class="languages">{languages}</span>'
        f'<button type="button" data-do="theme">'
        f'<span aria-hidden="true">◐</span><span class="unseen">{bilingual(*TEXTS["theme_switch"])}'
        f"</span></button></nav>"
    )


def _footer() -> str:
    # Of the model that is always there; those from the Hub have theirs in their answers.
    revision = locate(MINI).revision
    values = {"version": __version__, "api": API_VERSION, "model": MINI, "revision": revision}
    korean, english = (text.format(**values) for text in TEXTS["footer"])
    return f"<p>{bilingual(*TEXTS['description'])}</p><p>{bilingual(korean, english)}</p>"
