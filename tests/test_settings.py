"""The Space is set up by its environment, and all that is wrong there is told at once."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import urllib.request
from urllib.parse import urljoin

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from koclip import ImageDatabase
from koclip.assets import assets_dir
from koclip.errors import KoCLIPError
from koclip.served_databases import ServedDatabase
from koclip.settings import MINI, Settings
from tests.space import ROOT, running_space

VARIABLES = (
    "KOCLIP_MODELS",
    "KOCLIP_DEFAULT_MODEL",
    "KOCLIP_DATABASE",
    "KOCLIP_PRELOAD",
    "KOCLIP_PRECISION",
    "KOCLIP_MAX_UPLOAD_MB",
    "KOCLIP_QUEUE",
    "KOCLIP_CONCURRENCY",
    "KOCLIP_MEMORY_GB",
)


def read(**variables: str) -> Settings:
    """The settings by `KOCLIP_…` variables, given without their beginning and in small letters."""
    return Settings.from_environment({f"KOCLIP_{k.upper()}": v for k, v in variables.items()})


def refusals(**variables: str) -> list[KoCLIPError]:
    with pytest.raises(KoCLIPError) as caught:
        read(**variables)
    assert caught.value.code == "settings_wrong"
    return caught.value.values["errors"]


@pytest.fixture
def photos(mini, tmp_path) -> ImageDatabase:
    """A gallery of one's own, made by koclip-mini."""
    for colour in ("olive", "navy"):
        Image.new("RGB", (40, 30), colour).save(tmp_path / f"{colour}.png")
    return ImageDatabase.build(mini, tmp_path)[0]


def test_without_variables_all_is_as_documented():
    settings = Settings.from_environment({"PATH": "/bin", "HF_TOKEN": "x"})
    assert settings == Settings()
    assert settings.models == (MINI, "koclip-base", "koclip-large")
    assert (settings.default_model, settings.preload) == (MINI, (MINI,))
    limits = (settings.max_upload_mb, settings.queue, settings.concurrency, settings.memory_gb)
    assert limits == (200, 256, 16, 8)
    assert settings.databases == ()


def test_empty_variables_are_not_set():
    empty = {name: " " for name in VARIABLES if name != "KOCLIP_PRELOAD"}
    assert Settings.from_environment(empty) == Settings()


def test_everything_can_be_set(photos):
    settings = read(
        models="koclip-mini, my-name/my-koclip ,koclip-large,koclip-mini,",
        default_model="my-name/my-koclip",
        database=f"{photos.folder}, hub:my-name/photos,{photos.folder},",
        preload="koclip-large",
        precision="bfloat16",
        max_upload_mb="5",
        queue=" 10 ",
        concurrency="4",
        memory_gb="3",
    )
    assert settings.models == (MINI, "my-name/my-koclip", "koclip-large")
    assert settings.default_model == "my-name/my-koclip"
    assert settings.databases == (
        ServedDatabase(photos.folder.name, str(photos.folder), MINI),
        ServedDatabase("my-name/photos", "hub:my-name/photos", "my-name/my-koclip"),
    )
    assert settings.preload == ("koclip-large",)
    assert settings.precision == "bfloat16"
    limits = (settings.max_upload_mb, settings.queue, settings.concurrency, settings.memory_gb)
    assert limits == (5, 10, 4, 3)


def test_settings_cannot_change_later():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().queue = 1


@pytest.mark.parametrize(
    ("models", "default", "preload"),
    [
        ("koclip-base,koclip-mini", MINI, (MINI,)),
        ("koclip-base,koclip-large", "koclip-base", (MINI, "koclip-base")),
    ],
)
def test_the_default_model_is_mini_or_else_the_first(models, default, preload):
    settings = read(models=models)
    assert (settings.default_model, settings.preload) == (default, preload)


def test_nothing_need_be_preloaded():
    assert read(preload="").preload == ()
    assert read(models="koclip-base", preload="koclip-mini").preload == (MINI,), "bundled"


def test_a_folder_is_a_model(tiny_korean_folder, monkeypatch):
    assert read(models=str(tiny_korean_folder)).default_model == str(tiny_korean_folder)
    monkeypatch.setenv("HOME", str(tiny_korean_folder.parent))
    assert read(models="~/tiny-korean").models == ("~/tiny-korean",)


@pytest.mark.parametrize(
    ("name", "value", "code", "told"),
    [
        ("models", ",", "setting_no_model", "commas"),
        ("models", "koclip-mini,koclip-bse", "setting_refused", "Did you mean 'koclip-base'"),
        ("models", "/no/such/folder", "setting_refused", "/no/such/folder"),
        ("default_model", "koclip-base-pt", "setting_not_offered", "KOCLIP_MODELS"),
        ("preload", "koclip-mini,koclip-base-pt", "setting_not_offered", "koclip-large"),
        ("database", "/no/such/folder", "setting_refused", "koclip index"),
        ("database", str(assets_dir() / "examples"), "setting_refused", "koclip index"),
        ("database", str(assets_dir() / "gallery"), "setting_refused", "goes with a model"),
        ("database", "hub:my-name/photos,hub:photos", "setting_refused", "owner/name"),
        ("precision", "int4", "setting_refused", "auto, float32, int8, bfloat16"),
        ("max_upload_mb", "20mb", "setting_not_a_number", "from 1 to 1000"),
        ("max_upload_mb", "0", "setting_not_a_number", "from 1 to 1000"),
        ("max_upload_mb", "1001", "setting_not_a_number", "from 1 to 1000"),
        ("queue", "-1", "setting_not_a_number", "from 1 to 10000"),
        ("queue", "1e3", "setting_not_a_number", "from 1 to 10000"),
        ("queue", "٣", "setting_not_a_number", "from 1 to 10000"),
        ("concurrency", "2.5", "setting_not_a_number", "from 1 to 64"),
        ("memory_gb", "0.5", "setting_not_a_number", "from 1 to 10000"),
        ("model", "koclip-base", "setting_unknown", "KOCLIP_MODELS"),
        ("max_upload", "5", "setting_unknown", "KOCLIP_MAX_UPLOAD_MB"),
    ],
)
def test_what_is_wrong_is_told(name, value, code, told):
    (error,) = refusals(**{name: value})
    assert error.code == code
    for language in ("ko", "en"):
        assert f"KOCLIP_{name.upper()}" in error.localized(language)
        assert value.split(",")[-1] in error.localized(language)
    assert told in str(error)


def test_all_is_told_at_once_in_both_languages():
    wrong = {"models": "koclip-bse", "queue": "many", "concurrency": "0"}
    assert [error.code for error in refusals(**wrong)] == [
        "setting_refused",
        "setting_not_a_number",
        "setting_not_a_number",
    ]
    with pytest.raises(KoCLIPError) as caught:
        read(**wrong)
    korean, english = (caught.value.localized(language) for language in ("ko", "en"))
    for text in (korean, english):
        lines = text.splitlines()[1:]
        assert [line.partition(":")[0] for line in lines] == [
            "- KOCLIP_MODELS",
            "- KOCLIP_QUEUE",
            "- KOCLIP_CONCURRENCY",
        ]
    assert "정수" in korean and "혹시 'koclip-base'인가요" in korean, "what is nested, too"
    assert "whole number" in english


def test_a_damaged_database_is_refused(photos):
    (items,) = photos.folder.glob("segments/*/items.jsonl")
    items.write_text("{")
    (error,) = refusals(database=str(photos.folder))
    assert "items.jsonl" in str(error)


def test_other_variables_are_not_ours():
    """Kubernetes, for one, names variables after every service."""
    others = {"KOCLIP_PORT": "tcp://10.0.0.1:80", "KOCLIP_SERVICE_HOST": "10.0.0.1"}
    assert Settings.from_environment(others) == Settings()


# ---- databases -----------------------------------------------------------------------------


def test_a_database_is_for_the_model_that_made_it(photos, tiny_korean_folder, tmp_path):
    (tmp_path / "mine.tsv").write_text("cat.jpg\t1,0\n")
    settings = read(
        models=f"{tiny_korean_folder},koclip-mini",
        default_model=str(tiny_korean_folder),
        database=f"{photos.folder},{tmp_path / 'mine.tsv'}",
    )
    made_by = {database.name: database.model for database in settings.databases}
    assert made_by == {photos.folder.name: MINI, "mine": str(tiny_korean_folder)}


def test_a_published_model_by_its_hub_id_is_known_by_its_name(photos):
    """`name` of a model is the short one, however it was asked for."""
    manifest = photos.folder / "database.json"
    manifest.write_text(manifest.read_text().replace('"koclip-mini"', '"koclip-base"'))
    settings = read(models="koclip-mini,koclip/koclip-base", database=str(photos.folder))
    assert settings.databases[0].model == "koclip/koclip-base"


def test_a_database_of_a_model_that_is_not_offered_is_refused(tiny_korean_folder, photos):
    (error,) = refusals(models=str(tiny_korean_folder), database=str(photos.folder))
    rebuild = f"koclip index {photos.folder} --model {tiny_korean_folder} --rebuild"
    for language in ("ko", "en"):
        told = error.localized(language)
        assert "'koclip-mini'" in told and "KOCLIP_MODELS" in told and rebuild in told


def test_a_database_of_an_earlier_state_of_the_model_is_refused(mini, photos):
    manifest = photos.folder / "database.json"
    manifest.write_text(manifest.read_text().replace(mini.revision, "0123456789ab"))
    (error,) = refusals(database=str(photos.folder))
    assert "made by 'koclip-mini@0123456789ab'" in str(error)
    assert f"koclip index {photos.folder} --model koclip-mini --rebuild" in str(error)


def test_databases_of_the_same_name_are_refused_all_at_once(photos, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    other = shutil.copytree(photos.folder, elsewhere / photos.folder.name)
    gallery = shutil.copytree(photos.folder, elsewhere / "gallery")
    places = [photos.folder, other, gallery, elsewhere / "nowhere"]
    told = [str(error) for error in refusals(database=",".join(map(str, places)))]
    assert len(told) == 3
    assert str(places[3]) in told[0]
    assert f"called '{photos.folder.name}', and so is {photos.folder}" in told[1]
    assert "'gallery' is what the gallery" in told[2]


# ---- in the Space --------------------------------------------------------------------------


def test_the_space_follows_its_settings(photos, tmp_path):
    settings = {
        "KOCLIP_DATABASE": f"{photos.folder},hub:my-name/photos",
        "KOCLIP_MODELS": "koclip-mini",
    }
    environment = os.environ | settings | {"HF_HUB_OFFLINE": "1"}
    with running_space(tmp_path / "app.log", environment) as url:
        client = Client(url, verbose=False)
        answer = client.predict("파란색", 5, api_name="/text_to_image")
        assert answer["database"] == photos.folder.name
        gallery = client.predict("바다", 1, database="gallery", api_name="/text_to_image")
        assert gallery["database"] == "gallery" and gallery["results"][0]["caption_ko"]
        batch = client.predict(
            ["파란색"], 5, database=photos.folder.name, api_name="/text_to_image_batch"
        )
        assert batch == answer | {"results": [answer["results"]]}
        with pytest.raises(AppError, match=f"{photos.folder.name}, my-name/photos, gallery"):
            client.predict("바다", 1, database="nothing", api_name="/text_to_image")
        with pytest.raises(AppError, match=r"'my-name/photos'.*HF_HUB_OFFLINE"):
            client.predict("바다", 1, database="my-name/photos", api_name="/text_to_image")
        found = {result["image"].rpartition("/")[2] for result in answer["results"]}
        assert found == {"navy.png", "olive.png"}
        for result in answer["results"]:
            with urllib.request.urlopen(urljoin(url, result["image"])) as picture:
                assert picture.read(8) == b"\x89PNG\r\n\x1a\n"


def test_the_space_does_not_start_with_wrong_settings(tmp_path):
    wrong = {"KOCLIP_QUEUE": "many", "KOCLIP_CONCURRENCY": "0", "LC_ALL": "ko_KR.UTF-8"}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | wrong,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    for told in (
        "시작하지 않았습니다",
        "- KOCLIP_QUEUE: 값 'many'",
        "- KOCLIP_CONCURRENCY: 값 '0'",
    ):
        assert told in done.stderr


# ---- what the owner is told ----------------------------------------------------------------


def test_the_documentation_has_every_variable():
    text = (ROOT / "docs" / "space.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `KOCLIP_")}
    assert tuple(rows) == VARIABLES
    defaults = Settings()
    for name, value in [
        ("KOCLIP_MODELS", ",".join(defaults.models)),
        ("KOCLIP_DEFAULT_MODEL", defaults.default_model),
        ("KOCLIP_PRELOAD", defaults.default_model),
        ("KOCLIP_MAX_UPLOAD_MB", defaults.max_upload_mb),
        ("KOCLIP_QUEUE", defaults.queue),
        ("KOCLIP_CONCURRENCY", defaults.concurrency),
        ("KOCLIP_MEMORY_GB", defaults.memory_gb),
    ]:
        assert f"`{value}`" in rows[name]
