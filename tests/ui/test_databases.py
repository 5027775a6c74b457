"""Which databases a model searches, and what happens to those that the Hub does not give."""

from __future__ import annotations

import time

import pytest
from PIL import Image

from koclip import ImageDatabase
from koclip.database.push import push
from koclip.errors import KoCLIPError
from koclip.served_databases import GALLERY
from koclip.settings import MINI, Settings
from koclip.ui import open_once
from koclip.ui.models import ModelPool
from tests.hub_uploads import UploadHub, writable_hub

REPO = "narae/photos"


@pytest.fixture(scope="module")
def photos(mini, tmp_path_factory) -> ImageDatabase:
    """Two pictures, made searchable by koclip-mini."""
    folder = tmp_path_factory.mktemp("databases") / "여행"
    folder.mkdir()
    for colour in ("olive", "navy"):
        Image.new("RGB", (40, 30), colour).save(folder / f"{colour}.png")
    return ImageDatabase.build(mini, folder)[0]


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setattr("koclip.hub.download.time.sleep", lambda _seconds: None)
    with writable_hub(monkeypatch, tmp_path / "home", "narae") as server:
        yield server


@pytest.fixture
def pushed(hub: UploadHub, photos) -> UploadHub:
    """The Hub, with the database as narae/photos."""
    push(photos.folder, REPO, message="사진")
    return hub


def pool_of(*databases: object, models: str = MINI, default: str = "") -> ModelPool:
    variables = {
        "KOCLIP_DATABASE": ",".join(map(str, databases)),
        "KOCLIP_MODELS": models,
        "KOCLIP_DEFAULT_MODEL": default,
    }
    return ModelPool(Settings.from_environment(variables))


def refusal(run, *arguments: object) -> KoCLIPError:
    with pytest.raises(KoCLIPError) as caught:
        run(*arguments)
    return caught.value


def wait_until_open(pool: ModelPool, name: str) -> None:
    until = time.monotonic() + 10
    while not pool.databases.is_open(name, MINI):
        assert time.monotonic() < until, f"{name} was not opened"


def no_progress(file: str, done: int, total: int) -> None:
    pass


def test_without_settings_there_is_the_gallery():
    databases = pool_of().databases
    assert databases.names(MINI) == [GALLERY] and not databases.has_several
    assert databases.local_folders() == []


def test_the_owners_come_first_and_the_gallery_stays(photos):
    pool = pool_of(photos.folder)
    assert pool.databases.names(MINI) == ["여행", GALLERY]
    assert pool.databases.local_folders() == [photos.folder]
    for asked, found in (("", "여행"), ("여행", "여행"), (GALLERY, GALLERY)):
        choice = pool.choose(MINI, "en", no_progress, asked)
        assert choice.database_name == found and choice.notices == []
        assert (len(choice.database) == 2) == (found == "여행")
    assert pool.choose(MINI, "en", no_progress).database is None
    state = {"state": "open", "model": MINI, "revision": photos.revision, "images": 2}
    assert pool.databases.states() == {"여행": state}


def test_an_unknown_name_is_answered_with_those_that_exist(photos):
    pool = pool_of(photos.folder)
    error = refusal(pool.choose, MINI, "en", no_progress, "바다")
    for language in ("ko", "en"):
        assert "'바다'" in error.localized(language)
        assert "여행, gallery" in error.localized(language)


def test_each_is_for_the_model_that_made_it(photos, tiny_korean_folder):
    model = str(tiny_korean_folder)
    pool = pool_of(photos.folder, models=f"{MINI},{model}")
    assert pool.databases.names(model) == [GALLERY]
    error = refusal(pool.choose, model, "en", no_progress, "여행")
    assert error.code == "database_of_other_model" and MINI in str(error)
    choice = pool.choose(model, "en", no_progress, "")
    assert (choice.name, choice.database_name) == (MINI, GALLERY), "it has no gallery of its own"
    assert model in choice.notices[0]


def test_a_tsv_is_the_default_models(tiny_korean, tiny_korean_folder, tmp_path):
    row = ",".join(map(str, tiny_korean.embed_texts("고양이")[0]))
    (tmp_path / "mine.tsv").write_text(f"cat.jpg\t{row}\n")
    model = str(tiny_korean_folder)
    pool = pool_of(tmp_path / "mine.tsv", models=model)
    assert pool.databases.names(model) == ["mine"], "a model of one's own has no gallery"
    found = pool.choose(model, "en", no_progress, "").database
    assert found.search(tiny_korean, "고양이")[0].item.id == "cat.jpg"
    assert pool.databases.local_folders() == [], "the file itself is not served"
    wrong = pool_of(tmp_path / "mine.tsv")  # 24 dimensions are not 384
    assert refusal(wrong.choose, MINI, "en", no_progress, "mine").code == "database_other_model"


# ---- on the Hub ----------------------------------------------------------------------------


def test_one_on_the_hub_is_opened_behind_the_page(pushed, photos):
    pool = pool_of(f"hub:{REPO}")
    assert pool.databases.names(MINI) == [REPO, GALLERY]
    assert pool.databases.at_hand(MINI) == GALLERY, "the page does not wait"
    wait_until_open(pool, REPO)
    assert pool.databases.at_hand(MINI) == REPO
    choice = pool.choose_now(MINI, "en", REPO)
    assert list(choice.database.items) == list(photos.items)
    assert choice.database.location(choice.database.items[0]).startswith(pushed.url)


def test_the_page_says_that_one_is_being_opened(pushed, monkeypatch):
    pool = pool_of(f"hub:{REPO}")
    monkeypatch.setattr(pool.databases, "open_in_background", lambda name: None)
    error = refusal(pool.choose_now, MINI, "en", REPO)
    assert error.code == "database_opening" and REPO in error.localized("ko")
    assert pool.databases.states() == {REPO: {"state": "closed", "model": MINI}}
    assert pool.choose_now(MINI, "en", GALLERY).database_name == GALLERY
    assert pool.choose(MINI, "en", no_progress, REPO).database_name == REPO, "the API waits"


def test_one_that_fails_says_why_and_is_tried_again(hub, photos, monkeypatch):
    pool = pool_of(f"hub:{REPO}")
    error = refusal(pool.choose, MINI, "en", no_progress, REPO)
    assert error.code == "database_unavailable" and error.values["reason"].code == "hub_no_repo"
    asked = len(hub.requests)
    assert refusal(pool.choose_now, MINI, "en", REPO) is error
    assert pool.choose_now(MINI, "en", GALLERY).notices == [], "the gallery keeps working"
    assert pool.databases.at_hand(MINI) == GALLERY
    assert len(hub.requests) == asked, "not asked again at once"
    state = {"state": "failed", "model": MINI, "reason": "hub_no_repo"}
    assert pool.databases.states() == {REPO: state}
    push(photos.folder, REPO, message="사진")
    monkeypatch.setattr(open_once, "_RETRY_AFTER", 0)
    assert pool.databases.at_hand(MINI) == GALLERY, "which has it tried again"
    wait_until_open(pool, REPO)


def test_one_by_a_model_that_is_not_offered_is_refused_with_the_command(pushed, tiny_korean_folder):
    model = str(tiny_korean_folder)
    pool = pool_of(f"hub:{REPO}", models=model)
    assert pool.databases.names(model) == [REPO], "until it is known who made it"
    error = refusal(pool.databases.open, REPO, model)
    assert f"koclip index FOLDER --model {model} --rebuild" in error.localized("ko")


def test_one_by_another_offered_model_goes_to_that(pushed, tiny_korean_folder):
    model = str(tiny_korean_folder)
    pool = pool_of(f"hub:{REPO}", models=f"{model},{MINI}", default=model)
    assert pool.databases.names(MINI) == [GALLERY]
    assert refusal(pool.databases.open, REPO, model).code == "database_of_other_model"
    assert pool.databases.names(MINI) == [REPO, GALLERY]
    assert pool.choose(MINI, "en", no_progress, "").database_name == REPO


def test_that_the_hub_fails_is_no_failure_of_the_model(hub, tiny_korean_folder):
    model = str(tiny_korean_folder)
    pool = pool_of(f"hub:{REPO}", models=model)
    assert pool.choose(model, "en", no_progress).notices == []
    refusal(pool.databases.open, REPO, model)
    assert pool.databases.at_hand(model) == REPO, "there is nothing else"
    assert pool.status(model) is None and pool.is_open(model)
