"""Connecting to Qdrant, and what is said when it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from koclip.errors import KoCLIPError

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

INSTALL = "pip install -r requirements-scale.txt"


def is_server(place: str) -> bool:
    """Whether it is a URL; else Qdrant runs in this process."""
    return "://" in place


def connect(place: str, api_key: str | None = None) -> QdrantClient:
    """To a server's URL, or to what is kept in a folder or, for ":memory:", nowhere.

    Args:
        api_key: default: that in the environment, QDRANT_API_KEY.

    Raises:
        KoCLIPError: the client is not installed, or the folder is in use.
    """
    try:
        from qdrant_client import QdrantClient
    except ImportError as error:
        raise KoCLIPError("qdrant_missing", command=INSTALL) from error
    api_key = api_key or os.environ.get("QDRANT_API_KEY")
    with clear_failures(place):
        if is_server(place):
            return QdrantClient(url=place, api_key=api_key, check_compatibility=False)
        return QdrantClient(place) if place == ":memory:" else QdrantClient(path=place)


@contextmanager
def clear_failures(place: str) -> Iterator[None]:
    """Raises a KoCLIPError for whatever goes wrong between here and the server."""
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    try:
        yield
    except KoCLIPError:
        raise
    except ResponseHandlingException as error:
        raise KoCLIPError("qdrant_unreachable", place=place, reason=error.source) from error
    except UnexpectedResponse as error:
        code = "qdrant_denied" if error.status_code in (401, 403) else "qdrant_failed"
        raise KoCLIPError(code, place=place, reason=error.reason_phrase) from error
    except Exception as error:  # the embedded mode fails in many ways
        raise KoCLIPError("qdrant_failed", place=place, reason=error) from error
