"""Fetching a picture from the web."""

from __future__ import annotations

import urllib.request
from urllib.parse import quote, urlsplit

from koclip.errors import KoCLIPError
from koclip.limits import MAX_PHOTO_MEGABYTES

_SECONDS = 20  # without an answer
_SAFE = "%/:=&?~#+!$,;'@()*[]"  # characters that are no letters, but stay as they are in a URL


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """No redirection leads out of the web."""

    def redirect_request(self, request, response, code, message, headers, url):
        _check(url)
        return super().redirect_request(request, response, code, message, headers, url)


def fetch_picture(url: str) -> bytes:
    """The content behind an http or https address, of up to 20 MB.

    Raises:
        KoCLIPError: another kind of address, no answer, or too much.
    """
    limit = MAX_PHOTO_MEGABYTES * 1_000_000
    try:
        _check(url)
        request = urllib.request.Request(quote(url, safe=_SAFE), headers={"User-Agent": "koclip"})
        with urllib.request.build_opener(_WebOnly).open(request, timeout=_SECONDS) as response:
            content = response.read(limit + 1)
    except KoCLIPError:
        raise
    except Exception as error:  # whatever the network, TLS and HTTP have to say
        raise KoCLIPError("url_unreadable", url=url, reason=error) from error
    if len(content) > limit:
        raise KoCLIPError("photo_too_large", limit=MAX_PHOTO_MEGABYTES)
    return content


def _check(url: str) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise KoCLIPError("url_unreadable", url=url, reason="http(s) only")
