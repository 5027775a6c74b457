"""Every engine computes the same, or it would not be compared."""

from __future__ import annotations

import numpy as np
import pytest

from koclip.benchmark import encoders, search
from koclip.benchmark.engines import koclip_search, numpy_search
from koclip.benchmark.engines.inputs import unit_rows
from koclip.benchmark.options import Options
from koclip.benchmark.peers import can_import
from koclip.benchmark.weights import TINY_TEXT, TINY_VISION
from koclip.errors import KoCLIPError


def test_unit_rows_are_the_same_in_every_process_and_of_length_one():
    rows = unit_rows(10, 8, step=3)
    np.testing.assert_array_equal(rows, unit_rows(10, 8, step=3))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)
    assert rows.dtype == np.float32


@pytest.mark.parametrize("engine", [koclip_search, numpy_search])
def test_search_engines_find_the_best(engine):
    scores = engine.open_engine(50, 8)({"queries": 3, "k": 5})()
    every = unit_rows(3, 8, seed=1) @ unit_rows(50, 8).T
    np.testing.assert_allclose(scores, -np.sort(-every, axis=1)[:, :5], atol=1e-6)


def test_reading_sees_every_number():
    maxima = numpy_search.open_engine(50, 8)({"read": True})()
    assert maxima.max() == unit_rows(50, 8).max()


def test_search_engines_that_disagree_are_not_compared():
    scores = np.full((1, 10), 0.5, np.float32)
    search._check_agreement("row", {"a": scores, "b": scores + 1e-6})
    with pytest.raises(KoCLIPError, match="row: 'b' and 'a' disagree"):
        search._check_agreement("row", {"a": scores, "b": scores + 1e-4})


def test_encoders_that_disagree_are_not_compared(rng):
    exact = rng.standard_normal((2, 512))
    other = exact + 0.03 * rng.standard_normal((2, 512))
    answers = {"koclip float32": exact, "torch float32": exact * 2, "koclip int8": other}
    assert encoders._agreement("row", answers) == {"koclip int8": pytest.approx(0.9995, abs=2e-4)}
    for wrong in (other, np.full_like(exact, np.nan)):
        with pytest.raises(KoCLIPError, match="'torch float32' and 'koclip float32' disagree"):
            encoders._agreement("row", answers | {"torch float32": wrong})


@pytest.mark.skipif(
    not can_import(("torch", "onnx", "onnxruntime", "openvino")), reason="needs the peers"
)
def test_peers_compute_the_same(monkeypatch):
    towers = (
        encoders.Tower("ViT", TINY_VISION, (1,)),
        encoders.Tower("BERT", TINY_TEXT, (2,)),
    )
    monkeypatch.setattr(encoders, "TOWERS", towers)
    monkeypatch.setattr(encoders, "_BUDGET", 0.0)
    rows = list(encoders.run(Options(rows=("outliers",))))
    assert [row.name for row in rows] == ["ViT, 1 image", "BERT, 2 × 16 tokens"]
    engines = [engine.name for engine in (*encoders.OURS, *encoders.PEERS)]
    for row in rows:
        assert [entry.name for entry in row.entries] == engines
        assert ("koclip float32", "torch float32") in {(r.of, r.to) for r in row.ratios}
        assert all(entry.notes["cosine"] > 0.9 for entry in row.entries if entry.notes)


@pytest.mark.skipif(not can_import(("faiss", "usearch")), reason="needs the peers")
@pytest.mark.parametrize("module", ["faiss_search", "usearch_search"])
@pytest.mark.parametrize("queries", [1, 3])
def test_peers_find_the_same(module, queries):
    from importlib import import_module

    engine = import_module(f"koclip.benchmark.engines.{module}").open_engine(50, 8)
    task = {"queries": queries, "k": 5}
    expected = numpy_search.open_engine(50, 8)(task)()
    np.testing.assert_allclose(engine(task)(), expected, atol=1e-6)
