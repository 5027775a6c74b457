"""Which files a model needs and where they come from: bundled, a local folder, the Hub."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from koclip.assets import assets_dir
from koclip.errors import KoCLIPError
from koclip.files import is_folder
from koclip.hub.cache import Snapshot, open_snapshot, remember_revision
from koclip.hub.download import Progress, Repo

__all__ = [
    "PUBLISHED",
    "ModelFiles",
    "Progress",
    "PublishedModel",
    "check_name",
    "hub_file",
    "is_on_hub",
    "locate",
    "model_name",
]

WEIGHT_FILES = ("model.safetensors", "flax_model.msgpack", "pytorch_model.bin")
"""In order of preference; exactly one is used."""

VOCABULARY_FILES = ("tokenizer.json", "vocab.txt")
"""Either is enough to read text."""

_TOKENIZER_EXTRAS = ("tokenizer_config.json", "special_tokens_map.json")
_MODEL_EXTRAS = ("preprocessor_config.json",)
_NEEDED = (("config.json",), WEIGHT_FILES)

_KLUE_TOKENIZER = "klue/roberta-large"
_KLUE_VOCABULARY = 32_000
_ORIGINAL_SPACE = "flax-community/koclip"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class PublishedModel:
    """A model that goes by a short name: bundled (no `repo`), or a repository on the Hub."""

    repo: str | None = None
    revision: str | None = None
    """The pinned commit. None follows the main branch: no commit hash has been recorded yet."""
    tokenizer_repo: str = _KLUE_TOKENIZER
    """Where the tokenizer is, when `repo` has none of its own."""
    flax_bytes: int | None = None
    """The size of flax_model.msgpack, which stands in for a pin while `revision` is None."""
    database: tuple[str, str] | None = None
    """The Space repository and file with the images that fit; None for the bundled gallery."""


PUBLISHED = {
    "koclip-mini": PublishedModel(),
    # The size is the one in the published file listing; it is also exactly what the 593 float32
    # tensors of this architecture serialise to, so no other size can be this model.
    "koclip-base": PublishedModel(
        "koclip/koclip-base",
        flax_bytes=1_700_132_358,
        database=(_ORIGINAL_SPACE, "features/val2017/koclip-base.tsv"),
    ),
    "koclip-large": PublishedModel(
        "koclip/koclip-large", database=(_ORIGINAL_SPACE, "features/val2017/koclip-large.tsv")
    ),
    "koclip-base-pt": PublishedModel(
        "koclip/koclip-base-pt", database=(_ORIGINAL_SPACE, "features/val2017/koclip-base.tsv")
    ),
}


@dataclass(frozen=True)
class ModelFiles:
    """The files of one model on this machine."""

    name: str
    """A published name such as "koclip-base", a Hub id, or the folder's name."""
    folder: Path
    """Has config.json and `weights`."""
    weights: Path
    tokenizer: Path | None
    """The folder that has tokenizer.json or vocab.txt; None when there is none."""
    revision: str
    """The commit on the Hub, or else `fingerprint` of the folder."""
    source: str
    """"bundled", "local" or "hub"."""


def locate(
    name: str | os.PathLike[str],
    *,
    revision: str | None = None,
    progress: Progress | None = None,
) -> ModelFiles:
    """Find or download the files of the model `name`.

    `name` is a published name (see `PUBLISHED`), the id of a repository on the Hub, or a folder
    with config.json and one of `WEIGHT_FILES`. A published name or id wins over a folder of the
    same name; write "./koclip-base" for the folder. `revision` (a branch, tag or commit) is for
    models on the Hub. `progress(file, bytes_so_far, bytes_in_all)` is called while a file is
    downloaded; without it a bar is shown on a terminal.

    Raises KoCLIPError, saying what to do, for whatever is unknown, missing, damaged or out of
    reach.
    """
    if isinstance(name, os.PathLike):
        return _from_folder(Path(name), source="local")
    check_name(name)
    if known := _published(name):
        if PUBLISHED[known].repo is None:
            return _from_folder(assets_dir() / known, source="bundled")
        return _from_hub(known, PUBLISHED[known], revision, progress)
    folder = Path(name).expanduser()
    if is_folder(folder):
        return _from_folder(folder, source="local")
    return _from_hub(name, PublishedModel(name), revision, progress)


def check_name(name: str) -> None:
    """Raises a KoCLIPError unless `name` is a published one, a folder or of the form of a Hub id.

    It opens nothing: a folder may hold no model, and a repository may not exist.
    """
    folder = Path(name).expanduser()
    is_hub_id = _HUB_ID.fullmatch(name) and not name.startswith(".")
    if name in PUBLISHED or (name and is_folder(folder)) or is_hub_id:
        return
    if len(folder.parts) > 1:
        raise KoCLIPError("hub_no_folder", folder=name)
    raise _unknown(name)


def model_name(source: str) -> str:
    """What the model that `locate` finds by `source` is called."""
    folder = Path(source).expanduser()
    return _published(source) or (folder.resolve().name if is_folder(folder) else source)


def is_on_hub(source: str) -> bool:
    """Whether `locate` looks for the model on the Hub: it is neither bundled nor a folder."""
    if known := _published(source):
        return PUBLISHED[known].repo is not None
    return not is_folder(Path(source).expanduser())


def hub_file(
    repo_id: str,
    filename: str,
    repo_type: str = "model",
    *,
    revision: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """The verified local path of one file of a Hub repository, downloaded when it is not cached.

    `repo_type` is "model", "dataset" or "space"; for the rest see `locate`.
    """
    repo = Repo(repo_id, repo_type)
    snapshot = open_snapshot(repo, revision, [[filename]])
    path = snapshot.fetch(filename, progress)
    remember_revision(repo, revision, snapshot.commit)
    return path


def fingerprint(config: Path, weights: Path) -> str:
    """Twelve hexadecimal digits that tell one state of a folder from another, in well under 1 s.

    The start of a sha256 over config.json, the weight file's name and size, and its bytes: all
    of them up to 64 MiB, above that 64 pieces of 1 MiB spread evenly from the first to the last.
    A change in a large file that misses every piece is not seen.
    """
    piece, pieces = 1 << 20, 64
    size = weights.stat().st_size
    digest = hashlib.sha256(config.read_bytes())
    digest.update(f"\0{weights.name}\0{size}\0".encode())
    with weights.open("rb") as contents:
        if size <= piece * pieces:
            digest.update(contents.read())
        else:
            for index in range(pieces):
                contents.seek((size - piece) * index // (pieces - 1))
                digest.update(contents.read(piece))
    return digest.hexdigest()[:12]


def _published(name: str) -> str | None:
    """The published name of a model that goes by it or by its Hub id."""
    return next((known for known, m in PUBLISHED.items() if name in (known, m.repo)), None)


def _from_folder(folder: Path, *, source: str) -> ModelFiles:
    if not folder.is_dir():
        raise KoCLIPError("hub_no_folder", folder=folder)
    for names in _NEEDED:
        if not any((folder / name).is_file() for name in names):
            raise KoCLIPError("hub_folder_incomplete", folder=folder, file=" / ".join(names))
    weights = next(folder / name for name in WEIGHT_FILES if (folder / name).is_file())
    with weights.open("rb") as contents:
        if contents.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise KoCLIPError("hub_lfs_pointer", path=weights, folder=folder)
    has_tokenizer = any((folder / name).is_file() for name in VOCABULARY_FILES)
    return ModelFiles(
        name=folder.resolve().name,
        folder=folder,
        weights=weights,
        tokenizer=folder if has_tokenizer else None,
        revision=fingerprint(folder / "config.json", weights),
        source=source,
    )


def _from_hub(
    name: str, model: PublishedModel, revision: str | None, progress: Progress | None
) -> ModelFiles:
    repo = Repo(model.repo)
    snapshot = open_snapshot(repo, revision or model.revision, _NEEDED)
    weights_name = next(file for file in WEIGHT_FILES if file in snapshot)
    config = snapshot.fetch("config.json", progress)
    for extra in _MODEL_EXTRAS:
        if extra in snapshot:
            snapshot.fetch(extra, progress)
    tokenizer = _hub_tokenizer(snapshot, name, model, config, progress)
    if revision is None and snapshot.listed:
        _check_published_size(name, model, snapshot, weights_name)
    weights = snapshot.fetch(weights_name, progress)  # last: it is by far the largest
    remember_revision(repo, revision or model.revision, snapshot.commit)
    return ModelFiles(name, weights.parent, weights, tokenizer, snapshot.commit, "hub")


def _hub_tokenizer(
    snapshot: Snapshot, name: str, model: PublishedModel, config: Path, progress: Progress | None
) -> Path | None:
    """The folder with the tokenizer: the model's own, or that of the text tower it began with."""
    if any(file in snapshot for file in VOCABULARY_FILES):
        return _fetch_tokenizer(snapshot, progress)
    if name not in PUBLISHED and not _reads_klue_tokens(config):
        return None
    repo = Repo(model.tokenizer_repo)
    snapshot = open_snapshot(repo, None, [VOCABULARY_FILES], prefer_cache=True)
    folder = _fetch_tokenizer(snapshot, progress)
    remember_revision(repo, None, snapshot.commit)
    return folder


def _fetch_tokenizer(snapshot: Snapshot, progress: Progress | None) -> Path:
    names = (*VOCABULARY_FILES, *_TOKENIZER_EXTRAS)
    paths = [snapshot.fetch(name, progress) for name in names if name in snapshot]
    return paths[0].parent


def _reads_klue_tokens(config: Path) -> bool:
    """Whether a model that names no tokenizer has the text tower that KoCLIP models begin with."""
    try:
        text = json.loads(config.read_text(encoding="utf-8")).get("text_config")
    except (ValueError, AttributeError):  # reading the configuration itself will say what is wrong
        return False
    return (
        isinstance(text, dict)
        and text.get("model_type") == "roberta"
        and text.get("vocab_size") == _KLUE_VOCABULARY
    )


def _check_published_size(
    name: str, model: PublishedModel, snapshot: Snapshot, weights_name: str
) -> None:
    size = snapshot.listed[weights_name].size
    if weights_name == "flax_model.msgpack" and model.flax_bytes not in (None, size):
        raise KoCLIPError(
            "hub_not_as_published",
            name=name,
            file=weights_name,
            expected=model.flax_bytes,
            actual=size,
        )


def _unknown(name: str) -> KoCLIPError:
    known = ", ".join(PUBLISHED)
    close = difflib.get_close_matches(name.lower().replace("_", "-"), PUBLISHED, n=1, cutoff=0.6)
    if close:
        return KoCLIPError("hub_unknown_model_close", name=name, close=close[0], known=known)
    return KoCLIPError("hub_unknown_model", name=name, known=known)
