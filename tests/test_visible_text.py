"""What others wrote can be shown anywhere, and is a command nowhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from koclip import ImageDatabase, KoCLIP, cli
from koclip.assets import assets_dir
from koclip.database import ImageItem
from koclip.errors import KoCLIPError
from koclip.similarity import unit_rows
from koclip.visible_text import as_json, in_lines, in_one_line, in_utf8

HOSTILE = ["\x1b[2J\x1b]0;owned\x07", "\x9b2J", "a\rb", "\u202egnp.exe\u202c", "caf\udce9", "\0"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_letter_is_replaced(text):
    for shown in (in_one_line(text), in_lines(text)):
        assert shown.replace("\ufffd", "").isprintable()
        shown.encode()
    assert as_json([text]).isascii()
    assert json.loads(as_json([text])) == [text]
    in_utf8(text).encode()


def test_what_can_be_seen_stays():
    text = "고양이 ㄱㅏ ﾡￂ 👨\u200d👩\u200d👧 مرحبا é"
    assert in_one_line(text) == in_lines(text) == in_utf8(text) == text
    assert in_one_line("a\nb\tc") == "a b c"
    assert in_lines("a\nb") == "a\nb"


def test_of_a_long_line_the_middle_is_left_out():
    text = "처음" + "x" * 1_000_000 + "끝"
    for shown in (in_one_line(text), in_lines(text)):
        assert len(shown) < 1100
        assert shown.startswith("처음")
        assert shown.endswith("끝")


def test_messages_show_what_they_are_about():
    error = KoCLIPError("template_without_slot", template="\x1b[31m" + "x" * 100_000)
    for language in ("ko", "en"):
        assert "\x1b" not in error.localized(language)
        assert len(error.localized(language)) < 2000
    shown = str(KoCLIPError("image_not_found", path=Path("caf\udce9.png")))
    assert shown.encode()


@pytest.fixture
def hostile_database(mini: KoCLIP, tmp_path: Path) -> Path:
    """Its captions move the cursor, and a file's name is no UTF-8."""
    items = [ImageItem("1", "caf\udce9.png", "\x1b[2J지움", author="\x9b2J", license="x")]
    items.append(ImageItem("\ud800", "\x1b]0;owned\x07.png", "\u202e뒤집힘", title="a\rb"))
    rows = unit_rows(np.random.default_rng(0).normal(size=(2, mini.config.projection_dim)))
    for name, content in ImageDatabase(items, rows, mini.name, mini.revision).to_files():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    for item in items:
        Image.new("RGB", (8, 8)).save(tmp_path / item.file)
    return tmp_path


@pytest.mark.parametrize("options", [["--json"], ["--html", "page.html"]])
def test_a_database_of_others_gives_the_terminal_no_commands(hostile_database, options, tmp_path):
    """In a process of its own: pytest's standard output takes what a terminal does not."""
    options = [str(tmp_path / word) if word == "page.html" else word for word in options]
    command = [sys.executable, "-m", "koclip", "search", str(hostile_database), "바다", *options]
    run = subprocess.run(command, capture_output=True, timeout=300, check=True)
    shown = run.stdout.decode()
    assert "지움" in shown
    assert "\x1b" not in shown and "\x9b" not in shown and "\u202e" not in shown
    if options[:1] == ["--html"]:
        assert "caf%E9.png" in (tmp_path / "page.html").read_text(encoding="utf-8")
    if options == ["--json"]:
        assert {row["caption"] for row in json.loads(shown)} == {"\x1b[2J지움", "\u202e뒤집힘"}


def test_a_preview_has_no_commands_but_colours(hostile_database, mini, capsys, monkeypatch):
    monkeypatch.setattr(cli, "_open", lambda name, precision: mini)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert cli.main(["search", str(hostile_database), "바다", "--preview"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b[48;2;" in shown
    assert "\x1b[2J" not in shown and "\x1b]0" not in shown


def test_a_label_and_a_file_that_are_no_utf8(capsys, monkeypatch, mini):
    monkeypatch.setattr(cli, "_open", lambda name, precision: mini)
    picture = str(assets_dir() / "examples/cat.webp")
    assert cli.main(["classify", picture, "caf\udce9\x1b[31m", "고양이", "--json"]) == 0
    capsys.readouterr().out.encode()
    assert cli.main(["classify", "caf\udce9\x1b[31m.png", "고양이"]) == 2
    assert "\x1b" not in capsys.readouterr().err
