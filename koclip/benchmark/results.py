"""What a benchmark found: samples of each round, their medians, and ratios with their spread."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Entry:
    """One engine in one row."""

    name: str
    samples: tuple[float, ...]
    """One figure of each round, in the row's unit."""
    notes: Mapping[str, float | int] = field(default_factory=dict)
    """What else is to be known, such as the cosine to the float32 answer."""

    @property
    def median(self) -> float:
        return statistics.median(self.samples)


@dataclass(frozen=True)
class Ratio:
    """The medians of two entries, divided."""

    of: str
    to: str
    value: float
    low: float
    """The first quartile of the ratios within each round; `high` is the third."""
    high: float


@dataclass(frozen=True)
class Row:
    """The entries that ran in turns, A B C A B C …"""

    group: str
    """The table of its suite that the row stands in; "" where there is only one."""
    name: str
    unit: str
    """"s", "bytes" or "per s"."""
    entries: tuple[Entry, ...]
    ratios: tuple[Ratio, ...] = ()

    @classmethod
    def from_json(cls, raw: dict) -> Row:
        entries = tuple(Entry(e["name"], tuple(e["samples"]), e["notes"]) for e in raw["entries"])
        ratios = tuple(Ratio(**ratio) for ratio in raw["ratios"])
        return cls(**raw | {"entries": entries, "ratios": ratios})


def make_row(
    group: str,
    name: str,
    unit: str,
    entries: Sequence[Entry],
    compared: Sequence[tuple[str, str]],
) -> Row:
    """A row with the ratios of the pairs in `compared` of which both ran."""
    known = {entry.name: entry for entry in entries}
    ratios = [_ratio(known[of], known[to]) for of, to in compared if of in known and to in known]
    return Row(group, name, unit, tuple(entries), tuple(ratios))


def _ratio(of: Entry, to: Entry) -> Ratio:
    low, high = np.quantile(np.divide(of.samples, to.samples), (0.25, 0.75))
    return Ratio(of.name, to.name, of.median / to.median, float(low), float(high))
