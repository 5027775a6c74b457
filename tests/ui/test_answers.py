"""Where the pictures of a database are shown from."""

from __future__ import annotations

import base64
import io
import zipfile

import pytest
from PIL import Image

from koclip.assets import assets_dir
from koclip.database.build import build
from koclip.ui.answers import served_by, served_location
from koclip.ui.cards import cards
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
