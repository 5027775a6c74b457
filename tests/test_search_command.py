"""`python -m koclip search`: conditions, groups, pages and previews."""

from __future__ import annotations

import json
import os

import pytest

from koclip.assets import assets_dir
from koclip.cli import main

CAT = str(assets_dir() / "examples" / "cat.webp")


def rows(capsys) -> list[dict]:
    return json.loads(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def _in_english(monkeypatch, tmp_path):
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))


def test_conditions(capsys):
    assert main(["search", "바다", "-k", "600", "--json"]) == 0
    everything = rows(capsys)
    conditions = ["--where", "license~cc-by", "--where", "title!=picosdeeuropa"]
    assert main(["search", "바다", "-k", "600", "--json", *conditions]) == 0
    found = rows(capsys)
    expected = [
        row["id"]
        for row in everything
        if "CC-BY" in row["license"] and row["title"] != "picosdeeuropa"
    ]
    assert 0 < len(expected) < len(everything)
    assert [row["id"] for row in found] == expected
    assert [row["rank"] for row in found] == list(range(1, len(found) + 1))


def test_nothing_meets_the_conditions(capsys):
    assert main(["search", "바다", "--where", "license=none"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "" and "No image meets the conditions" in captured.err


def test_groups(capsys):
    assert main(["search", "바다", "-k", "5", "--group", "0.7", "--json"]) == 0
    found = rows(capsys)
    assert sum(len(row["others"]) for row in found) > 0
    ids = [id for row in found for id in (row["id"], *row["others"])]
    assert len(ids) == len(set(ids))
    assert main(["search", "바다", "-k", "5", "--group", "0.7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["rank", "score", "others", "image", "caption"]
    assert [line.split()[2] for line in lines[1:]] == [str(len(row["others"])) for row in found]


def test_a_page(capsys, monkeypatch, tmp_path):
    page = tmp_path / "결과.html"
    options = ["--image", CAT, "--minus", "개", "-k", "3", "--html", str(page)]
    assert main(["search", "고양이", *options, "--json"]) == 0
    found, text = rows(capsys), page.read_text()
    assert "<h1>고양이 cat.webp − 개</h1>" in text and text.count("<figure>") == 3
    assert text.count("data:image/webp;base64,") == 3
    for row in found:
        assert row["author"] in text
        relative = os.path.relpath(row["image"], tmp_path)
        assert f'href="{relative}"' in text
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    assert main(["search", "고양이", "-k", "3", "--html", str(page)]) == 0
    assert '<html lang="ko">' in page.read_text()


def test_previews(capsys, monkeypatch):
    assert main(["search", "바다", "-k", "2", "--preview"]) == 0
    drawn = capsys.readouterr().out
    assert drawn.count("▀") > 300 and "2  0." in drawn
    monkeypatch.setenv("TERM", "dumb")
    assert main(["search", "바다", "-k", "2", "--preview"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "--html" in captured.err
    assert main(["search", "바다", "-k", "2", "--preview", "--json"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--where", "licence=CC0-1.0"], "no field 'licence'"),
        (["--where", "license"], "is no condition"),
        (["--where", "license>CC0"], "neither a number nor a date"),
        (["--group", "97"], "above 0 and up to 1"),
        (["--html", "/nowhere/page.html"], "cannot be written"),
    ],
)
def test_mistakes_are_explained(capsys, arguments, message):
    assert main(["search", "바다", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""
