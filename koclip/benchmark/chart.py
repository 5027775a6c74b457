"""Medians as a bar chart in SVG: shorter is faster, KoCLIP's bars are coloured."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from koclip.benchmark.report import Report
from koclip.benchmark.results import Entry, Row
from koclip.benchmark.tables import quantity

_WIDTH, _LABELS, _VALUES = 760, 190, 70
_BAR, _GAP, _TITLE, _HEADING = 14, 10, 22, 30
# A picture in a page cannot know the page's colours, but it does know whether they are dark.
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.heading { font-size: 15px; font-weight: 600 }
.name { font-weight: 600 }
.engine, .value { font-size: 11px }
.koclip { fill: #4f46e5 }
.other { fill: #8c959f }
.spread { stroke: #1f2328 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .koclip { fill: #818cf8 }
  .other { fill: #6e7681 }
  .spread { stroke: #e6edf3 }
}
"""


def bar_chart(report: Report) -> str:
    """An SVG of all rows that hold seconds; in each, the slowest round has the full width.

    The thin line at the end of a bar goes from the fastest to the slowest round.
    """
    parts, y = [], 0
    for title, rows in report.groups():
        timed = [row for row in rows if row.unit == "s"]
        if timed:
            y += _HEADING
            parts.append(_text(0, y - 8, title, "heading"))
        for row in timed:
            y += _TITLE
            parts.append(_text(0, y - 6, row.name, "name"))
            parts += _bars(row, y)
            y += len(row.entries) * _BAR + _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" '
        f'width="{_WIDTH}" height="{y}" role="img" aria-label="Medians; shorter is faster">\n'
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _bars(row: Row, y: int) -> Iterator[str]:
    room = _WIDTH - _LABELS - _VALUES
    scale = room / max(max(entry.samples) for entry in row.entries)
    for place, entry in enumerate(row.entries):
        top = y + place * _BAR
        yield _text(0, top + 11, entry.name, "engine")
        yield from _bar(entry, top, scale)
        value_x = _LABELS + max(entry.samples) * scale + 6
        yield _text(value_x, top + 11, quantity(entry.median, row.unit), "value")


def _bar(entry: Entry, top: int, scale: float) -> Iterator[str]:
    kind = "koclip" if entry.name.startswith("koclip") else "other"
    yield (
        f'<rect class="{kind}" x="{_LABELS}" y="{top + 2}" '
        f'width="{max(1.0, entry.median * scale):.1f}" height="{_BAR - 3}" rx="2"/>'
    )
    low, high = (_LABELS + bound(entry.samples) * scale for bound in (min, max))
    middle = top + 2 + (_BAR - 3) / 2
    yield (
        f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>'
    )


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y}">{escape(words)}</text>'
