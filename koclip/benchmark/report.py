"""All that was measured, to be written as JSON and read again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from koclip.benchmark.results import Row
from koclip.errors import KoCLIPError
from koclip.files import write_whole


@dataclass(frozen=True)
class Report:
    """The rows of each suite, and where they were measured."""

    machine: dict[str, str | int]
    versions: dict[str, str]
    missing: tuple[str, ...]
    """Packages to compare with that were not installed."""
    suites: dict[str, tuple[Row, ...]]

    def groups(self) -> Iterator[tuple[str, list[Row]]]:
        """What belongs into one table, under its title, in the order of the report."""
        for suite, rows in self.suites.items():
            for group in dict.fromkeys(row.group for row in rows):
                title = ", ".join(filter(None, (suite, group)))
                yield title, [row for row in rows if row.group == group]

    def to_json(self) -> dict:
        return asdict(self)

    def updated(self, newer: Report) -> Report:
        """`newer`, and the suites of this report that it has not."""
        return replace(newer, suites={**self.suites, **newer.suites})

    def write(self, path: Path) -> None:
        """Writes `path`, whole or not at all."""
        text = json.dumps(self.to_json(), ensure_ascii=False, indent=1) + "\n"
        write_whole(path, text.encode())


def read_report(path: Path) -> Report:
    """What `Report.write` wrote.

    Raises:
        KoCLIPError: the file is not there, or is no report.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        suites = {name: tuple(map(Row.from_json, rows)) for name, rows in raw["suites"].items()}
        return Report(raw["machine"], raw["versions"], tuple(raw["missing"]), suites)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KoCLIPError("benchmark_unreadable", path=path, reason=error) from error
