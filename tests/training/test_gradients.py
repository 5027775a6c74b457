"""Accumulated gradients are those of the whole batch."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from koclip.training.gradients import loss_and_gradients
from koclip.training.step import data_mesh
from tests.training import toy


def gradients(accumulation: int, loss: str = "softmax", ids: bool = False, penalty=None):
    config = toy.config(accumulation=accumulation, loss=loss)
    trained = flatten_dict(toy.parameters(), sep=".")
    if loss == "sigmoid":
        trained["logit_bias"] = jnp.float32(-1)
    locked = {path: trained.pop(path) for path in list(trained) if "vision_tower.norm" in path}
    mesh = data_mesh(jax.devices()[:1])
    compute = jax.jit(partial(loss_and_gradients, toy.TOWERS, config, mesh, penalty=penalty))
    return compute(trained, locked, toy.batch(0, ids=ids))


@pytest.mark.parametrize(
    ("accumulation", "loss", "ids", "penalty"),
    [
        (2, "softmax", True, None),
        (4, "softmax", False, toy.penalty),
        (16, "sigmoid", False, None),
        (4, "sigmoid", True, toy.penalty),
    ],
)
def test_accumulation_changes_nothing(accumulation, loss, ids, penalty):
    expected, expected_gradients = gradients(1, loss, ids, penalty)
    actual, actual_gradients = gradients(accumulation, loss, ids, penalty)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    assert actual_gradients.keys() == expected_gradients.keys()
    for path, value in expected_gradients.items():
        assert np.abs(value).max() > 0, path
        np.testing.assert_allclose(
            actual_gradients[path], value, rtol=1e-4, atol=1e-6, err_msg=path
        )


def test_the_mean_of_micro_batches_would_be_another_gradient():
    """Or the test above could not tell exact accumulation from the usual one."""
    _, whole = gradients(1)
    config = toy.config()
    trained = flatten_dict(toy.parameters(), sep=".")
    mesh = data_mesh(jax.devices()[:1])
    halves = [{k: v[rows] for k, v in toy.batch(0).items()} for rows in (slice(8), slice(8, 16))]
    compute = jax.jit(partial(loss_and_gradients, toy.TOWERS, config, mesh))
    parts = [compute(trained, {}, half)[1] for half in halves]
    path = "text_projection.kernel"
    mean = (parts[0][path] + parts[1][path]) / 2
    assert np.abs(mean - whole[path]).max() > 0.05 * np.abs(whole[path]).max()


def test_locked_parameters_get_no_gradient():
    _, actual = gradients(2)
    assert "vision_tower.norm.scale" not in actual
    assert "vision_tower.up.kernel" in actual


def test_the_gradient_is_the_slope_of_the_loss():
    config = toy.config(accumulation=4)
    mesh = data_mesh(jax.devices()[:1])
    flat = flatten_dict(toy.parameters(), sep=".")
    compute = jax.jit(partial(loss_and_gradients, toy.TOWERS, config, mesh, penalty=toy.penalty))
    _, slope = compute(flat, {}, toy.batch(0))
    rng = np.random.default_rng(3)
    direction = {k: rng.normal(size=v.shape).astype(np.float32) for k, v in flat.items()}
    ends = [
        compute({k: v + sign * 1e-2 * direction[k] for k, v in flat.items()}, {}, toy.batch(0))
        for sign in (-1, 1)
    ]
    expected = sum(np.vdot(slope[k], direction[k]) for k in flat)
    actual = (ends[1][0].loss - ends[0][0].loss) / 2e-2
    np.testing.assert_allclose(actual, expected, rtol=1e-2)


def test_towers_compute_in_the_chosen_type():
    seen = []

    def spy(tower, parameters, batch):
        seen.append((parameters["text_projection"]["kernel"].dtype, batch["caption"].dtype))
        return tower(parameters, batch)

    towers = type(toy.TOWERS)(*(partial(spy, tower) for tower in toy.TOWERS))
    config = toy.config(precision="bfloat16")
    flat = flatten_dict(toy.parameters(), sep=".")
    mesh = data_mesh(jax.devices()[:1])
    compute = jax.jit(partial(loss_and_gradients, towers, config, mesh))
    output, slope = compute(flat, {}, toy.batch(0))
    assert {str(dtype) for dtypes in seen for dtype in dtypes} == {"bfloat16"}
    assert {x.dtype for x in jax.tree.leaves((output, slope))} == {jnp.dtype("float32")}
