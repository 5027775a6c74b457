"""Conditions on metadata in the form in which Qdrant can look them up.

Qdrant compares words and numbers; it knows neither parts of words nor composed Hangul nor dates
that are given as far as the month. So every field is stored as terms, a number and a date, and a
filter leaves only points that may fit; `Condition.holds` has the last word on those.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from koclip.metadata_filter import DATE as ISO_DATE
from koclip.metadata_filter import FULL_DATE, Condition, as_number, folded

if TYPE_CHECKING:
    from qdrant_client.models import FieldCondition, Filter

_DIGITS = len("20240531235959")
TERMS, NUMBER, DATE = "terms", "number", "date"
"""Keys of the payload under which fields are."""


def lookups(fields: Mapping[str, object]) -> dict[str, dict]:
    """What is stored of each field, for filters to find: terms, and a number or a date."""
    stored: dict[str, dict] = {TERMS: {}, NUMBER: {}, DATE: {}}
    for name, value in fields.items():
        text = "" if value is None else str(value)
        stored[TERMS][name] = [_whole(text), *sorted(set(_parts(text)))]
        if (number := _number(text)) is not None:
            stored[NUMBER][name] = number
        if FULL_DATE.match(text):
            stored[DATE][name] = _date_number(ISO_DATE.match(text).group(), "0")
    return stored


def qdrant_filter(conditions: Sequence[Condition]) -> Filter | None:
    """All points for which the conditions hold, and perhaps some more; None for all points."""
    from qdrant_client import models

    must: list = []
    must_not: list = []
    for field, sign, value in conditions:
        if sign == "!=":
            must_not.append(_term(field, _whole(value)))
        elif sign == "~":
            must += [_term(field, part) for part in set(_wanted_parts(value))]
        else:
            may = [_term(field, _whole(value))] if sign == "=" else []
            must.append(models.Filter(should=may + _ranges(field, sign, value)))
    return models.Filter(must=must, must_not=must_not) if must or must_not else None


def _ranges(field: str, sign: str, value: str) -> list[FieldCondition]:
    """The number and the date that `value` may be, with all that is beyond, limits included."""
    from qdrant_client import models

    below, above = sign in ("=", "<", "<="), sign in ("=", ">", ">=")

    def within(key: str, low: float, high: float) -> FieldCondition:
        limits = models.Range(gte=low if above else None, lte=high if below else None)
        return models.FieldCondition(key=f"{key}.{field}", range=limits)

    ranges = []
    if (number := _number(value)) is not None:
        ranges.append(within(NUMBER, number, number))
    if sign != "=" and ISO_DATE.fullmatch(value):
        first, last = _date_number(value, "0"), _date_number(value, "9")
        ranges.append(within(DATE, last, first) if sign in "<>" else within(DATE, first, last))
    return ranges


def _term(field: str, term: str) -> FieldCondition:
    from qdrant_client import models

    return models.FieldCondition(key=f"{TERMS}.{field}", match=models.MatchValue(value=term))


def _whole(text: str) -> str:
    return "=" + folded(text)


def _parts(text: str) -> list[str]:
    """Single characters and pairs: Korean words are of few syllables, and of any number of them."""
    text = folded(text)
    return [*text, *map("".join, pairwise(text))]


def _wanted_parts(text: str) -> list[str]:
    return _parts(text)[len(folded(text)) :] or list(folded(text))


def _number(text: str) -> float | None:
    """As JSON can hold it: no NaN, nothing infinite."""
    number = as_number(text)
    most = sys.float_info.max
    return None if number is None or number != number else min(max(number, -most), most)


def _date_number(date: str, filling: str) -> int:
    """20240531000000 of 2024-05-31, or 20240531999999; they are in the order of time."""
    return int(re.sub(r"\D", "", date).ljust(_DIGITS, filling))
