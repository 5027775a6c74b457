"""The sources of koclip-mini's training data, each from a small copy of its layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from koclip.errors import KoCLIPError
from koclip.training import mini_sources
from koclip.training.captions import CaptionedImage
from tests.training.pictures import save_picture, write_lines

SPLITS = {"a.jpg": "train", "b.jpg": "dev", "c.jpg": "test", "d.jpg": "unused"}
LICENSE = "LicenseRef-Flickr8k"


def code_of(call, *args) -> str:
    with pytest.raises(KoCLIPError) as caught:
        call(*args)
    return caught.value.code


@pytest.fixture
def prepared(tmp_path) -> Path:
    """Flickr8k as captions.jsonl with images/; c.jpg is not there."""
    folder = tmp_path / "prepared"
    rows = [
        {"file": file, "split": split, "captions_en": [f"{file} one", f"{file} two"]}
        for file, split in SPLITS.items()
    ]
    write_lines(folder / "captions.jsonl", rows)
    for file in "abd":
        save_picture(folder / "images" / f"{file}.jpg")
    return folder


def official(folder: Path, texts: str, images: str) -> Path:
    """Flickr8k as its authors published it; c.jpg is not there."""
    for file in "abd":
        save_picture(folder / images / f"{file}.jpg")
    lines = [
        f"{file}#{i}\t{file} {word} ." for file in SPLITS for i, word in enumerate(("one", "two"))
    ]
    (folder / texts).mkdir(parents=True, exist_ok=True)
    (folder / texts / "Flickr8k.token.txt").write_text("\n".join(lines) + "\n")
    for split in ("train", "dev", "test"):
        files = [file for file, its_split in SPLITS.items() if its_split == split]
        path = folder / texts / f"Flickr_8k.{split}Images.txt"
        path.write_text("".join(f"{file}\n" for file in files))
    return folder


def test_flickr8k_as_json_lines(prepared):
    source = mini_sources.flickr8k(prepared, None)
    assert source.items[0] == CaptionedImage(
        prepared / "images" / "a.jpg", ("a.jpg one", "a.jpg two"), "flickr8k", LICENSE, "train"
    )
    assert [item.split for item in source.items] == ["train", "dev", "unused"]
    assert source.left_out["missing"] == [prepared / "c.jpg"]


@pytest.mark.parametrize("texts", ["", "Flickr8k_text"])
@pytest.mark.parametrize(
    "images", ["", "images", "Flicker8k_Dataset", "Flickr8k_Dataset/Flicker8k_Dataset"]
)
def test_flickr8k_as_published(tmp_path, texts, images):
    source = mini_sources.flickr8k(official(tmp_path, texts, images), None)
    assert source.items[0] == CaptionedImage(
        tmp_path / images / "a.jpg", ("a.jpg one .", "a.jpg two ."), "flickr8k", LICENSE, "train"
    )
    assert [item.split for item in source.items] == ["train", "dev", "unused"]
    assert source.left_out["missing"] == [tmp_path / images / "c.jpg"]


def test_korean_captions_of_flickr8k_come_before_its_own(prepared, tmp_path):
    rows = [
        {"file": "b.jpg", "captions_ko": ["하나", "둘"]},
        {"file": "c.jpg", "captions_ko": ["사진이 없다"]},
        {"file": "no-such.jpg", "captions_ko": ["셋"]},
    ]
    source = mini_sources.flickr8k(prepared, write_lines(tmp_path / "ko.jsonl", rows))
    by_name = {item.path.name: item.captions for item in source.items}
    assert by_name["a.jpg"] == ("a.jpg one", "a.jpg two")
    assert by_name["b.jpg"] == ("하나", "둘", "b.jpg one", "b.jpg two")
    assert source.left_out["no such photograph"] == [Path("no-such.jpg")]


def test_flickr8k_without_one_of_its_lists_has_no_split(tmp_path):
    folder = official(tmp_path, "", "images")
    (folder / "Flickr_8k.devImages.txt").unlink()
    with pytest.raises(KoCLIPError, match=r"Flickr_8k\.devImages\.txt"):
        mini_sources.flickr8k(folder, None)


def test_flickr8k_that_is_not_there(tmp_path):
    assert code_of(mini_sources.flickr8k, tmp_path, None) == "captions_not_found"
    folder = official(tmp_path, "", "images")
    for file in "abd":
        (folder / "images" / f"{file}.jpg").unlink()
    assert code_of(mini_sources.flickr8k, folder, None) == "captions_no_images"


def test_a_bad_line_of_flickr8k_is_named(tmp_path):
    tokens = official(tmp_path, "", "images") / "Flickr8k.token.txt"
    tokens.write_text("a.jpg#0\tone\nb.jpg#0 two\n")
    with pytest.raises(KoCLIPError, match=r"Flickr8k\.token\.txt, line 2:"):
        mini_sources.flickr8k(tmp_path, None)


def test_the_gallery_is_held_out_unless_it_is_trained_on():
    source = mini_sources.gallery(train=False)
    assert len(source.items) > 100 and source.left_out == {"missing": []}
    assert {item.split for item in source.items} == {mini_sources.HELD_OUT}
    assert all(item.license and item.source == "gallery" for item in source.items)
    assert {item.split for item in mini_sources.gallery(train=True).items} == {""}


def stamp(folder: Path, name: str, *lines: str) -> Path:
    path = folder / "usr" / "share" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".txt").write_text("\n".join(lines), encoding="utf-8")
    return path


def test_stamps_are_described_in_korean(tmp_path):
    cat = save_picture(stamp(tmp_path, "cat.png", "A cat.", "ja.utf8=猫", "ko.utf8=고양이."))
    drawing = stamp(tmp_path, "drawing.svg", "A drawing.", "ko.utf8=그림")
    drawing.touch()
    nameless = save_picture(stamp(tmp_path, "nameless.png", "A thing.", "ko.utf8="))
    lost = stamp(tmp_path, "lost.png", "Lost.", "ko.utf8=잃어버린 것")
    source = mini_sources.stamps(tmp_path)
    assert source.items == [
        CaptionedImage(cat, ("고양이.",), "tuxpaint-stamps", "GPL-2.0-or-later")
    ]
    assert source.left_out == {"no Korean": [nameless], "SVG": [drawing], "missing": [lost]}


def test_stamps_that_are_not_there(tmp_path):
    assert code_of(mini_sources.stamps, tmp_path / "nothing") == "folder_not_found"
    assert code_of(mini_sources.stamps, tmp_path) == "captions_no_images"
    stamp(tmp_path, "drawing.svg", "A drawing.", "ko.utf8=그림").touch()
    assert code_of(mini_sources.stamps, tmp_path) == "captions_no_images"


@pytest.fixture
def names(tmp_path) -> Path:
    """CLDR's annotations of a face and of a heart, which has a variation selector."""
    annotations = {
        "😀": {"default": ["미소", "얼굴"], "tts": ["활짝 웃는 얼굴"]},
        "❤": {"default": ["하트"], "tts": ["빨간색 하트"]},
        "🦄": {"default": ["유니콘"]},
    }
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps({"annotations": {"annotations": annotations}}), encoding="utf-8")
    return path


def test_emoji_have_their_name_and_keywords(tmp_path, names):
    folder = tmp_path / "assets"
    files = ["1f600.webp", "2764-fe0f.webp", "1f984.webp", "logo.png", "ffffffffff.png"]
    for file in files:
        save_picture(folder / file)
    source = mini_sources.emoji(folder, names)
    captions = {item.path.name: item.captions for item in source.items}
    assert captions == {
        "1f600.webp": ("활짝 웃는 얼굴", "미소, 얼굴"),
        "2764-fe0f.webp": ("빨간색 하트", "하트"),
    }
    assert sorted(path.name for path in source.left_out["no Korean"]) == sorted(files[2:])


def test_emoji_that_are_not_there(tmp_path, names):
    (tmp_path / "bad.json").write_text('{"annotations": 3}')
    save_picture(tmp_path / "assets" / "1f600.webp")
    for bad in ("bad.json", "none.json"):
        code = code_of(mini_sources.emoji, tmp_path / "assets", tmp_path / bad)
        assert code == "captions_unreadable"
    assert code_of(mini_sources.emoji, tmp_path / "nothing", names) == "folder_not_found"


def test_other_captioned_pictures_keep_what_they_say_of_themselves(tmp_path):
    save_picture(tmp_path / "a.png")
    save_picture(tmp_path / "b.png")
    rows = [
        {"file": "a.png", "text": "개", "source": "ours", "split": "val"},
        {"file": "b.png", "text": "소"},
    ]
    source = mini_sources.captioned(str(write_lines(tmp_path / "more.jsonl", rows)))
    assert [(item.source, item.split) for item in source.items] == [("ours", "dev"), ("more", "")]


def test_pictures_that_are_no_files_cannot_be_in_a_manifest(monkeypatch):
    items = [CaptionedImage(object(), ("개",))]
    monkeypatch.setattr(mini_sources, "read_captions", lambda path: (items, []))
    assert code_of(mini_sources.captioned, "hf:owner/name") == "manifest_no_files"
