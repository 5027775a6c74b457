"""What a training run measures: a CSV file, and TensorBoard where it is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from koclip.files import write_whole

COLUMNS = (
    "step",
    "epoch",
    "split",
    "loss",
    "learning_rate",
    "logit_scale",
    "image_accuracy",
    "text_accuracy",
    "images_per_second",
)

Row = Mapping[str, object]


class MetricsFile:
    """`metrics.csv` in a run's output folder, a row per measurement, in the order of the steps.

    A run that is resumed goes on in the file; rows after the step that it resumes from, which it
    will measure again, and a row that was cut short are dropped first.
    """

    def __init__(self, output: Path, first_step: int) -> None:
        output.mkdir(parents=True, exist_ok=True)
        self._path = output / "metrics.csv"
        rows = [row for row in read_metrics(self._path) if int(row["step"]) <= first_step]
        write_whole(self._path, _lines([dict(zip(COLUMNS, COLUMNS, strict=True)), *rows]))
        self._board = _tensorboard(output)

    def write(self, row: Row) -> None:
        """Adds a row; columns that it lacks stay empty."""
        with self._path.open("ab") as file:
            file.write(_lines([row]))
        if self._board:
            for name in COLUMNS[3:]:
                if row.get(name) is not None:
                    self._board.add_scalar(f"{row['split']}/{name}", row[name], row["step"])
            self._board.flush()


def read_metrics(path: Path) -> list[dict[str, str]]:
    """The whole rows of a metrics file; none if there is no such file."""
    if not path.is_file():
        return []
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    rows = csv.DictReader(io.StringIO(whole))
    return [row for row in rows if None not in row.values() and row["step"].isdigit()]


def _lines(rows: list[Row]) -> bytes:
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _tensorboard(output: Path):
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(output / "tensorboard"))
