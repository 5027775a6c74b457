"""Starting the Space."""

from __future__ import annotations

import logging
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from koclip import __version__
from koclip.assets import assets_dir
from koclip.compilation import use_compilation_cache
from koclip.errors import KoCLIPError
from koclip.images import hush_decoders
from koclip.logs import log_json
from koclip.settings import Settings
from koclip.terminal import terminal_language
from koclip.ui.gate import Gate
from koclip.ui.guard import Guard
from koclip.ui.health import health_route
from koclip.ui.housekeeping import housekeeping
from koclip.ui.language import LanguageChoice
from koclip.ui.mcp import serve_tools
from koclip.ui.models import ModelPool
from koclip.ui.page import build_page
from koclip.ui.session_files import keep_uploads_apart
from koclip.ui.sessions import Sessions
from koclip.ui.stopping import serve_until_stopped
from koclip.ui.texts import I18N
from koclip.ui.theme import CSS, make_theme
from koclip.ui.uploads import OpenFiles

log = logging.getLogger(__name__)

_KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than clients and proxies keep theirs. Who asks
just when the server hangs up gets no answer, and with uvicorn's 5 seconds that happens."""

_SCRIPTS = "".join(
    f"<script>{Path(__file__).with_name(name).read_text(encoding='utf-8')}</script>"
    for name in ("page.js", "korean.js")
)


def launch(uploads: Path) -> None:
    """Opens the page and stays until SIGTERM or Ctrl+C.

    Args:
        uploads: the folder of `upload_folder`.
    """
    try:
        settings = Settings.from_environment(os.environ)
    except KoCLIPError as error:
        sys.exit(error.localized(terminal_language()))
    log_json()
    hush_decoders()
    use_compilation_cache()
    pool = ModelPool(settings)
    shown = [assets_dir() / "gallery" / "images", assets_dir() / "examples"]
    shown += pool.databases.local_folders()
    gr.set_static_paths(shown)
    keep_uploads_apart()
    page = build_page(pool, settings)
    page.open_files = OpenFiles(uploads, shown)
    page.queue(
        max_size=settings.queue,
        default_concurrency_limit=settings.concurrency,
        status_update_rate=1.0,
    )
    gate = Gate(page, settings)
    guard = Middleware(Guard, page, gate, page.open_files, uploads, settings)
    app, _, _ = page.launch(
        theme=make_theme(),
        css=CSS,
        head=_SCRIPTS,
        i18n=I18N,
        max_file_size=f"{settings.max_upload_mb}mb",
        ssr_mode=False,  # server-side rendering would need Node
        mcp_server=find_spec("mcp") is not None,
        run_history=False,
        app_kwargs={
            "middleware": [guard, Middleware(LanguageChoice)],
            "routes": [health_route(pool, gate)],
            "lifespan": housekeeping(page, uploads),
            "openapi_url": None,
        },
        prevent_thread_lock=True,
    )
    page.server.config.timeout_keep_alive = _KEEP_ALIVE
    log_json()  # uvicorn has set up its own log meanwhile
    serve_tools(page)
    app.state_holder = Sessions(page)
    fields = {"version": __version__, "address": page.local_url, "models": settings.models}
    log.info("started", extra={"fields": fields})
    # Not before the page is up: they would compete for the processors.
    for name in settings.preload:
        pool.open_in_background(name)
    pool.databases.open_all_in_background()
    serve_until_stopped(page, gate)
