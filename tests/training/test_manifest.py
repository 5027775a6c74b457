"""The manifest: what is in it, in which split, and what never gets in."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from koclip.assets import assets_dir
from koclip.cli import main
from koclip.errors import KoCLIPError
from koclip.training.captions import CaptionedImage, read_captions
from koclip.training.manifest import RESERVED, frozen_split, is_reserved, write_manifest
from koclip.training.mini_sources import Source
from tests.training.pictures import save_picture, write_lines


@pytest.mark.parametrize(
    "path",
    [
        "train2014/COCO_train2014_000000000009.jpg",
        "val2014/COCO_val2014_000000013999.jpg",
        "train2017/000000000009.jpg",
        "anywhere/000000013999.png",
        "101_ObjectCategories/accordion/image_0001.jpg",
        "data/caltech-101/images/image_0001.jpg",
        "Caltech101/ant/image_0001.jpg",
        "val/ILSVRC2012_val_00000001.JPEG",
        "n01440764/ILSVRC2012_val_00000293_n01440764.JPEG",
    ],
)
def test_pictures_kept_for_evaluation_are_known_by_name(path):
    assert is_reserved(Path(path))


@pytest.mark.parametrize(
    "path",
    [
        "train2014/COCO_train2014_000000014000.jpg",
        "val2014/COCO_val2014_000000581929.jpg",
        "train2017/000000581921.jpg",
        "images/1000268201_693b08cb0e.jpg",
        "images/0000000009.jpg",
        "caltech-1010/a.jpg",
        "ILSVRC2012_train/n01440764_18.JPEG",
    ],
)
def test_others_are_not(path):
    assert not is_reserved(Path(path))


def item(path: Path, *captions: str, split: str = "", source: str = "ours") -> CaptionedImage:
    return CaptionedImage(path, captions or ("개",), source, "CC0-1.0", split)


def test_the_split_of_a_picture_is_frozen():
    """This may never change: what was trained on would be measured on."""
    splits = {i: frozen_split(item(Path(f"/x/{i}.png"))) for i in range(60)}
    assert [i for i in splits if splits[i] == "dev"] == [23, 40, 57]
    assert [i for i in splits if splits[i] == "test"] == [1, 13, 39, 41, 55]
    assert splits == {i: frozen_split(item(Path(f"elsewhere/{i}.png"))) for i in range(60)}
    assert frozen_split(item(Path("23.png"), split="held-out")) == "held-out"


def test_one_in_ten_is_for_dev_and_test():
    splits = Counter(frozen_split(item(Path(f"{i}.png"))) for i in range(4000))
    assert 150 < splits["dev"] < 250 and 150 < splits["test"] < 250


@pytest.fixture
def source(tmp_path) -> Source:
    names = ["a.png", "COCO_train2014_000000000009.png", "ILSVRC2012_val_00000001.png", "b.png"]
    paths = [save_picture(tmp_path / "pictures" / name) for name in names]
    items = [item(path, "개 한 마리", "a dog", split="train") for path in paths[:3]]
    items.append(item(paths[3], "고양이", split="dev"))
    return Source("ours", items, {"missing": [tmp_path / "gone.png"], "SVG": []})


def test_read_captions_reads_what_was_written(source, tmp_path):
    write_manifest([source], tmp_path / "out" / "mini")
    items, missing = read_captions(tmp_path / "out" / "mini")
    assert items == [source.items[0], source.items[3]]
    assert missing == []


def test_what_is_left_out_is_counted_and_named(source, tmp_path):
    counts = write_manifest([source], tmp_path / "out")
    assert [tuple(count) for count in counts] == [
        ("ours", "train", 1, 2, 1),
        ("ours", "dev", 1, 1, 1),
        ("ours", "missing", 1, None, None),
        ("ours", RESERVED, 2, None, None),
    ]
    lines = (tmp_path / "out" / "left_out.jsonl").read_text(encoding="utf-8").splitlines()
    left_out = [(Path(row["file"]).name, row["reason"]) for row in map(json.loads, lines)]
    assert left_out == [
        ("gone.png", "missing"),
        ("COCO_train2014_000000000009.png", RESERVED),
        ("ILSVRC2012_val_00000001.png", RESERVED),
    ]


def test_a_manifest_can_be_read_from_anywhere(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source.items = [item(Path("pictures/a.png"))]
    write_manifest([source], Path("out"))
    monkeypatch.chdir("/")
    (read,), _ = read_captions(tmp_path / "out")
    assert read.path == tmp_path / "pictures" / "a.png"


def test_captions_do_not_get_among_the_projects_files(source):
    folder = assets_dir() / "koclip-mini" / "data"
    with pytest.raises(KoCLIPError) as caught:
        write_manifest([source], folder)
    assert caught.value.code == "manifest_in_assets"
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_to(source, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(KoCLIPError) as caught:
        write_manifest([source], tmp_path / "file" / "out")
    assert caught.value.code == "manifest_unwritable"


def test_the_command_puts_the_sources_together(tmp_path, capsys):
    rows = [
        {"file": f"{name}.jpg", "split": split, "captions_en": [f"{name} in English"]}
        for name, split in (("a", "train"), ("b", "dev"), ("gone", "test"))
    ]
    write_lines(tmp_path / "flickr" / "captions.jsonl", rows)
    for name in "ab":
        save_picture(tmp_path / "flickr" / "images" / f"{name}.jpg")
    korean = write_lines(tmp_path / "ko.jsonl", [{"file": "a.jpg", "captions_ko": ["가"]}])
    stamps = tmp_path / "stamps"
    save_picture(stamps / "cat.png")
    (stamps / "cat.txt").write_text("A cat.\nko.utf8=고양이\n", encoding="utf-8")
    annotations = {"😀": {"default": ["미소"], "tts": ["얼굴"]}}
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"annotations": {"annotations": annotations}}))
    save_picture(tmp_path / "emoji" / "1f600.png")
    save_picture(tmp_path / "000000000009.png")
    save_picture(tmp_path / "000000014000.png")
    coco = [{"file": f"{i:012}.png", "text": "말", "split": "train"} for i in (9, 14_000)]
    more = write_lines(tmp_path / "more.jsonl", coco)
    arguments = ["data", "koclip-mini", "--flickr8k", str(tmp_path / "flickr")]
    arguments += ["-o", str(tmp_path / "out"), "--korean", str(korean), "--stamps", str(stamps)]
    arguments += ["--emoji", str(tmp_path / "emoji"), str(names), "--also", str(more), "--json"]
    assert main(arguments) == 0
    counts = json.loads(capsys.readouterr().out)
    by_split = {(row["source"], row["split"]): row["pairs"] for row in counts}
    assert by_split["flickr8k", "train"] == 2
    assert by_split["flickr8k", "dev"] == 1
    assert by_split["more", "train"] == 1
    assert ("flickr8k", "missing") in by_split and ("more", RESERVED) in by_split
    items, missing = read_captions(tmp_path / "out")
    assert missing == []
    assert Counter(item.source for item in items if item.source != "gallery") == {
        "flickr8k": 2,
        "tuxpaint-stamps": 1,
        "fluent-emoji": 1,
        "more": 1,
    }
    assert {item.split for item in items if item.source == "gallery"} == {"held-out"}
    assert next(i for i in items if i.path.name == "a.jpg").captions == ("가", "a in English")


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    arguments = ["data", "koclip-mini", "--flickr8k", str(tmp_path), "-o", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
