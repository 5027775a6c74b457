"""Conditions on what is known about an image: license=CC0-1.0, title~산, taken>=2024-05."""

from __future__ import annotations

import dataclasses
import operator
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from koclip.errors import KoCLIPError

if TYPE_CHECKING:
    from koclip.database import ImageItem

_CONDITION = re.compile(r"\s*([^=!~<>]+?)\s*(!=|>=|<=|=|~|>|<)\s*(.*?)\s*", re.DOTALL)
_ORDER: dict[str, Callable] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d)?)?)?)?")
FULL_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Condition(NamedTuple):
    """What the value of one field must be like."""

    field: str
    sign: str
    """=, !=, ~ (contains), >, >=, < or <=."""
    value: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """From text such as "license=CC0-1.0".

        Raises:
            KoCLIPError: it is no condition, or compares with what is neither number nor date.
        """
        found = _CONDITION.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise KoCLIPError("where_bad", condition=text)
        condition = cls(*found.groups())
        comparable = as_number(condition.value) is not None or DATE.fullmatch(condition.value)
        if condition.sign in _ORDER and not comparable:
            raise KoCLIPError("where_not_comparable", condition=text, value=condition.value)
        return condition

    def holds(self, value: object) -> bool:
        """Whether a field's value is like that; None and "" are the value of a field not filled in.

        Equality and containment ignore case and how Hangul is composed; two numbers are equal as
        numbers. Greater and less compare numbers, and dates (ISO 8601) as far as the condition
        gives them: 2024-05-31 is <=2024-05. A value that is neither is never greater or less.
        """
        has, wanted = "" if value is None else str(value), self.value
        if self.sign == "~":
            return folded(wanted) in folded(has)
        if self.sign in ("=", "!="):
            numbers = as_number(has), as_number(wanted)
            same = folded(has) == folded(wanted) or (
                None not in numbers and numbers[0] == numbers[1]
            )
            return same == (self.sign == "=")
        compare = _ORDER[self.sign]
        if FULL_DATE.match(has) and DATE.fullmatch(wanted):  # as text, they sort by time
            return compare(has[: len(wanted)].replace("T", " "), wanted.replace("T", " "))
        numbers = as_number(has), as_number(wanted)
        return None not in numbers and compare(*numbers)


def parse_conditions(where: str | Iterable[str], fields: Collection[str]) -> list[Condition]:
    """Conditions on items that have these fields, from one text or several.

    Raises:
        KoCLIPError: something is no condition, or names another field.
    """
    conditions = [Condition.parse(text) for text in ([where] if isinstance(where, str) else where)]
    for condition in conditions:
        if condition.field not in fields:
            known = ", ".join(fields)
            raise KoCLIPError("where_unknown_field", field=condition.field, known=known)
    return conditions


def matching(items: Sequence[ImageItem], where: str | Iterable[str]) -> np.ndarray | None:
    """The mask [N] of the items for which all conditions hold; None without conditions.

    Raises:
        KoCLIPError: as `parse_conditions` does.
    """
    where = [where] if isinstance(where, str) else list(where)
    if not where or not len(items):
        return None
    known = [field.name for field in dataclasses.fields(items[0]) if field.name != "extra"]
    if any(Condition.parse(text).field not in known for text in where):
        known += sorted({column for item in items for column in item.extra})
    conditions = parse_conditions(where, known)
    values = (vars(item) | item.extra for item in items)
    held = (all(c.holds(of.get(c.field)) for c in conditions) for of in values)
    return np.fromiter(held, bool, len(items))


def folded(text: str) -> str:
    """As texts are compared: without case, and Hangul composed."""
    return unicodedata.normalize("NFC", text).casefold()


def as_number(text: str) -> float | None:
    """The number that a text is, if it is one."""
    try:
        return float(text)
    except ValueError:
        return None
