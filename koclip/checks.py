"""Checks of what people pass in."""

from __future__ import annotations

import numbers


def whole_number(value: object) -> int | None:
    """`value` as an int, or None if it is no whole number; 3.0 is one, True and "3" are not."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return int(value) if is_number and value % 1 == 0 else None
