"""Medians, ratios, reports: what is made of samples."""

from __future__ import annotations

import json

import pytest

from koclip.benchmark.chart import bar_chart
from koclip.benchmark.document import BEGIN, END, figures, write_figures
from koclip.benchmark.report import Report, read_report
from koclip.benchmark.results import Entry, Row, make_row
from koclip.benchmark.tables import quantity, tables
from koclip.errors import KoCLIPError

OURS = Entry("koclip", (2.0, 1.0, 4.0), {"cosine": 0.99951, "failures": 0})
OTHER = Entry("other <1>", (4.0, 4.0, 4.0))


@pytest.fixture
def report() -> Report:
    row = make_row("", "a row", "s", [OURS, OTHER], [("koclip", "other <1>"), ("koclip", "gone")])
    bytes_row = make_row("memory", "another", "bytes", [OURS], [])
    machine = {"processor": "P", "cores": 2, "memory_gb": 16, "system": "S", "python": "3.12"}
    return Report(machine, {"jax": "1.2"}, ("torch",), {"suite": (row, bytes_row)})


def test_ratios_divide_medians_and_tell_the_spread_within_rounds():
    row = make_row("", "row", "s", [OURS, OTHER], [("koclip", "other <1>")])
    assert row.ratios[0].value == 0.5
    assert (row.ratios[0].low, row.ratios[0].high) == (0.375, 0.75)  # of 1/4, 1/2, 1


def test_pairs_of_which_one_did_not_run_have_no_ratio(report):
    assert [ratio.to for ratio in report.suites["suite"][0].ratios] == ["other <1>"]


def test_a_report_is_read_as_it_was_written(report, tmp_path):
    report.write(tmp_path / "results.json")
    assert read_report(tmp_path / "results.json") == report


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"suites": {"a": [{}]}}'])
def test_other_files_are_no_reports(tmp_path, content):
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KoCLIPError, match="no results"):
        read_report(path)


def test_suites_that_did_not_run_again_stay(report):
    newer = Report(report.machine, {"jax": "2"}, (), {"other": (Row("", "new", "s", (OURS,)),)})
    updated = report.updated(newer)
    assert list(updated.suites) == ["suite", "other"]
    assert updated.versions == {"jax": "2"}
    assert newer.updated(report).suites["suite"] == report.suites["suite"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.02414, "s", "24.1 ms"),
        (1.5, "s", "1.50 s"),
        (3.2e-5, "s", "32.0 µs"),
        (1.7e9, "bytes", "1.70 GB"),
        (12_345_678, "bytes", "12.3 MB"),
        (312.4, "per s", "312 per s"),
    ],
)
def test_quantities_have_three_digits(value, unit, text):
    assert quantity(value, unit) == text


def test_tables(report):
    shown = dict(tables(report))
    assert list(shown) == ["suite", "suite: ratios", "suite, memory"]
    assert shown["suite"] == [
        {"": "a row", "koclip": "2.00 s (cosine 0.9995, failures 0)", "other <1>": "4.00 s"}
    ]
    assert shown["suite: ratios"] == [{"": "a row", "koclip ÷ other <1>": "0.50 (0.38–0.75)"}]


def test_figures_replace_what_is_between_the_marks(report, tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"before {BEGIN} old {END} after")
    write_figures(path, report)
    write_figures(path, report)
    text = path.read_text()
    assert text == f"before {BEGIN}\n\n{figures(report)}\n{END} after"
    assert "| a row | 2.00 s" in text and "old" not in text


@pytest.mark.parametrize("content", [None, "no marks", f"{END} {BEGIN}", BEGIN])
def test_a_page_without_marks_is_left_alone(report, tmp_path, content):
    path = tmp_path / "page.md"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KoCLIPError, match="no place for figures"):
        write_figures(path, report)
    assert content is None or path.read_text() == content


def test_the_chart_shows_every_entry_that_took_time(report):
    from xml.etree import ElementTree

    svg = ElementTree.fromstring(bar_chart(report))
    words = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["suite", "a row", "koclip", "2.00 s", "other <1>", "4.00 s"]
    bars = list(svg.iter("{http://www.w3.org/2000/svg}rect"))
    assert [bar.get("class") for bar in bars] == ["koclip", "other"]
    ours, other = (float(bar.get("width")) for bar in bars)
    assert other == pytest.approx(2 * ours)


def test_reports_hold_nothing_but_figures(report, tmp_path):
    report.write(tmp_path / "results.json")
    assert set(json.loads((tmp_path / "results.json").read_text())) == {
        "machine",
        "versions",
        "missing",
        "suites",
    }
