"""`python -m koclip`: what it prints, and how it fails."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from koclip.assets import assets_dir
from koclip.cli import main

CAT = str(assets_dir() / "examples" / "cat.webp")
BOATS = str(assets_dir() / "examples" / "boats.webp")


def rows(capsys) -> list[dict]:
    return json.loads(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def _in_english(monkeypatch, tmp_path):
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))


def test_classify(capsys):
    assert main(["classify", CAT, "고양이,강아지", "토끼", "--json"]) == 0
    scores = rows(capsys)
    assert scores[0]["label"] == "고양이"
    assert sum(score["probability"] for score in scores) == pytest.approx(1, abs=1e-5)


def test_classify_prints_an_aligned_table(capsys):
    assert main(["classify", CAT, "고양이", "개", "--no-softmax"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["label", "probability", "cosine"]
    assert lines[1].split()[:2] == ["고양이", "–"]


def test_classify_without_labels_names_the_picture(capsys):
    assert main(["classify", CAT]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == 11
    assert lines[1].split()[0] == "고양이"
    assert "None of these" not in captured.err
    assert main(["classify", BOATS, "-k", "2", "--no-softmax", "--json"]) == 0
    named = rows(capsys)
    assert (named[0]["label"], named[0]["probability"], len(named)) == ("배", None, 2)


def test_classify_with_a_ready_set(capsys):
    assert main(["classify", CAT, "--set", "animals", "--json"]) == 0
    scores = rows(capsys)
    assert (scores[0]["label"], len(scores)) == ("고양이", 10)
    assert main(["classify", CAT, "사막여우", "--set", "animals", "-k", "100", "--json"]) == 0
    scores = rows(capsys)
    assert len(scores) == 79 and sum(s["probability"] for s in scores) == pytest.approx(1, abs=1e-5)


def test_classify_shows_all_labels_of_ones_own(capsys):
    labels = [f"{i}번 고양이" for i in range(12)]
    assert main(["classify", CAT, *labels, "--json"]) == 0
    assert len(rows(capsys)) == 12


@pytest.mark.parametrize(
    ("language", "message"),
    [("en_US.UTF-8", "None of these seems to fit"), ("ko_KR.UTF-8", "잘 맞는 것이 없는")],
)
def test_classify_says_when_nothing_fits(capsys, monkeypatch, language, message):
    monkeypatch.setenv("LC_ALL", language)
    assert main(["classify", CAT, "--set", "vehicles"]) == 0
    captured = capsys.readouterr()
    assert message in captured.err and message not in captured.out
    assert main(["classify", CAT, "고양이", "토끼"]) == 0
    assert message not in capsys.readouterr().err


def test_search(capsys):
    assert main(["search", "고양이", "-k", "3", "--json"]) == 0
    found = rows(capsys)
    assert [row["rank"] for row in found] == [1, 2, 3]
    assert "고양이" in found[0]["caption"]


def test_patches(capsys):
    assert main(["patches", BOATS, "배", "--rows", "2", "--columns", "2", "--json"]) == 0
    assert len(rows(capsys)) == 4


def test_patches_in_one_pass(capsys):
    answers = []
    for options in ([], ["--dense"]):
        assert main(["patches", BOATS, "배", "--rows", "1", *options, "--json"]) == 0
        answers.append({row["column"]: row["score"] for row in rows(capsys)})
    one_by_one, at_once = answers
    assert at_once.keys() == one_by_one.keys() == {0, 1, 2}
    assert all(0.001 < abs(at_once[i] - one_by_one[i]) < 0.2 for i in at_once)


def test_patches_of_several_queries_with_more_tiles(capsys):
    grid = ["--rows", "2", "--columns", "2", "--overlap", "0.5", "--scales", "2"]
    assert main(["patches", BOATS, "배", "나무", *grid, "--json"]) == 0
    found = rows(capsys)
    assert [row["query"] for row in found] == ["배"] * 10 + ["나무"] * 10
    assert [row["rank"] for row in found] == [*range(1, 11)] * 2
    assert [row["scale"] for row in found].count(2) == 2
    assert main(["patches", BOATS, "배, 나무", *grid, "--json"]) == 0
    assert rows(capsys) == found
    assert main(["patches", BOATS, "배", *grid, "--contrast", "배경", "--json"]) == 0
    assert rows(capsys)[0]["score"] < found[0]["score"]


def test_index_and_search_a_folder(capsys, tmp_path):
    photos = tmp_path / "사진"
    photos.mkdir()
    shutil.copy(CAT, photos / "고양이.webp")
    shutil.copy(BOATS, photos / "배.webp")
    (photos / "깨진.jpg").write_bytes(b"\xff\xd8\xff broken")
    assert main(["index", str(photos), "--compact", "int8", "--json"]) == 1
    captured = capsys.readouterr()
    (row,) = json.loads(captured.out)
    assert (row["images"], row["embedded"], row["unreadable"]) == (2, 2, 1)
    assert "깨진.jpg" in captured.err
    (photos / "깨진.jpg").unlink()
    assert main(["index", str(photos), "--json"]) == 0
    assert (row := rows(capsys)[0])["reused"] == row["images"] == 2
    assert main(["index", str(photos), "--verify", "--export", str(tmp_path / "a.tsv")]) == 0
    capsys.readouterr()
    lines = (tmp_path / "a.tsv").read_text().splitlines()
    assert sorted(line.split("\t")[0] for line in lines) == ["고양이.webp", "배.webp"]
    assert main(["search", str(photos), "고양이", "-k", "1", "--json"]) == 0
    assert rows(capsys)[0]["image"].endswith("고양이.webp")


def test_search_by_a_picture(capsys):
    assert main(["search", "--image", CAT, "-k", "5", "--json"]) == 0
    found = rows(capsys)
    assert len(found) == 5 and "고양이" in found[0]["caption"]
    assert main(["search", "눈", "--image", CAT, "-k", "5", "--json"]) == 0
    assert rows(capsys) != found
    long = "눈 덮인 산 아래 마을의 " * 20  # no file's name has so many letters
    assert main(["search", long, "--image", CAT, "-k", "5", "--json"]) == 0
    assert len(rows(capsys)) == 5


def test_search_with_things_to_add_and_to_leave_out(capsys):
    assert main(["search", "새", "-k", "20", "--json"]) == 0
    plain = [row["image"] for row in rows(capsys)]
    parts = ["--plus", "물", "--minus", "앵무새", "--minus", "부엉이,닭"]
    assert main(["search", "새", "-k", "20", "--json", *parts]) == 0
    assert (found := [row["image"] for row in rows(capsys)]) != plain
    parts = ["--plus", "물", "--minus", "부엉이, 닭,앵무새"]
    assert main(["search", "새", "-k", "20", "--json", *parts]) == 0
    assert [row["image"] for row in rows(capsys)] == found
    assert main(["search", "--plus", "새", "-k", "20", "--json"]) == 0
    assert [row["image"] for row in rows(capsys)] == plain


def test_search_a_folder_by_a_picture_alone(capsys, tmp_path):
    for name in ("cat.webp", "boats.webp", "dogs.webp"):
        shutil.copy(assets_dir() / "examples" / name, tmp_path / name)
    assert main(["index", str(tmp_path), "--json"]) == 0
    capsys.readouterr()
    assert main(["search", str(tmp_path), "--image", CAT, "--json"]) == 0
    names = [row["image"].rsplit("/", 1)[-1] for row in rows(capsys)]
    assert sorted(names) == ["boats.webp", "dogs.webp"]  # the cat itself is left out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["classify", "없는.jpg", "고양이"], "there is no such file"),
        (["classify", CAT, ","], "no labels"),
        (["classify", CAT, ""], "no labels"),
        (["classify", CAT, "--set", "animal"], "animals, food"),
        (["classify", CAT, "-k", "0"], "at least 1"),
        (["patches", CAT, " "], "text is empty"),
        (["patches", CAT, "귀", "--rows", "0"], "Rows and columns"),
        (["patches", CAT, "귀", "--overlap", "0.8"], "from 0 to 0.75"),
        (["patches", CAT, "귀", "--scales", "0"], "from 1 to 16"),
        (["patches", CAT, "귀", "--rows", "16", "--columns", "16", "--scales", "2"], "256"),
        (["patches", CAT, *"일이삼사오육칠"], "7 queries"),
        (["search", "고양이", "-k", "0"], "at least 1"),
        (["search", "/nowhere", "고양이"], "no image database"),
        (["search"], "text is empty"),
        (["search", "--minus", "배"], "only something to leave out"),
        (["search", "바다", "--minus", "바다"], "'바다' cannot be looked for and left out"),
        (["search", "--image", "없는.jpg"], "there is no such file"),
        (["search", "눈", "덮인", "산"], "Quote a query"),
        (["search", "긴" * 300, "고양이"], "too long"),
        (["index", "/nowhere"], "no such folder"),
        (["index", "긴" * 300], "no such folder"),
        (["index", CAT], "-o FOLDER"),
        (["index", "hub:owner/photos"], "-o FOLDER"),
        (["index", CAT, "-o", "/nowhere"], "hub:owner/dataset"),
        (["index", "/nowhere", "--verify"], "no image database"),
        (["search", "고양이", "--model", "/" + "긴" * 300], "긴긴"),
        (["search", "고양이", "--model", "koclip-minny"], "koclip-mini"),
        (["evaluate", "koclip-mini", "--photos", "/nowhere"], "no such file"),
    ],
)
def test_mistakes_are_explained_without_a_traceback(capsys, arguments, message):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_messages_follow_the_terminal_language(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    assert main(["classify", "없는.jpg", "고양이"]) == 2
    assert "이런 파일이 없습니다" in capsys.readouterr().err


def test_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "koclip", "--version"],
        capture_output=True,
        text=True,
        cwd=assets_dir().parent,
        env=os.environ,
        check=True,
    )
    assert done.stdout.startswith("koclip ")
