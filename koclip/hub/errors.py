"""What the Hub client's many exceptions mean, said once and clearly."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from koclip.errors import KoCLIPError

_DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def explained(repo: str, *, file: str = "", revision: str | None = None) -> Iterator[None]:
    """Turn whatever the client raises inside into one KoCLIPError about `repo` and `file`."""
    try:
        yield
    except KoCLIPError:
        raise
    except (HTTPError, OSError, ValueError, LookupError) as error:
        raise _explain(error, repo, file, revision or constants.DEFAULT_REVISION) from error


def repo_page(repo: str, repo_type: str) -> str:
    """The address of a repository's page; `repo_type` is "model", "dataset" or "space"."""
    return f"{constants.ENDPOINT}/{constants.REPO_TYPES_URL_PREFIXES.get(repo_type, '')}{repo}"


@contextmanager
def push_explained(repo: str, repo_type: str = "model") -> Iterator[None]:
    """The same for what goes to the Hub: one KoCLIPError that says whether to push again."""
    try:
        yield
    except KoCLIPError:
        raise
    except (HTTPError, OSError, ValueError, LookupError, RuntimeError) as error:
        # The client wraps what happened to a large file in a RuntimeError.
        cause = error.__cause__ if isinstance(error, RuntimeError) else error
        raise _explain_push(cause or error, repo, repo_type) from error


def _explain_push(error: BaseException, repo: str, repo_type: str) -> KoCLIPError:
    place = {"repo": repo, "endpoint": constants.ENDPOINT}
    reason = str(error).strip().replace("\n", " ") or type(error).__name__
    match error:
        case OfflineModeIsEnabled():
            return KoCLIPError("push_offline", repo=repo)
        case HfHubHTTPError():
            if error.response.status_code in (409, 412):
                return KoCLIPError("push_overtaken", repo=repo, page=repo_page(repo, repo_type))
            return _explain_push_status(error, place, reason)
        case HFValidationError():
            return KoCLIPError("hub_bad_id", repo=repo)
        case ValueError() if isinstance(error.__cause__, HfHubHTTPError):  # about the model card
            return KoCLIPError("push_refused", **place, reason=reason)
        case PermissionError():  # of hf_xet, which carries large files
            return KoCLIPError("push_denied", **place)
        case HTTPError() | OSError():  # no answer, or no more of it
            return KoCLIPError("push_cut", **place, reason=reason)
        case _:
            return KoCLIPError("hub_bad_answer", **place)


def _explain_push_status(error: HfHubHTTPError, place: dict[str, str], reason: str) -> KoCLIPError:
    status = error.response.status_code
    if status == 401:
        return KoCLIPError("push_not_logged_in", **place)
    if status in (403, 404):  # what one may not see looks as if it did not exist
        return KoCLIPError("push_denied", **place)
    if status == 429 or status >= 500:
        return KoCLIPError("hub_server_error", **place, status=status)
    return KoCLIPError("push_refused", **place, reason=error.server_message or reason)


def _explain(error: BaseException, repo: str, file: str, revision: str) -> KoCLIPError:
    match error:
        case OfflineModeIsEnabled():
            return KoCLIPError("hub_offline", repo=repo)
        case GatedRepoError() | DisabledRepoError():  # before its parent, RepositoryNotFoundError
            return KoCLIPError("hub_denied", repo=repo, endpoint=constants.ENDPOINT)
        case RepositoryNotFoundError():
            return KoCLIPError("hub_no_repo", repo=repo, endpoint=constants.ENDPOINT)
        case RevisionNotFoundError():
            return KoCLIPError("hub_no_revision", repo=repo, revision=revision)
        case RemoteEntryNotFoundError():
            return KoCLIPError("hub_no_file", repo=repo, file=file)
        case HfHubHTTPError():
            return _explain_status(error.response.status_code, repo)
        case HTTPError():  # no answer at all: name resolution, refusal, timeout, broken connection
            reason = str(error) or type(error).__name__
            return KoCLIPError(
                "hub_unreachable", repo=repo, endpoint=constants.ENDPOINT, reason=reason
            )
        case HFValidationError():
            return KoCLIPError("hub_bad_id", repo=repo)
        case OSError() if error.errno in _DISK_IS_FULL:
            return KoCLIPError("hub_disk_full", file=file, folder=constants.HF_HUB_CACHE)
        case OSError():
            return KoCLIPError(
                "hub_cache_unwritable", folder=constants.HF_HUB_CACHE, reason=str(error)
            )
        case _:  # an answer that no Hub gives, for example a hotel's login page
            return KoCLIPError("hub_bad_answer", repo=repo, endpoint=constants.ENDPOINT)


def _explain_status(status: int, repo: str) -> KoCLIPError:
    if status in (401, 403):
        return KoCLIPError("hub_denied", repo=repo, endpoint=constants.ENDPOINT)
    if status == 404:
        return KoCLIPError("hub_no_repo", repo=repo, endpoint=constants.ENDPOINT)
    return KoCLIPError("hub_server_error", repo=repo, endpoint=constants.ENDPOINT, status=status)
