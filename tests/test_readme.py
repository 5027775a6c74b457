"""What the README promises: every Python snippet runs, and the Space's header is right."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest

from koclip.ui.api import API_VERSION
from tests.space import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def run(snippet: str) -> dict:
    names: dict = {}
    exec(compile(snippet, "README.md", "exec"), names)
    return names


def test_the_python_snippet(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    run(SNIPPETS[0])
    printed = capsys.readouterr().out
    assert printed.startswith("고양이 ")


def test_the_original_quickstart(monkeypatch):
    monkeypatch.chdir(ROOT)
    names = run(SNIPPETS[1].replace("koclip-base", "koclip-mini"))  # no Hub here
    logits = names["outputs"].logits_per_image
    assert logits.shape == (1, 4)
    assert int(logits[0].argmax()) == 0


def test_the_client_snippet(monkeypatch, space):
    monkeypatch.chdir(ROOT)
    names = run(SNIPPETS[2].replace("http://127.0.0.1:7860/", space))
    assert len(names["answer"]["results"]) == 9


def test_the_api_version_is_told():
    assert f"The API is versioned: {API_VERSION} now" in README


def header(key: str) -> str:
    return re.search(rf"^{key}: \"?(.*?)\"?$", README, flags=re.MULTILINE)[1]


def test_the_space_header_agrees_with_the_requirements():
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert f"gradio[mcp]=={header('sdk_version')}" in requirements
    assert version("gradio") == header("sdk_version")
    assert header("app_file") == "app.py"
    assert len(header("short_description")) <= 60  # the Hub cuts longer ones


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)]+)\)", README))
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()
