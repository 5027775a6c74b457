"""The bundled gallery and example pictures: complete, free, small and consistently described."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

ASSETS = Path(__file__).resolve().parent.parent / "assets"
GALLERY = ASSETS / "gallery"
EXAMPLES = ASSETS / "examples"

FREE_LICENSES = {
    "CC0-1.0",
    "CC-PDDC",
    "LicenseRef-Public-Domain",
    "CC-BY-2.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "LGPL-3.0-only",
}
FIELDS = {
    "id",
    "file",
    "caption_ko",
    "caption_en",
    "kind",
    "license",
    "author",
    "source",
    "title",
}
HANGUL = re.compile("[가-힣]{2}")


def read_json_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


ITEMS = read_json_lines(GALLERY / "items.jsonl")
EXAMPLE_TABLE = json.loads((EXAMPLES / "examples.json").read_text(encoding="utf-8"))


def test_counts_and_kinds():
    kinds = Counter(item["kind"] for item in ITEMS)
    assert set(kinds) == {"photo", "illustration"}
    assert len(ITEMS) >= 300
    assert kinds["photo"] >= 200


def test_ids_and_files_are_unique_and_match():
    ids = [item["id"] for item in ITEMS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in ids)
    assert [item["file"] for item in ITEMS] == [f"images/{name}.webp" for name in ids]


def test_every_item_is_described():
    for item in ITEMS:
        assert set(item) == FIELDS, item["id"]
        assert all(isinstance(v, str) and v.strip() == v and v for v in item.values()), item["id"]
        assert HANGUL.search(item["caption_ko"]), item["id"]
        assert re.fullmatch(r"[ -~é]+", item["caption_en"]), item["id"]


def test_drawings_are_called_drawings():
    for item in ITEMS:
        assert item["caption_ko"].endswith("그림") == (item["kind"] == "illustration"), item["id"]


def test_licenses_are_free_and_sources_name_a_package():
    for item in ITEMS:
        assert item["license"] in FREE_LICENSES, item["id"]
        assert re.match(r"(Debian|PyPI) package \S+ \S+: \S", item["source"]), item["id"]


def test_items_match_the_table_they_are_built_from():
    rows = read_json_lines(GALLERY / "sources.jsonl")
    packages = json.loads((GALLERY / "packages.json").read_text(encoding="utf-8"))
    assert {row["package"] for row in rows} == set(packages)
    assert len({(row["package"], row["member"]) for row in rows}) == len(rows)
    copied = ("id", "caption_ko", "caption_en", "kind", "license", "author", "title")
    for row, item in zip(rows, ITEMS, strict=True):
        assert {name: row[name] for name in copied} == {name: item[name] for name in copied}
        assert re.fullmatch("[0-9a-f]{64}", row["sha256"])


def test_no_picture_twice():
    rows = read_json_lines(GALLERY / "sources.jsonl")
    assert len({row["sha256"] for row in rows}) == len(rows)


def test_images_open_and_are_small():
    total = 0
    for item in ITEMS:
        path = GALLERY / item["file"]
        total += path.stat().st_size
        with Image.open(path) as image:
            image.load()
            assert image.format == "WEBP" and image.mode == "RGB", item["id"]
            assert max(image.size) <= 384 and min(image.size) >= 48, item["id"]
            assert not image.info.get("exif") and not image.info.get("xmp"), item["id"]
    assert total <= 10_000_000


def test_no_orphan_images():
    assert {f"images/{path.name}" for path in (GALLERY / "images").iterdir()} == {
        item["file"] for item in ITEMS
    }


ORDINARY_WORDS = [
    *("고양이", "강아지", "말", "새", "물고기", "사람", "여자", "남자", "아이", "가족"),
    *("커피", "과일", "빵", "피자", "자전거", "자동차", "버스", "기차", "비행기", "로켓"),
    *("바다", "산", "눈", "호수", "숲속", "꽃", "나무", "도시", "야경", "해변"),
    *("책", "컴퓨터", "우산", "의자", "시계", "기타", "축구공", "부엌", "놀이터", "집"),
]


@pytest.mark.parametrize("word", ORDINARY_WORDS)
def test_ordinary_words_find_a_caption(word):
    whole_word = re.compile(rf"(^|\s){word}(은|는|이|가|을|를|과|와|의|에|들|\s|$)")
    assert any(whole_word.search(item["caption_ko"]) for item in ITEMS)


def test_examples_are_consistent():
    assert len(EXAMPLE_TABLE) >= 8
    files = [example["file"] for example in EXAMPLE_TABLE]
    assert len(set(files)) == len(files)
    assert {p.name for p in EXAMPLES.iterdir()} == {*files, "examples.json", "README.md"}
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for example in EXAMPLE_TABLE:
        path = EXAMPLES / example["file"]
        assert path.stat().st_size <= 150_000
        with Image.open(path) as image:
            image.load()
            assert 300 <= max(image.size) <= 768 and image.mode == "RGB"
        assert example["license"] in FREE_LICENSES and example["author"] and example["source"]
        assert HANGUL.search(example["alt_ko"]) and example["alt_en"].isascii()
        labels = example["labels_ko"]
        assert 4 <= len(labels) <= 6 and len(set(labels)) == len(labels)
        assert all(re.search("[가-힣]", text) for text in [*labels, example["patch_query_ko"]])
        row = next(
            line for line in readme.splitlines() if line.startswith(f"| `{example['file']}`")
        )
        assert example["license"] in row and example["author"] in row


def test_readme_counts_are_current():
    readme = (GALLERY / "README.md").read_text(encoding="utf-8")
    for field in ("kind", "license"):
        for value, count in Counter(item[field] for item in ITEMS).items():
            assert re.search(rf"\| `?{re.escape(value)}`?[^|]*\| {count} \|", readme), value
    names = Counter(item["source"].split()[2] for item in ITEMS)
    for name, count in names.items():
        assert re.search(rf"\| `{re.escape(name)}` \|[^\n]*\| {count} \|", readme), name
