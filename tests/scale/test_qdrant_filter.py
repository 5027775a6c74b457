"""Qdrant's filters let through all that the conditions let through, and little else."""

from __future__ import annotations

import unicodedata

import pytest

pytest.importorskip("qdrant_client", reason="needs pip install -r requirements-scale.txt")

from qdrant_client import QdrantClient, models

from koclip.metadata_filter import Condition
from koclip.scale.qdrant_filter import lookups, qdrant_filter

DECOMPOSED = unicodedata.normalize("NFD", "눈 덮인 산")
VALUES = [
    None,
    "",
    "CC0-1.0",
    "cc0-1.0",
    "CC BY-SA 4.0",
    "눈 덮인 산",
    DECOMPOSED,
    "산",
    "7",
    7,
    "7.0",
    "-3e2",
    "nan",
    "inf",
    "2023",
    "2024-05-31",
    "2024-05-31T14:03:00",
    "2024-05-31 14:03",
    "2024-06-01T00:00:00+09:00",
    "2024-04-30T23:59:59.999",
]
WANTED = ["", "CC0-1.0", "산", "덮인", "인 산", "C", "7", "-300", "2024", "2024-05", "2024-05-31"]
WANTED += ["2024-05-31T14:03", "2024-05-31 14:03:00", "nan", "inf"]
CONDITIONS = [Condition("value", sign, text) for text in WANTED for sign in ("=", "!=", "~")]
CONDITIONS += [
    Condition("value", sign, text)
    for text in WANTED[6:]
    for sign in (">", ">=", "<", "<=")
    if text not in ("nan", "inf")
]


@pytest.fixture(scope="module")
def client() -> QdrantClient:
    client = QdrantClient(":memory:")
    size = models.VectorParams(size=1, distance=models.Distance.DOT)
    client.create_collection("values", size)
    points = [
        models.PointStruct(id=number, vector=[1.0], payload=lookups({"value": value}))
        for number, value in enumerate(VALUES)
    ]
    client.upsert("values", points)
    return client


def let_through(client: QdrantClient, conditions: list[Condition]) -> set[int]:
    found, _ = client.scroll("values", qdrant_filter(conditions), limit=1000)
    return {point.id for point in found}


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda c: "".join(c[1:]))
def test_nothing_that_fits_is_lost(client, condition):
    fitting = {n for n, value in enumerate(VALUES) if condition.holds(value)}
    found = let_through(client, [condition])
    assert fitting <= found
    if condition.sign != "!=" and condition.value:
        assert len(found - fitting) <= 3  # limits of ranges, and other spellings of a number


def test_all_conditions_must_hold(client):
    found = let_through(client, [Condition("value", "~", "산"), Condition("value", "!=", "산")])
    assert {VALUES[n] for n in found} == {"눈 덮인 산", DECOMPOSED}


def test_no_condition_is_no_filter():
    assert qdrant_filter([]) is None
    assert qdrant_filter([Condition("value", "~", "")]) is None
