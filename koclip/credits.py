"""Whom to thank for a picture, from what a database notes about it."""

from __future__ import annotations

import re


def license_name(license: str) -> str:
    """A licence as people call it; SPDX spells those outside its list "LicenseRef-…"."""
    return license.replace("LicenseRef-Public-Domain", "public domain")


def source_address(source: str) -> str | None:
    """The first web address in the note on where a picture is from."""
    found = re.search(r"https?://[^\s)]+", source)
    return found[0] if found else None
