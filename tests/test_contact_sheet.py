"""The page of a search's results."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import Image

from koclip.contact_sheet import contact_sheet
from koclip.database import ImageItem
from koclip.text_to_image import SearchHit
from koclip.thumbnails import thumbnail

PICTURE = Image.new("RGB", (900, 600), "teal")


def page(*hits: SearchHit, language: str = "en", title: str = "산", **options) -> str:
    options = {"thumbnail": lambda hit: None, "address": lambda item: item.file} | options
    return contact_sheet(hits, title, "photos · koclip-mini", language, **options)


def hit(rank: int = 1, others: tuple[ImageItem, ...] = (), **fields: str) -> SearchHit:
    return SearchHit(rank, ImageItem(**({"id": "a", "file": "a b.png"} | fields)), 0.25, others)


def test_thumbnails_are_in_the_page_and_lead_to_the_picture():
    text = page(hit(), thumbnail=lambda hit: thumbnail(PICTURE.copy()))
    assert '<a href="a%20b.png"><img src="data:image/webp;base64,' in text
    data = re.search(r"base64,([^\"]+)", text)[1]
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (320, 213)
    assert not re.search(r"(src|href)=\"(https?:)?//", text)  # nothing is loaded from elsewhere


def test_pictures_on_the_web_stay_there_and_lost_ones_are_told():
    address = "http://images.example/val2017/1.jpg?a=1&b=2"
    text = page(hit(file=address))
    assert text.count("http://images.example/val2017/1.jpg?a=1&amp;b=2") >= 2
    assert "cannot be shown" in page(hit()) and "<img" not in page(hit())
    assert "<a href" not in page(hit(file="javascript:alert(1)"))


@pytest.mark.parametrize(
    ("language", "caption", "words"),
    [
        (
            "ko",
            "눈 덮인 산",
            ["이미지 1장", "작가 미상", "출처", "거의 같은 이미지 2장"],
        ),
        ("en", "A snowy mountain", ["Images: 1", "unknown author", "source"]),
    ],
)
def test_each_card_tells_whom_to_thank(language, caption, words):
    others = (ImageItem("b", "b.png"), ImageItem("c&c", "c.png"))
    found = hit(
        others=others,
        caption_ko="눈 덮인 산",
        caption_en="A snowy mountain",
        license="LicenseRef-Public-Domain",
        source="archive (https://example.org/산)",
        title="Mountain",
    )
    text = page(found, language=language)
    for part in [
        f'<html lang="{language}">',
        caption,
        "Mountain",
        "public domain",
        "https://example.org/산",
        "0.250",
        *words,
    ]:
        assert part in text
    assert "<li>b</li><li>c&amp;c</li>" in text
    assert "<details>" not in page(hit())


def test_what_is_noted_cannot_become_markup():
    attack = "<script>\"&'"
    fields = dict.fromkeys(["id", "file", "caption_ko", "author", "license", "title"], attack)
    text = page(hit(**fields, source=f"https://x/{attack}"), title=attack)
    assert attack not in text and "<script" not in text
    assert text.count("&lt;script&gt;") >= 4


def test_no_results():
    assert "Images: 0" in page()
