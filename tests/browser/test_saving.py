"""What an answer can be taken away as: JSON, CSV, PNG, and Python that gives the same."""

from __future__ import annotations

import ast
import csv
import io
import json
import subprocess
import sys

import pytest
from PIL import Image

from tests.browser.visit import PLACES, TABS

COLUMNS = {
    "image-to-text": ["model", "rank", "label", "probability", "cosine"],
    "text-to-image": [
        *("model", "rank", "score", "id", "image", "caption_ko", "caption_en"),
        *("kind", "license", "author", "source", "title"),
    ],
    "text-to-patch": ["model", "rank", "row", "column", "box", "score"],
}


@pytest.mark.parametrize("tab", TABS)
def test_answers_are_saved(visit, tab):
    visit.open(tab)
    results = visit.answer(tab)["results"]
    assert json.loads(visit.download("json", tab)) == visit.answer(tab)

    table = visit.download("csv", tab)
    assert table.startswith(b"\xef\xbb\xbf")  # without it, spreadsheets garble Korean
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    assert set(COLUMNS[tab]) <= set(rows[0])
    assert next(iter(rows[0])) == "model"
    assert len(rows) == len(results)
    text = {"image-to-text": "label", "text-to-image": "caption_ko", "text-to-patch": "query"}[tab]
    assert [row[text] for row in rows] == [result[text] for result in results]

    picture = Image.open(io.BytesIO(visit.download("png", tab)))
    assert picture.format == "PNG"
    assert min(picture.size) > 300
    colours = picture.convert("RGB").resize((64, 64)).getcolors(64 * 64)
    assert len(colours) > 300  # a photograph is on it


def test_a_label_is_no_formula_for_a_spreadsheet(visit):
    visit.open()
    visit.field("labels").fill("=1+1\n고양이")
    with visit.another_answer("image-to-text"):
        visit.button("classify").click()
    rows = list(csv.DictReader(io.StringIO(visit.download("csv", TABS[0]).decode("utf-8-sig"))))
    assert {row["label"] for row in rows} == {"'=1+1", "고양이"}
    assert all(float(row["cosine"]) for row in rows)  # negative numbers stay as they are


def test_models_side_by_side_are_one_table(visit):
    visit.open()
    visit.open_options()
    visit.page.get_by_role("checkbox", name="koclip-base").check()
    with visit.another_answer("image-to-text"):
        visit.button("classify").click()
    rows = list(csv.DictReader(io.StringIO(visit.download("csv", TABS[0]).decode("utf-8-sig"))))
    assert {row["model"] for row in rows} == {"koclip-mini"}  # the other is out of reach
    assert Image.open(io.BytesIO(visit.download("png", TABS[0]))).width > 1000


def first_result_of_snippet(visit, tab: str, folder) -> dict:
    """What the Python beside the answer prints first, run as it stands."""
    visit.page.locator(f"{PLACES[tab]} details.code summary").click()
    code = visit.page.locator(f"{PLACES[tab]} details.code pre").inner_text()
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=120
    )
    assert run.returncode == 0, run.stderr
    return ast.literal_eval(next(line for line in run.stdout.splitlines() if line[:1] == "{"))


def same(found: dict, shown: dict) -> bool:
    """Whether two results are the same, to within what batches of other sizes round."""
    return found.keys() == shown.keys() and all(
        found[key] == (pytest.approx(value, abs=1e-4) if isinstance(value, float) else value)
        for key, value in shown.items()
    )


@pytest.mark.parametrize("tab", TABS)
def test_the_python_gives_the_same_answer(visit, tab, tmp_path):
    visit.open(tab)
    assert same(first_result_of_snippet(visit, tab, tmp_path), visit.first(tab))


def test_the_python_of_what_is_it_and_of_more_like_this(visit, tmp_path):
    visit.open("image-to-text")
    with visit.another_answer("image-to-text"):
        visit.button("name_it").click()
    found = first_result_of_snippet(visit, "image-to-text", tmp_path)
    assert same(found, visit.first("image-to-text"))
