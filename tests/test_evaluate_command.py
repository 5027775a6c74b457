"""`python -m koclip evaluate`: what it prints, and how it fails."""

from __future__ import annotations

import json
import shutil

import pytest

from koclip.assets import assets_dir
from koclip.cli import main
from koclip.evaluation import report

EXAMPLES = assets_dir() / "examples"


@pytest.fixture(autouse=True)
def _in_english(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def captions(tmp_path):
    """A caption file of three example pictures."""
    truth = [
        ("cat.webp", "아기 고양이", "고양이"),
        ("boats.webp", "호숫가의 나무배들", "배"),
        ("coffee.webp", "커피 한 잔", "컵"),
    ]
    lines = [
        json.dumps({"file": file, "caption_ko": caption, "objects": [label], "main": label})
        for file, caption, label in truth
    ]
    path = tmp_path / "captions.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def measured(capsys, *arguments: str) -> dict:
    assert main(["evaluate", "koclip-mini", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_as_json(capsys, captions):
    result = measured(capsys, captions, "--photos", str(EXAMPLES))
    assert (result["images"], result["captions"], result["squashed"]) == (3, 3, False)
    figures = {figure["name"]: figure for figure in result["figures"]}
    assert figures["text→image R@1"]["chance"] == pytest.approx(1 / 3)
    assert figures["main object in the top 3 of 80"]["n"] == 3


def test_as_a_table_that_states_n(capsys, captions):
    assert main(["evaluate", "koclip-mini", captions, "--images", str(EXAMPLES)]) == 0
    out = capsys.readouterr().out
    assert "3 images and 3 captions" in out
    header = next(line for line in out.splitlines() if line.startswith("figure"))
    assert header.split()[-2:] == ["chance", "n"]
    assert "reliability" in out


def test_first_squashed_and_templates(capsys, captions):
    arguments = ("--photos", str(EXAMPLES), "--first", "2", "--squashed")
    result = measured(capsys, captions, *arguments, "--template", "{}", "--template", "{} 사진")
    assert (result["images"], result["squashed"]) == (2, True)
    assert result["templates"] == ["{}", "{} 사진"]
    assert len(measured(capsys, captions, *arguments, "--ensemble", "photo")["templates"]) == 5


def test_scenes_of_a_folder(capsys, captions, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "COUNT", 9)  # not the 200 that are reported
    files = ["cat", "dogs", "boats", "coffee", "citrus", "instruments", "rocket", "living-room"]
    labels = ["고양이", "개", "배", "커피", "오렌지", "기타", "로켓", "거실", "야경"]
    for label, file in zip(labels, [*files, "city-night"], strict=True):
        (tmp_path / "things" / label).mkdir(parents=True)
        shutil.copy(EXAMPLES / f"{file}.webp", tmp_path / "things" / label)
    arguments = ("--photos", str(EXAMPLES), "--scenes", str(tmp_path / "things"))
    arguments += ("--rows", "4", "--columns", "4", "--overlap", "0.25", "--scales", "1")
    for figure in measured(capsys, captions, *arguments)["figures"][-2:]:  # grid and free scenes
        assert figure["name"].startswith("pointing game")
        assert figure["n"] == 9 and figure["value"] > figure["chance"]
    assert figure["name"].endswith("free scenes (rows 4, columns 4, overlap 0.25, scales 1)")


def test_fit(capsys, captions):
    names = [f["name"] for f in measured(capsys, captions, "--photos", str(EXAMPLES))["figures"]]
    assert not any("fit" in name for name in names)
    result = measured(capsys, captions, "--photos", str(EXAMPLES), "--fit")
    figures = {figure["name"]: figure for figure in result["figures"]}
    assert set(figures) > {*names, "fit: AUC", "fit: false alarms", "fit: misfits noticed"}
    assert figures["fit: misfits noticed"]["n"] == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Flickr8k"),
        (["--photos", "/nowhere"], "no such file"),
        (["/nowhere.jsonl"], "nowhere.jsonl"),
        (["gallery", "--first", "0"], "no photographs"),
        (["gallery", "--split", "test"], "split 'test'"),
        (["gallery", "--template", "사진"], "has no {}"),
        (["gallery", "--ensemble", "많이"], "original, photo"),
        (["gallery", "--first", "2", "--loss-batch", "1"], "at least 2"),
        (["gallery", "--first", "2", "--scenes", "/nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_mistakes_are_explained_without_a_traceback(capsys, arguments, message):
    assert main(["evaluate", "koclip-mini", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
