"""The language of a visitor, from the address or the browser."""

from __future__ import annotations

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from koclip.ui.language import LanguageChoice, language_of


def request(accepted: str | None = None, **query: str) -> gr.Request:
    headers = {} if accepted is None else {"accept-language": accepted}
    return gr.Request(headers=headers, query_params=query)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "ko"),
        ("", "ko"),
        ("*", "ko"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("KO", "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", "en"),
        ("fr;q=1", "en"),
    ],
)
def test_what_the_browser_asks_for_first(accepted, language):
    assert language_of(request(accepted)) == language


def test_a_choice_counts_more():
    assert language_of(request("ko-KR", lang="en")) == "en"
    assert language_of(request("en-US", lang="ko")) == "ko"
    assert language_of(request("en-US", lang="xx")) == "en"


def test_without_a_request_it_is_korean():
    assert language_of(None) == "ko"


def test_the_choice_is_made_before_any_script_of_the_page():
    async def page(request):
        return HTMLResponse("<html><head><script>first()</script></head><body>글</body></html>")

    routes = [Route("/", page), Route("/other", page)]
    client = TestClient(Starlette(routes=routes, middleware=[Middleware(LanguageChoice)]))
    response = client.get("/")
    assert response.text.index("koclip-language") < response.text.index("first()")
    assert response.text.endswith("<body>글</body></html>")
    assert int(response.headers["content-length"]) == len(response.content)
    assert "koclip-language" not in client.get("/other").text
