"""Damage to files: of bytes, and of values in JSON."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

_EXTREMES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]

VALUES: Sequence[object] = (
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**400, 0.5, 1e308, float("nan"), float("-inf")),
    *("", "x", "x" * 10_000, "../../etc/passwd", "/etc/passwd", "\0", "\ud800"),
    *("{}", "{0.__class__}"),
    *([], {}, [[]], [1, 2, 3], {"a": 1}, [-1, 2**40], ["F32"]),
)
"""For any place in JSON."""


def damaged(chance: random.Random, data: bytes, others: Sequence[bytes] = (b"",)) -> bytes:
    """`data` with one to eight changes: bits, bytes, numbers, cuts, copies, and parts of others."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 8))):
        _CHANGES[chance.randrange(len(_CHANGES))](chance, changed, chance.choice(others))
    return bytes(changed)


def _place(chance: random.Random, data: bytearray) -> int:
    """Anywhere, but half of the time near the beginning, where headers are."""
    end = len(data) if chance.random() < 0.5 else min(len(data), 200)
    return chance.randrange(end) if end else 0


def _bit(chance: random.Random, data: bytearray, other: bytes) -> None:
    if data:
        data[_place(chance, data)] ^= 1 << chance.randrange(8)


def _bytes(chance: random.Random, data: bytearray, other: bytes) -> None:
    at, count = _place(chance, data), chance.randint(1, 8)
    data[at : at + count] = chance.randbytes(count)


def _number(chance: random.Random, data: bytearray, other: bytes) -> None:
    at, size = _place(chance, data), chance.choice((1, 2, 4))
    value = chance.choice(_EXTREMES) & (256**size - 1)
    data[at : at + size] = value.to_bytes(size, chance.choice(("little", "big")))


def _cut(chance: random.Random, data: bytearray, other: bytes) -> None:
    del data[_place(chance, data) :]


def _gap(chance: random.Random, data: bytearray, other: bytes) -> None:
    at = _place(chance, data)
    del data[at : at + chance.randint(1, 64)]


def _copy(chance: random.Random, data: bytearray, other: bytes) -> None:
    start, at = _place(chance, data), _place(chance, data)
    data[at:at] = data[start : start + chance.randint(1, 400)] * chance.choice((1, 1, 50))


def _splice(chance: random.Random, data: bytearray, other: bytes) -> None:
    start, at = _place(chance, bytearray(other)), _place(chance, data)
    data[at:at] = other[start : start + chance.randint(1, 2000)]


_CHANGES = (_bit, _bit, _bytes, _number, _number, _cut, _gap, _copy, _splice)


def changed_json(chance: random.Random, data: bytes) -> bytes:
    """JSON with a value or two replaced, removed or doubled, or nested too deeply to be read."""
    if chance.random() < 0.02:
        return b"[" * 100_000
    top = json.loads(data)
    for _ in range(chance.choice((1, 1, 2))):
        top = _with_another(chance, top)
    return json.dumps(top).encode()


def _with_another(chance: random.Random, value: object) -> object:
    if not isinstance(value, (dict, list)) or not value or chance.random() < 0.1:
        return chance.choice(VALUES)
    if isinstance(value, list):
        at = chance.randrange(len(value))
        inner = [_with_another(chance, value[at])] * chance.choice((0, 1, 1, 1, 2))
        return value[:at] + inner + value[at + 1 :]
    key = chance.choice(list(value))
    rest = {name: inner for name, inner in value.items() if name != key}
    if chance.random() < 0.15:
        return rest
    name = chance.choice(("../x", "", "x" * 3000)) if chance.random() < 0.1 else key
    return {name: _with_another(chance, value[key])} | rest
