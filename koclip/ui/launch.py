"""Starting the Space."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from koclip.assets import assets_dir
from koclip.compilation import use_compilation_cache
from koclip.errors import KoCLIPError
from koclip.settings import Settings
from koclip.terminal import terminal_language
from koclip.ui.language import LanguageChoice
from koclip.ui.models import ModelPool
from koclip.ui.page import build_page
from koclip.ui.session_files import keep_uploads_apart
from koclip.ui.sessions import Sessions
from koclip.ui.texts import I18N
from koclip.ui.theme import CSS, make_theme

_SCRIPTS = "".join(
    f"<script>{Path(__file__).with_name(name).read_text(encoding='utf-8')}</script>"
    for name in ("page.js", "korean.js")
)


def launch(**options: object) -> None:
    """Opens the page and stays; `options` go to Gradio's `launch` (server_port, share, …)."""
    try:
        settings = Settings.from_environment(os.environ)
    except KoCLIPError as error:
        sys.exit(error.localized(terminal_language()))
    use_compilation_cache()
    pool = ModelPool(settings)
    served = [assets_dir() / "gallery" / "images", assets_dir() / "examples"]
    served += pool.databases.local_folders()
    gr.set_static_paths(served)
    keep_uploads_apart()
    page = build_page(pool, settings)
    page.queue(
        max_size=settings.queue,
        default_concurrency_limit=settings.concurrency,
        status_update_rate=1.0,
    )
    app, _, _ = page.launch(
        theme=make_theme(),
        css=CSS,
        head=_SCRIPTS,
        i18n=I18N,
        max_file_size=f"{settings.max_upload_mb}mb",
        ssr_mode=False,  # server-side rendering would need Node
        mcp_server=find_spec("mcp") is not None,
        app_kwargs={"middleware": [Middleware(LanguageChoice)]},
        prevent_thread_lock=True,
        **options,
    )
    app.state_holder = Sessions(page)
    # Not before the page is up: they would compete for the processors.
    for name in settings.preload:
        pool.open_in_background(name)
    pool.databases.open_all_in_background()
    page.block_thread()
