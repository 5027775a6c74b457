"""Folders → parameters: every form gives the same ones, and every fault is named at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.serialization import msgpack_restore, msgpack_serialize
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors.numpy import load_file, save_file

from koclip import KoCLIP
from koclip.checkpoints.checkpoint import open_checkpoint
from koclip.checkpoints.tensor_files import open_tensors
from koclip.config import ModelConfig, read_config
from koclip.errors import KoCLIPError
from tests.conftest import ORACLE

TORCH = ORACLE / "pt/tiny-base-safetensors"
FLAX = ORACLE / "flax/tiny-base"


def load(folder: Path) -> tuple[ModelConfig, dict]:
    weights = next(p for p in folder.iterdir() if p.suffix in (".safetensors", ".msgpack", ".bin"))
    checkpoint = open_checkpoint(weights, read_config(folder / "config.json"))
    return checkpoint.config, checkpoint.read()


def assert_equal_trees(actual: dict, expected: dict) -> None:
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, actual, expected)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A copy of tiny-base in the PyTorch form, to be spoilt."""
    shutil.copytree(TORCH, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def flax_folder(tmp_path) -> Path:
    """A copy of tiny-base in the Flax form."""
    shutil.copytree(FLAX, tmp_path / "flax")
    return tmp_path / "flax"


def change_config(folder: Path, part: str, **values: object) -> None:
    raw = json.loads((folder / "config.json").read_text())
    raw[part] |= values
    (folder / "config.json").write_text(json.dumps(raw))


@pytest.mark.parametrize("size", ["base", "large"])
@pytest.mark.parametrize("form", ["safetensors", "safetensors5", "bin430"])
def test_every_form_holds_the_same_parameters(size, form):
    config, parameters = load(ORACLE / f"flax/tiny-{size}")
    torch_config, torch_parameters = load(ORACLE / f"pt/tiny-{size}-{form}")
    assert_equal_trees(torch_parameters, parameters)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(parameters))
    assert torch_config.vision == config.vision


def test_the_flax_form_is_what_flax_restores():
    """The same values by flax's own reader, under the published names."""
    tree = flatten_dict(msgpack_restore((FLAX / "flax_model.msgpack").read_bytes()), sep="/")
    _, parameters = load(FLAX)
    np.testing.assert_array_equal(
        parameters["text_tower"]["block_0"]["attention"]["query"]["kernel"],
        tree["text_model/encoder/layer/0/attention/self/query/kernel"],
    )
    np.testing.assert_array_equal(
        parameters["vision_tower"]["patch_embedding"]["kernel"],
        tree["vision_model/vision_model/embeddings/patch_embedding/kernel"],
    )
    assert len(jax.tree.leaves(parameters)) == len(tree)


def test_position_ids_are_ignored():
    names = open_tensors(ORACLE / "pt/tiny-base-bin430/pytorch_model.bin")
    assert sum(name.endswith("position_ids") for name in names) == 2
    load(ORACLE / "pt/tiny-base-bin430")


def spoil(tensors: dict[str, np.ndarray], missing: str, misshapen: str, whole: str) -> None:
    """Five faults; the names are of dense or norm weights."""
    del tensors[missing]
    tensors[misshapen] = np.zeros((3, 5), np.float32)
    tensors[whole] = np.zeros(tensors[whole].shape, np.int32)
    tensors["lm_head"] = np.zeros((7,), np.float32)
    tensors["logit_scale"] = np.zeros(1, np.float32)


def problems(folder: Path) -> list[str]:
    with pytest.raises(KoCLIPError) as caught:
        load(folder)
    assert caught.value.code == "weights_mismatch"
    assert str(folder) in caught.value.localized("ko")
    return sorted(str(caught.value).splitlines()[1:])


def test_all_faults_are_named_at_once_as_pytorch_spells_them(folder):
    tensors = load_file(folder / "model.safetensors")
    missing = "vision_model.vision_model.encoder.layers.1.mlp.fc1.weight"
    misshapen = "text_model.encoder.layer.0.attention.self.query.weight"
    whole = "text_model.embeddings.LayerNorm.weight"
    spoil(tensors, missing, misshapen, whole)
    save_file(tensors, folder / "model.safetensors")
    assert problems(folder) == [
        f"missing: {missing} [96, 48]",
        "unknown: lm_head [7]",
        "wrong shape: logit_scale is [1], expected []",
        f"wrong shape: {misshapen} is [3, 5], expected [32, 32]",
        f"wrong type: {whole} holds no floating-point numbers",
    ]


def test_all_faults_are_named_at_once_as_flax_spells_them(flax_folder):
    path = flax_folder / "flax_model.msgpack"
    tensors = flatten_dict(msgpack_restore(path.read_bytes()), sep="/")
    missing = "vision_model/vision_model/encoder/layers/1/mlp/fc1/kernel"
    misshapen = "text_model/encoder/layer/0/attention/self/query/kernel"
    whole = "text_model/embeddings/LayerNorm/scale"
    spoil(tensors, missing, misshapen, whole)
    path.write_bytes(msgpack_serialize(unflatten_dict(tensors, sep="/")))
    assert problems(flax_folder) == [
        f"missing: {missing} [48, 96]",
        "unknown: lm_head [7]",
        "wrong shape: logit_scale is [1], expected []",
        f"wrong shape: {misshapen} is [3, 5], expected [32, 32]",
        f"wrong type: {whole} holds no floating-point numbers",
    ]


def test_another_depth_names_the_layers_that_are_missing_or_left_over(folder):
    change_config(folder, "text_config", num_hidden_layers=4)
    found = problems(folder)
    assert len(found) == 16
    assert all(line.startswith("missing: text_model.encoder.layer.3.") for line in found)
    change_config(folder, "text_config", num_hidden_layers=2)
    found = problems(folder)
    assert len(found) == 16
    assert all(line.startswith("unknown: text_model.encoder.layer.2.") for line in found)


def test_table_sizes_are_the_files(folder):
    change_config(
        folder,
        "text_config",
        vocab_size=999,
        max_position_embeddings=7,
        type_vocab_size=3,
        shape_of_things_to_come=True,
    )
    config, parameters = load(folder)
    assert (config.text.vocab_size, config.text.max_position_embeddings) == (64, 40)
    assert config.text.type_vocab_size == 1
    assert_equal_trees(parameters, load(TORCH)[1])


def test_tables_of_another_width_or_without_rows_are_misshapen(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["text_model.embeddings.word_embeddings.weight"] = np.zeros((10**4, 1), np.float32)
    tensors["text_model.embeddings.position_embeddings.weight"] = np.zeros((0, 32), np.float32)
    save_file(tensors, folder / "model.safetensors")
    found = problems(folder)
    assert len(found) == 2
    assert "position_embeddings.weight is [0, 32]" in found[0]
    assert "word_embeddings.weight is [10000, 1]" in found[1]


@pytest.mark.parametrize("pad", [39, 64, 1000])
def test_padding_without_a_row_is_refused(folder, pad):
    change_config(folder, "text_config", pad_token_id=pad)
    with pytest.raises(KoCLIPError, match="pad_token_id"):
        load(folder)


@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16, np.float64])
def test_other_precisions_become_float32(folder, dtype):
    tensors = {k: v.astype(dtype) for k, v in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors")
    _, parameters = load(folder)
    expected = jax.tree.map(lambda x: np.asarray(x, dtype).astype(np.float32), load(TORCH)[1])
    assert_equal_trees(parameters, expected)


def test_quantised_tensors_are_loaded_as_what_they_stand_for(folder, rng):
    """In PyTorch's layout, so the dequantised matrix still has to be transposed."""
    name = "text_model.encoder.layer.0.intermediate.dense.weight"
    tensors = load_file(folder / "model.safetensors")
    rows, columns = tensors.pop(name).shape
    values = rng.integers(-128, 128, (rows, columns)).astype(np.int8)
    scale = rng.normal(size=rows).astype(np.float32)
    tensors |= {f"{name.removesuffix('.weight')}.weight.int8": values, f"{name}.int8_scale": scale}
    save_file(tensors, folder / "model.safetensors")
    kernel = load(folder)[1]["text_tower"]["block_0"]["feed_forward"]["up"]["kernel"]
    np.testing.assert_array_equal(kernel, (values * scale[:, None]).T)


@pytest.mark.parametrize("source", [TORCH, FLAX, ORACLE / "pt/tiny-base-bin430"])
def test_a_damaged_folder_is_one_clear_error(tmp_path, source):
    shutil.copytree(source, tmp_path / "model")
    weights = next(p for p in (tmp_path / "model").iterdir() if p.name != "config.json")
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(KoCLIPError, match=weights.name):
        KoCLIP.from_pretrained(tmp_path / "model")
    weights.write_bytes(b"")
    with pytest.raises(KoCLIPError, match=weights.name):
        KoCLIP.from_pretrained(tmp_path / "model")


@pytest.mark.parametrize("source", [TORCH, FLAX, ORACLE / "pt/tiny-base-bin430"])
def test_flipped_bytes_end_in_an_error_or_in_a_whole_model(tmp_path, source):
    shutil.copytree(source, tmp_path / "model")
    weights = next(p for p in (tmp_path / "model").iterdir() if p.name != "config.json")
    data = bytearray(weights.read_bytes())
    rng = np.random.default_rng(4)
    expected = jax.tree.map(np.shape, load(source)[1])
    for place in rng.integers(0, 3000, 12).tolist():
        kept = data[place]
        data[place] ^= 1 << int(rng.integers(8))
        weights.write_bytes(data)
        data[place] = kept
        try:
            _, parameters = load(tmp_path / "model")
        except KoCLIPError:
            continue
        assert jax.tree.map(np.shape, parameters) == expected
