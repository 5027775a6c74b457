"""Image databases: built, opened again, searched, and refused where they do not fit."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from koclip import ImageDatabase, KoCLIP
from koclip.database import COCO_IMAGES, ImageItem, image_database
from koclip.errors import KoCLIPError

NAMES = ["a.png", "b.JPG", "deep/er/c.webp"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Three pictures, two files that are none in spite of their names, and one with another."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(12)
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name, {"b.JPG": "JPEG"}.get(name))
    (folder / "broken.png").write_bytes(b"not a picture")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture, and not called one")
    return folder


@pytest.fixture(scope="module")
def built(tiny_korean: KoCLIP, pictures) -> tuple[ImageDatabase, list]:
    return ImageDatabase.build(tiny_korean, pictures)


@pytest.fixture
def copy(built, pictures, tmp_path) -> Path:
    """A database folder to be spoilt."""
    shutil.copytree(pictures, tmp_path / "copy")
    return tmp_path / "copy"


def refusal(path: Path, code: str = "database_unreadable") -> str:
    with pytest.raises(KoCLIPError) as caught:
        ImageDatabase.open(path)
    assert caught.value.code == code
    assert str(path) in caught.value.localized("ko")
    return str(caught.value)


def said(item: ImageItem) -> ImageItem:
    """Without what was measured."""
    measured = {"width": 0, "height": 0, "sha256": "", "size": 0, "mtime": 0, "taken": ""}
    return dataclasses.replace(item, **measured)


def segment_of(folder: Path) -> Path:
    """The only segment of a database."""
    (segment,) = (folder / "segments").iterdir()
    return segment


@pytest.fixture
def first_schema(copy) -> Path:
    """The same database as earlier versions wrote it."""
    segment = segment_of(copy)
    for name in ("items.jsonl", "embeddings.safetensors"):
        (segment / name).rename(copy / name)
    shutil.rmtree(copy / "segments")
    manifest = json.loads((copy / "database.json").read_text())
    kept = ("model", "revision", "images", "dimension", "normalized")
    first = {"schema_version": 1} | {key: manifest[key] for key in kept}
    (copy / "database.json").write_text(json.dumps(first))
    return copy


def edit_manifest(folder: Path, **values: object) -> None:
    path = folder / "database.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_built_and_opened_again(built, tiny_korean: KoCLIP, pictures):
    database, broken = built
    assert [item.file for item in database.items] == NAMES
    assert sorted(name for name, _ in broken) == ["broken.png", "empty.jpg"]
    assert {error.code for _, error in broken} == {"image_unreadable"}
    assert len(database) == 3
    assert (database.model, database.revision) == (tiny_korean.name, tiny_korean.revision)
    expected = tiny_korean.embed_images([pictures / name for name in NAMES])
    np.testing.assert_array_equal(database.embeddings, expected)

    opened = ImageDatabase.open(pictures)
    assert list(opened.items) == list(database.items)
    assert (opened.model, opened.revision) == (database.model, database.revision)
    np.testing.assert_array_equal(opened.embeddings, database.embeddings)
    assert opened.embeddings.dtype == np.float32
    hits = opened.search(tiny_korean, "고양이 사진", k=2)
    assert hits == database.search(tiny_korean, "고양이 사진", k=2)
    assert Path(opened.location(hits[0].item)).is_file()


def test_the_manifest_says_what_is_needed_to_search(built, pictures, tiny_korean: KoCLIP):
    manifest = json.loads((pictures / "database.json").read_text())
    (segment,) = manifest.pop("segments")
    assert manifest == {
        "schema_version": 2,
        "model": "tiny-korean",
        "revision": tiny_korean.revision,
        "images": 3,
        "dimension": 24,
        "normalized": True,
        "preprocessing": tiny_korean.processor.image_processor.to_json(),
        "title": "",
    }
    assert (segment["rows"], segment["removed"]) == (3, [])
    assert sorted(segment["files"]) == ["embeddings.safetensors", "items.jsonl"]
    for name, digest in segment["files"].items():
        data = (pictures / "segments" / segment["name"] / name).read_bytes()
        assert digest == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.mark.parametrize("form", ["float16", "int8"])
def test_a_compact_copy_is_stored_and_searched(copy, tiny_korean: KoCLIP, form):
    plain = ImageDatabase.open(copy)
    ImageDatabase.build(tiny_korean, copy, compact=form)
    opened = ImageDatabase.open(copy)
    assert [segment.store.scanned.dtype for segment in opened.store.segments] == [form]
    np.testing.assert_array_equal(opened.embeddings, plain.embeddings)
    for query in ({"query": "고양이"}, {"image": opened.embeddings[0]}):
        assert opened.search(tiny_korean, **query) == plain.search(tiny_korean, **query)


def test_an_image_finds_itself(built, tiny_korean: KoCLIP):
    database, _ = built
    np.testing.assert_allclose(np.diag(database.embeddings @ database.embeddings.T), 1, atol=1e-6)


def test_listed_items_are_honoured(built, copy, tiny_korean: KoCLIP):
    """Their order and captions; unknown keys are tolerated, unlisted pictures follow."""
    lines = [
        {"id": "second", "file": "b.JPG", "caption_ko": "둘째\u2028줄", "license": "CC0", "new": 1},
        {"id": "first", "file": "a.png", "kind": "photo"},
        {"id": "gone", "file": "gone.png"},
    ]
    text = "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (copy / "items.jsonl").write_text(text)
    database, broken = ImageDatabase.build(tiny_korean, copy)
    expected = [
        ImageItem("deep/er/c.webp", "deep/er/c.webp"),
        ImageItem("second", "b.JPG", caption_ko="둘째\u2028줄", license="CC0"),
        ImageItem("first", "a.png", kind="photo"),
    ]
    assert [said(item) for item in database.items] == expected
    assert list(ImageDatabase.open(copy).items) == list(database.items)
    assert ("gone.png", "image_not_found") in [(name, error.code) for name, error in broken]
    expected = built[0].embeddings[[2, 1, 0]]
    np.testing.assert_allclose(database.embeddings, expected, atol=1e-6)


def test_new_pictures_are_added_and_vanished_ones_dropped(copy, tiny_korean: KoCLIP):
    before = {item.file for item in ImageDatabase.open(copy).items}
    gone = sorted(before)[0]
    (copy / gone).unlink()
    Image.new("RGB", (9, 9), "teal").save(copy / "new.png")
    database, broken = ImageDatabase.build(tiny_korean, copy)
    assert {item.file for item in database.items} == before - {gone} | {"new.png"}
    assert gone not in [file for file, _ in broken]


def test_many_images_and_progress(tmp_path, tiny_korean: KoCLIP):
    for i in range(35):
        Image.new("RGB", (8, 8), (i * 7, 0, 0)).save(tmp_path / f"{i:03}.png")
    seen = []
    database, broken = ImageDatabase.build(
        tiny_korean, tmp_path, lambda *call: seen.append(call[1:])
    )
    assert (len(database), broken) == (35, [])
    assert [item.file for item in database.items] == [f"{i:03}.png" for i in range(35)]
    assert seen == [(32, 35), (35, 35)]


def test_a_file_name_that_is_no_unicode(tmp_path, tiny_korean: KoCLIP):
    name = b"caf\xe9.png"
    try:
        Image.new("RGB", (8, 8)).save(Path(tmp_path, name.decode(errors="surrogateescape")))
    except OSError:
        pytest.skip("this file system takes Unicode only")
    ImageDatabase.build(tiny_korean, tmp_path)
    database = ImageDatabase.open(tmp_path)
    assert Path(database.location(database.items[0])).is_file()


def test_nothing_to_build_from(tmp_path, tiny_korean: KoCLIP):
    (tmp_path / "a.png").write_bytes(b"x")
    for folder, code in [(tmp_path, "database_no_images"), (tmp_path / "no", "folder_not_found")]:
        with pytest.raises(KoCLIPError) as caught:
            ImageDatabase.build(tiny_korean, folder)
        assert caught.value.code == code
    assert not (tmp_path / "database.json").exists()


def test_a_database_of_the_first_schema_opens_and_is_brought_up_to_date(
    built, first_schema, tiny_korean: KoCLIP
):
    opened = ImageDatabase.open(first_schema)
    assert list(opened.items) == list(built[0].items)
    np.testing.assert_array_equal(opened.embeddings, built[0].embeddings)
    ImageDatabase.build(tiny_korean, first_schema)
    assert json.loads((first_schema / "database.json").read_text())["schema_version"] == 2
    assert not (first_schema / "embeddings.safetensors").exists()
    again = ImageDatabase.open(first_schema)
    assert [item.file for item in again.items] == NAMES
    np.testing.assert_allclose(again.embeddings, built[0].embeddings, atol=1e-6)


# Refusals ------------------------------------------------------------------------------------


def test_another_model_is_refused_with_the_command_that_rebuilds(built, tiny_korean, pictures):
    database = dataclasses.replace(ImageDatabase.open(pictures), model="koclip-base", revision="1")
    with pytest.raises(KoCLIPError) as caught:
        database.search(tiny_korean, "고양이")
    assert caught.value.code == "database_other_model"
    for words in ("'koclip-base'", f"python -m koclip index {pictures} --model tiny-korean"):
        assert words in str(caught.value)


def test_another_revision_is_refused(built, tiny_korean: KoCLIP):
    database = dataclasses.replace(built[0], revision="0123456789ab")
    with pytest.raises(KoCLIPError) as caught:
        database.search(tiny_korean, "고양이")
    assert "tiny-korean@0123456789ab" in str(caught.value)
    assert f"tiny-korean@{tiny_korean.revision}" in str(caught.value)
    dataclasses.replace(built[0], revision="").check_model(tiny_korean)


def test_the_same_model_under_another_name_is_accepted(built, tiny_korean: KoCLIP):
    dataclasses.replace(built[0], model="my-copy").check_model(tiny_korean)


def test_another_width_is_refused(built, tiny_korean: KoCLIP):
    narrow = dataclasses.replace(built[0], store=built[0].embeddings[:, :8])
    with pytest.raises(KoCLIPError) as caught:
        narrow.check_model(tiny_korean)
    assert caught.value.code == "database_other_model"


def test_no_database(tmp_path):
    assert "python -m koclip index" in refusal(tmp_path, "database_not_found")
    refusal(tmp_path / "nothing", "database_not_found")
    refusal(tmp_path / "nothing.tsv", "database_not_found")


@pytest.mark.parametrize("version", [3, 0, "1", None])
def test_another_schema_is_refused(copy, version):
    edit_manifest(copy, schema_version=version)
    assert f"schema version {version}" in refusal(copy)


@pytest.mark.parametrize(
    "values",
    [{"dimension": 25}, {"dimension": "24"}, {"model": None}, {"model": 5}, {"revision": 1}],
)
def test_manifests_that_make_no_sense(copy, values):
    edit_manifest(copy, **values)
    refusal(copy)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"5", b"{}", b"\xff", b'{"schema_version": 1}', b"[" * 10**5]
)
def test_damaged_manifests(copy, data):
    (copy / "database.json").write_bytes(data)
    refusal(copy)


@pytest.mark.parametrize(
    "line",
    [
        *("5", "[]", "{", "null", "[" * 100_000),
        *('{"id": "x"}', '{"file": "x"}', '{"id": "x", "file": 5}', '{"id": null}'),
        *('{"id": "x", "file": ["a"]}', '{"id": "x", "file": "y", "caption_ko": {}}'),
    ],
)
def test_damaged_items_are_named_by_line(first_schema, tiny_korean: KoCLIP, line):
    lines = (first_schema / "items.jsonl").read_text().splitlines()
    (first_schema / "items.jsonl").write_text("\n".join([lines[0], line, lines[2]]))
    with pytest.raises(KoCLIPError, match=r"items\.jsonl.*line 2") as opened:
        ImageDatabase.open(first_schema)
    with pytest.raises(KoCLIPError, match=r"items\.jsonl.*line 2") as built_again:
        ImageDatabase.build(tiny_korean, first_schema)
    assert opened.value.code == built_again.value.code == "database_unreadable"


def test_items_that_are_missing_or_not_as_many(first_schema):
    lines = (first_schema / "items.jsonl").read_text().splitlines()
    (first_schema / "items.jsonl").write_text("\n".join(lines[:2]))
    assert "2 items" in refusal(first_schema)
    (first_schema / "items.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(KoCLIPError):
        ImageDatabase.open(first_schema)
    (first_schema / "items.jsonl").unlink()
    with pytest.raises(KoCLIPError):
        ImageDatabase.open(first_schema)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: {"embeddings": x[:2]},
        lambda x: {"embeddings": x[:, :8].copy()},
        lambda x: {"embeddings": x * 2},
        lambda x: {"embeddings": x * np.float32(np.nan)},
        lambda x: {"embeddings": np.vstack([x[:2], np.zeros_like(x[:1])])},
        lambda x: {"embeddings": np.rint(x * 100).astype(np.int8)},
        lambda x: {"vectors": x},
        lambda x: {},
    ],
)
def test_embeddings_that_cannot_be_trusted(first_schema, change):
    path = first_schema / "embeddings.safetensors"
    save_file(change(load_file(path)["embeddings"]), path)
    refusal(first_schema)


def test_damaged_embeddings(first_schema):
    path = first_schema / "embeddings.safetensors"
    data = path.read_bytes()
    for length in (0, 7, 8, 40, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(KoCLIPError):
            ImageDatabase.open(first_schema)
    path.unlink()
    with pytest.raises(KoCLIPError):
        ImageDatabase.open(first_schema)


# The original's TSV --------------------------------------------------------------------------


def tsv_line(name: str, values: np.ndarray) -> str:
    return f"{name}\t{','.join(map(str, values))}\n"


@pytest.fixture
def tsv(tmp_path) -> Path:
    """Five lines of 512 numbers, as the original Space has 5,000."""
    rows = np.random.default_rng(13).normal(size=(5, 512))
    lines = [tsv_line(f"{i:012}.jpg", row) for i, row in enumerate(rows)]
    (tmp_path / "koclip-base.tsv").write_text("".join(lines))
    return tmp_path / "koclip-base.tsv"


def test_the_originals_tsv_opens_with_coco_addresses(tsv):
    database = ImageDatabase.open(tsv)
    assert (len(database), database.model, database.revision) == (5, "koclip-base", "")
    expected = np.random.default_rng(13).normal(size=(5, 512))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(database.embeddings, expected, atol=1e-6)
    assert database.location(database.items[1]) == COCO_IMAGES + "000000000001.jpg"
    assert database.items[1].id == "000000000001.jpg"


class NamedModel:
    """As much of a model as `check_model` looks at."""

    def __init__(self, name: str, width: int = 512) -> None:
        self.name, self.revision = name, "fedcba987654"
        self.config = type("Config", (), {"projection_dim": width})


def test_a_tsv_fits_the_models_it_was_made_for(tsv, monkeypatch):
    ImageDatabase.open(tsv).check_model(NamedModel("koclip-base"))
    others = NamedModel("koclip-large"), NamedModel("koclip-mini"), NamedModel("koclip-base", 8)
    for model in others:
        with pytest.raises(KoCLIPError, match=f"index FOLDER --model {model.name}"):
            ImageDatabase.open(tsv).check_model(model)
    monkeypatch.setattr(image_database, "hub_file", lambda *_, **__: tsv)
    for name in ("koclip-base", "koclip-base-pt"):
        ImageDatabase.for_model(NamedModel(name)).check_model(NamedModel(name))


def test_no_database_is_known_for_a_model_of_ones_own():
    with pytest.raises(KoCLIPError, match="my-model") as caught:
        ImageDatabase.for_model(NamedModel("my-model"))
    assert caught.value.code == "database_none_for_model"


@pytest.mark.parametrize(
    "line",
    [
        "name and no tab\n",
        "\n",
        "\t1,2,3\n",
        "a.jpg\t\n",
        "a.jpg\t" + "1," * 511 + "x\n",
        "a.jpg\t" + "1," * 511 + "nan\n",
        "a.jpg\t" + "1," * 511 + "1e99\n",
        "a.jpg\t" + "1," * 511 + "\n",
        "a.jpg\t" + "1," * 510 + "1\n",
        "a.jpg\t" + "1," * 512 + "1\n",
        "a.jpg\t1\t2\n",
    ],
    ids=lambda line: repr(line[-12:]),
)
def test_a_bad_line_of_a_tsv_is_named(tsv, line):
    lines = tsv.read_text().splitlines(keepends=True)
    tsv.write_text("".join([*lines[:3], line, *lines[3:]]))
    assert "line 4" in refusal(tsv)


def test_an_empty_or_binary_tsv(tsv):
    tsv.write_bytes(b"")
    assert "empty" in refusal(tsv)
    tsv.write_bytes(b"\xff\xfe\x00\t1\n")
    refusal(tsv)
