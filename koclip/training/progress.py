"""How far a training run is: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Mapping


class Progress:
    """Steps done of `total`, on standard error; a run that was resumed starts at `first`."""

    def __init__(self, first: int, total: int) -> None:
        self._first, self._total = first, total
        self._start = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, initial=first, unit="step", dynamic_ncols=True)

    def step(self) -> None:
        """One step is done."""
        if self._bar is not None:
            self._bar.update()

    def report(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """Shows what was measured at `step` on a split of the data."""
        text = "  ".join([split, *(f"{name} {value:.4g}" for name, value in values.items())])
        if self._bar is not None:
            self._bar.set_postfix_str(text)
            return
        seconds = (time.monotonic() - self._start) / (step - self._first) * (self._total - step)
        left = datetime.timedelta(seconds=round(seconds))
        print(f"step {step}/{self._total}  {text}  left {left}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leaves the terminal as it was."""
        if self._bar is not None:
            self._bar.close()
