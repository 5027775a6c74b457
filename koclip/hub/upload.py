"""Files to the Hugging Face Hub, in one commit: they are there all or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    ModelInfo,
    SpaceInfo,
    constants,
    get_token,
    is_offline_mode,
)
from huggingface_hub.utils import validate_repo_id

from koclip.errors import KoCLIPError
from koclip.hub.download import LIBRARY
from koclip.hub.errors import push_explained, repo_page

NO_CONTENTS = frozenset({".gitattributes", ".gitignore", "README.md", "LICENSE"})
"""What the Hub puts into a new repository, or a person before anything else is there."""


@dataclass(frozen=True)
class Uploaded:
    """What is on the Hub now."""

    repo_id: str
    url: str
    """Its page."""
    commit: str
    files: tuple[str, ...]
    """All that was to be uploaded, whether the Hub had it already or not."""


def check_repo_id(repo_id: str) -> None:
    """Raises a KoCLIPError unless `repo_id` is of the form "owner/name"."""
    with push_explained(repo_id):
        validate_repo_id(repo_id)
    if "/" not in repo_id:
        raise KoCLIPError("hub_bad_id", repo=repo_id)


def check_login(repo_id: str) -> None:
    """Raises a KoCLIPError in offline mode, and when nobody is logged in."""
    if is_offline_mode():
        raise KoCLIPError("push_offline", repo=repo_id)
    if get_token() is None:
        raise KoCLIPError("push_not_logged_in", repo=repo_id, endpoint=constants.ENDPOINT)


def upload(
    repo_id: str,
    files: Mapping[str, Path | bytes],
    check: Callable[[ModelInfo | SpaceInfo], None],
    *,
    message: str,
    repo_type: str = "model",
    private: bool = False,
    replaced: tuple[str, ...] = (),
) -> Uploaded:
    """Uploads `files`, by their names in the repository, which is made if need be.

    Args:
        repo_id: "owner/name".
        files: contents, or where they are on this machine.
        check: called with what the repository holds; raises to leave it as it is.
        message: of the commit.
        repo_type: "model", or "space" for a Gradio Space.
        private: only the owner sees it. A repository that is public already is refused.
        replaced: how the names begin, for example "assets/", that `files` replaces: what has
            such a name and is not among `files` is removed. Everything else stays.

    Raises:
        KoCLIPError: the repository may not be written to, or changed in the meantime, or the Hub
            cannot be reached. The repository is then as it was.
    """
    api = HfApi(library_name=LIBRARY)
    page = repo_page(repo_id, repo_type)
    with push_explained(repo_id, repo_type):
        api.create_repo(
            repo_id,
            repo_type=repo_type,
            space_sdk="gradio" if repo_type == "space" else None,
            private=private or None,  # None leaves the choice to the owner's own settings
            exist_ok=True,
        )
        current = api.repo_info(repo_id, repo_type=repo_type)
        if private and not current.private:
            raise KoCLIPError("push_not_private", repo=repo_id, page=page)
        check(current)
        there = {file.rfilename for file in current.siblings or ()}
        done = api.create_commit(
            repo_id,
            [
                *(CommitOperationAdd(name, source) for name, source in files.items()),
                *(
                    CommitOperationDelete(name, is_folder=False)
                    for name in sorted(there - files.keys())
                    if name.startswith(replaced)
                ),
            ],
            repo_type=repo_type,
            commit_message=message,
            parent_commit=current.sha,
        )
    return Uploaded(repo_id, page, done.oid, tuple(files))
