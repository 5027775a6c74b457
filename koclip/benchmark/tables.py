"""A report as tables: medians, and ratios with their spread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from koclip.benchmark.report import Report
from koclip.benchmark.results import Entry, Row
from koclip.terminal import Row as Cells

_SIGNIFICANT = 3


def tables(report: Report) -> Iterator[tuple[str, list[Cells]]]:
    """Title and lines of each table; an engine that did not run in a row has no cell there."""
    for suite, rows in report.suites.items():
        for group, members in groupby(rows, key=lambda row: row.group):
            group_rows = list(members)
            title = suite if group == suite else f"{suite}, {group}"
            yield title, _pivot({row.name: _medians(row) for row in group_rows})
            if any(row.ratios for row in group_rows):
                yield f"{title}: ratios", _pivot({row.name: _ratios(row) for row in group_rows})


def markdown(title_and_lines: tuple[str, list[Cells]]) -> str:
    """One table in Markdown, under its title."""
    title, lines = title_and_lines
    names = list(lines[0])
    rows = [names, ["---"] * len(names), *([str(line[n] or "–") for n in names] for line in lines)]
    body = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    return f"**{title}**\n\n{body}\n"


def quantity(value: float, unit: str) -> str:
    """A figure with its unit, to three digits: "24.1 ms", "1.7 GB", "312 per s"."""
    if unit == "per s":
        return f"{_digits(value)} per s"
    steps = {"s": (("s", 1), ("ms", 1e-3), ("µs", 1e-6)), "bytes": (("GB", 1e9), ("MB", 1e6))}
    name, size = next((step for step in steps[unit] if value >= step[1]), steps[unit][-1])
    return f"{_digits(value / size)} {name}"


def _digits(value: float) -> str:
    whole = len(str(int(abs(value))))
    return f"{value:.{max(0, _SIGNIFICANT - whole)}f}"


def _medians(row: Row) -> dict[str, str]:
    return {entry.name: _cell(entry, row.unit) for entry in row.entries}


def _cell(entry: Entry, unit: str) -> str:
    notes = [f"{name} {value:.4f}" for name, value in entry.notes.items()]
    return quantity(entry.median, unit) + (f" ({', '.join(notes)})" if notes else "")


def _ratios(row: Row) -> dict[str, str]:
    return {
        f"{ratio.of} ÷ {ratio.to}": f"{ratio.value:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"
        for ratio in row.ratios
    }


def _pivot(cells: dict[str, dict[str, str]]) -> list[Cells]:
    """A line for each row and a column for each name that any of them has."""
    names = _unique(name for row in cells.values() for name in row)
    return [{"": row} | {name: cells[row].get(name) for name in names} for row in cells]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
