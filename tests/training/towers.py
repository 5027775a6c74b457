"""Tiny pretrained towers in the published formats, made of the oracle's weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from flax.serialization import msgpack_serialize
from flax.traverse_util import unflatten_dict
from safetensors.numpy import save_file

from koclip.checkpoints.tensor_files import open_tensors
from tests.conftest import ORACLE, WORDS, write_tokenizer
from tests.test_tensor_files import table, tensor, write_torch

FORMS = ("safetensors", "flax", "bin")
"""In which a tower can be written."""

Tensors = dict[str, np.ndarray]


def write_towers(folder: Path, size: str = "base", form: str = "safetensors") -> tuple[Path, Path]:
    """Writes a text and an image tower into `folder`, and returns the folder of each.

    The text tower is a RobertaForMaskedLM with a pooler and a tokenizer. The image tower is a
    whole CLIPModel when `size` is "base", a ViTForImageClassification with a pooler for "large".
    """
    text, vision = split_oracle(size, "flax" if form == "flax" else "torch")
    settings = json.loads((ORACLE / f"pt/tiny-{size}-safetensors/config.json").read_text())
    text_folder, vision_folder = folder / "roberta", folder / ("clip" if size == "base" else "vit")
    write_tower(text_folder, settings["text_config"], with_heads(text, "roberta"), form)
    write_tokenizer(text_folder / "tokenizer.json", WORDS)
    if size == "base":
        write_tower(
            vision_folder,
            {"model_type": "clip", "projection_dim": 24, "text_config": {"hidden_size": 9}}
            | {"vision_config": settings["vision_config"]},
            with_heads(vision, "vision_model"),
            form,
        )
    else:
        labels = {"id2label": {"0": "tench"}, "label2id": {"tench": 0}}
        write_tower(
            vision_folder, settings["vision_config"] | labels, with_heads(vision, "vit"), form
        )
    return text_folder, vision_folder


def split_oracle(size: str, spelling: str) -> tuple[Tensors, Tensors]:
    """The tensors of both towers of the tiny model, named with "." as in a bare encoder.

    `spelling` is "flax" or "torch": how the last words are spelled and how weights are laid out.
    """
    file = {
        "flax": f"flax/tiny-{size}/flax_model.msgpack",
        "torch": f"pt/tiny-{size}-safetensors/model.safetensors",
    }[spelling]
    stored = open_tensors(ORACLE / file)
    tensors = {name.replace("/", "."): np.array(each.read()) for name, each in stored.items()}
    vision = "vision_model.vision_model." if size == "base" else "vision_model."
    return tuple(
        {k.removeprefix(part): v for k, v in tensors.items() if k.startswith(part)}
        for part in ("text_model.", vision)
    )


def with_heads(encoder: Tensors, prefix: str) -> Tensors:
    """`encoder` as it is called beside a head, and what its class stores besides."""
    numbers = np.ones(3, np.float32)
    beside = {
        "roberta": ["lm_head.bias", "lm_head.dense.weight", "lm_head.layer_norm.bias"],
        "bert": ["cls.predictions.bias", "cls.seq_relationship.weight"],
        "vision_model": [
            "text_model.embeddings.token_embedding.weight",
            "text_model.encoder.layers.0.mlp.fc1.weight",
            "text_projection.weight",
            "visual_projection.weight",
            "logit_scale",
        ],
        "vit": ["classifier.weight", "classifier.bias"],
    }[prefix]
    ids = {f"{prefix}.embeddings.position_ids": np.arange(4)[None]}
    named = {f"{prefix}.{name}": value for name, value in encoder.items()}
    return named | dict.fromkeys(beside, numbers) | ids


def write_tower(folder: Path, settings: dict, tensors: Tensors, form: str) -> None:
    """A folder with config.json and a weight file of `form`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(settings))
    if form == "safetensors":
        rows = {name: np.asarray(value, order="C") for name, value in tensors.items()}
        save_file(rows, folder / "model.safetensors")
    elif form == "flax":
        tree = msgpack_serialize(unflatten_dict(tensors, sep="."))
        (folder / "flax_model.msgpack").write_bytes(tree)
    else:
        write_bin(folder / "pytorch_model.bin", tensors)


def write_bin(path: Path, tensors: Tensors) -> None:
    """As torch.save, with all floats in one storage. Integers are left out."""
    entries, first, data = {}, 0, b""
    for name, value in tensors.items():
        if value.dtype.kind != "f":
            continue
        strides = tuple(int(np.prod(value.shape[axis + 1 :])) for axis in range(value.ndim))
        entries[name] = tensor(value.shape, strides, first)
        first += value.size
        data += value.astype(np.float32).tobytes()
    write_torch(path, table(**entries), data)
