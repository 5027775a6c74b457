"""Captioned pictures from every form in which people have them."""

from __future__ import annotations

import json

import pytest

from koclip.errors import KoCLIPError
from koclip.training.captions import CAPTION_FILES, CaptionedImage, read_captions
from tests.training.pictures import level_of, save_picture, write_lines

COCO_9 = "train2014/COCO_train2014_000000000009.jpg"
COCO_42 = "val2014/COCO_val2014_000000000042.jpg"


def code_of(*args, **options) -> str:
    with pytest.raises(KoCLIPError) as caught:
        read_captions(*args, **options)
    assert caught.value.localized("ko") != str(caught.value)
    return caught.value.code


def message_of(*args, **options) -> str:
    with pytest.raises(KoCLIPError) as caught:
        read_captions(*args, **options)
    return str(caught.value)


@pytest.fixture
def pair(tmp_path):
    """Two pictures, a.png and b.png."""
    return save_picture(tmp_path / "a.png", 10), save_picture(tmp_path / "b.png", 20)


@pytest.fixture
def ai_hub(tmp_path):
    """AI Hub's file, with both pictures in MSCOCO's folders."""
    rows = [
        {
            "file_path": file,
            "captions": [f"English {i}" for i in range(5)],
            "id": number,
            "caption_ko": [f"한국어 {i}" for i in range(5)],
        }
        for file, number in ((COCO_9, 9), (COCO_42, 42))
    ]
    path = tmp_path / "MSCOCO_train_val_Korean.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    for file in (COCO_9, COCO_42):
        save_picture(tmp_path / file)
    return path


def test_ai_hubs_file_gives_its_korean_captions_and_mscocos_splits(ai_hub):
    items, missing = read_captions(ai_hub)
    assert [item.path for item in items] == [ai_hub.parent / COCO_9, ai_hub.parent / COCO_42]
    assert items[0].captions == tuple(f"한국어 {i}" for i in range(5))
    assert [item.split for item in items] == ["train", "dev"]
    assert missing == []


@pytest.mark.parametrize("split", ["dev", "val", "validation", "Val"])
def test_a_split_may_be_spelled_in_any_way(ai_hub, split):
    (item,), _ = read_captions(ai_hub, split=split)
    assert item.path.name == "COCO_val2014_000000000042.jpg"


def test_mscocos_pictures_are_found_however_they_were_unpacked(ai_hub, tmp_path):
    flat = save_picture(tmp_path / "flat" / COCO_9.split("/")[1])
    items, missing = read_captions(ai_hub, images=tmp_path / "flat")
    assert [item.path for item in items] == [flat]
    assert missing == [tmp_path / "flat" / COCO_42]


def test_a_prepared_file_may_name_another_machines_folders(tmp_path):
    rows = [{"file_path": f"/data/coco/{COCO_9}", "captions": ["말 한 마리"]}]
    path = write_lines(tmp_path / "train_dataset.json", rows)
    here = save_picture(tmp_path / COCO_9)
    (item,), _ = read_captions(path)
    assert item == CaptionedImage(here, ("말 한 마리",), split="train")


@pytest.mark.parametrize("as_list", [True, False])
def test_the_originals_prepared_form_is_json_lines_or_a_list(tmp_path, as_list):
    rows = [{"file_path": COCO_9, "captions": [f"말 {i}" for i in range(5)]}]
    path = tmp_path / "train_dataset.json"
    path.write_text(json.dumps(rows if as_list else rows[0]), encoding="utf-8")
    save_picture(tmp_path / COCO_9)
    (item,), _ = read_captions(path)
    assert item.captions == tuple(f"말 {i}" for i in range(5))


@pytest.mark.parametrize("file_key", ["file", "file_path", "image", "file_name"])
@pytest.mark.parametrize(
    "key", ["caption", "captions", "caption_ko", "captions_ko", "captions_en", "text"]
)
def test_keys_of_json_lines(tmp_path, pair, file_key, key):
    path = write_lines(tmp_path / "x.jsonl", [{file_key: "a.png", key: "개"}])
    assert read_captions(path)[0] == [CaptionedImage(pair[0], ("개",))]


def test_korean_captions_come_first_and_english_ones_last(tmp_path, pair):
    row = {"captions_en": ["a dog", "dogs"], "text": "멍멍", "captions_ko": ["개", "강아지"]}
    path = write_lines(tmp_path / "x.jsonl", [{"file": "a.png"} | row])
    assert read_captions(path)[0][0].captions == ("개", "강아지", "멍멍", "a dog", "dogs")


def test_source_license_and_split_are_kept(tmp_path, pair):
    row = {"file": "a.png", "caption": "개", "source": "s", "license": "CC0-1.0", "split": "val"}
    path = write_lines(tmp_path / "x.jsonl", [row])
    assert read_captions(path)[0] == [CaptionedImage(pair[0], ("개",), "s", "CC0-1.0", "dev")]


def test_lines_of_one_picture_become_one(tmp_path, pair):
    rows = [("a.png", "가"), ("b.png", "나"), ("a.png", "다")]
    path = write_lines(tmp_path / "x.jsonl", [{"file": f, "text": c} for f, c in rows])
    assert [item.captions for item in read_captions(path)[0]] == [("가", "다"), ("나",)]


@pytest.mark.parametrize(("suffix", "comma"), [("csv", ","), ("tsv", "\t")])
def test_rows_of_a_table_are_grouped_by_picture(tmp_path, pair, suffix, comma):
    rows = [
        ["file", "caption_ko", "split"],
        ["a.png", '"개, 그리고 ""고양이"""', "train"],
        ["b.png", "소", "test"],
        ["a.png", "두 번째", "train"],
    ]
    path = tmp_path / f"x.{suffix}"
    text = "\ufeff" + "\r\n".join(comma.join(row) for row in rows) + "\r\n"  # as Excel writes it
    path.write_bytes(text.encode())
    first, second = read_captions(path)[0]
    assert first == CaptionedImage(pair[0], ('개, 그리고 "고양이"', "두 번째"), split="train")
    assert second.split == "test"


@pytest.mark.parametrize("name", CAPTION_FILES)
def test_a_folder_is_read_by_its_caption_file(tmp_path, pair, name):
    if name.endswith("csv"):
        (tmp_path / name).write_text("file_name,text\na.png,개\n", encoding="utf-8")
    else:
        write_lines(tmp_path / name, [{"file_name": "a.png", "text": "개"}])
    assert read_captions(tmp_path)[0] == [CaptionedImage(pair[0], ("개",))]


def test_pictures_may_be_in_a_folder_images(tmp_path):
    picture = save_picture(tmp_path / "images" / "a.png")
    write_lines(tmp_path / "captions.jsonl", [{"file": "a.png", "text": "개"}])
    assert read_captions(tmp_path)[0][0].path == picture


def test_missing_pictures_are_named_and_skipped(tmp_path, pair):
    files = ["a.png", "gone.png", "b.png", "x" * 300, "nul\0.png"]
    path = write_lines(tmp_path / "x.jsonl", [{"file": f, "text": "개"} for f in files])
    items, missing = read_captions(path)
    assert [item.path for item in items] == list(pair)
    assert missing == [tmp_path / name for name in ("gone.png", "x" * 300, "nul\0.png")]


def test_missing_pictures_of_other_splits_do_not_count(tmp_path, pair):
    splits = {"a.png": "train", "no.png": "val"}
    rows = [{"file": file, "text": "개", "split": split} for file, split in splits.items()]
    path = write_lines(tmp_path / "x.jsonl", rows)
    assert read_captions(path, split="train")[1] == []


def test_an_item_opens_its_picture(tmp_path, pair):
    assert level_of(CaptionedImage(pair[1], ("개",)).open()) == 20


def test_captions_may_hold_unicode_line_separators(tmp_path, pair):
    path = tmp_path / "x.jsonl"
    path.write_text('{"file": "a.png", "text": "개\u2028둘"}\n', encoding="utf-8")
    assert read_captions(path)[0][0].captions == ("개\u2028둘",)


GOOD = '{"file": "a.png", "text": "개"}'


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "3",
        "null",
        '{"text": "개"}',
        '{"file": 3, "text": "개"}',
        '{"file": "a.png"}',
        '{"file": "a.png", "text": 3}',
        '{"file": "a.png", "text": ["개", 3]}',
        '{"file": "a.png", "text": "  "}',
        '{"file": "a.png", "captions": []}',
        '{"file": "a.png", "text": "개", "split": 3}',
        "[" * 100_000,
    ],
)
def test_a_bad_line_is_named(tmp_path, pair, line):
    path = tmp_path / "x.jsonl"
    path.write_text(f"{GOOD}\n\n{line}\n", encoding="utf-8")
    assert f"{path}, line 3:" in message_of(path)
    assert code_of(path) == "captions_unreadable"


def test_a_bad_entry_of_a_list_is_named(tmp_path, pair):
    path = tmp_path / "x.json"
    for bad in ("{}", "3", json.dumps(GOOD)):
        path.write_text(f"[{GOOD}, {GOOD}, {bad}]", encoding="utf-8")
        assert f"{path}, entry 3:" in message_of(path)


def test_a_list_that_is_cut_short_is_named_with_its_line(tmp_path, pair):
    path = tmp_path / "x.json"
    path.write_text(f"[\n{GOOD},\n", encoding="utf-8")
    assert f"{path}, line 3:" in message_of(path)


def test_a_bad_row_of_a_table_is_named(tmp_path, pair):
    path = tmp_path / "x.csv"
    path.write_text("file,caption\na.png,개\nb.png\n", encoding="utf-8")
    assert f"{path}, line 3:" in message_of(path)


def test_another_encoding_is_named_with_its_line(tmp_path, pair):
    path = tmp_path / "x.csv"
    path.write_bytes("file,caption\na.png,dog\nb.png,개\n".encode("cp949"))
    assert f"{path}, line 3:" in message_of(path) and "UTF-8" in message_of(path)


def test_nothing_to_read(tmp_path, pair):
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "header.csv").write_text("file,caption\n")
    gone = write_lines(tmp_path / "gone.jsonl", [{"file": "gone.png", "text": "개"}])
    split = write_lines(tmp_path / "y.jsonl", [{"file": "a.png", "text": "개", "split": "dev"}])
    assert code_of(tmp_path / "nothing") == "captions_not_found"
    assert code_of(tmp_path) == "captions_not_found"
    assert code_of(tmp_path / "empty.jsonl") == "captions_unreadable"
    assert code_of(tmp_path / "header.csv") == "captions_unreadable"
    assert code_of(gone) == "captions_no_images"
    assert "gone.png" in message_of(gone)
    assert code_of(split, split="train") == "captions_no_split"
    assert "dev" in message_of(split, split="train")
