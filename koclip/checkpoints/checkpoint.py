"""Published files ↔ parameters: every error of a checkpoint is found and reported at once."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from koclip.checkpoints.parameter_shapes import parameter_shapes
from koclip.checkpoints.tensor_files import SAFETENSORS, StoredTensor, open_tensors
from koclip.checkpoints.tensor_names import IGNORED_NAMES, PublishedTensor, published_tensor
from koclip.config import DUAL_ENCODER, KOCLIP, ModelConfig, TextConfig
from koclip.errors import KoCLIPError
from koclip.files import write_whole
from koclip.precision import Convert, as_float32, join_attention, on_device
from koclip.towers.dual_encoder import INITIAL_LOGIT_SCALE
from koclip.towers.layers import QUERY_KEY_VALUE

Parameters = dict
"""A nested dict of arrays, as `DualEncoder.init` makes it."""

Naming = Callable[[str], PublishedTensor]
"""The published counterpart of the parameter at a path, such as "text_tower.pooler.kernel"."""

# The sizes that a file knows better than its config: tables get resized, configs are forgotten.
_SIZED_BY_FILE = {
    "text_tower.token_embedding.embedding": "vocab_size",
    "text_tower.position_embedding.embedding": "max_position_embeddings",
    "text_tower.token_type_embedding.embedding": "type_vocab_size",
}
_QUERY_KEY_VALUE = re.compile(rf"\.({'|'.join(QUERY_KEY_VALUE)})\.")
POSITIONS = "text_tower.position_embedding.embedding"
# Our mark in a saved config: the first pad + 1 rows of the position table are filler.
_FROM_ZERO = "koclip_positions_from_zero"


@dataclass(frozen=True)
class Checkpoint:
    """A weight file whose tensors were all found, and fit; none of them is read yet."""

    config: ModelConfig
    """With the sizes of the tables that `read` returns, which the file knows better."""
    _stored: dict[str, StoredTensor]
    _paths: tuple[str, ...]
    _naming: Naming
    _has_filler: bool

    def read(
        self, convert: Convert | None = None, wanted: Callable[[str], bool] | None = None
    ) -> Parameters:
        """Parameters on the default device, all or those at the paths that are `wanted`: float32 as
        `DualEncoder.init` makes them or, with `convert`, as `koclip.precision.serve` does."""
        flat = read_tensors(self._stored, filter(wanted, self._paths), self._naming, convert)
        if self._has_filler and POSITIONS in flat:
            flat[POSITIONS] = without_filler(flat[POSITIONS], self.config.text)
        return on_device(unflatten_dict(flat, sep="."))


def open_checkpoint(weights: str | Path, config: ModelConfig) -> Checkpoint:
    """Looks into a weight file, whose settings are `config`.

    Raises:
        KoCLIPError: the file is damaged, or tensors are missing, unknown or misshapen; all of
            them are named in one message.
    """
    weights = Path(weights)
    stored = open_tensors(weights)
    naming = partial(published_tensor, vision_type=vision_type(config), form=form_of(weights))
    config = sized_by_file(config, stored, naming)
    shapes = flatten_dict(parameter_shapes(config), sep=".")
    if problems := tensor_problems(stored, shapes, naming, IGNORED_NAMES):
        raise KoCLIPError("weights_mismatch", path=weights, details="\n".join(problems))
    check_padding(weights, config.text)
    has_filler = config.text.positions_after_padding and bool(
        config.raw["text_config"].get(_FROM_ZERO)
    )
    if has_filler:
        config = positions_from_zero(config)
    return Checkpoint(config, stored, tuple(shapes), naming, has_filler)


def save_parameters(folder: str | Path, config: ModelConfig, parameters: Parameters) -> None:
    """Writes config.json and model.safetensors into `folder`, which is made if need be.

    base and large become a VisionTextDualEncoder that transformers' class of that name opens with
    equal output: it counts positions from pad + 1, so a table that counts from 0 is moved down by
    as many filler rows. Each file appears whole or not at all.
    """
    from safetensors.numpy import save

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    flat = {path: np.asarray(value) for path, value in flatten_dict(parameters, sep=".").items()}
    raw = _config_to_save(config)
    if raw.get("text_config", {}).get(_FROM_ZERO):
        table = flat[POSITIONS]
        filler = np.zeros((_filler(config.text), table.shape[1]), table.dtype)
        flat[POSITIONS] = np.concatenate([filler, table])
    tensors = {}
    for path, value in flat.items():
        tensor = published_tensor(path, vision_type(config), "torch")
        tensors[tensor.name] = np.asarray(tensor.layout.write(value), order="C")
    write_whole(folder / SAFETENSORS, save(tensors, metadata={"format": "pt"}))
    text = json.dumps(raw, indent=2, ensure_ascii=False) + "\n"
    write_whole(folder / "config.json", text.encode())


def vision_type(config: ModelConfig) -> str:
    """Which rows of the rename table the image tower has."""
    return getattr(config.vision, "model_type", "efficientnet-lite")


def form_of(weights: Path) -> str:
    """The spelling of the tensors in a weight file, "flax" or "torch"."""
    return "flax" if weights.suffix == ".msgpack" else "torch"


def sized_by_file(
    config: ModelConfig, stored: dict[str, StoredTensor], naming: Naming
) -> ModelConfig:
    """`config` with the sizes of the text tower's tables as they are in the file."""
    sizes = {}
    for path, field in _SIZED_BY_FILE.items():
        table = stored.get(naming(path).name)
        if table is not None and table.shape[1:] == (config.text.hidden_size,):
            sizes[field] = max(table.shape[0], 1)
    return dataclasses.replace(config, text=dataclasses.replace(config.text, **sizes))


def tensor_problems(
    stored: dict[str, StoredTensor],
    shapes: dict[str, jax.ShapeDtypeStruct],
    naming: Naming,
    ignored: re.Pattern[str],
) -> list[str]:
    """A line for each missing, misshapen and unknown tensor of a file.

    `shapes` has the parameters that the file must hold, by path; names that `ignored` matches may
    be there besides.
    """
    known, problems = set(), []
    for path, shape in shapes.items():
        name, layout = naming(path)
        known.add(name)
        # A broadcast zero has the shape but no memory.
        expected = layout.write(np.broadcast_to(np.float32(0), shape.shape)).shape
        if name not in stored:
            problems.append(f"missing: {name} {list(expected)}")
        elif stored[name].shape != expected:
            found = list(stored[name].shape)
            problems.append(f"wrong shape: {name} is {found}, expected {list(expected)}")
        elif not jnp.issubdtype(stored[name].dtype, jnp.floating):
            problems.append(f"wrong type: {name} holds no floating-point numbers")
    problems += [
        f"unknown: {name} {list(tensor.shape)}"
        for name, tensor in stored.items()
        if name not in known and not ignored.match(name)
    ]
    return problems


def read_tensors(
    stored: dict[str, StoredTensor],
    paths: Iterable[str],
    naming: Naming,
    convert: Convert | None = None,
) -> dict[str, np.ndarray]:
    """The parameters at `paths` in our layouts: float32 or, with `convert`, as they are served.

    On two threads, as one waits for the disk and the memory rather than for the processor; so
    little is in memory besides what is returned.
    """

    def read(paths: list[str]) -> dict[str, np.ndarray]:
        leaves = {}
        for path in paths:
            name, layout = naming(path)
            leaves |= (convert or as_float32)(path, layout.read(stored[name].read()))
        if convert:
            join_attention(leaves)
        return leaves

    together: dict[str, list[str]] = {}  # query, key and value are joined
    for path in paths:
        together.setdefault(_QUERY_KEY_VALUE.sub(".", path), []).append(path)
    flat = {}
    with ThreadPoolExecutor(2) as readers:
        for leaves in readers.map(read, together.values()):
            flat |= leaves
    return flat


def positions_from_zero(config: ModelConfig) -> ModelConfig:
    """Lets token i read row i of the position table instead of row pad + 1 + i.

    The table must be one `without_filler`.
    """
    text = dataclasses.replace(
        config.text,
        positions_after_padding=False,
        max_position_embeddings=config.text.max_position_embeddings - _filler(config.text),
    )
    return dataclasses.replace(config, text=text)


def without_filler(table: np.ndarray, text: TextConfig) -> np.ndarray:
    """A position table that counts from pad + 1 → one that counts from 0."""
    return table[_filler(text) :]


def _filler(text: TextConfig) -> int:
    return text.pad_token_id + 1


def check_padding(weights: Path, text: TextConfig) -> None:
    """Padding must have a row in the tables, or its NaN would spread to the other tokens."""
    limit = text.vocab_size
    if text.positions_after_padding:
        limit = min(limit, text.max_position_embeddings - 1)
    if text.pad_token_id >= limit:
        raise KoCLIPError(
            "config_bad_value",
            path=weights.with_name("config.json"),
            key="pad_token_id",
            value=text.pad_token_id,
            expected=f"< {limit}",
        )


def _config_to_save(config: ModelConfig) -> dict:
    """config.json for `config`: as it was read, in the form that `save_parameters` writes."""
    if config.model_type == KOCLIP:
        return config.raw
    text = dataclasses.asdict(config.text)
    after_padding = text.pop("positions_after_padding")
    text = {"model_type": "roberta"} | config.raw.get("text_config", {}) | text
    text.pop(_FROM_ZERO, None)
    if text["model_type"] != "bert" and not after_padding:
        text[_FROM_ZERO] = True
        text["max_position_embeddings"] += _filler(config.text)
    vision = config.raw.get("vision_config", {}) | dataclasses.asdict(config.vision)
    return {
        "architectures": ["VisionTextDualEncoderModel"],
        "model_type": DUAL_ENCODER,
        "projection_dim": config.projection_dim,
        "logit_scale_init_value": INITIAL_LOGIT_SCALE,
        "text_config": text,
        "vision_config": vision,
    }
