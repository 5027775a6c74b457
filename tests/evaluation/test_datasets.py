"""Which data sets are read, and that none is scored in part without saying so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from koclip.errors import KoCLIPError
from koclip.evaluation import LabelledPicture, open_set, read_labels, read_pictures


def write_lines(path: Path, lines: list[dict]) -> Path:
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    return path


@pytest.fixture
def folder(examples, tmp_path) -> Path:
    """A copy of two pictures."""
    for name in ("cat.webp", "boats.webp"):
        shutil.copy(examples / name, tmp_path)
    return tmp_path


LINES = [
    {"file": "cat.webp", "caption_ko": "아기 고양이", "objects": ["고양이"], "main": "고양이"},
    {"file": "boats.webp", "caption_ko": "호숫가의 나무배들", "objects": ["배"], "main": "배"},
]


def test_captions_with_objects(folder):
    opened = open_set(write_lines(folder / "내것.jsonl", LINES))
    assert opened.name == "내것"
    assert [photo.path.name for photo in opened.photos] == ["cat.webp", "boats.webp"]
    assert opened.photos[0].captions == ("아기 고양이",)
    assert opened.photos[1].objects == ("배",) and opened.photos[1].main == "배"
    assert opened.labels == read_labels()
    assert opened.captioned() == opened.labelled() == opened.photos


def test_the_images_may_be_elsewhere(folder, examples, tmp_path_factory):
    path = write_lines(tmp_path_factory.mktemp("captions") / "a.jsonl", LINES)
    assert open_set(path, images=examples).photos[0].path == examples / "cat.webp"


def test_captions_without_objects_are_read_as_for_training(folder):
    lines = [{"file": "cat.webp", "captions": ["고양이", "아기 고양이"]}]
    opened = open_set(write_lines(folder / "captions.jsonl", lines))
    assert opened.photos[0].captions == ("고양이", "아기 고양이")
    assert opened.labelled() == ()
    assert open_set(folder).photos == opened.photos


def test_the_name_states_the_split(folder):
    lines = [
        {"file": "cat.webp", "caption": "고양이", "split": "train"},
        {"file": "boats.webp", "caption": "배", "split": "test"},
    ]
    opened = open_set(write_lines(folder / "captions.jsonl", lines), split="test")
    assert [photo.path.name for photo in opened.photos] == ["boats.webp"]
    assert opened.name == "captions (test)"


def test_a_folder_of_labels(examples, tmp_path):
    for label, name in (("고양이", "cat.webp"), ("배", "boats.webp")):
        (tmp_path / label).mkdir()
        shutil.copy(examples / name, tmp_path / label)
    opened = open_set(tmp_path)
    assert opened.labels == ("고양이", "배")
    assert [photo.objects for photo in opened.photos] == [("고양이",), ("배",)]
    assert opened.captioned() == ()
    assert [picture.label for picture in read_pictures(tmp_path)] == ["고양이", "배"]


def test_the_gallery(examples):
    opened = open_set("gallery")
    assert len(opened.photos) == len(opened.captioned()) == 428
    assert {name for photo in opened.labelled() for name in photo.objects} <= set(opened.labels)
    assert len(opened.labelled()) < len(opened.photos)  # unclear ones are left out


def test_only_the_first(folder):
    path = write_lines(folder / "a.jsonl", LINES)
    assert len(open_set(path, first=1).photos) == 1


@pytest.mark.parametrize("first", [0, -1])
def test_no_photos_are_refused(folder, first):
    with pytest.raises(KoCLIPError, match="no photographs"):
        open_set(write_lines(folder / "a.jsonl", LINES), first=first)


@pytest.mark.parametrize("extra", [{}, {"objects": []}])
def test_a_missing_photo_is_named_and_nothing_is_scored(folder, extra):
    lines = [{"file": "cat.webp", "caption_ko": "고양이"} | extra]
    lines += [{"file": "없다.jpg", "caption_ko": "없다"} | extra]
    with pytest.raises(KoCLIPError, match=r"1 of 2 photographs are missing.*없다\.jpg"):
        open_set(write_lines(folder / "a.jsonl", lines))


def test_the_bundled_captions_need_their_photographs(tmp_path):
    with pytest.raises(KoCLIPError, match="Flickr8k"):
        open_set()
    with pytest.raises(KoCLIPError, match="256 of 256"):
        open_set(images=tmp_path)


def test_a_split_of_a_set_without_splits_is_refused(folder):
    with pytest.raises(KoCLIPError, match="test"):
        open_set(write_lines(folder / "a.jsonl", LINES), split="test")


def test_an_unknown_object_is_named(folder):
    lines = [LINES[0] | {"objects": ["고양이", "용"]}]
    with pytest.raises(KoCLIPError, match="용"):
        open_set(write_lines(folder / "a.jsonl", lines))


@pytest.mark.parametrize("line", ["{", '{"file": "a.jpg"}', "[]", "3"])
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "captions.jsonl"
    first = '{"file": "a.jpg", "caption_ko": "가", "objects": []}\n'
    path.write_text(first + line, encoding="utf-8")
    with pytest.raises(KoCLIPError, match="line 2"):
        open_set(path)


def test_pictures_of_things_and_backgrounds(folder):
    lines = [
        {"file": "cat.webp", "label": "고양이", "objects": ["고양이"], "also": ["동물"]},
        {"file": "boats.webp", "label": None, "background": True},
        {"file": "없다.webp", "label": None},
    ]
    assert read_pictures(write_lines(folder / "a.jsonl", lines)) == [
        LabelledPicture(folder / "cat.webp", "고양이", frozenset({"고양이", "동물"})),
        LabelledPicture(folder / "boats.webp", None),
    ]


def test_a_missing_picture_is_named(folder):
    with pytest.raises(KoCLIPError, match=r"없다\.webp"):
        read_pictures(write_lines(folder / "a.jsonl", [{"file": "없다.webp", "label": "없다"}]))
