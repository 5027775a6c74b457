"""Every limit is listed with its message, and the message names the limit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from koclip import limits
from koclip.messages import MESSAGES

LIMITS = {name: value for name, value in vars(limits).items() if name.isupper()}
LISTED = re.findall(r"^\|([^|]*)\|([^|]*)\|([^|]*)\|$", limits.__doc__, re.MULTILINE)[2:]


def test_every_limit_is_in_the_table():
    named = {name for _, at_most, _ in LISTED for name in re.findall("MAX_[A-Z_]+", at_most)}
    assert named == set(LIMITS)


@pytest.mark.parametrize("code", [code.strip() for *_, code in LISTED if code.strip() != "–"])
def test_every_limit_has_a_message(code):
    assert code in MESSAGES


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_defined_in_one_place(name):
    sources = Path(limits.__file__).parent.rglob("*.py")
    defined = [path for path in sources if re.search(rf"^{name}\b.*=", path.read_text(), re.M)]
    assert defined == [Path(limits.__file__)]
