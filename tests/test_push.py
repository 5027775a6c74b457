"""A model goes to the Hub whole or not at all, and comes back the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import CommitInfo, HfApi, constants

from koclip import KoCLIP
from koclip.assets import assets_dir
from koclip.cli import main
from koclip.errors import KoCLIPError
from koclip.hub.push import push
from tests.conftest import ORACLE
from tests.hub_uploads import UploadHub, writable_hub

OWNER = "narae"
REPO = f"{OWNER}/tiny"
TEXTS = ["고양이 사진", "하늘"]


@pytest.fixture
def server(monkeypatch, tmp_path):
    with writable_hub(monkeypatch, tmp_path / "home", OWNER) as server:
        yield server


@pytest.fixture
def folder(tiny_korean, tmp_path) -> Path:
    """A small model in the form that we save."""
    tiny_korean.save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def refusal(*arguments: object, **options: object) -> KoCLIPError:
    with pytest.raises(KoCLIPError) as caught:
        push(*arguments, **options)
    for language in ("ko", "en"):
        assert REPO in caught.value.localized(language)
        assert "{" not in caught.value.localized(language)
    return caught.value


def contents(server: UploadHub, repo: str = REPO) -> dict[str, bytes]:
    return server.repositories["model", repo].files


# ---- what is pushed ------------------------------------------------------------------------


def test_a_pushed_folder_opens_from_the_hub(server, folder):
    done = push(folder, REPO, message="첫 모델")
    assert done.url == f"{server.url}/{REPO}"
    assert server.messages == ["첫 모델"]
    assert set(done.files) == {*(file.name for file in folder.iterdir()), "README.md"}
    for file in folder.iterdir():
        assert contents(server)[file.name] == file.read_bytes()
    again, local = KoCLIP.from_pretrained(REPO), KoCLIP.from_pretrained(folder)
    assert again.revision == done.commit
    np.testing.assert_array_equal(again.embed_texts(TEXTS), local.embed_texts(TEXTS))
    picture = assets_dir() / "examples" / "cat.webp"
    np.testing.assert_array_equal(again.embed_images(picture), local.embed_images(picture))


@pytest.mark.parametrize("loaded", [True, False])
def test_other_forms_are_saved_in_ours_first(server, tiny_korean, tiny_korean_folder, loaded):
    before = sorted(tiny_korean_folder.iterdir())
    push(tiny_korean if loaded else tiny_korean_folder, REPO)
    assert sorted(tiny_korean_folder.iterdir()) == before
    assert {"model.safetensors", "preprocessor_config.json"} <= contents(server).keys()
    assert "flax_model.msgpack" not in contents(server)
    again = KoCLIP.from_pretrained(REPO)
    np.testing.assert_allclose(again.embed_texts(TEXTS), tiny_korean.embed_texts(TEXTS), atol=1e-6)


def test_the_bundled_model_stays_quantised_and_keeps_its_licences(server):
    push("koclip-mini", REPO)
    bundled = assets_dir() / "koclip-mini"
    for name in ("model.safetensors", "config.json", "tokenizer.json", "README.md"):
        assert contents(server)[name] == (bundled / name).read_bytes()
    licenses = {file.name for file in (bundled / "LICENSES").iterdir()}
    assert licenses == {n.removeprefix("LICENSES/") for n in contents(server) if "LICENSES/" in n}
    assert not any(name.endswith(".py") for name in contents(server))


def test_private_files_of_a_run_stay_on_the_machine(server, folder):
    for name in ("training.json", "metrics.csv", "notes.txt", ".env"):
        (folder / name).write_text("{}")
    push(folder, REPO)
    assert not {"training.json", "metrics.csv", "notes.txt", ".env"} & contents(server).keys()


def test_cards(server, folder):
    push(folder, REPO, license="mit")
    assert b'license: "mit"' in contents(server)["README.md"]
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Mine\n")
    push(folder, REPO, license="mit")
    assert contents(server)["README.md"] == (folder / "README.md").read_bytes()
    push(folder, REPO, card="---\nlicense: isc\n---\n# Another\n")
    assert b"# Another" in contents(server)["README.md"]
    (folder.parent / "card.md").write_text("---\nlicense: mit\n---\n# From a file\n")
    push(folder, REPO, card=folder.parent / "card.md")
    assert b"# From a file" in contents(server)["README.md"]
    with pytest.raises(KoCLIPError, match=r"none\.md: there is no such file"):
        push(folder, REPO, card=folder / "none.md")


def test_the_card_tells_of_the_run(server, folder):
    (folder / "training.json").write_text('{"loss": "sigmoid"}')
    push(folder, REPO)
    assert b"| loss | sigmoid |" in contents(server)["README.md"]


def test_pushing_again_sends_only_what_changed(server, folder):
    first = push(folder, REPO)
    assert len(server.uploads()) == 1
    assert push(folder, REPO).commit == first.commit
    (folder / "README.md").write_text("---\nlanguage: ko\n---\n# Better told\n")
    assert push(folder, REPO).commit != first.commit
    assert len(server.uploads()) == 1
    assert len(server.messages) == 2


def test_a_new_repository_can_be_private(server, folder):
    push(folder, REPO, private=True)
    assert server.repositories["model", REPO].private
    assert KoCLIP.from_pretrained(REPO).config.projection_dim == 24


def test_nothing_private_goes_into_a_public_repository(server, folder):
    push(folder, REPO)
    before = contents(server)
    (folder / "README.md").write_text("secret")
    assert refusal(folder, REPO, private=True).code == "push_not_private"
    assert contents(server) == before


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": b"print()"},
        {"config.json": b'{"model_type": "llama"}', "model.safetensors": b"weights"},
        {"config.json": b"not JSON"},
    ],
)
def test_something_else_is_not_overwritten(server, folder, files):
    server.add(REPO, files)
    assert refusal(folder, REPO).code == "push_other_contents"
    assert contents(server) == files
    push(folder, REPO, force=True)
    assert contents(server)["config.json"] == (folder / "config.json").read_bytes()
    assert contents(server).keys() >= files.keys()


def test_a_repository_with_a_card_alone_is_empty(server, folder):
    server.add(REPO, {".gitattributes": b"", "README.md": b"# Soon", "LICENSE": b"MIT"})
    push(folder, REPO)
    assert "model.safetensors" in contents(server)


def test_a_broken_model_is_not_pushed(server, folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(KoCLIPError, match="damaged"):
        push(folder, REPO)
    assert server.requests == []


# ---- what goes wrong -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "tiny", "a/b/c", "a b/c", "a/", "/b", "a/-b", "a/b..c"])
def test_names_that_cannot_be(server, folder, name):
    with pytest.raises(KoCLIPError) as caught:
        push(folder, name)
    assert caught.value.code == "hub_bad_id"
    assert server.requests == []


def test_nobody_is_logged_in(server, folder, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    assert refusal(folder, REPO).code == "push_not_logged_in"
    assert server.requests == []


def test_offline(server, folder, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refusal(folder, REPO).code == "push_offline"


@pytest.mark.parametrize(
    ("token", "code"), [("hf_wrong", "push_not_logged_in"), ("hf_reader", "push_denied")]
)
@pytest.mark.parametrize("exists", [True, False])
def test_tokens_that_may_not(server, folder, monkeypatch, token, code, exists):
    if exists:
        push(folder, REPO)
    before = dict(server.repositories)
    monkeypatch.setenv("HF_TOKEN", token)
    assert refusal(folder, REPO).code == code
    assert server.repositories == before


def test_someone_elses_name(server, folder, monkeypatch):
    server.tokens["hf_writer"] = {"someone-else"}
    assert refusal(folder, REPO).code == "push_denied"


STAGES = {
    "create": "POST /api/repos/create",
    "look": f"GET /api/models/{REPO}",
    "sort": "preupload",
    "batch": "objects/batch",
    "upload": "PUT /upload/",
    "verify": "lfs/verify",
    "commit": "/commit/",
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("close", 0, "push_cut"),
        ("status", 401, "push_not_logged_in"),
        ("status", 403, "push_denied"),
        ("status", 500, "hub_server_error"),
        ("status", 503, "hub_server_error"),
    ],
)
def test_whatever_fails_nothing_shows(server, folder, stage, kind, value, code):
    server.fail(kind, STAGES[stage], value)
    assert refusal(folder, REPO).code == code
    visible = server.repositories.get(("model", REPO))
    assert visible is None or visible.files.keys() == {".gitattributes"}
    server.heal()
    push(folder, REPO)
    assert KoCLIP.from_pretrained(REPO).embed_texts(TEXTS).shape == (2, 24)


def test_a_cut_upload_is_sent_again(server, folder):
    """The client itself tries again, and again from the start."""
    server.fail("cut", STAGES["upload"], 10_000, times=2)
    push(folder, REPO)
    assert len(server.uploads()) == 3
    assert contents(server)["model.safetensors"] == (folder / "model.safetensors").read_bytes()


def test_an_upload_that_stays_cut(server, folder):
    push(folder, REPO)
    before = contents(server)
    KoCLIP.from_pretrained(ORACLE / "flax/tiny-large").save_pretrained(folder)
    server.fail("cut", STAGES["upload"], 10_000)
    assert refusal(folder, REPO).code == "push_cut"
    assert contents(server) == before, "neither new settings nor new weights"


@pytest.mark.parametrize("status", [409, 412])
def test_somebody_was_faster(server, folder, status):
    server.fail("status", STAGES["commit"], status)
    assert refusal(folder, REPO).code == "push_overtaken"


def test_a_commit_in_between_is_not_lost(server, folder, monkeypatch):
    """The one that the push was decided on must still be the newest."""
    push(folder, REPO)
    commit, theirs = HfApi.create_commit, {"config.json": b"{}", "theirs.txt": b"new"}

    def overtaken(*arguments: object, **options: object) -> CommitInfo:
        server.add(REPO, theirs)
        return commit(*arguments, **options)

    monkeypatch.setattr(HfApi, "create_commit", overtaken)
    assert refusal(folder, REPO, card="---\nlanguage: ko\n---\n").code == "push_overtaken"
    assert contents(server) == theirs


def test_a_card_that_the_hub_cannot_read(server, folder):
    error = refusal(folder, REPO, card="---\nlanguage: [ko\n---\n# Card\n")
    assert error.code == "push_refused"
    assert "README.md" in str(error)


def test_no_connection(server, folder):
    server.stop()
    error = refusal(folder, REPO)
    assert error.code == "push_cut"
    assert server.url in str(error)


def test_a_login_page_instead_of_the_hub(server, folder):
    server.fail("page")
    assert refusal(folder, REPO).code == "hub_bad_answer"


def test_large_files_by_xet_fail_as_clearly(server, folder, monkeypatch):
    """hf_xet, which carries large files by default, has errors of its own."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    pytest.importorskip("hf_xet")
    error = refusal(folder, REPO)  # the stand-in has no Xet
    assert error.code == "push_cut"
    assert "HF_HUB_DISABLE_XET" in str(error)
    assert contents(server).keys() == {".gitattributes"}


# ---- on the command line -------------------------------------------------------------------


def test_command(server, folder, capsys):
    assert main(["push", str(folder), REPO, "--message", "첫 모델", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert row["commit"] == server.repositories["model", REPO].commit
    assert row["url"].endswith(REPO)
    assert server.messages == ["첫 모델"]


def test_mistakes_on_the_command_line(server, folder, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    server.add(REPO, {"app.py": b""})
    assert main(["push", str(folder), REPO]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["push", str(folder), REPO, "--card", "없는.md"]) == 2
    assert "모델 카드" in capsys.readouterr().err
    assert main(["push", str(folder), REPO, "--force"]) == 0
