"""What page and API make of answers, and where pictures of a database are shown from."""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from koclip.assets import assets_dir
from koclip.database import ImageDatabase, ImageItem
from koclip.database.build import build
from koclip.text_to_image import SearchHit
from koclip.ui.answers import patch_answer, served_by, served_location
from koclip.ui.cards import cards
from koclip.ui.models import Choice
from koclip.ui.texts import say

CAT = assets_dir() / "examples" / "cat.webp"


@pytest.fixture
def archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.write(CAT, "cat.webp")
    return tmp_path / "pictures.zip"


def picture_of(address: str) -> Image.Image:
    kind, _, data = address.partition(",")
    assert kind == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_picture_out_of_an_archive_is_its_thumbnail(mini, archive, tmp_path):
    database = build(mini, [archive], tmp_path / "database").database
    (hit,) = database.search(mini, "고양이")
    assert served_location(database, hit.item) is None
    with picture_of(served_by(database)(hit)) as picture:
        assert picture.format == "WEBP" and max(picture.size) == 320


def test_a_file_of_the_database_is_served(mini, tmp_path):
    Image.new("RGB", (40, 30), "olive").save(tmp_path / "olive.png")
    database = build(mini, [tmp_path], tmp_path).database
    (hit,) = database.search(mini, "올리브색")
    assert served_by(database)(hit) == f"/gradio_api/file={tmp_path / 'olive.png'}"


def test_the_path_of_a_file_elsewhere_is_not_told(mini, tmp_path):
    (tmp_path / "private").mkdir()
    Image.new("RGB", (40, 30), "navy").save(tmp_path / "private" / "navy.png")
    database = build(mini, [tmp_path / "private"], tmp_path / "database").database
    (hit,) = database.search(mini, "남색")
    assert served_location(database, hit.item) is None
    assert "private" not in served_by(database)(hit)


def test_a_picture_on_the_hub_is_its_thumbnail_or_its_address(mini, archive, tmp_path):
    Image.new("RGB", (40, 30), "olive").save(tmp_path / "olive.png")
    on_hub = {"pictures": "https://hub.example/me/photos/resolve/main/"}
    database = replace(build(mini, [tmp_path], tmp_path).database, **on_hub)
    (hit,) = database.search(mini, "올리브색")
    assert served_by(database)(hit) == "https://hub.example/me/photos/resolve/main/olive.png"
    database = replace(build(mini, [archive], tmp_path / "database").database, **on_hub)
    (hit,) = database.search(mini, "고양이")
    with picture_of(served_by(database)(hit)) as picture:
        assert max(picture.size) == 320


@pytest.mark.parametrize("file", ["javascript://%0aalert(1)", "file:///etc/passwd", "data://x"])
def test_only_addresses_of_the_web_are_shown(file):
    database = ImageDatabase([ImageItem("x", file)], np.eye(1, 4, dtype=np.float32), "m", "r")
    assert served_location(database, database.items[0]) is None
    assert served_by(database)(SearchHit(1, database.items[0], 1.0)) == ""


def test_without_a_thumbnail_the_card_says_so(mini, archive, tmp_path):
    database = build(mini, [archive], tmp_path / "database").database
    (hit,) = database.search(mini, "고양이")
    for thumbnails in (tmp_path / "database").rglob("*.zip"):
        thumbnails.unlink()
    assert served_by(database)(hit) == ""
    names = ("id", "caption_ko", "caption_en", "title", "kind", "license", "author", "source")
    result = {name: getattr(hit.item, name) for name in names}
    result |= {"rank": 1, "score": hit.score, "image": ""}
    for language in ("ko", "en"):
        html = cards([result], language)
        assert say("picture_unseen", language) in html and "<img" not in html


@pytest.mark.parametrize(("name", "can"), [("mini", True), ("tiny_korean", False)])
def test_tiles_are_seen_in_one_pass_by_those_who_can(request, examples, name, can):
    model = request.getfixturevalue(name)
    choice = Choice(name, model, [], None)
    picture = examples / "boats.webp"
    answer = patch_answer(choice, picture, "바다", rows=2, columns=2, dense=True)
    assert answer["dense"] is can
    hits = model.rank_patches(picture, "바다", 2, 2, dense=can)
    assert [r["score"] for r in answer["results"]] == pytest.approx([p.score for p in hits])
    assert not patch_answer(choice, picture, "바다", rows=2, columns=2)["dense"]
