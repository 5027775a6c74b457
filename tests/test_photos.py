"""Photographs that someone brings: read with progress, searched, and downloaded."""

from __future__ import annotations

import io
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from koclip import ImageDatabase, KoCLIP
from koclip.assets import assets_dir
from koclip.errors import KoCLIPError
from koclip.photos import PhotoCollection, read_photos

COUNT = 60


def photographs(count: int, seed: int = 5) -> dict[str, bytes]:
    """JPEGs of random parts of the gallery's pictures, by name."""
    rng = np.random.default_rng(seed)
    files = sorted((assets_dir() / "gallery" / "images").iterdir())
    pictures = {}
    for number in range(count):
        picture = Image.open(files[rng.integers(len(files))]).convert("RGB")
        edge = int(min(picture.size) * rng.uniform(0.6, 1))
        left, top = (int(rng.integers(length - edge + 1)) for length in picture.size)
        content = io.BytesIO()
        picture.crop((left, top, left + edge, top + edge)).save(content, "JPEG", quality=85)
        pictures[f"사진 {number:04}.jpg"] = content.getvalue()
    return pictures


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    return photographs(COUNT)


@pytest.fixture(scope="module")
def archive(pictures, tmp_path_factory) -> Path:
    """All of them, and one that is none."""
    files = {"여행/깨진.jpg": b"\xff\xd8\xff broken"} | {
        f"여행/{n}": c for n, c in pictures.items()
    }
    return write_zip(tmp_path_factory.mktemp("photos") / "여행.zip", files)


@pytest.fixture(scope="module")
def steps(tiny_korean: KoCLIP, archive) -> list[PhotoCollection]:
    return list(read_photos(tiny_korean, [archive]))


def test_every_picture_is_read_in_order(tiny_korean: KoCLIP, steps, pictures):
    photos = steps[-1]
    assert [item.title for item in photos.database.items] == list(pictures)
    assert len({item.id for item in photos.database.items}) == COUNT
    expected = tiny_korean.embed_images([io.BytesIO(content) for content in pictures.values()])
    np.testing.assert_allclose(photos.database.embeddings, expected, atol=1e-5)
    assert [(name, error.code) for name, error in photos.broken] == [
        ("깨진.jpg", "image_unreadable")
    ]


def test_progress_comes_with_what_is_done(steps):
    assert [(step.done, step.total) for step in steps] == [(32, 61), (61, 61)]
    for before, after in pairwise(steps):
        assert after.database.items[: len(before.database)] == before.database.items
        assert before.thumbnails.items() <= after.thumbnails.items()


def test_what_is_done_can_be_searched_when_the_rest_is_stopped(tiny_korean: KoCLIP, archive):
    reading = read_photos(tiny_korean, [archive])
    photos = next(reading)
    reading.close()
    assert len(photos.database) == len(photos.thumbnails) == 31
    assert len(photos.database.search(tiny_korean, "고양이", k=5)) == 5


def test_of_a_picture_a_small_one_is_kept(tiny_korean: KoCLIP, tmp_path):
    Image.new("RGB", (900, 450), "teal").save(tmp_path / "large.png")
    Image.new("RGB", (40, 90), "teal").save(tmp_path / "small.png")
    *_, photos = read_photos(tiny_korean, [tmp_path / "large.png", str(tmp_path / "small.png")])
    kept = [Image.open(io.BytesIO(data)) for data in photos.thumbnails.values()]
    assert [(image.format, image.size) for image in kept] == [
        ("WEBP", (320, 160)),
        ("WEBP", (40, 90)),
    ]
    assert [item.file for item in photos.database.items] == list(photos.thumbnails)


def test_equal_pictures_are_both_kept(tiny_korean: KoCLIP, pictures, tmp_path):
    content = next(iter(pictures.values()))
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "같은.jpg").write_bytes(content)
    *_, photos = read_photos(
        tiny_korean, [tmp_path / "a" / "같은.jpg", tmp_path / "b" / "같은.jpg"]
    )
    assert [item.title for item in photos.database.items] == ["같은.jpg"] * 2
    assert len(photos.thumbnails) == 2


def test_the_best_photo_is_found(mini: KoCLIP, pictures, tmp_path):
    examples = assets_dir() / "examples"
    archive = write_zip(tmp_path / "a.zip", dict(list(pictures.items())[:10]))
    *_, photos = read_photos(mini, [archive, examples / "cat.webp"])
    assert photos.database.search(mini, "고양이", k=1)[0].item.title == "cat.webp"


def test_downloaded_and_opened_again(tiny_korean: KoCLIP, steps, tmp_path):
    photos = steps[-1]
    path = tmp_path / "koclip-photos.zip"
    path.write_bytes(b"an older one")
    photos.save_zip(path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "mine")
    opened = ImageDatabase.open(tmp_path / "mine")
    assert list(opened.items) == photos.database.items
    np.testing.assert_array_equal(opened.embeddings, photos.database.embeddings)
    hits = opened.search(tiny_korean, "고양이 사진", k=3)
    assert hits == photos.database.search(tiny_korean, "고양이 사진", k=3)
    picture = Path(opened.location(hits[0].item))
    assert picture.read_bytes() == photos.thumbnails[hits[0].item.file]


def test_a_download_that_fails_leaves_nothing(steps, tmp_path, monkeypatch):
    def full(_):
        raise OSError("no space")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        steps[-1].save_zip(tmp_path / "koclip-photos.zip")
    assert not list(tmp_path.iterdir())


def test_a_batch_without_a_readable_picture(tiny_korean: KoCLIP, pictures, tmp_path):
    """It is progress all the same, and what there is so far, nothing, can be searched."""
    files = {f"{i}.jpg": b"x" for i in range(40)} | dict(list(pictures.items())[:1])
    first, last = read_photos(tiny_korean, [write_zip(tmp_path / "a.zip", files)])
    assert (len(first.database), first.done, first.total) == (0, 32, 41)
    assert first.database.search(tiny_korean, "고양이", plus="바다") == []
    assert (len(last.database), last.done) == (1, 41)


def test_nothing_was_brought(tiny_korean: KoCLIP, tmp_path):
    empty = write_zip(tmp_path / "empty.zip", {"메모.txt": b"no picture", ".숨은.jpg": b"x"})
    for paths in ([], [empty], [tmp_path / "nothing here"][:0]):
        with pytest.raises(KoCLIPError) as caught:
            list(read_photos(tiny_korean, paths))
        assert caught.value.code == "photos_none"


def test_nothing_that_was_brought_is_readable(tiny_korean: KoCLIP, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 no archive")
    (tmp_path / "b.txt").write_text("no picture")
    with pytest.raises(KoCLIPError) as caught:
        list(read_photos(tiny_korean, [tmp_path / "a.zip", tmp_path / "b.txt"]))
    assert caught.value.code == "photos_unreadable"
    assert "2" in str(caught.value) and "ZIP" in caught.value.localized("ko")
