"""Databases go to the Hub and come back the same, and nothing leaks on the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from koclip.cli import main
from koclip.database import ImageDatabase
from koclip.database.build import build
from koclip.database.pull import pull
from koclip.database.push import push
from koclip.errors import KoCLIPError
from tests.crash import StandIn, make_pictures
from tests.hub_uploads import UploadHub, writable_hub

REPO = "narae/photos"


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setattr("koclip.hub.download.time.sleep", lambda _seconds: None)
    with writable_hub(monkeypatch, tmp_path / "home", "narae") as server:
        yield server


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder of ten pictures, and their database in it."""
    make_pictures(tmp_path / "photos", 10)
    line = '{"id": "산", "file": "0003.png", "caption_ko": "산", "license": "CC0-1.0"}\n'
    (tmp_path / "photos" / "items.jsonl").write_text(line)
    build(StandIn(), [tmp_path / "photos"], tmp_path / "photos")
    return tmp_path / "photos"


def refusal(run, *arguments: object, **options: object) -> KoCLIPError:
    with pytest.raises(KoCLIPError) as caught:
        run(*arguments, **options)
    for language in ("ko", "en"):
        assert "{" not in caught.value.localized(language)
    return caught.value


def contents(server: UploadHub) -> dict[str, bytes]:
    return server.repositories["dataset", REPO].files


def add_picture(folder: Path, name: str = "new.png") -> None:
    Image.new("RGB", (9, 9), "teal").save(folder / name)
    build(StandIn(), [folder], folder)


def same(one: ImageDatabase, two: ImageDatabase) -> bool:
    return list(one.items) == list(two.items) and np.array_equal(one.embeddings, two.embeddings)


def test_there_and_back(server, photos, tmp_path):
    done = push(photos, REPO, message="사진")
    assert (done.images, done.pictures, done.hidden) == (10, 10, 0)
    assert server.messages == ["사진"]
    assert ".koclip-lock" not in contents(server)
    card = contents(server)["README.md"].decode()
    assert f"koclip pull {REPO}" in card
    assert "| CC0-1.0 | 1 |" in card
    pulled = pull(REPO, tmp_path / "elsewhere")
    pulled.database.verify()
    assert pulled.commit == done.uploaded.commit
    assert same(pulled.database, ImageDatabase.open(photos))
    for item in pulled.database.items:
        assert (
            Path(pulled.database.location(item)).read_bytes() == (photos / item.file).read_bytes()
        )
    again = pull(REPO, tmp_path / "elsewhere")
    assert (again.downloaded, again.kept) == (0, pulled.downloaded)


def test_only_what_is_new_goes_either_way(server, photos, tmp_path):
    push(photos, REPO)
    pull(REPO, tmp_path / "elsewhere")
    add_picture(photos)
    server.heal()
    push(photos, REPO)
    assert len(server.uploads()) == 1  # embeddings of one picture; texts are in the commit
    server.heal()
    pulled = pull(REPO, tmp_path / "elsewhere")
    names = {name.rpartition("/")[2] for name, _ in server.downloads()}
    assert names == {"database.json", "embeddings.safetensors", "items.jsonl", "new.png"}
    assert pulled.downloaded == 3
    assert same(pulled.database, ImageDatabase.open(photos))


def test_a_search_straight_from_the_hub(server, photos):
    push(photos, REPO, pictures=False)
    assert not any(name.endswith(".png") for name in contents(server))
    database = ImageDatabase.open(f"hub:{REPO}")
    assert same(database, ImageDatabase.open(photos))
    assert database.location(database.items[0]).startswith(f"{server.url}/datasets/{REPO}/resolve/")
    server.stop()
    assert same(database, ImageDatabase.open(f"hub:{REPO}")), "from the cache"


def test_no_path_and_nothing_removed_goes_up(server, photos, tmp_path):
    (photos / "0000.png").unlink()
    build(StandIn(), [photos], tmp_path / "db")
    (photos / "0001.png").unlink()
    build(StandIn(), [photos], tmp_path / "db")
    done = push(tmp_path / "db", REPO)
    assert (done.images, done.pictures, done.hidden) == (8, 0, 8)
    for name, data in contents(server).items():
        assert str(tmp_path).encode() not in data, name
        assert b"0001.png" not in data, name
    pulled = pull(REPO, tmp_path / "elsewhere").database
    own = ImageDatabase.open(tmp_path / "db")
    np.testing.assert_array_equal(pulled.embeddings, own.embeddings)
    assert [Path(i.file).name for i in pulled.items] == [Path(i.file).name for i in own.items]
    before = push(tmp_path / "db", REPO).uploaded.commit
    assert before == done.uploaded.commit, "a copy is the same each time"


@pytest.mark.parametrize("match", ["/upload/", "/commit/"])
def test_a_push_that_fails_changes_nothing(server, photos, match):
    push(photos, REPO)
    before = contents(server)
    add_picture(photos)
    server.fail("status", match, 503)
    assert refusal(push, photos, REPO).code == "hub_server_error"
    assert contents(server) == before
    server.heal()
    push(photos, REPO)
    assert same(ImageDatabase.open(f"hub:{REPO}"), ImageDatabase.open(photos))


@pytest.mark.parametrize("match", ["embeddings.safetensors", "items.jsonl", "new.png"])
def test_a_pull_that_fails_leaves_the_old_database(server, photos, tmp_path, match):
    push(photos, REPO)
    here = tmp_path / "elsewhere"
    old = pull(REPO, here).database
    add_picture(photos)
    push(photos, REPO)
    server.fail("cut", match, 20, times=1)
    server.fail("close", match)
    assert refusal(pull, REPO, here).code == "hub_cut"
    ImageDatabase.open(here).verify()
    assert same(ImageDatabase.open(here), old)
    server.heal()
    assert same(pull(REPO, here).database, ImageDatabase.open(photos))


def test_a_damaged_segment_is_named(server, photos, tmp_path):
    push(photos, REPO)
    files = dict(contents(server))
    name = next(name for name in files if name.endswith("items.jsonl"))
    files[name] = files[name].replace("산".encode(), "강".encode())
    server.add(REPO, files, repo_type="dataset")
    error = refusal(pull, REPO, tmp_path / "elsewhere")
    assert (error.code, error.values["file"]) == ("share_damaged", name)
    assert not (tmp_path / "elsewhere" / "database.json").exists()
    assert refusal(ImageDatabase.open, f"hub:{REPO}").code == "share_damaged"


@pytest.mark.parametrize("file", ["/etc/a.png", "../a.png", "C:\\a.png", "file:///etc/a.png"])
def test_items_that_lead_outside_are_refused(server, photos, tmp_path, file, monkeypatch):
    line = json.dumps({"id": "x", "file": file}).encode() + b"\n"
    monkeypatch.setattr("koclip.database.items.ImageItem.to_line", lambda _item: line)
    add_picture(photos)
    files = {
        p.relative_to(photos).as_posix(): p.read_bytes() for p in photos.rglob("*.*") if p.is_file()
    }
    server.add(REPO, files, repo_type="dataset")
    assert refusal(pull, REPO, tmp_path / "elsewhere").code == "share_leads_outside"
    assert not (tmp_path / "elsewhere" / "database.json").exists()


def test_local_changes_are_not_overwritten(server, photos, tmp_path):
    push(photos, REPO)
    assert refusal(pull, REPO, photos).code == "share_local_changes"
    here = tmp_path / "elsewhere"
    pull(REPO, here)
    add_picture(here, "mine.png")
    mine = ImageDatabase.open(here)
    assert refusal(pull, REPO, here).code == "share_local_changes"
    assert same(ImageDatabase.open(here), mine)
    (here / "0000.png").write_bytes(b"edited")
    assert refusal(pull, REPO, here).code == "share_local_changes"
    assert same(pull(REPO, here, force=True).database, ImageDatabase.open(photos))


def test_other_repositories(server, photos, tmp_path):
    server.add(REPO, {"data.csv": b"a,b"}, repo_type="dataset")
    assert refusal(push, photos, REPO).code == "share_other_contents"
    assert refusal(pull, REPO, tmp_path / "elsewhere").code == "hub_no_file"
    server.add(REPO, {"database.json": b"[]"}, repo_type="dataset")
    assert refusal(push, photos, REPO).code == "share_other_contents"
    assert refusal(pull, REPO, tmp_path / "elsewhere").code == "share_no_database"
    assert refusal(pull, "narae/none", tmp_path / "elsewhere").code == "hub_no_repo"
    assert not (tmp_path / "elsewhere").exists()
    push(photos, REPO, force=True)
    assert same(ImageDatabase.open(f"hub:{REPO}"), ImageDatabase.open(photos))


def test_no_network(server, photos, tmp_path):
    server.stop()
    assert refusal(push, photos, REPO).code == "push_cut"
    assert refusal(pull, REPO, tmp_path / "elsewhere").code == "hub_unreachable"
    assert not (tmp_path / "elsewhere").exists()


def test_commands(server, photos, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["push", str(photos), REPO, "--no-pictures", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert (row["images"], row["pictures"]) == (10, 0)
    assert main(["pull", REPO, "-o", "here", "--revision", row["commit"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["images"] == 10
    assert main(["pull", REPO, "-o", "photos"]) == 2
    assert "--force" in capsys.readouterr().err
