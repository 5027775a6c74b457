"""The Korean development set in assets/evaluation is well formed and is what its README says."""

import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "evaluation"
PERSON = "사람"


@pytest.fixture(scope="module")
def labels():
    return (FOLDER / "labels80_ko.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def photos():
    lines = (FOLDER / "flickr8k_dev_ko.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_there_are_80_different_labels(labels):
    assert len(labels) == len(set(labels)) == 80
    assert all(label and label == label.strip() for label in labels)


def test_every_line_has_the_four_fields(photos):
    for photo in photos:
        assert list(photo) == ["file", "caption_ko", "objects", "main"]


def test_files_are_flickr8k_names_and_unique(photos):
    files = [photo["file"] for photo in photos]
    assert len(set(files)) == len(files)
    assert all(re.fullmatch(r"\d+_[0-9a-f]{10}\.jpg", file) for file in files)


def test_captions_are_different_short_korean_sentences(photos):
    captions = [photo["caption_ko"] for photo in photos]
    assert len(set(captions)) == len(captions)
    for caption in captions:
        assert re.fullmatch(r"[가-힣0-9 ,]+다\.", caption), caption
        assert 4 <= len(caption.split()) <= 12, caption
        assert "  " not in caption, caption


def test_objects_are_labels_in_their_order(photos, labels):
    for photo in photos:
        objects = photo["objects"]
        assert set(objects) <= set(labels), photo
        assert len(set(objects)) == len(objects), photo
        assert objects == sorted(objects, key=labels.index), photo


def test_main_is_one_of_the_objects_or_nothing(photos):
    for photo in photos:
        assert photo["main"] is None or photo["main"] in photo["objects"], photo
        assert photo["objects"] or photo["main"] is None, photo


def stated_counts(heading: str) -> dict[str, int]:
    """The table of the README under `heading`."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    section = f"\n{readme}".split(f"\n{heading}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| ([^|]+?) \| (\d+) \|$", section, re.MULTILINE)
    return {name: int(number) for name, number in rows}


def test_the_readme_states_the_counts(photos):
    stated = stated_counts("# A Korean development set")
    truths = [set(photo["objects"]) for photo in photos]
    assert len(photos) == 256
    assert stated == {
        "photos": len(photos),
        "with people": sum(PERSON in truth for truth in truths),
        "with at least one label other than 사람": sum(bool(truth - {PERSON}) for truth in truths),
        "with people and another label": sum(truth > {PERSON} for truth in truths),
        "with 개": sum("개" in truth for truth in truths),
        "with none of the 80 labels": sum(not truth for truth in truths),
        "with no main label": sum(photo["main"] is None for photo in photos),
    }


@pytest.fixture(scope="module")
def gallery():
    lines = (FOLDER / "gallery_objects_ko.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_gallery_lines_are_of_its_photographs_each_once(gallery):
    items = (FOLDER.parent / "gallery" / "items.jsonl").read_text(encoding="utf-8").splitlines()
    photos = {item["file"] for item in map(json.loads, items) if item["kind"] == "photo"}
    files = [line["file"] for line in gallery]
    assert len(set(files)) == len(files)
    assert set(files) <= photos


def test_gallery_lines_say_something(gallery, labels):
    for line in gallery:
        objects = line["objects"]
        assert objects is None or objects == sorted(set(objects), key=labels.index), line
        assert line["label"] or objects or line.get("background"), line
        assert not (line.get("background") and (line["label"] or objects)), line
        for word in filter(None, [line["label"], *line.get("also", [])]):
            assert re.fullmatch(r"[가-힣]+( [가-힣]+)*", word), line


def test_a_gallery_label_that_is_an_everyday_one_is_among_the_objects(gallery, labels):
    for line in gallery:
        if line["label"] in labels and line["objects"] is not None:
            assert line["label"] in line["objects"], line


def test_the_readme_states_the_counts_of_the_gallery(gallery):
    things = [line["label"] for line in gallery if line["label"]]
    known = [set(line["objects"]) for line in gallery if line["objects"] is not None]
    assert stated_counts("## The gallery's objects") == {
        "photographs": len(gallery),
        "of a thing, with a label": len(things),
        "different labels": len(set(things)),
        "backgrounds": sum(line.get("background", False) for line in gallery),
        "whose everyday objects are known": len(known),
        "with at least one label of the 80 other than 사람": sum(
            bool(objects - {PERSON}) for objects in known
        ),
        "with people": sum(PERSON in objects for objects in known),
    }
