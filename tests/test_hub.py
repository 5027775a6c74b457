"""koclip.hub with the real huggingface_hub client, against the stand-in of hub_server.py."""

from __future__ import annotations

import errno
import hashlib
import json
import random
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from koclip import hub
from koclip.errors import KoCLIPError
from koclip.hub import cache as hub_cache
from koclip.hub import download as hub_download
from koclip.hub import hub_file, locate
from koclip.hub import verify as hub_verify
from koclip.messages import MESSAGES
from tests.hub_server import HubServer, client_environment, point_client_at

TINY = Path(__file__).parent / "oracle" / "flax" / "tiny-base"
ROOT = Path(__file__).parents[1]
WEIGHTS = random.Random(0).randbytes(300_000)
FROM_CDN = f"GET /{hashlib.sha256(WEIGHTS).hexdigest()}/"
FETCH_WEIGHTS = [
    sys.executable,
    "-c",
    "from koclip.hub import hub_file\nprint(hub_file('koclip/koclip-base', 'flax_model.msgpack'))",
]
CONFIG = json.dumps({"text_config": {"model_type": "roberta", "vocab_size": 32_000}}).encode()
TOKENIZER = {
    "tokenizer.json": b'{"version": "1.0"}',
    "tokenizer_config.json": b"{}",
    "special_tokens_map.json": b'{"pad_token": "[PAD]"}',
    "vocab.txt": "나\n너\n".encode(),
}
MODEL = {
    "config.json": CONFIG,
    "flax_model.msgpack": WEIGHTS,
    "README.md": b"# KoCLIP",
    "training_args.bin": b"never needed",
}


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A Hub that serves koclip-base and the tokenizer; the client is pointed at it."""
    with HubServer() as server:
        server.add("koclip/koclip-base", MODEL)
        server.add("klue/roberta-large", {**TOKENIZER, "pytorch_model.bin": b"not wanted"})
        point_client_at(monkeypatch, server.url, tmp_path / "home")
        monkeypatch.setitem(
            hub.PUBLISHED,
            "koclip-base",
            replace(hub.PUBLISHED["koclip-base"], flax_bytes=len(WEIGHTS)),
        )
        for module in (hub_download, hub_cache):
            monkeypatch.setattr(module, "RETRY_WAITS", (0.0, 0.0, 0.0))
        yield server


def refusal(*arguments, **options) -> KoCLIPError:
    """The error of `locate`, which must be ours and readable in both languages."""
    with pytest.raises(KoCLIPError) as caught:
        locate(*arguments, **options)
    error = caught.value
    for language in ("ko", "en"):
        assert len(error.localized(language)) > 20
        assert "{" not in error.localized(language)
    return error


def forbid_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Like a Windows account without the privilege."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)


# ---- which files ---------------------------------------------------------------------------


def test_only_the_needed_files_are_downloaded(server):
    files = locate("koclip-base")
    assert files.name == "koclip-base"
    assert files.source == "hub"
    assert files.weights.read_bytes() == WEIGHTS
    assert files.weights.name == "flax_model.msgpack"
    assert (files.folder / "config.json").read_bytes() == CONFIG
    assert files.tokenizer != files.folder
    assert {path.name for path in files.tokenizer.iterdir()} == set(TOKENIZER)
    assert files.revision == server.repositories["model", "koclip/koclip-base"].commit
    assert sorted(server.downloads()) == sorted(
        (name, 0) for name in ["config.json", "flax_model.msgpack", *TOKENIZER]
    )


def test_a_second_opening_downloads_nothing(server):
    first = locate("koclip-base")
    server.heal()
    assert locate("koclip-base") == first
    assert server.downloads() == []
    assert len(server.requests) == 1, "one question whether the branch has moved, no more"


def test_the_hub_id_of_a_published_model_is_that_model(server):
    assert locate("koclip/koclip-base") == locate("koclip-base")


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        (("pytorch_model.bin", "flax_model.msgpack", "model.safetensors"), "model.safetensors"),
        (("pytorch_model.bin", "flax_model.msgpack"), "flax_model.msgpack"),
        (("pytorch_model.bin",), "pytorch_model.bin"),
    ],
)
def test_exactly_one_weight_file_is_downloaded(server, present, chosen):
    server.add("someone/koclip", {"config.json": CONFIG, **dict.fromkeys(present, WEIGHTS)})
    files = locate("someone/koclip")
    assert files.weights.name == chosen
    assert {name for name, _ in server.downloads()} & set(present) == {chosen}


def test_a_models_own_tokenizer_and_preprocessor_are_preferred(server):
    own = {"tokenizer.json": b'{"own": true}', "preprocessor_config.json": b"{}"}
    server.add("someone/koclip", {**MODEL, **own})
    files = locate("someone/koclip")
    assert files.tokenizer == files.folder
    assert (files.folder / "preprocessor_config.json").is_file()
    assert not any("klue" in request.path for request in server.requests)


def test_a_model_with_another_vocabulary_gets_no_foreign_tokenizer(server):
    server.add("someone/tiny", TINY)
    files = locate("someone/tiny")
    assert files.tokenizer is None
    assert files.weights.read_bytes() == (TINY / "flax_model.msgpack").read_bytes()


def test_a_revision_can_be_a_commit_of_another_branch(server):
    old = server.repositories["model", "koclip/koclip-base"].commit
    files = locate("koclip-base", revision=old)
    assert files.revision == old
    assert not (files.folder.parent.parent / "refs").exists(), "main was not asked for"


def test_a_moved_branch_is_followed_and_the_old_files_stay(server):
    before = locate("koclip-base")
    changed = bytes(reversed(WEIGHTS))
    server.add("koclip/koclip-base", {**MODEL, "flax_model.msgpack": changed})
    after = locate("koclip-base")
    assert after.revision != before.revision
    assert after.weights.read_bytes() == changed
    assert before.weights.read_bytes() == WEIGHTS


def test_a_file_of_a_space(server):
    name = "features/val2017/koclip-base.tsv"
    table = b"000000000139.jpg\t0.1,0.2\n"
    server.add("flax-community/koclip", {name: table, "app.py": b""}, repo_type="space")
    path = hub_file("flax-community/koclip", name, "space")
    assert path.read_bytes() == table
    assert server.downloads() == [(name, 0)]
    server.stop()
    assert hub_file("flax-community/koclip", name, "space") == path


def test_a_dataset_file_that_is_missing(server):
    server.add("someone/captions", {"a.json": b"[]"}, repo_type="dataset")
    assert hub_file("someone/captions", "a.json", "dataset").read_bytes() == b"[]"
    with pytest.raises(KoCLIPError, match=r"'someone/captions' has no b\.json"):
        hub_file("someone/captions", "b.json", "dataset")


# ---- names and folders ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["koclip-bse", "koclip_base", "KoCLIP-Base"])
def test_a_misspelt_name_is_corrected(name):
    error = refusal(name)
    assert error.code == "hub_unknown_model_close"
    assert "'koclip-base'" in str(error)


@pytest.mark.parametrize("name", ["resnet50", "", "모델"])
def test_an_unknown_name_lists_the_known_ones(name):
    error = refusal(name)
    assert error.code == "hub_unknown_model"
    assert all(known in str(error) for known in hub.PUBLISHED)


def test_a_local_folder(tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in TINY.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    files = locate(folder)
    assert (files.name, files.source, files.tokenizer) == ("mine", "local", None)
    assert files.weights == folder / "flax_model.msgpack"
    monkeypatch.chdir(tmp_path)
    assert locate("mine").revision == locate("./mine").revision == files.revision
    (folder / "vocab.txt").touch()
    assert locate(folder).tokenizer == folder


def test_a_published_name_wins_over_a_folder_of_that_name(server, tmp_path, monkeypatch):
    folder = tmp_path / "koclip-base"
    folder.mkdir()
    (folder / "config.json").write_bytes(CONFIG)
    (folder / "model.safetensors").write_bytes(b"local")
    monkeypatch.chdir(tmp_path)
    assert locate("koclip-base").source == "hub"
    assert locate("./koclip-base").source == "local"
    assert locate(Path("koclip-base")).source == "local"


def test_the_bundled_model(tmp_path, monkeypatch):
    folder = tmp_path / "koclip-mini"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_bytes(b"{}")
    monkeypatch.setattr(hub, "assets_dir", lambda: tmp_path)
    files = locate("koclip-mini")
    assert (files.name, files.source) == ("koclip-mini", "bundled")
    assert files.tokenizer == files.folder == folder


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_an_incomplete_folder(tmp_path, missing):
    (tmp_path / "config.json").write_bytes(CONFIG)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / missing).unlink()
    error = refusal(tmp_path)
    assert error.code == "hub_folder_incomplete"
    assert missing in str(error)


def test_a_folder_that_is_not_there(tmp_path):
    assert refusal(tmp_path / "nowhere").code == "hub_no_folder"
    assert refusal(str(tmp_path / "nowhere")).code == "hub_no_folder"
    assert refusal("/" + "긴" * 300).code == "hub_no_folder"
    assert refusal("긴" * 300).code == "hub_unknown_model"


def test_a_clone_without_git_lfs(tmp_path):
    (tmp_path / "config.json").write_bytes(CONFIG)
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1700132358\n"
    (tmp_path / "flax_model.msgpack").write_bytes(pointer)
    error = refusal(tmp_path)
    assert error.code == "hub_lfs_pointer"
    assert "git lfs pull" in str(error)


@pytest.mark.parametrize("size", [100, 65 << 20])
def test_the_fingerprint_tells_changed_folders_apart(tmp_path, size):
    config, weights = tmp_path / "config.json", tmp_path / "model.safetensors"
    config.write_bytes(CONFIG)
    with weights.open("wb") as file:
        file.truncate(size)
    seen = {hub.fingerprint(config, weights)}
    assert hub.fingerprint(config, weights) in seen
    for place in (0, size // 3, size - 1):
        with weights.open("r+b") as file:
            file.seek(place)
            file.write(b"x")
        seen.add(hub.fingerprint(config, weights))
    config.write_bytes(CONFIG + b" ")
    seen.add(hub.fingerprint(config, weights))
    assert len(seen) == 5
    assert all(len(mark) == 12 for mark in seen)


# ---- refusals by the Hub -------------------------------------------------------------------


def test_no_such_repository(server):
    error = refusal("someone/nothing")
    assert error.code == "hub_no_repo"
    assert "someone/nothing" in str(error)


def test_no_such_revision(server):
    error = refusal("koclip-base", revision="v9")
    assert error.code == "hub_no_revision"
    assert "'v9'" in str(error)


@pytest.mark.parametrize(
    ("files", "named"),
    [({"flax_model.msgpack": WEIGHTS}, "config.json"), ({"config.json": CONFIG}, "safetensors")],
)
def test_a_repository_that_is_no_model(server, files, named):
    server.add("someone/notes", files)
    error = refusal("someone/notes")
    assert error.code == "hub_no_file"
    assert named in str(error)
    assert server.downloads() == []


def test_a_file_that_is_listed_but_gone(server):
    server.fail("status", "resolve", 404, error_code="EntryNotFound")
    assert refusal("koclip-base").code == "hub_no_file"


def test_an_id_that_the_hub_cannot_have(server):
    assert refusal("someone/..").code == "hub_bad_id"


def test_a_private_repository_needs_its_token(server, monkeypatch):
    repository = server.add("someone/secret", {**MODEL, **TOKENIZER})
    repository.token = "hf_right"
    assert refusal("someone/secret").code == "hub_no_repo"
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert locate("someone/secret").weights.read_bytes() == WEIGHTS
    leaked = [request for request in server.requests if request.cdn and request.authorization]
    assert not leaked, "the token must not reach the CDN"


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("where", ["/api/", "/resolve/"])
def test_access_denied(server, status, where):
    server.fail("status", where, status)
    error = refusal("koclip-base")
    assert error.code == "hub_denied"
    assert "hf auth login" in str(error)


def test_a_gated_repository(server):
    server.fail("status", "GET /koclip/koclip-base/resolve", 403, error_code="GatedRepo")
    assert refusal("koclip-base").code == "hub_denied"


# ---- a Hub in trouble ----------------------------------------------------------------------


@pytest.mark.parametrize("where", ["/api/", "GET /koclip", "GET /klue"])
def test_a_short_outage_is_waited_out(server, where):
    server.fail("status", where, 503, times=2)
    assert locate("koclip-base").weights.read_bytes() == WEIGHTS


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("where", ["/api/", "GET /koclip"])
def test_a_long_outage(server, status, where):
    server.fail("status", where, status)
    error = refusal("koclip-base")
    assert error.code == "hub_server_error"
    assert str(status) in str(error)


def test_connection_refused(server):
    server.stop()
    error = refusal("koclip-base")
    assert error.code == "hub_unreachable"
    assert server.url in str(error)
    assert "koclip-mini" in str(error)


def test_a_host_that_has_no_address(server, monkeypatch, tmp_path):
    point_client_at(monkeypatch, "http://hub.invalid", tmp_path)
    assert refusal("koclip-base").code == "hub_unreachable"


def test_a_hub_that_does_not_answer_in_time(server, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    server.fail("stall", "/api/", 1)
    error = refusal("koclip-base")
    assert error.code == "hub_unreachable"
    assert "timed out" in str(error).lower()


def test_a_download_that_stalls(server, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.1)
    server.fail("stall", "flax_model.msgpack", 0.3)
    assert refusal("koclip-base").code == "hub_cut"


def test_a_login_page_instead_of_the_hub(server):
    server.fail("page")
    error = refusal("koclip-base")
    assert error.code == "hub_bad_answer"
    assert "HF_ENDPOINT" in str(error)


# ---- interrupted downloads -----------------------------------------------------------------


def weight_ranges(server: HubServer) -> list[int]:
    return [start for name, start in server.downloads() if name == "flax_model.msgpack"]


def test_a_cut_connection_is_resumed_in_the_same_run(server):
    server.fail("cut", FROM_CDN, 100_000, times=1)
    assert locate("koclip-base").weights.read_bytes() == WEIGHTS
    assert weight_ranges(server) == [0, 100_000]


def test_many_cuts_are_survived_as_long_as_bytes_arrive(server):
    server.fail("cut", FROM_CDN, 20_000)
    assert locate("koclip-base").weights.read_bytes() == WEIGHTS
    assert weight_ranges(server) == list(range(0, 300_000, 20_000))


def test_a_later_run_resumes_what_an_earlier_one_left(server):
    server.fail("cut", FROM_CDN, 120_000, times=1)
    server.fail("close", FROM_CDN)
    error = refusal("koclip-base")
    assert error.code == "hub_cut"
    assert "120,000 of 300,000" in str(error)
    server.heal()
    assert locate("koclip-base").weights.read_bytes() == WEIGHTS
    assert server.downloads() == [("flax_model.msgpack", 120_000)], "nothing is fetched twice"


def test_a_file_that_the_hub_would_compress_is_resumed_too(server):
    table = b"".join(b"%06d.jpg\t0.25,0.5\n" % row for row in range(10_000))
    server.add("flax-community/koclip", {"val.tsv": table}, repo_type="space")
    server.fail("cut", "val.tsv", 20_000, times=1)
    assert hub_file("flax-community/koclip", "val.tsv", "space").read_bytes() == table
    assert server.downloads() == [("val.tsv", 0), ("val.tsv", 20_000)]


def test_a_server_that_ignores_ranges_is_read_from_the_start(server):
    server.fail("cut", FROM_CDN, 100_000, times=1)
    server.fail("ignore_range", FROM_CDN)
    seen = []
    files = locate("koclip-base", progress=lambda *state: seen.append(state))
    assert files.weights.read_bytes() == WEIGHTS
    counts = [done for name, done, _ in seen if name == "flax_model.msgpack"]
    assert max(counts) == counts[-1] == 300_000


def test_a_killed_process_leaves_what_the_next_one_resumes(server, tmp_path):
    server.fail("slow", FROM_CDN, 0.05)
    child = subprocess.Popen(
        FETCH_WEIGHTS,
        env=client_environment(server.url, tmp_path / "home"),
        cwd=ROOT,
    )
    partial = None
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (partial is None or partial.stat().st_size < 50_000):
        partial = next((tmp_path / "home").rglob("*.incomplete"), None)
        time.sleep(0.01)
    child.kill()
    child.wait()
    kept = partial.stat().st_size
    assert 50_000 <= kept < 300_000
    server.heal()
    path = hub_file("koclip/koclip-base", "flax_model.msgpack")
    assert path.read_bytes() == WEIGHTS
    assert server.downloads() == [("flax_model.msgpack", kept)]
    assert not list((tmp_path / "home").rglob("*.incomplete"))


def test_progress_may_stop_a_download(server):
    def stop(name: str, done: int, size: int) -> None:
        if name == "flax_model.msgpack" and done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        locate("koclip-base", progress=stop)
    server.heal()
    assert locate("koclip-base").weights.read_bytes() == WEIGHTS
    [(name, start)] = server.downloads()
    assert name == "flax_model.msgpack"
    assert start > 100_000


def test_progress_reports_real_byte_counts(server):
    seen: dict[str, list[tuple[int, int]]] = {}
    locate("koclip-base", progress=lambda name, *state: seen.setdefault(name, []).append(state))
    assert set(seen) == {"config.json", "flax_model.msgpack", *TOKENIZER}
    counts = [done for done, _ in seen["flax_model.msgpack"]]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 300_000)
    assert len(counts) > 3
    assert {size for _, size in seen["flax_model.msgpack"]} == {300_000}


def test_the_clients_bar_is_shown_without_a_callback(server, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    locate("koclip-base")
    shown = capsys.readouterr().err
    assert "flax_model.msgpack" in shown
    assert "100%" in shown


# ---- damaged files -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "flax_model.msgpack"])
@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [("short", 10, "10 B"), ("long", 5, " B"), ("alter", 7, "sha")],
)
def test_a_damaged_download_is_refused_by_name(server, tmp_path, name, kind, value, said):
    server.fail(
        kind, FROM_CDN if name == "flax_model.msgpack" else "GET /koclip/koclip-base/resolve", value
    )
    error = refusal("koclip-base")
    assert error.code == "hub_download_damaged"
    assert name in str(error)
    assert said in str(error)
    blobs = list((tmp_path / "home" / "hub").glob("models--koclip*/blobs/*"))
    assert not [blob for blob in blobs if blob.suffix], "damaged bytes are not kept to resume"
    server.heal()
    assert locate("koclip-base").weights.read_bytes() == WEIGHTS


def test_a_body_without_end_is_not_read_to_the_end(server):
    server.fail("long", FROM_CDN, 20_000_000)
    counts = []
    refusal("koclip-base", progress=lambda _, done, __: counts.append(done))
    assert max(counts) < 2_000_000


def test_a_damaged_left_over_is_started_over(server):
    server.fail("cut", FROM_CDN, 100_000, times=1)
    server.fail("close", FROM_CDN)
    refusal("koclip-base")
    partial = next(Path(constants.HF_HUB_CACHE).rglob("*.incomplete"))
    partial.write_bytes(b"garbage" + partial.read_bytes()[7:])
    server.heal()
    assert locate("koclip-base").weights.read_bytes() == WEIGHTS
    assert weight_ranges(server) == [100_000, 0]


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_cache_is_refused_by_name(server, monkeypatch, online, damage):
    files = locate("koclip-base")
    blob = files.weights.resolve()
    blob.write_bytes(WEIGHTS[:1000] if damage == "truncated" else b"!" + WEIGHTS[1:])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", not online)
    error = refusal("koclip-base")
    assert error.code == "hub_cache_damaged"
    assert "flax_model.msgpack" in str(error)
    assert f"Delete {blob}" in str(error)
    blob.unlink()  # what the message says
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert locate("koclip-base") == files
    assert files.weights.read_bytes() == WEIGHTS
    assert files.weights.resolve() == blob


def test_files_that_another_tool_cached_are_verified_once(server, monkeypatch):
    from huggingface_hub import hf_hub_download

    for name in ("config.json", "flax_model.msgpack"):
        hf_hub_download("koclip/koclip-base", name)
    hf_hub_download("klue/roberta-large", "tokenizer.json")
    hashed = []
    original = hub_verify.contents_fault
    monkeypatch.setattr(
        hub_verify,
        "contents_fault",
        lambda path, *rest: hashed.append(path.name) or original(path, *rest),
    )
    for _ in range(3):
        locate("koclip-base")
    assert sorted(hashed) == ["config.json", "flax_model.msgpack", "tokenizer.json"]


def test_what_is_cached_here_serves_other_tools(server):
    from huggingface_hub import hf_hub_download, scan_cache_dir

    files = locate("koclip-base")
    path = hf_hub_download("koclip/koclip-base", files.weights.name, local_files_only=True)
    assert Path(path) == files.weights
    report = scan_cache_dir(constants.HF_HUB_CACHE)
    assert not report.warnings
    assert {repo.repo_id for repo in report.repos} == {"koclip/koclip-base", "klue/roberta-large"}


def test_a_file_system_without_links(server, monkeypatch):
    forbid_links(monkeypatch)
    files = locate("koclip-base")
    assert files.weights.read_bytes() == WEIGHTS
    assert not files.weights.is_symlink()
    server.heal()
    assert locate("koclip-base") == files
    assert server.downloads() == []
    files.weights.write_bytes(b"!" + WEIGHTS[1:])
    assert f"Delete {files.weights}" in str(refusal("koclip-base"))


def test_weights_that_are_not_the_published_ones(server, monkeypatch):
    monkeypatch.setitem(
        hub.PUBLISHED,
        "koclip-base",
        replace(hub.PUBLISHED["koclip-base"], flax_bytes=1_700_132_358),
    )
    error = refusal("koclip-base")
    assert error.code == "hub_not_as_published"
    assert "1,700,132,358" in str(error)
    assert weight_ranges(server) == []
    assert locate("koclip-base", revision="main").weights.read_bytes() == WEIGHTS


# ---- without the Hub -----------------------------------------------------------------------


def test_offline_with_an_empty_cache(server, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    error = refusal("koclip-base")
    assert error.code == "hub_offline"
    assert "HF_HUB_OFFLINE" in str(error)
    assert server.requests == []


def test_offline_with_half_a_model(server, monkeypatch):
    hub_file("koclip/koclip-base", "config.json")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refusal("koclip-base").code == "hub_offline"


def test_offline_with_a_full_cache(server, monkeypatch):
    files = locate("koclip-base")
    server.heal()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert locate("koclip-base") == files
    assert locate("koclip-base", revision=files.revision) == files
    assert server.requests == []


@pytest.mark.parametrize("trouble", ["refused", "503", "401", "page"])
def test_the_cache_serves_when_the_hub_does_not(server, caplog, trouble):
    files = locate("koclip-base")
    match trouble:
        case "refused":
            server.stop()
        case "page":
            server.fail("page")
        case status:
            server.fail("status", value=int(status))
    assert locate("koclip-base") == files
    assert "cache" in caplog.text


def test_the_environment_variables_of_the_client_are_honoured(server, tmp_path):
    """A new process: HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE, nothing patched."""
    environment = client_environment(server.url, tmp_path / "other")
    offline = {**environment, "HF_HUB_OFFLINE": "1"}
    empty = subprocess.run(FETCH_WEIGHTS, env=offline, cwd=ROOT, capture_output=True, text=True)
    assert "KoCLIPError: The files of 'koclip/koclip-base' are not all on" in empty.stderr
    online = subprocess.run(
        FETCH_WEIGHTS, env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert online.returncode == 0, online.stderr
    server.heal()
    full = subprocess.run(FETCH_WEIGHTS, env=offline, cwd=ROOT, capture_output=True, text=True)
    assert full.stdout == online.stdout
    assert str(tmp_path / "other" / "hub") in full.stdout
    assert server.requests == []


# ---- the disk ------------------------------------------------------------------------------


def test_a_cache_that_cannot_be_written(server, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    error = refusal("koclip-base")
    assert error.code == "hub_cache_unwritable"
    assert "HF_HOME" in str(error)


def test_a_full_cache_needs_no_writing(server, monkeypatch):
    """As on a read-only mount: every attempt to write fails."""
    files = locate("koclip-base")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    for method in ("mkdir", "touch", "write_text", "replace"):
        monkeypatch.setattr(Path, method, refuse)
    for folder in Path(constants.HF_ASSETS_CACHE).glob("koclip/verified/*"):
        folder.unlink()
    assert locate("koclip-base") == files


def test_a_disk_without_room_is_noticed_before_the_download(server, monkeypatch):
    usage = type(hub_download.shutil.disk_usage("/"))
    monkeypatch.setattr(hub_download.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    error = refusal("koclip-base")
    assert error.code == "hub_disk_full"
    assert "flax_model.msgpack" in str(error)
    assert weight_ranges(server) == []


def test_a_disk_that_fills_up_keeps_what_has_arrived(server, monkeypatch):
    append = hub_download._append

    def fill_up(url, out, size, report):
        def report_until_full(done: int) -> None:
            report(done)
            if size == len(WEIGHTS) and done > 100_000:
                raise OSError(errno.ENOSPC, "No space left on device")

        append(url, out, size, report_until_full)

    with monkeypatch.context() as patch:
        patch.setattr(hub_download, "_append", fill_up)
        assert refusal("koclip-base").code == "hub_disk_full"
    server.heal()
    assert locate("koclip-base").weights.read_bytes() == WEIGHTS
    assert weight_ranges(server)[0] > 100_000


# ---- at the same time ----------------------------------------------------------------------


@pytest.mark.parametrize("links", [True, False])
def test_two_threads_download_once(server, monkeypatch, links):
    if not links:
        forbid_links(monkeypatch)
    server.fail("slow", FROM_CDN, 0.01)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(locate("koclip-base"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert results[0] == results[1]
    assert results[0].weights.read_bytes() == WEIGHTS
    assert weight_ranges(server) == [0]


def test_two_processes_download_once(server, tmp_path):
    server.fail("slow", FROM_CDN, 0.03)
    children = [
        subprocess.Popen(
            FETCH_WEIGHTS,
            env=client_environment(server.url, tmp_path / "home"),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [child.communicate(timeout=30)[0] for child in children]
    assert outputs[0] == outputs[1]
    assert Path(outputs[0].strip()).read_bytes() == WEIGHTS
    assert weight_ranges(server) == [0]


# ---- the messages --------------------------------------------------------------------------


def test_every_message_is_korean_and_english():
    for code, (korean, english) in MESSAGES.items():
        if code.startswith("hub_"):
            assert any("가" <= letter <= "힣" for letter in korean), code
            assert english.isascii(), code
