"""`python -m koclip benchmark`: what it prints and writes, and how it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from koclip.benchmark.document import BEGIN, END
from koclip.cli import main
from tests.space import ROOT


@pytest.fixture(autouse=True)
def _in_english(monkeypatch):
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


@pytest.fixture(scope="module")
def quick_results(tmp_path_factory) -> Path:
    """A quick run of four suites, from end to end; start and serve have tests of their own."""
    folder = tmp_path_factory.mktemp("benchmark")
    rows = ("tiny", "tiles", "100 rows", "msgpack")
    arguments = [argument for row in rows for argument in ("--rows", row)]
    arguments += ["--engines", "float32", "--engines", "NumPy"]
    command = ["benchmark", "encoders", "patches", "search", "load", "--quick", *arguments]
    subprocess.run(
        [sys.executable, "-m", "koclip", *command, "--output", str(folder / "results.json")],
        cwd=ROOT,
        env=os.environ | {"XDG_CACHE_HOME": str(folder)},
        check=True,
        capture_output=True,
    )
    return folder / "results.json"


def test_a_quick_run_from_end_to_end(quick_results):
    report = json.loads(quick_results.read_text())
    names = {suite: [row["name"] for row in rows] for suite, rows in report["suites"].items()}
    assert names == {
        "encoders": ["tiny ViT, 1 image", "tiny BERT, 2 × 16 tokens"],
        "patches": ["64 wide, 2 × 2 tiles"],
        "search": ["100 rows, 1 query", "100 rows, 64 queries"],
        "load": ["Flax msgpack", "Flax msgpack"],
    }
    for rows in report["suites"].values():
        for row in rows:
            assert row["entries"]
            assert all(sample > 0 for entry in row["entries"] for sample in entry["samples"])
    assert report["machine"]["cores"] >= 1 and "jax" in report["versions"]


def test_results_are_shown_drawn_and_put_into_a_page(quick_results, tmp_path, capsys):
    page, chart = tmp_path / "page.md", tmp_path / "chart.svg"
    page.write_text(f"{BEGIN}{END}")
    arguments = ["--from", str(quick_results), "--docs", str(page), "--chart", str(chart)]
    assert main(["benchmark", *arguments]) == 0
    assert "tiny ViT, 1 image" in capsys.readouterr().out
    assert "| tiny ViT, 1 image |" in page.read_text()
    assert "tiny ViT, 1 image" in chart.read_text()


def test_as_json(quick_results, capsys):
    assert main(["benchmark", "--from", str(quick_results), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(quick_results.read_text())


def test_suites_that_do_not_run_stay_in_the_file(tmp_path, quick_results):
    results = tmp_path / "results.json"
    results.write_bytes(quick_results.read_bytes())
    arguments = ["--quick", "--rows", "no such row", "--output", str(results)]
    assert main(["benchmark", "search", *arguments]) == 0
    suites = json.loads(results.read_text())["suites"]
    assert suites["search"] == [] and len(suites["encoders"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["speed"],
            "no suite 'speed'. Choose from: encoders, patches, search, load, start, serve, switch.",
        ),
        (["--from", "/nowhere.json"], "/nowhere.json: no results"),
        (["search", "--output", __file__], "no results can be read"),
    ],
)
def test_mistakes_are_explained_without_a_traceback(capsys, arguments, message):
    assert main(["benchmark", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""
