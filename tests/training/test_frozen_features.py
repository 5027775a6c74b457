"""Features of frozen towers: the towers' own numbers, kept and found again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from koclip.training import frozen_features as module
from koclip.training.captions import CaptionedImage
from koclip.training.frozen_features import frozen_features, image_features, text_features


@pytest.fixture
def items(examples) -> list[CaptionedImage]:
    files = ("cat.webp", "boats.webp", "coffee.webp")
    return [CaptionedImage(examples / file, (f"사진 {file}", "a picture")) for file in files]


def test_texts_come_in_their_order_whatever_their_length(mini):
    texts = ["눈 덮인 산꼭대기에 서 있는 두 사람", "개", "컴퓨터하는 고양이"]
    together = text_features(mini, texts, 64)
    alone = [text_features(mini, [text], 64)[0] for text in texts]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    projection = mini.parameters["text_projection"]
    features = together @ np.asarray(projection["kernel"]) + np.asarray(projection["bias"])
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    np.testing.assert_allclose(unit, mini.embed_texts(texts), atol=1e-4)


def test_pictures_as_they_are_give_what_the_model_sees(mini, items):
    pooled = image_features(mini, items, "none", (0, 0), workers=2).astype(np.float32)
    features = pooled @ np.asarray(mini.parameters["visual_projection"]["kernel"])
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    expected = mini.embed_images([item.path for item in items])
    assert (unit * expected).sum(axis=1).min() > 0.9999  # kept in half precision


def test_augmented_views_differ_and_come_back_with_the_seed(mini, items):
    first, again, other = (
        image_features(mini, items, "crop", seed, workers=workers)
        for seed, workers in (((0, 1), 1), ((0, 1), 3), ((0, 2), 1))
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_broken_picture_is_marked(mini, items, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    items.insert(1, CaptionedImage(tmp_path / "broken.jpg", ("없다",)))
    pooled = image_features(mini, items, "none", (0,), workers=1)
    np.testing.assert_array_equal(np.isnan(pooled).all(axis=1), [False, True, False, False])


def test_features_are_computed_once(mini, items, tmp_path, monkeypatch):
    features = frozen_features(mini, items, tmp_path, views=2)
    assert features.images.shape[:2] == (2, 3) and features.texts.shape[0] == 6
    assert not np.array_equal(features.images[0], features.images[1])

    def refuse(*_arguments, **_options):
        raise AssertionError("computed again")

    monkeypatch.setattr(module, "text_features", refuse)
    monkeypatch.setattr(module, "image_features", refuse)
    again = frozen_features(mini, items, tmp_path, views=2)
    np.testing.assert_array_equal(again.images, features.images)
    np.testing.assert_array_equal(again.texts, features.texts)
    changed = [dataclasses.replace(items[0], captions=("다른 설명",)), *items[1:]]
    with pytest.raises(AssertionError, match="computed again"):
        frozen_features(mini, changed, tmp_path, views=2)


def test_an_interrupted_run_keeps_its_whole_parts(mini, items, tmp_path, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "image_features", interrupted)
    with pytest.raises(KeyboardInterrupt):
        frozen_features(mini, items, tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("texts-")
