"""Deep links: a tab and its inputs as the query string of an address, and back.

Pictures are in a link only if they are among the bundled examples; uploads are private.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

TABS = ("image-to-text", "text-to-image", "text-to-patch")
_LONGEST = 20_000  # characters of one value that is taken from an address


def make_link(tab: str, values: Mapping[str, object]) -> str:
    """The query string that restores `values` in `tab`; missing values (None) are left out."""
    kept = {key: _as_text(value) for key, value in values.items() if value is not None}
    return "?" + urlencode({"tab": tab, **kept})


def linked_values(parameters: Mapping[str, str], tab: str, defaults: Mapping[str, object]) -> dict:
    """What a link says about the inputs of `tab`, with `defaults` for all that it does not say.

    Values take the types of the defaults; one that cannot is ignored, as is everything unknown:
    a link may be old, or mistyped.
    """
    if parameters.get("tab") != tab:
        return dict(defaults)
    values = dict(defaults)
    for key, default in defaults.items():
        text = parameters.get(key)
        if text is None or len(text) > _LONGEST:
            continue
        try:
            values[key] = _from_text(text, default)
        except ValueError:
            continue
    return values


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _from_text(text: str, default: object) -> object:
    if isinstance(default, bool):
        return text == "1"
    if isinstance(default, list):
        return text.split(",") if text else []
    return type(default)(text) if isinstance(default, (int, float)) else text
