"""Random models of the published sizes."""

from __future__ import annotations

import jax
import numpy as np
from flax.traverse_util import flatten_dict

from koclip import KoCLIP
from koclip.benchmark.weights import (
    ROBERTA_LARGE,
    TINY_TEXT,
    TINY_VISION,
    VIT_B32,
    VIT_L16,
    add_outliers,
    only,
    random_parameters,
    save_flax_model,
)
from koclip.checkpoints.checkpoint import save_parameters
from koclip.checkpoints.parameter_shapes import parameter_shapes
from koclip.config import ModelConfig, read_config
from tests.conftest import ORACLE

TINY = only(TINY_TEXT)


def test_the_sizes_are_the_published_ones():
    base, large = (
        read_config(ORACLE / f"full/koclip-{size}.config.reconstructed.json")
        for size in ("base", "large")
    )
    assert ModelConfig(ROBERTA_LARGE, VIT_B32) == base
    assert ModelConfig(ROBERTA_LARGE, VIT_L16) == large


def test_the_other_tower_is_tiny():
    assert only(VIT_B32) == ModelConfig(TINY_TEXT, VIT_B32)
    assert only(ROBERTA_LARGE) == ModelConfig(ROBERTA_LARGE, TINY_VISION)


def test_weights_have_the_shapes_of_the_model_and_depend_on_the_seed_alone():
    parameters = random_parameters(TINY)
    shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), parameter_shapes(TINY))
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), parameters) == shapes
    jax.tree.map(np.testing.assert_array_equal, parameters, random_parameters(TINY))
    other = random_parameters(TINY, seed=1)["text_projection"]["kernel"]
    assert (other != parameters["text_projection"]["kernel"]).all()


def test_outliers_are_few_and_large():
    plain, changed = (flatten_dict(random_parameters(TINY), sep=".") for _ in range(2))
    parameters = random_parameters(TINY)
    add_outliers(parameters)
    changed = flatten_dict(parameters, sep=".")
    for tower in ("text_tower", "vision_tower"):
        norm = f"{tower}.block_0.attention_norm.scale"
        gains = changed[norm] / plain[norm]
        assert sorted(gains)[:-4] == [1.0] * (len(gains) - 4)
        assert min(sorted(gains)[-4:]) >= 20
        back = f"{tower}.block_0.feed_forward_norm.scale"
        np.testing.assert_allclose(gains * changed[back] / plain[back], 1, rtol=1e-6)
        up = f"{tower}.block_0.feed_forward.up.kernel"
        assert ((changed[up] != plain[up]).any(axis=0)).sum() == 4


def test_both_forms_open_as_the_same_model(tmp_path):
    parameters = random_parameters(TINY)
    save_parameters(tmp_path / "torch", TINY, parameters)
    save_flax_model(tmp_path / "flax", TINY, parameters)
    ids = np.arange(12).reshape(2, 6)
    features = [
        np.asarray(KoCLIP.from_pretrained(tmp_path / form).get_text_features(ids))
        for form in ("torch", "flax")
    ]
    np.testing.assert_array_equal(*features)
    assert np.abs(features[0]).max() > 0.01
