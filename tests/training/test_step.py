"""A step: its state, and the same numbers on 1 device, on 8, and on 2 processes of 2 each."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koclip.errors import KoCLIPError
from koclip.training.loss import MAX_LOGIT_SCALE
from koclip.training.optimizer import make_optimizer
from koclip.training.step import (
    TrainState,
    data_mesh,
    global_batch,
    initial_state,
    make_train_step,
)
from tests.training import toy


def one_step(parameters: dict | None = None, **changes) -> tuple[TrainState, TrainState]:
    """The state before (copied) and after a step."""
    config, mesh = toy.config(**changes), data_mesh(jax.devices()[:1])
    parameters = parameters or toy.parameters()
    state = initial_state(parameters, config, lambda flat: make_optimizer(config, flat, 10), mesh)
    before = jax.tree.map(jnp.copy, state)
    step = make_train_step(toy.TOWERS, config, make_optimizer(config, state.trained, 10), mesh)
    after, _ = step(state, global_batch(toy.batch(0), mesh))
    return before, after


def test_a_step_changes_what_is_trained_and_only_that():
    before, after = one_step(locked=("vision_tower", "visual_projection"))
    assert after.step == before.step + 1
    assert {path.split(".")[0] for path in after.locked} == {"vision_tower", "visual_projection"}
    for path, value in before.locked.items():
        np.testing.assert_array_equal(after.locked[path], value)
    for path, value in before.trained.items():
        assert np.abs(after.trained[path] - value).max() > 0, path


def test_the_caller_keeps_its_parameters():
    parameters = toy.parameters()
    one_step(parameters)
    jax.tree.map(np.testing.assert_array_equal, parameters, toy.parameters())


def test_the_scale_stays_below_a_hundred():
    parameters = toy.parameters() | {"logit_scale": jnp.float32(5.5)}
    _, after = one_step(parameters, learning_rate=1e-6)
    assert after.trained["logit_scale"] == np.float32(MAX_LOGIT_SCALE)


def test_the_sigmoid_bias_is_trained_but_no_part_of_the_model():
    before, after = one_step(loss="sigmoid")
    assert before.trained["logit_bias"] == -10
    assert after.trained["logit_bias"] != -10
    assert after.parameters.keys() == toy.parameters().keys()


def test_master_weights_are_float32():
    parameters = jax.tree.map(lambda x: x.astype(jnp.bfloat16), toy.parameters())
    _, after = one_step(parameters, precision="bfloat16")
    dtypes = {x.dtype for x in jax.tree.leaves(after)}
    assert dtypes == {jnp.dtype("float32"), jnp.dtype("int32")}


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(KoCLIPError, match="multiple of 8×3"):
        toy.config(batch_size=32, accumulation=3).global_batch_size(devices=8)
    assert toy.config(batch_size=48, accumulation=3).global_batch_size(devices=8) == 48
    config = toy.config(batch_size=None, per_device_batch_size=6, accumulation=3)
    assert config.global_batch_size(devices=8) == 48


def start(result: Path, devices: int, accumulation: int, *processes: str) -> subprocess.Popen:
    flags = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.mesh_worker", result, str(accumulation), *processes],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def numbers(result: Path, *workers: subprocess.Popen) -> dict[str, np.ndarray]:
    for worker in workers:
        output, _ = worker.communicate(timeout=300)
        assert worker.returncode == 0, output
    return dict(np.load(result))


@pytest.fixture(scope="module")
def on_one_device(tmp_path_factory) -> dict[str, np.ndarray]:
    result = tmp_path_factory.mktemp("one") / "result.npz"
    return numbers(result, start(result, 1, 1))


def assert_equal_numbers(actual: dict, expected: dict, devices: int) -> None:
    assert actual.pop("devices") == devices
    assert actual.keys() | {"devices"} == expected.keys()
    assert len(expected["losses"]) == 6 + 2
    for name, value in actual.items():
        np.testing.assert_allclose(value, expected[name], rtol=2e-4, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_eight_devices_are_as_one(tmp_path, on_one_device, accumulation):
    result = tmp_path / "result.npz"
    assert_equal_numbers(numbers(result, start(result, 8, accumulation)), on_one_device, 8)


def test_two_processes_are_as_one(tmp_path, on_one_device):
    """Each with two devices and its own half of every batch; only the first writes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    result = tmp_path / "result.npz"
    workers = [start(result, 2, 2, str(index), address) for index in (0, 1)]
    assert_equal_numbers(numbers(result, *workers), on_one_device, 4)
