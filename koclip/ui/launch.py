"""Starting the Space."""

from __future__ import annotations

import gradio as gr

from koclip.assets import assets_dir
from koclip.compilation import use_compilation_cache
from koclip.ui.endpoints import pool
from koclip.ui.page import build_page
from koclip.ui.texts import I18N
from koclip.ui.theme import CSS, make_theme

MAX_UPLOAD = "20mb"
MAX_WAITING = 64  # visitors in the queue; more are told to come back
AT_ONCE = 2  # requests that run at the same time, on a Space's two processors


def launch(**options: object) -> None:
    """Opens the page; `options` go to Gradio's `launch` (server_port, prevent_thread_lock, …)."""
    use_compilation_cache()
    pool.warm()
    gr.set_static_paths([assets_dir() / "gallery" / "images"])
    page = build_page()
    page.queue(max_size=MAX_WAITING, default_concurrency_limit=AT_ONCE)
    page.launch(
        theme=make_theme(),
        css=CSS,
        i18n=I18N,
        max_file_size=MAX_UPLOAD,
        ssr_mode=False,  # server-side rendering would need Node
        **options,
    )
