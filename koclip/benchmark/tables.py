"""A report as tables: medians, and ratios with their spread."""

from __future__ import annotations

from collections.abc import Iterator

from koclip.benchmark.report import Report
from koclip.benchmark.results import Entry, Row
from koclip.terminal import Row as Cells

_SIGNIFICANT = 3


def tables(report: Report) -> Iterator[tuple[str, list[Cells]]]:
    """Title and lines of each table; an engine that did not run in a row has no cell there."""
    for title, rows in report.groups():
        yield title, _pivot({row.name: _medians(row) for row in rows})
        if any(row.ratios for row in rows):
            yield f"{title}: ratios", _pivot({row.name: _ratios(row) for row in rows})


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
    notes = [
        f"{name} {value}" if isinstance(value, int) else f"{name} {value:.4f}"
        for name, value in entry.notes.items()
    ]
    return quantity(entry.median, unit) + (f" ({', '.join(notes)})" if notes else "")


def _ratios(row: Row) -> dict[str, str]:
    return {
        f"{ratio.of} ÷ {ratio.to}": f"{ratio.value:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"
        for ratio in row.ratios
    }


def _pivot(cells: dict[str, dict[str, str]]) -> list[Cells]:
    """A line for each row and a column for each name that any of them has."""
    names = dict.fromkeys(name for row in cells.values() for name in row)
    return [{"": row} | {name: cells[row].get(name) for name in names} for row in cells]
