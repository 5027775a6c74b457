"""The figures in docs/benchmark.md, which are written by the command and never by hand."""

from __future__ import annotations

from pathlib import Path

from koclip.benchmark.report import Report
from koclip.benchmark.tables import tables
from koclip.errors import KoCLIPError
from koclip.files import write_whole
from koclip.terminal import Row as Cells

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def write_figures(path: Path, report: Report) -> None:
    """Replaces what is between the marks in the Markdown file at `path`.

    Raises:
        KoCLIPError: the file is not there or has no marks.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise KoCLIPError("benchmark_no_marks", path=path, marks=f"{BEGIN} … {END}")
    write_whole(path, f"{before}{BEGIN}\n\n{figures(report)}\n{END}{after}".encode())


def figures(report: Report) -> str:
    """The machine, the versions and all tables, in Markdown."""
    machine = report.machine
    parts = [
        f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}, with "
        + ", ".join(f"{name} {version}" for name, version in report.versions.items())
        + ".\n"
    ]
    return "\n".join([*parts, *(_table(title, lines) for title, lines in tables(report))])


def _table(title: str, lines: list[Cells]) -> str:
    names = list(lines[0])
    rows = [names, ["---"] * len(names), *([str(line[n] or "–") for n in names] for line in lines)]
    body = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    return f"**{title}**\n\n{body}\n"
