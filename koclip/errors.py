"""The one exception that KoCLIP shows to people: a sentence on what was wrong and what to do."""

from __future__ import annotations

import numbers

from koclip.messages import MESSAGES
from koclip.visible_text import in_lines

__all__ = ["KoCLIPError", "translate"]


def translate(code: str, language: str, **values: object) -> str:
    """The message `code` in Korean ("ko…") or English, filled with `values`."""
    korean, english = MESSAGES[code]
    return (korean if language.startswith("ko") else english).format(**values)


class KoCLIPError(ValueError):
    """Bad input or a missing resource; `str(error)` is English, `error.localized("ko")` Korean."""

    def __init__(self, code: str, **values: object) -> None:
        self.code = code
        self.values = values
        super().__init__(self.localized("en"))

    def localized(self, language: str) -> str:
        """The same message in `language`, "ko" or "en".

        Values that are KoCLIPErrors themselves become their messages; of a list, one on each line.
        Any others but numbers become text that can be shown.
        """
        values = {name: _said(value, language) for name, value in self.values.items()}
        return translate(self.code, language, **values)

    def __reduce__(self):  # keyword arguments do not survive BaseException's own pickling
        return _rebuild, (self.code, self.values)


def _said(value: object, language: str) -> object:
    if isinstance(value, KoCLIPError):
        return value.localized(language)
    if isinstance(value, list) and all(isinstance(item, KoCLIPError) for item in value):
        return "\n".join(f"- {error.localized(language)}" for error in value)
    return value if isinstance(value, numbers.Number) else in_lines(str(value))


def _rebuild(code: str, values: dict[str, object]) -> KoCLIPError:
    return KoCLIPError(code, **values)
