"""Checkpoints of a training run: whole or not there, and opened again to the same numbers."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from koclip.errors import KoCLIPError
from koclip.files import remove_unfinished, write_whole
from koclip.training.config import FREE_TO_CHANGE, TrainConfig
from koclip.training.step import TrainState

FOLDER = "checkpoints"
"""Where a run's output folder has them."""

_NAME = re.compile(r"step-(\d{8})\.safetensors")

_log = logging.getLogger(__name__)


def checkpoints(output: Path) -> list[Path]:
    """The checkpoints of a run, newest first."""
    files = (output / FOLDER).glob("step-*.safetensors")
    return sorted((file for file in files if _NAME.fullmatch(file.name)), reverse=True)


def save_checkpoint(output: Path, state: TrainState, config: TrainConfig, mesh: Mesh) -> None:
    """Writes all of `state`, then removes all but the newest `config.keep_checkpoints`."""
    from safetensors.numpy import save

    folder = output / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.asarray(value) for name, value in _named(state).items()}
    metadata = {"settings": json.dumps(_settings(config, mesh))}
    path = folder / f"step-{int(state.step):08d}.safetensors"
    write_whole(path, save(tensors, metadata=metadata))
    for old in checkpoints(output)[config.keep_checkpoints :]:
        old.unlink()


def restore_checkpoint(
    output: Path, state: TrainState, config: TrainConfig, mesh: Mesh
) -> TrainState | None:
    """The newest checkpoint of the run that can be read, in the form of `state`; None without one.

    What an interrupted write left behind is removed, and a damaged checkpoint is passed over.

    Raises:
        KoCLIPError: it was made with other settings or for other parameters.
    """
    if jax.process_index() == 0:
        remove_unfinished(output)
        remove_unfinished(output / FOLDER)
    for path in checkpoints(output):
        try:
            settings, tensors = _read(path)
        except Exception as error:  # safetensors raises bare exceptions of its own
            _log.warning("%s cannot be read and is passed over: %s", path, error)
            continue
        _check_settings(path, settings, _settings(config, mesh))
        return _fill(path, state, tensors, mesh)
    return None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        settings = json.loads(file.metadata()["settings"])
        return settings, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _settings(config: TrainConfig, mesh: Mesh) -> dict[str, Any]:
    """What must be the same for a run to be continued."""
    settings = {key: value for key, value in config.to_json().items() if key not in FREE_TO_CHANGE}
    # "auto" and sizes per device depend on where the run is; what they come to must not change.
    size, dtype = config.global_batch_size(mesh.size), str(config.dtype)
    del settings["per_device_batch_size"]
    return settings | {"batch_size": size, "precision": dtype}


def _check_settings(path: Path, stored: dict[str, Any], current: dict[str, Any]) -> None:
    changes = [
        f"{key}: {stored.get(key)!r} → {current.get(key)!r}"
        for key in stored | current
        if stored.get(key) != current.get(key)
    ]
    if changes:
        raise KoCLIPError("training_other_config", path=path, details="\n".join(changes))


def _named(state: TrainState) -> dict[str, jax.Array]:
    leaves, _ = jax.tree.flatten_with_path(state)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def _fill(path: Path, state: TrainState, tensors: dict[str, np.ndarray], mesh: Mesh) -> TrainState:
    expected = {name: leaf.shape for name, leaf in _named(state).items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if expected != found:
        names = sorted(expected.keys() | found.keys())
        other = [name for name in names if expected.get(name) != found.get(name)]
        raise KoCLIPError("training_other_parameters", path=path, details="\n".join(other))
    replicated = NamedSharding(mesh, PartitionSpec())
    leaves = jax.device_put([tensors[name] for name in expected], replicated, may_alias=False)
    return jax.tree.unflatten(jax.tree.structure(state), leaves)
