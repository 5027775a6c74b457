"""Whatever the Hub does, koclip-mini answers, says why, and no damaged file is left behind."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants

from koclip.hub import cache as hub_cache
from koclip.hub import download as hub_download
from koclip.settings import MINI, Settings
from koclip.ui.models import ModelPool
from tests.hub_server import HubServer, git_sha1, point_client_at

NAME = "koclip-large"
WEIGHTS = "flax_model.msgpack"


@pytest.fixture
def hub(monkeypatch, tmp_path, tiny_korean_folder):
    """Serves koclip-large, tiny and with its tokenizer."""
    files = ("config.json", WEIGHTS, "tokenizer.json")
    with HubServer() as server:
        server.add(
            f"koclip/{NAME}", {name: (tiny_korean_folder / name).read_bytes() for name in files}
        )
        point_client_at(monkeypatch, server.url, tmp_path)
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.5)
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.5)
        for module in (hub_download, hub_cache):
            monkeypatch.setattr(module, "RETRY_WAITS", (0.0, 0.01))
        yield server


@pytest.fixture(scope="module")
def pool() -> ModelPool:
    return ModelPool(Settings(preload=()))


def no_tls(hub: HubServer, patch: pytest.MonkeyPatch) -> None:
    """What answers there does not speak TLS, as a proxy that intercepts it."""
    patch.setattr(constants, "ENDPOINT", hub.url.replace("http://", "https://"))


def full_disk(hub: HubServer, patch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=10)
    patch.setattr(shutil, "disk_usage", lambda path: usage)


def disk_that_fills_up(hub: HubServer, patch: pytest.MonkeyPatch) -> None:
    append = hub_download._append

    def append_some(url: str, out: object, *rest: object) -> None:
        append(url, out, *rest)
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(hub_download, "_append", append_some)


def read_only_cache(hub: HubServer, patch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    patch.setattr(Path, "mkdir", refuse)


def fault(kind: str, match: str = "", value: float = 0) -> Callable:
    return lambda hub, patch: hub.fail(kind, match, value)


FAULTS = {
    "refused": (lambda hub, patch: hub.stop(), "hub_unreachable"),
    "TLS": (no_tls, "hub_unreachable"),
    "hangs up": (fault("close"), "hub_unreachable"),
    "silent": (fault("stall", "/api/", 1), "hub_unreachable"),
    **{f"{n}": (fault("status", "/api/", n), "hub_denied") for n in (401, 403)},
    "404": (fault("status", "/api/", 404), "hub_no_repo"),
    **{f"{n}": (fault("status", "/api/", n), "hub_server_error") for n in (429, 500, 502, 503)},
    "429 later": (fault("status", "GET /koclip", 429), "hub_server_error"),
    "login page": (fault("page"), "hub_bad_answer"),
    "stalls": (fault("stall", WEIGHTS, 1), "hub_cut"),
    "cut": (fault("cut", WEIGHTS, 0), "hub_cut"),
    "altered": (fault("alter", WEIGHTS, 99), "hub_download_damaged"),
    "short": (fault("short", WEIGHTS, 99), "hub_download_damaged"),
    "long": (fault("long", WEIGHTS, 99), "hub_download_damaged"),
    "full disk": (full_disk, "hub_disk_full"),
    "disk fills up": (disk_that_fills_up, "hub_disk_full"),
    "read-only": (read_only_cache, "hub_cache_unwritable"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_mini_answers_and_says_why(pool, hub, tmp_path, monkeypatch, kind):
    break_it, code = FAULTS[kind]
    with monkeypatch.context() as patch:
        break_it(hub, patch)
        for language in ("ko", "en"):
            choice = pool.choose(NAME, language, lambda *_: None)
            reason = pool.status(NAME)
            assert choice.name == MINI and reason.code == code
            assert reason.localized(language) in choice.notices[0] and NAME in choice.notices[0]
    assert choice.model.embed_texts(["바다"]).shape[0] == 1
    contents = hub.repositories["model", f"koclip/{NAME}"].files
    for path in (tmp_path / "hub").rglob("blobs/*"):
        if path.suffix != ".incomplete":
            found = path.read_bytes()
            assert path.name in (hashlib.sha256(found).hexdigest(), git_sha1(found))
            assert found in contents.values()
    pool._models._failed.clear()  # as a minute later
    pool.databases._galleries._failed.clear()
    hub.heal()
    if kind != "refused":  # it has stopped for good
        assert pool.choose(NAME, "ko", lambda *_: None).name == NAME
        pool._models.forget(NAME)
