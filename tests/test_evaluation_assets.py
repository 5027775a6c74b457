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


def test_the_readme_states_the_counts(photos):
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+?) \| (\d+) \|$", readme, re.MULTILINE)
    stated = {name: int(number) for name, number in rows}
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
