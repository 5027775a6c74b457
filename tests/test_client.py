"""The three endpoints, called with gradio_client against the running app."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from koclip.assets import assets_dir


@pytest.fixture(scope="module")
def client(space) -> Client:
    return Client(space, verbose=False)


@pytest.fixture(scope="module")
def english(space) -> Client:
    return Client(space, verbose=False, headers={"Accept-Language": "en-US,en;q=0.9"})


def picture(name: str):
    return handle_file(str(assets_dir() / "examples" / name))


def gallery(name: str):
    return handle_file(str(assets_dir() / "gallery" / "images" / f"{name}.webp"))


def saved(path: Path, image: Image.Image, **options):
    image.save(path, **options)
    return handle_file(str(path))


LABELS = "고양이, 커피, 로켓, 자전거, 오렌지"


@pytest.mark.parametrize(
    ("name", "label"),
    [("cat", "고양이"), ("coffee", "커피"), ("rocket", "로켓"), ("citrus", "오렌지")],
)
def test_image_to_text_knows_what_it_sees(client, name, label):
    answer = client.predict(picture(f"{name}.webp"), LABELS, api_name="/image_to_text")
    results = answer["results"]
    assert results[0]["label"] == label
    assert [r["rank"] for r in results] == [1, 2, 3, 4, 5]
    assert sum(r["probability"] for r in results) == pytest.approx(1, abs=1e-5)
    assert answer["model"] == "koclip-mini"


def test_image_to_text_knows_a_bicycle(client):
    answer = client.predict(gallery("bicycle"), LABELS, api_name="/image_to_text")
    assert answer["results"][0]["label"] == "자전거"


def test_image_to_text_without_softmax(client):
    answer = client.predict(picture("cat.webp"), LABELS, softmax=False, api_name="/image_to_text")
    assert answer["results"][0]["label"] == "고양이"
    assert {r["probability"] for r in answer["results"]} == {None}


def test_repeated_labels_are_merged_with_a_note(client):
    answer = client.predict(picture("cat.webp"), "고양이\n개\n고양이", api_name="/image_to_text")
    assert len(answer["results"]) == 2
    assert "고양이" in answer["notices"][0]


def test_one_label_is_fine_and_explained(client):
    answer = client.predict(picture("cat.webp"), "고양이", api_name="/image_to_text")
    assert answer["results"][0]["probability"] == 1
    assert "100" in answer["notices"][0]


@pytest.mark.parametrize("word", ["고양이", "자전거", "커피"])
def test_text_to_image_finds_it_at_the_top(client, word):
    answer = client.predict(word, 5, api_name="/text_to_image")
    captions = [result["caption_ko"] for result in answer["results"]]
    assert len(captions) == 5
    assert any(word in caption for caption in captions[:3]), captions
    scores = [result["score"] for result in answer["results"]]
    assert scores == sorted(scores, reverse=True)


def test_text_to_image_says_where_pictures_are_and_whose(client, space):
    (result,) = client.predict("바다", 1, api_name="/text_to_image")["results"]
    assert result["license"] and result["source"]
    response = httpx.get(space.rstrip("/") + result["image"])
    assert response.headers["content-type"] == "image/webp"


def test_text_to_patch_boxes_are_pixels_of_the_picture(client):
    answer = client.predict(picture("coffee.webp"), "커피", 2, 3, api_name="/text_to_patch")
    with Image.open(assets_dir() / "examples" / "coffee.webp") as image:
        width, height = image.size
    assert len(answer["results"]) == 6
    for result in answer["results"]:
        left, top, right, bottom = result["box"]
        assert (right - left, bottom - top) == (width // 3, height // 2)
        assert (left, top) == (result["column"] * (width // 3), result["row"] * (height // 2))


def test_text_to_patch_points_at_the_right_corner(client, tmp_path):
    """A cat pasted into one cell of a plain picture is found in that cell."""
    scene = Image.new("RGB", (600, 600), (200, 205, 210))
    with Image.open(assets_dir() / "examples" / "cat.webp") as cat:
        scene.paste(cat.convert("RGB").resize((200, 200)), (400, 0))
    answer = client.predict(
        saved(tmp_path / "scene.png", scene), "고양이", 3, 3, api_name="/text_to_patch"
    )
    best = answer["results"][0]
    assert (best["row"], best["column"]) == (0, 2)


def test_a_model_out_of_reach_falls_back_with_a_notice(client):
    answer = client.predict(
        picture("cat.webp"), LABELS, model="koclip-base", api_name="/image_to_text"
    )
    assert answer["model"] == "koclip-mini"
    assert "koclip-base" in answer["notices"][0]
    assert answer["results"][0]["label"] == "고양이"
    found = client.predict("고양이", 3, model="koclip-large", api_name="/text_to_image")
    assert found["model"] == "koclip-mini" and len(found["results"]) == 3


# Bad input: an answer or a clear message, in the caller's language --------------------------------


def test_not_an_image(client, english, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("이것은 그림이 아니다")
    with pytest.raises(AppError, match="이미지로 읽을 수 없는"):
        client.predict(handle_file(str(path)), LABELS, api_name="/image_to_text")
    with pytest.raises(AppError, match="not a readable image"):
        english.predict(handle_file(str(path)), LABELS, api_name="/image_to_text")


def test_no_image(client):
    with pytest.raises(AppError, match="이미지가 없습니다"):
        client.predict(None, LABELS, api_name="/image_to_text")


@pytest.mark.parametrize("labels", ["", " \n , \n"])
def test_no_labels(english, labels):
    with pytest.raises(AppError, match="no labels"):
        english.predict(picture("cat.webp"), labels, api_name="/image_to_text")


@pytest.mark.parametrize("query", ["", "   "])
def test_empty_query(client, query):
    with pytest.raises(AppError, match="비어 있습니다"):
        client.predict(query, 3, api_name="/text_to_image")
    with pytest.raises(AppError, match="비어 있습니다"):
        client.predict(picture("cat.webp"), query, api_name="/text_to_patch")


def test_a_label_of_10000_characters(client):
    with pytest.raises(AppError, match="너무 깁니다"):
        client.predict(picture("cat.webp"), "가나다라마" * 2000, api_name="/image_to_text")


def test_template_without_a_place_for_the_label(client):
    with pytest.raises(AppError, match=re.escape("{}")):
        client.predict(picture("cat.webp"), LABELS, "이것은", api_name="/image_to_text")


def test_grid_finer_than_the_picture(client, tmp_path):
    dot = saved(tmp_path / "dot.png", Image.new("RGB", (1, 1), "red"))
    with pytest.raises(AppError, match="나눌 수 없습니다"):
        client.predict(dot, "빨강", 3, 3, api_name="/text_to_patch")


ODD_PICTURES = {
    "one pixel": lambda p, cat: saved(p / "a.png", Image.new("RGB", (1, 1), "red")),
    "rotated by EXIF": lambda p, cat: saved(
        p / "a.jpg", cat.rotate(90, expand=True), exif=_turned()
    ),
    "CMYK": lambda p, cat: saved(p / "a.jpg", cat.convert("CMYK")),
    "16-bit grey": lambda p, cat: saved(
        p / "a.png", Image.fromarray(np.asarray(cat.convert("L"), np.uint16) * 257)
    ),
    "animated": lambda p, cat: saved(
        p / "a.gif", cat, save_all=True, append_images=[Image.new("RGB", cat.size)]
    ),
    "transparent": lambda p, cat: saved(p / "a.png", cat.convert("RGBA")),
    "palette": lambda p, cat: saved(p / "a.png", cat.convert("P")),
    "very wide": lambda p, cat: saved(p / "a.png", Image.new("RGB", (9000, 2), "blue")),
}


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn me 90° clockwise to see me upright"
    return exif


@pytest.mark.parametrize("kind", ODD_PICTURES)
def test_odd_pictures_get_an_answer(client, tmp_path, kind):
    with Image.open(assets_dir() / "examples" / "cat.webp") as image:
        cat = image.convert("RGB")
    answer = client.predict(ODD_PICTURES[kind](tmp_path, cat), LABELS, api_name="/image_to_text")
    if kind not in ("one pixel", "very wide"):
        assert answer["results"][0]["label"] == "고양이"
