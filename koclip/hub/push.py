"""A model to the Hugging Face Hub."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import ModelInfo

from koclip.checkpoints.tensor_files import SAFETENSORS
from koclip.config import read_config
from koclip.errors import KoCLIPError
from koclip.hub import hub_file
from koclip.hub.card import model_card
from koclip.hub.errors import repo_page
from koclip.hub.upload import NO_CONTENTS, Uploaded, check_login, check_repo_id, upload
from koclip.model import KoCLIP

CARD = "README.md"

_NEEDED = ("config.json", SAFETENSORS, "preprocessor_config.json")
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_LICENSES = ("LICENSE*", "LICENSES/*", "NOTICE*")


def push(
    model: KoCLIP | str | os.PathLike[str],
    repo_id: str,
    *,
    private: bool = False,
    message: str | None = None,
    card: str | Path | None = None,
    license: str | None = None,
    force: bool = False,
) -> Uploaded:
    """Uploads a model to `repo_id` on the Hub, which is made if need be.

    Needs a login (`hf auth login`, or a token in HF_TOKEN) that may write there.

    Args:
        model: what `KoCLIP.from_pretrained` takes, or a loaded model. A folder in the form that
            `save_pretrained` writes, such as koclip-mini's, goes up as it is; anything else is
            saved in that form first.
        repo_id: "owner/name".
        private: only the owner sees it. A repository that is public already is refused.
        message: of the commit.
        card: README.md, as Markdown or as the path of a file. Default: the folder's own, or else
            `model_card`.
        license: for a card that is generated, for example "apache-2.0".
        force: push even into a repository that holds something other than a KoCLIP model. Its
            other files stay.

    Raises:
        KoCLIPError: the model or the card cannot be opened, nobody is logged in, the repository
            is not one's own or holds something else, or the Hub cannot be reached. The
            repository is then as it was.
    """
    check_repo_id(repo_id)
    if isinstance(card, Path) and not card.is_file():
        raise KoCLIPError("push_no_card", path=card)
    check_login(repo_id)

    def check(current: ModelInfo) -> None:
        if not force and not _is_ours(current):
            page = repo_page(repo_id, "model")
            raise KoCLIPError("push_other_contents", repo=repo_id, page=page)

    with _saved(model, repo_id, card, license) as files:
        message = message or "Upload a KoCLIP model"
        return upload(repo_id, files, check, private=private, message=message)


@contextmanager
def _saved(
    model: KoCLIP | str | os.PathLike[str],
    repo_id: str,
    card: str | Path | None,
    license: str | None,
) -> Iterator[dict[str, Path | bytes]]:
    """The files to upload, by name; those that had to be written last as long as the context."""
    is_loaded = isinstance(model, KoCLIP)
    # Opened, so that a broken one is not pushed.
    opened = model if is_loaded else KoCLIP.from_pretrained(model, precision="float32")
    # A loaded model need not be what its folder holds: it may have been trained since.
    origin = None if is_loaded else opened.files.folder
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if origin is None or not _is_complete(opened) else origin
        if folder != origin:
            opened.save_pretrained(folder)
        names = [name for name in _NEEDED + _TOKENIZER if (folder / name).is_file()]
        files: dict[str, Path | bytes] = {name: folder / name for name in names}
        if origin:
            paths = [path for pattern in _LICENSES for path in sorted(origin.glob(pattern))]
            files |= {p.relative_to(origin).as_posix(): p for p in paths if p.is_file()}
        if card is None and origin and (origin / CARD).is_file():
            card = origin / CARD
        elif card is None:
            card = model_card(repo_id, opened.config, origin, license)
        files[CARD] = card.encode() if isinstance(card, str) else card
        yield files


def _is_complete(model: KoCLIP) -> bool:
    """Whether the model's folder has all that `save_pretrained` would write."""
    files = model.files
    return files.tokenizer in (None, files.folder) and all(
        (files.folder / name).is_file()
        for name in (*_NEEDED, *(_TOKENIZER[:1] if files.tokenizer else ()))
    )


def _is_ours(current: ModelInfo) -> bool:
    """Whether a repository is empty or holds a KoCLIP model."""
    names = {file.rfilename for file in current.siblings or ()}
    if names.issubset(NO_CONTENTS):
        return True
    if "config.json" not in names:
        return False
    path = hub_file(current.id, "config.json", revision=current.sha)
    try:
        read_config(path)
    except KoCLIPError:
        return False
    return True
