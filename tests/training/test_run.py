"""The normal run: a model's own towers, in either precision."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from jax.extend.core import ClosedJaxpr, Jaxpr

from koclip.training.config import DataSource
from koclip.training.gradients import loss_and_gradients
from koclip.training.run import model_towers, read_data
from koclip.training.step import data_mesh
from tests.conftest import ORACLE
from tests.training import toy


@pytest.fixture(scope="module")
def batch() -> dict[str, jax.Array]:
    inputs = np.load(ORACLE / "flax/tiny-base.npz")
    names = ("pixel_values", "input_ids", "attention_mask")
    size = min(len(inputs[name]) for name in names)
    return {name: jnp.asarray(inputs[name][:size]) for name in names}


def test_towers_are_the_models(tiny_base, batch):
    towers = model_towers(tiny_base.config)
    text = tiny_base.get_text_features(batch["input_ids"], batch["attention_mask"])
    image = tiny_base.get_image_features(batch["pixel_values"])
    for tower, expected in ((towers.text, text), (towers.image, image)):
        actual = jax.jit(tower)(tiny_base.parameters, batch)
        np.testing.assert_allclose(actual, expected, atol=1e-5)


def products(jaxpr: Jaxpr) -> Iterator[tuple[str, ...]]:
    """The input types of all matrix products, those in inner functions included."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("dot_general", "conv_general_dilated"):
            yield tuple(str(x.aval.dtype) for x in equation.invars)
        for inner in jax.tree.leaves(
            equation.params, is_leaf=lambda x: isinstance(x, (Jaxpr, ClosedJaxpr))
        ):
            if isinstance(inner, (Jaxpr, ClosedJaxpr)):
                yield from products(getattr(inner, "jaxpr", inner))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_the_products_are_computed_in(tiny_base, batch, precision):
    """Those of both towers in the chosen type; the cosines and their gradients in float32."""
    config = toy.config(precision=precision, batch_size=2)
    flat = flatten_dict(tiny_base.parameters, sep=".")
    mesh = data_mesh(jax.devices()[:1])

    def loss(flat: dict) -> jax.Array:
        towers = model_towers(tiny_base.config)
        return loss_and_gradients(towers, config, mesh, flat, {}, batch)[0].loss

    found = list(products(jax.make_jaxpr(loss)(flat).jaxpr))
    assert found.count(("float32", "float32")) == (3 if precision == "bfloat16" else len(found))
    assert len(found) > 40


def test_a_file_with_splits_gives_the_one_that_is_asked_for(tmp_path):
    for name, splits in (("with", ("train", "dev", "test")), ("without", ("", ""))):
        lines = []
        for i, split in enumerate(splits):
            file = tmp_path / f"{name}-{i}.png"
            file.write_bytes(b"never opened")
            mark = f', "split": "{split}"' if split else ""
            lines.append(f'{{"file": "{file.name}", "caption": "{name} {i}"{mark}}}')
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")

    def captions(file: str, split: str | None, asked: str) -> list[str]:
        source = DataSource(str(tmp_path / file), split=split)
        ((items, _),) = read_data([source], toy.config(), asked, notify=pytest.fail)
        return [caption for item in items for caption in item.captions]

    assert captions("with.jsonl", None, "train") == ["with 0"]
    assert captions("with.jsonl", None, "dev") == ["with 1"]
    assert captions("with.jsonl", "test", "train") == ["with 2"]
    assert captions("without.jsonl", None, "train") == ["without 0", "without 1"]
