"""Checks of what people pass in."""

from __future__ import annotations

import numbers

from koclip.errors import KoCLIPError


def whole_number(value: object) -> int | None:
    """`value` as an int, or None if it is no whole number; 3.0 is one, True and "3" are not."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return int(value) if is_number and value % 1 == 0 else None


def result_count(value: object) -> int:
    """How many results are asked for; an error unless it is a whole number of at least 1."""
    count = whole_number(value)
    if count is None or count < 1:
        raise KoCLIPError("result_count_bad", value=value)
    return count
