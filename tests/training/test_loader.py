"""Batches: the same whatever the workers, the processes and the step a run begins at."""

from __future__ import annotations

import threading
from collections import Counter
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from koclip.encoder import TEXT_LENGTHS
from koclip.errors import KoCLIPError
from koclip.image_processor import CLIP_MEAN, CLIP_STD
from koclip.training.captions import CaptionedImage
from koclip.training.loader import Batch, CaptionLoader
from tests.training.pictures import level_of, save_picture

COUNT, CAPTIONS, BATCH = 8, 3, 4
WORDS = ["고양이", "강아지", "자동차", "바다", "하늘", "사진", "자전거", "이것은 고양이 이다."]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Eight pictures of levels 0, 30, … 210, of three captions each."""
    folder = tmp_path_factory.mktemp("pictures")
    return [
        CaptionedImage(
            save_picture(folder / f"{i}.png", 30 * i),
            (word, f"{word} 사진", f"한 장 {word} 사진"),
        )
        for i, word in enumerate(WORDS)
    ]


@pytest.fixture
def loader(tiny_korean, pictures):
    """Makes a loader; options as `CaptionLoader`'s."""

    def make(sources=None, **options) -> CaptionLoader:
        defaults = {"batch_size": BATCH, "max_length": 32, "augment": "none"}
        options = defaults | {"seed": 0, "workers": 2} | options
        sources = [(pictures, 1.0)] if sources is None else sources
        return CaptionLoader(sources, tiny_korean.processor, **options)

    return make


def take(loader: CaptionLoader, count: int, first: int = 0) -> list[Batch]:
    batches = loader.batches(first)
    taken = list(islice(batches, count))
    batches.close()
    return taken


def assert_same(actual: list[Batch], expected: list[Batch]) -> None:
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def levels(batch: Batch) -> list[int]:
    """Which pictures are in a batch, by their grey level."""
    return [level_of((row * CLIP_STD + CLIP_MEAN) * 255) for row in batch["pixel_values"]]


def pairs(batches: list[Batch]) -> list[tuple[int, tuple[int, ...]]]:
    """(grey level, token ids) of every row."""
    return [
        (level, unpadded(ids, mask))
        for batch in batches
        for level, ids, mask in zip(
            levels(batch), batch["input_ids"], batch["attention_mask"], strict=True
        )
    ]


def unpadded(ids: np.ndarray, mask: np.ndarray) -> tuple[int, ...]:
    return tuple(ids[mask == 1].tolist())


def test_a_batch_is_what_the_model_takes(loader, tiny_korean, pictures):
    (batch,) = take(loader(), 1)
    edge = tiny_korean.config.vision.image_size
    assert batch["pixel_values"].shape == (BATCH, edge, edge, 3)
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    assert {name: value.dtype.name for name, value in batch.items()} == {
        "pixel_values": "float32",
        "input_ids": "int32",
        "attention_mask": "int32",
    }
    tiny_korean.get_image_features(batch["pixel_values"])
    tiny_korean.get_text_features(batch["input_ids"], batch["attention_mask"])


def test_every_pair_of_a_picture_and_its_caption_comes_once_in_a_pass(
    loader, tiny_korean, pictures
):
    made = loader()
    assert made.steps_per_epoch == COUNT * CAPTIONS // BATCH
    seen = pairs(take(made, made.steps_per_epoch))
    expected = []
    for i, picture in enumerate(pictures):
        ids, mask = tiny_korean.processor.tokenize(picture.captions)
        expected += [(30 * i, unpadded(*row)) for row in zip(ids, mask, strict=True)]
    assert Counter(seen) == Counter(expected)


def test_no_batch_has_a_picture_twice(loader):
    made = loader()
    for batch in take(made, 2 * made.steps_per_epoch):
        assert len(set(levels(batch))) == BATCH


@pytest.mark.parametrize("augment", ["none", "original", "crop", "crop-no-flip"])
@pytest.mark.parametrize("workers", [0, 1, 5])
def test_batches_do_not_depend_on_the_workers(loader, workers, augment):
    expected = take(loader(augment=augment), 5)
    assert_same(take(loader(augment=augment, workers=workers), 5), expected)


def test_a_run_goes_on_from_any_step(loader):
    expected = take(loader(augment="crop"), 9)
    assert_same(take(loader(augment="crop"), 2, first=7), expected[7:])


def test_going_on_decodes_nothing_of_the_steps_before(loader, monkeypatch):
    opened = []
    real = CaptionedImage.open

    def spy(self):
        opened.append(self)
        return real(self)

    monkeypatch.setattr(CaptionedImage, "open", spy)
    take(loader(workers=1), 1, first=1000)
    assert len(opened) <= 3 * BATCH  # the batch, and what is prepared after it


@pytest.mark.parametrize("count", [2, 4])
def test_processes_share_the_batches_of_one(loader, count):
    expected = take(loader(augment="crop"), 4)
    parts = [
        take(loader(augment="crop", process_index=i, process_count=count), 4) for i in range(count)
    ]
    joined = [
        {name: np.concatenate([part[step][name] for part in parts]) for name in expected[0]}
        for step in range(4)
    ]
    assert_same(joined, expected)


def test_seeds_differ(loader):
    first, other = take(loader(), 1)[0], take(loader(seed=1), 1)[0]
    assert any((first[name] != other[name]).any() for name in ("pixel_values", "input_ids"))


def test_crops_differ_from_pass_to_pass(loader, tmp_path):
    gradient = tmp_path / "gradient.png"
    Image.linear_gradient("L").save(gradient)
    sources = [([CaptionedImage(gradient, ("하늘", "바다"))], 1.0)]
    made = loader(sources, batch_size=2, augment="crop")
    rows = [row for batch in take(made, 2) for row in batch["pixel_values"]]
    assert all((rows[0] != row).any() for row in rows[1:])


def test_sources_of_one_weight_are_one_pool(loader, pictures):
    together = loader()
    apart = loader([(pictures[:3], 2.0), (pictures[3:], 2.0)])
    assert_same(take(apart, 6), take(together, 6))


def test_a_weight_says_how_often_the_pairs_of_a_source_come(loader, pictures):
    made = loader([(pictures[:4], 3.0), (pictures[4:], 1.0)])
    batches = take(made, 12)
    for batch in batches:
        assert sum(level < 120 for level in levels(batch)) == 3
    counts = Counter(pairs(batches))  # 48 rows: 36 of the first source's 12 pairs, 12 of 12
    assert {counts[pair] for pair in counts if pair[0] < 120} == {3}
    assert {counts[pair] for pair in counts if pair[0] >= 120} == {1}


def test_a_weighted_run_goes_on_from_any_step(loader, pictures):
    sources = [(pictures[:2], 5.0), (pictures[2:], 1.0)]
    expected = take(loader(sources), 8)
    assert_same(take(loader(sources), 2, first=6), expected[6:])


@pytest.mark.parametrize("augment", ["none", "crop"])
def test_broken_pictures_are_named_once_and_replaced_in_the_same_way(
    loader, pictures, tmp_path, augment
):
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"not a picture")
    some = [*pictures, CaptionedImage(damaged, ("바다",) * 4)]
    some[2] = CaptionedImage(tmp_path / "gone.png", pictures[2].captions)
    made = loader([(some, 1.0)], augment=augment)
    expected = take(made, 14)
    assert [name for name, _ in made.broken] == [str(tmp_path / "gone.png"), str(damaged)]
    assert [error.code for _, error in made.broken] == ["image_not_found", "image_unreadable"]
    assert_same(take(loader([(some, 1.0)], augment=augment, workers=5), 14), expected)
    assert_same(take(loader([(some, 1.0)], augment=augment), 3, first=11), expected[11:])


def test_what_stands_in_for_a_broken_picture_comes_with_its_own_caption(
    loader, tiny_korean, pictures, tmp_path
):
    some = [CaptionedImage(tmp_path / "gone.png", ("하늘",) * 6), *pictures[1:]]
    made = loader([(some, 1.0)])
    captions_of = {30 * i: pictures[i].captions for i in range(1, COUNT)}
    for level, ids in pairs(take(made, 7)):
        captions = tiny_korean.processor.tokenize(captions_of[level])
        assert ids in {unpadded(*row) for row in zip(*captions, strict=True)}


def test_processes_agree_on_the_shape_when_one_has_a_broken_picture(loader, pictures, tmp_path):
    long = " ".join(["고양이"] * 10)
    some = [CaptionedImage(tmp_path / f"gone{i}.png", ("바다",)) for i in range(6)]
    some += [CaptionedImage(pictures[i].path, (long,)) for i in range(2)]
    lengths = [
        [
            batch["input_ids"].shape[1]
            for batch in take(loader([(some, 1.0)], process_index=i, process_count=4), 8)
        ]
        for i in range(4)
    ]
    assert lengths[1:] == lengths[:-1]


def test_nothing_but_broken_pictures_is_an_error(loader, tmp_path):
    gone = [CaptionedImage(tmp_path / f"{i}.png", ("바다",)) for i in range(6)]
    with pytest.raises(KoCLIPError) as caught:
        take(loader([(gone, 1.0)]), 1)
    assert caught.value.code == "training_images_broken"
    assert caught.value.values["count"] == 6


def test_long_captions_are_cut_and_keep_their_last_token(loader, pictures, tiny_korean):
    some = [CaptionedImage(p.path, (" ".join(["고양이"] * 40),)) for p in pictures]
    (batch,) = take(loader([(some, 1.0)], max_length=10), 1)
    assert batch["input_ids"].shape == (BATCH, 10)
    assert batch["attention_mask"].all()
    full = tiny_korean.processor.tokenizer.backend.encode(some[0].captions[0]).ids
    assert batch["input_ids"][0].tolist() == [*full[:9], full[-1]]


def test_lengths_are_few(loader, pictures):
    texts = [" ".join(["바다"] * n) for n in (1, 5, 7, 9, 13, 17, 3, 30)]
    some = [CaptionedImage(p.path, (text,)) for p, text in zip(pictures, texts, strict=True)]
    shapes = {b["input_ids"].shape[1] for b in take(loader([(some, 1.0)], max_length=20), 12)}
    assert shapes <= {*TEXT_LENGTHS, 20} and max(shapes) == 20


def test_settings_that_cannot_be(loader, pictures):
    def code(*args, **options) -> str:
        with pytest.raises(KoCLIPError) as caught:
            loader(*args, **options)
        return caught.value.code

    assert code(batch_size=COUNT * CAPTIONS + 1) == "training_too_little_data"
    assert code([]) == "training_too_little_data"
    assert code(process_count=3) == "training_rows_uneven"
    assert code(augment="mixup") == "augment_unknown"
    weights = [([picture], 1.0 + i) for i, picture in enumerate(pictures)]
    assert code(weights) == "training_too_many_weights"


def test_a_model_without_a_tokenizer_is_refused_before_training(pictures, tiny_base):
    with pytest.raises(KoCLIPError) as caught:
        CaptionLoader(
            [(pictures, 1.0)],
            tiny_base.processor,
            batch_size=2,
            max_length=8,
            seed=0,
            augment="none",
            workers=1,
        )
    assert caught.value.code == "tokenizer_missing"


def test_closing_stops_the_workers(loader):
    before = threading.active_count()
    batches = loader(workers=3).batches()
    next(batches)
    assert threading.active_count() > before
    batches.close()
    assert threading.active_count() == before
