"""The Python beside an answer: it says what was asked, and nothing else, whatever names hold."""

from __future__ import annotations

import ast

import gradio as gr
import pytest

from koclip.ui.examples import example_path
from koclip.ui.snippets import Picture, snippet, space_address


def keywords(code: str) -> dict[str, str]:
    """The arguments of the call of `space.predict`."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    (call,) = [c for c in calls if getattr(c.func, "attr", "") == "predict"]
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


def test_the_call():
    code = snippet("owner/space", "/text_to_image", {"query": '"눈" 덮인\n산', "count": 3})
    assert keywords(code) == {
        "query": repr('"눈" 덮인\n산'),
        "count": "3",
        "api_name": "'/text_to_image'",
    }
    assert "handle_file" not in code


def test_an_example_is_fetched_and_an_upload_is_not():
    example = snippet("x", "/image_to_text", {"image": Picture.of(example_path("cat.webp"))})
    assert keywords(example)["image"] == "handle_file('cat.webp')"
    assert "urlretrieve(space.src + " in example
    upload = snippet("x", "/image_to_text", {"image": Picture("내 사진.jpg")})
    assert "urlretrieve" not in upload
    elsewhere = Picture("1.jpg", "http://images.cocodataset.org/val2017/1.jpg")
    code = snippet("x", "/text_to_image", {"image": elsewhere})
    assert 'urlretrieve("http://images.cocodataset.org/val2017/1.jpg", "1.jpg")' in code


def test_a_file_name_is_never_code():
    name = 'a"); __import__("os").system("true"); ("'
    code = snippet("x", "/image_to_text", {"image": Picture(name)})
    assert keywords(code)["image"] == f"handle_file({name!r})"
    assert "__import__" not in {getattr(n, "id", "") for n in ast.walk(ast.parse(code))}


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"host": "127.0.0.1:7860"}, "http://127.0.0.1:7860/"),
        ({"host": "me.example", "x-forwarded-proto": "https,http"}, "https://me.example/"),
        ({}, "http://127.0.0.1:7860/"),
    ],
)
def test_the_address_is_the_one_that_the_visitor_used(monkeypatch, headers, address):
    monkeypatch.delenv("SPACE_ID", raising=False)
    request = gr.Request(headers=headers)
    assert space_address(request) == address
    monkeypatch.setenv("SPACE_ID", "owner/koclip")
    assert space_address(request) == "owner/koclip"
