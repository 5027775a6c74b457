"""The Space goes to the Hub complete, and nothing else does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from huggingface_hub import constants

from koclip.cli import main
from koclip.errors import KoCLIPError
from koclip.hub import deploy as deploy_module
from koclip.hub.deploy import deploy, space_files
from tests.hub_server import client_environment
from tests.hub_uploads import UploadHub, writable_hub
from tests.space import ROOT, running_space

OWNER = "narae"
REPO = f"{OWNER}/my-koclip"
SMALL = {
    ".gitattributes": b"*.webp filter=lfs",
    "README.md": b"---\nsdk: gradio\n---\n",
    "app.py": b"from koclip.ui.launch import launch",
    "assets/labels/food.tsv": b"",
    "koclip/ui/launch.py": b"def launch(): ...",
}
"""A Space small enough to be sent often."""


@pytest.fixture
def server(monkeypatch, tmp_path):
    with writable_hub(monkeypatch, tmp_path / "home", OWNER) as server:
        yield server


@pytest.fixture
def small(monkeypatch) -> dict[str, bytes]:
    """Deploy `SMALL` instead of the real thing: what is sent is tested above."""
    files = dict(SMALL)
    monkeypatch.setattr(deploy_module, "space_files", lambda: files)
    return files


@pytest.fixture(scope="module")
def assembled(tmp_path_factory) -> Path:
    """A folder with the files of the Space and nothing else."""
    folder = tmp_path_factory.mktemp("space")
    for name, source in space_files().items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
    return folder


def contents(server: UploadHub) -> dict[str, bytes]:
    return server.repositories["space", REPO].files


def refusal(**options: object) -> KoCLIPError:
    with pytest.raises(KoCLIPError) as caught:
        deploy(REPO, **options)
    for language in ("ko", "en"):
        assert REPO in caught.value.localized(language)
        assert "{" not in caught.value.localized(language)
    return caught.value


def python(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs `python -m koclip …` in another folder, with the package that is there."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-m", "koclip", *arguments],
        cwd=folder,
        env={**inherited, "HF_HUB_OFFLINE": "1", "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


# ---- which files ---------------------------------------------------------------------------


def test_the_deployed_files_are_a_space_that_answers(assembled, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with running_space(
        tmp_path / "app.log", environment | {"HF_HUB_OFFLINE": "1"}, assembled
    ) as url:
        client = Client(url, verbose=False)
        picture = handle_file(str(assembled / "assets/examples/cat.webp"))
        answer = client.predict(picture, "고양이, 강아지, 자동차", api_name="/image_to_text")
        assert (answer["model"], answer["results"][0]["label"]) == ("koclip-mini", "고양이")
        answer = client.predict("눈 덮인 산", 3, api_name="/text_to_image")
        assert (answer["model"], len(answer["results"])) == ("koclip-mini", 3)


def test_nothing_of_the_package_is_forgotten(assembled):
    """All that the project keeps there, whatever its kind."""
    command = ["git", "ls-files", "koclip"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not in a git checkout")
    assert [name for name in listed.stdout.split() if not (assembled / name).is_file()] == []


def test_nothing_else_is_there():
    names = set(space_files())
    outside = {name for name in names if "/" not in name}
    assert outside == {".gitattributes", "LICENSE", "README.md", "app.py", "requirements.txt"}
    assert {name.split("/")[0] for name in names - outside} == {"koclip", "assets", "docs"}
    for left_out in ("__pycache__", "build.py", "sources", "_ko.", "evaluation/", "test"):
        found = [n for n in names if left_out in n and not n.startswith("koclip/")]
        assert found == [], left_out
    assert not any(name.endswith((".pyc", ".pyi")) for name in names)


def test_stray_files_stay_on_the_machine(assembled, tmp_path):
    """Nobody publishes a secret or a cache that lies about."""
    folder = shutil.copytree(assembled, tmp_path / "checkout")
    before = json.loads(python(folder, "deploy", REPO, "--dry-run", "--json").stdout)
    for name in (".env", "koclip/.env", "koclip/notes.txt", "assets/gallery/.DS_Store", "secret"):
        (folder / name).write_text("hf_secret")
    (folder / "runs").mkdir()
    (folder / "runs/model.safetensors").write_bytes(b"x")
    after = json.loads(python(folder, "deploy", REPO, "--dry-run", "--json").stdout)
    assert after == before


def test_links_of_the_readme_lead_somewhere(assembled):
    readme = (assembled / "README.md").read_text(encoding="utf-8")
    files = [p for p in re.findall(r"\]\(((?!http)[^)#]+)", readme) if (ROOT / p).is_file()]
    assert len(files) > 2
    assert [path for path in files if not (assembled / path).is_file()] == []


def test_pictures_in_html_and_captioned_links_go_too(assembled, tmp_path):
    folder = shutil.copytree(assembled, tmp_path / "checkout")
    pictures = ["docs/a.webp", "docs/b.webp", "assets/c.webp", "docs/unlinked.webp"]
    for name in pictures:
        (folder / name).write_bytes(b"RIFF")
    with (folder / "README.md").open("a") as readme:
        readme.write('<img src="docs/a.webp"> <source srcset="docs/b.webp 2x">\n')
        readme.write('![A tour](assets/c.webp "A tour") [out](../../etc/passwd)\n')
    listed = json.loads(python(folder, "deploy", REPO, "--dry-run", "--json").stdout)
    assert [name for name in pictures if name in {row["file"] for row in listed}] == pictures[:3]


def test_large_and_binary_files_go_by_lfs_and_text_does_not(assembled, tmp_path):
    """As the Hub wants it, by git's own reading of .gitattributes."""
    folder = shutil.copytree(assembled, tmp_path / "clone")
    git = ["git", "-c", "core.quotePath=false"]
    subprocess.run([*git, "init", "-q"], cwd=folder, check=True)
    files = [p for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts]
    names = [p.relative_to(folder).as_posix() for p in files]
    command = [*git, "check-attr", "--stdin", "filter"]
    found = subprocess.run(
        command, cwd=folder, input="\n".join(names), capture_output=True, text=True, check=True
    )
    by_lfs = {line.split(": ")[0] for line in found.stdout.splitlines() if line.endswith(": lfs")}
    wanted = {
        name
        for name, path in zip(names, files, strict=True)
        if b"\0" in path.read_bytes() or path.stat().st_size > 10_000_000
    }
    assert by_lfs == wanted
    assert {"assets/koclip-mini/model.safetensors", "docs/images/tour.webp"} <= by_lfs


def test_a_space_can_be_deployed_from_its_own_clone(assembled):
    listed = json.loads(python(assembled, "deploy", REPO, "--dry-run", "--json").stdout)
    assert {row["file"] for row in listed} == space_files().keys()


def test_an_installed_package_asks_for_a_checkout(assembled, tmp_path):
    shutil.copytree(assembled / "koclip", tmp_path / "koclip")
    shutil.copytree(assembled / "assets", tmp_path / "koclip/assets")
    done = python(tmp_path, "deploy", REPO, "--dry-run")
    assert done.returncode == 2 and done.stdout == ""
    assert "app.py" in done.stderr and "checkout" in done.stderr
    assert "Traceback" not in done.stderr
    assert "저장소를 내려받아" in python(tmp_path, "deploy", REPO, LC_ALL="ko_KR.UTF-8").stderr


def test_an_incomplete_checkout_is_refused(assembled, tmp_path):
    folder = shutil.copytree(assembled, tmp_path / "checkout")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 34625636\n"
    (folder / "assets/koclip-mini/model.safetensors").write_text(pointer)
    assert "git lfs pull" in python(folder, "deploy", REPO, "--dry-run").stderr
    shutil.rmtree(folder / "assets/labels")
    assert "assets/labels" in python(folder, "deploy", REPO, "--dry-run").stderr


# ---- to the Hub ----------------------------------------------------------------------------


def test_all_of_it_arrives_in_one_commit(server):
    done = deploy(REPO, message="첫 배포")
    assert done.url == f"{server.url}/spaces/{REPO}"
    assert server.messages == ["첫 배포"]
    files = space_files()
    assert contents(server).keys() == files.keys() == set(done.files)
    for name, source in files.items():
        expected = source if isinstance(source, bytes) else source.read_bytes()
        assert contents(server)[name] == expected, name


def test_what_is_no_longer_needed_is_removed_and_the_owners_files_stay(server, small):
    first = deploy(REPO)
    own = {"photos/database.json": b"{}", "packages.txt": b"fonts-nanum", "koclip.tsv": b""}
    server.add(REPO, contents(server) | own, repo_type="space")
    del small["assets/labels/food.tsv"]
    small["assets/labels/foods.tsv"] = b"\n"
    second = deploy(REPO)
    assert second.commit != first.commit
    assert contents(server) == small | own


def test_the_same_again_is_no_commit(server, small):
    assert deploy(REPO).commit == deploy(REPO).commit
    assert len(server.messages) == 1


def test_a_new_space_can_be_private(server, small):
    deploy(REPO, private=True)
    assert server.repositories["space", REPO].private
    deploy(REPO, private=True)
    deploy(REPO)
    assert server.repositories["space", REPO].private, "an update leaves it so"


def test_nothing_private_goes_into_a_public_space(server, small):
    server.add(REPO, {"README.md": b""}, repo_type="space")
    error = refusal(private=True)
    assert error.code == "push_not_private"
    assert f"/spaces/{REPO}/settings" in str(error)
    assert contents(server) == {"README.md": b""}


def test_a_space_of_something_else_is_not_overwritten(server, small):
    other = {"app.py": b"print()", "assets/logo.svg": b"<svg/>", "model.bin": b"1"}
    server.add(REPO, other, repo_type="space")
    error = refusal()
    assert error.code == "deploy_other_contents"
    assert f"{server.url}/spaces/{REPO}" in str(error)
    assert contents(server) == other
    deploy(REPO, force=True)
    assert contents(server) == small | {"model.bin": b"1"}


def test_a_space_with_a_card_alone_is_empty(server, small):
    server.add(REPO, {".gitattributes": b"", "README.md": b"# Soon"}, repo_type="space")
    deploy(REPO)
    assert contents(server) == small


def test_a_model_of_the_same_name_is_another_repository(server, small):
    server.add(REPO, {"config.json": b"{}"})
    deploy(REPO)
    assert contents(server) == small
    assert server.repositories["model", REPO].files == {"config.json": b"{}"}


# ---- what goes wrong -----------------------------------------------------------------------


@pytest.mark.parametrize("dry", [True, False])
def test_names_that_cannot_be(server, small, dry, capsys):
    assert main(["deploy", "my-koclip", *(["--dry-run"] if dry else [])]) == 2
    assert "my-koclip" in capsys.readouterr().err
    assert server.requests == []


def test_nobody_is_logged_in(server, small, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    assert refusal().code == "push_not_logged_in"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refusal().code == "push_offline"
    assert server.requests == []


def test_a_token_that_may_not(server, small, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    assert refusal().code == "push_denied"
    assert server.repositories == {}


STAGES = {
    "create": "POST /api/repos/create",
    "look": f"GET /api/spaces/{REPO}",
    "sort": "preupload",
    "commit": "/commit/",
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("status", "code"), [(403, "push_denied"), (503, "hub_server_error")])
def test_whatever_fails_nothing_shows(server, small, stage, status, code):
    server.fail("status", STAGES[stage], status)
    assert refusal().code == code
    visible = server.repositories.get(("space", REPO))
    assert visible is None or visible.files.keys() == {".gitattributes"}
    server.heal()
    deploy(REPO)
    assert contents(server) == small


def test_somebody_was_faster(server, small):
    server.fail("status", STAGES["commit"], 412)
    error = refusal()
    assert error.code == "push_overtaken"
    assert f"/spaces/{REPO}" in str(error)


# ---- on the command line -------------------------------------------------------------------


def test_command(server, small, capsys):
    assert main(["deploy", REPO, "--private", "--message", "첫 배포", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    repository = server.repositories["space", REPO]
    assert row == {
        "files": len(small),
        "url": f"{server.url}/spaces/{REPO}",
        "commit": repository.commit,
    }
    assert repository.private and server.messages == ["첫 배포"]


def test_dry_run_lists_and_touches_nothing(server, small, capsys, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert main(["deploy", REPO, "--dry-run", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {row["file"]: row["bytes"] for row in listed} == {n: len(b) for n, b in small.items()}
    assert main(["deploy", REPO, "--dry-run"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split() == [str(sum(map(len, small.values()))), f"({len(small)}", "files)"]
    assert server.requests == []


def test_mistakes_on_the_command_line(server, small, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    server.add(REPO, {"app.py": b""}, repo_type="space")
    assert main(["deploy", REPO]) == 2
    assert "--force" in (said := capsys.readouterr().err) and "Space가 있어" in said
    assert main(["deploy", REPO, "--force"]) == 0


def test_the_documented_upload_sends_the_same(server, tmp_path):
    """docs/space.md: the `hf upload` that does what `koclip deploy` does."""
    text = (ROOT / "docs" / "space.md").read_text(encoding="utf-8")
    command = re.search(r"^hf upload (?:.*\\\n)*.*$", text, flags=re.MULTILINE)[0]
    subprocess.run(
        command.replace("my-name/my-koclip", REPO),
        shell=True,
        cwd=ROOT,
        env=client_environment(
            server.url,
            tmp_path / "home",
            HF_TOKEN="hf_writer",
            HF_HUB_DISABLE_XET="1",
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        ),
        check=True,
        capture_output=True,
        timeout=300,
    )
    sent, needed = contents(server).keys(), space_files().keys()
    assert sent >= needed
    assert {name.split("/")[0] for name in sent - needed} <= {"docs"}
