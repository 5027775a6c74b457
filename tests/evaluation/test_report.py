"""One model on one data set, from files to figures."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest

from koclip import KoCLIP
from koclip.errors import KoCLIPError
from koclip.evaluation import EvaluationSet, Photo, embed_photos, evaluate, whole_picture
from koclip.evaluation.datasets import read_labels
from tests.conftest import ORACLE, write_tokenizer


@pytest.fixture
def dataset(examples) -> EvaluationSet:
    """Three photographs: two with captions, two with labels."""
    photos = (
        Photo(examples / "cat.webp", ("아기 고양이", "고양이 한 마리"), ("고양이",), "고양이"),
        Photo(examples / "boats.webp", ("호숫가의 나무배들",)),
        Photo(examples / "coffee.webp", (), ("컵",)),
    )
    return EvaluationSet("셋", photos, read_labels())


def values(report) -> dict[str, float]:
    return {figure.name: figure.value for figure in report.figures}


def test_what_the_set_allows_is_measured(mini, dataset):
    report = evaluate(mini, dataset)
    assert (report.images, report.captions, report.labelled) == (2, 3, 2)
    figures = {figure.name: figure for figure in report.figures}
    assert figures["text→image R@1"].value == 1.0
    assert figures["text→image R@1"].n == 3
    assert figures["any true label first of 80"].n == 2
    assert figures["main object in the top 3 of 80"].n == 1
    assert sum(row.n for row in report.reliability) == 2
    assert not [name for name in figures if name.startswith("pointing")]


def test_a_set_without_labels_or_captions(mini, dataset):
    captions = dataclasses.replace(dataset, photos=dataset.photos[1:2])
    names = values(evaluate(mini, captions))
    assert set(names) == {
        f"{way} R@{k}" for way in ("text→image", "image→text") for k in (1, 5, 10)
    }
    labels = dataclasses.replace(dataset, photos=dataset.photos[2:])
    report = evaluate(mini, labels)
    assert (report.images, report.captions) == (0, 0)
    assert not [name for name in values(report) if "R@" in name]


def test_templates_change_zero_shot_and_nothing_else(mini, dataset):
    one, several = evaluate(mini, dataset), evaluate(mini, dataset, templates=["{}", "{} 사진"])
    assert several.templates == ("{}", "{} 사진")
    assert one.reliability != several.reliability
    for name, value in values(one).items():
        if "R@" in name or "loss" in name:
            assert values(several)[name] == value


def test_squashed_photos_are_looked_at_whole(tiny_base, examples):
    before = tiny_base.processor
    whole = whole_picture(tiny_base)
    assert tiny_base.processor is before
    paths = [examples / "boats.webp"]
    assert not np.allclose(embed_photos(whole, paths), embed_photos(tiny_base, paths), atol=1e-3)
    assert whole.processor.image_processor.crop is None


def test_photos_keep_their_order_over_batches(mini, examples):
    paths = [examples / f"{name}.webp" for name in ("cat", "boats", "coffee")] * 15
    told = []
    rows = embed_photos(mini, paths, lambda *now: told.append(now))
    np.testing.assert_allclose(rows, np.tile(mini.embed_images(paths[:3]), (15, 1)), atol=1e-4)
    assert told == [("photos", 32, 45), ("photos", 45, 45)]


def test_an_unreadable_photo_is_named(mini, tmp_path):
    path = tmp_path / "깨진.jpg"
    path.write_bytes(b"\xff\xd8\xff broken")
    with pytest.raises(KoCLIPError, match=r"깨진\.jpg"):
        embed_photos(mini, [path])


def test_the_report_as_json(mini, dataset):
    raw = json.loads(json.dumps(evaluate(mini, dataset).to_json()))
    assert (raw["model"], raw["dataset"], raw["images"]) == ("koclip-mini", "셋", 2)
    assert set(raw["figures"][0]) == {"name", "value", "low", "high", "chance", "n"}
    assert len(raw["reliability"]) == 15


@pytest.mark.parametrize("form", ["tiny-base-safetensors", "tiny-base-bin430"])
def test_any_vision_text_dual_encoder_folder_is_measured(form, dataset, tmp_path):
    shutil.copytree(ORACLE / "pt" / form, tmp_path / form)
    write_tokenizer(tmp_path / form / "tokenizer.json")
    report = evaluate(KoCLIP.from_pretrained(tmp_path / form), dataset)
    assert report.model.endswith(form)
    assert "text→image R@1" in values(report)


def test_a_model_without_a_tokenizer_says_so(tiny_base, dataset):
    with pytest.raises(KoCLIPError, match=r"tokenizer\.json"):
        evaluate(tiny_base, dataset)
