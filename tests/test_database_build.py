"""Databases that are brought up to date, from every kind of source, and survive what goes wrong."""

from __future__ import annotations

import csv
import dataclasses
import errno
import http.server
import io
import json
import os
import shutil
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from koclip.database import ImageDatabase, writer
from koclip.database.build import BuildResult, build
from koclip.database.fetch import fetch_picture
from koclip.database.writer import locked
from koclip.errors import KoCLIPError
from tests.crash import StandIn, build_here, kill_builds, make_pictures


class Counting(StandIn):
    """Counts the pictures that it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def get_image_features(self, pixels: np.ndarray) -> np.ndarray:
        self.seen += len(pixels)
        return super().get_image_features(pixels)


@pytest.fixture
def pictures(tmp_path) -> Path:
    make_pictures(tmp_path / "pictures", 40)
    return tmp_path / "pictures"


def counted(*sources: Path | str, into: Path, **options: object) -> tuple[BuildResult, int]:
    """The result, and how many pictures the model saw."""
    model = Counting()
    result = build(model, sources, into, **options)
    result.database.verify()
    assert model.seen == result.embedded
    return result, model.seen


def rows_by_file(database: ImageDatabase) -> dict[str, list[float]]:
    return {
        item.file: row.tolist()
        for item, row in zip(database.items, database.embeddings, strict=True)
    }


def refusal(code: str, *sources: Path | str, into: Path, **options: object) -> KoCLIPError:
    with pytest.raises(KoCLIPError) as caught:
        build(StandIn(), sources, into, **options)
    assert caught.value.code == code
    return caught.value


def test_killed_builds_lose_nothing(tmp_path):
    make_pictures(tmp_path / "pictures", 200)
    counts = kill_builds(tmp_path / "pictures", tmp_path, kills=2, seed=3)
    assert counts["killed"] == 2


def test_only_what_is_new_or_changed_is_embedded(pictures):
    assert counted(pictures, into=pictures)[1] == 40
    before = {path: path.read_bytes() for path in pictures.rglob("*") if path.is_file()}
    assert counted(pictures, into=pictures)[1] == 0
    assert {path: path.read_bytes() for path in pictures.rglob("*") if path.is_file()} == before

    (pictures / "0000.png").unlink()
    (pictures / "0001.png").rename(pictures / "moved.png")
    shutil.copy(pictures / "0002.png", pictures / "twin.png")
    Image.new("RGB", (9, 9), "teal").save(pictures / "0003.png")
    Image.new("RGB", (9, 9), "pink").save(pictures / "new.png")
    os.utime(pictures / "0004.png", ns=(1, 1))
    result, seen = counted(pictures, into=pictures)
    assert seen == 2  # 0003 and new
    assert (result.reused, result.removed) == (39, 2)  # 0000 and 0001 under its old name
    shutil.copytree(pictures, pictures.parent / "fresh", ignore=shutil.ignore_patterns("*.json"))
    shutil.rmtree(pictures.parent / "fresh" / "segments")
    fresh, _ = counted(pictures.parent / "fresh", into=pictures.parent / "fresh")
    assert rows_by_file(result.database) == rows_by_file(fresh.database)


def test_a_change_that_leaves_size_and_time_is_seen_with_rehash(pictures):
    path = pictures / "a.bmp"
    Image.new("RGB", (9, 9), "teal").save(path)
    counted(pictures, into=pictures)
    stat = path.stat()
    Image.new("RGB", (9, 9), "pink").save(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert counted(pictures, into=pictures)[1] == 0
    assert counted(pictures, into=pictures, rehash=True)[1] == 1


def test_what_was_noted_anew_does_not_embed_anew(pictures):
    counted(pictures, into=pictures)
    (pictures / "items.jsonl").write_text('{"id": "x", "file": "0007.png", "caption_ko": "산"}')
    result, seen = counted(pictures, into=pictures)
    assert seen == 0 and len(result.database) == 40
    (item,) = (item for item in result.database.items if item.file == "0007.png")
    assert (item.id, item.caption_ko, item.width) == ("x", "산", 12)


def test_much_that_is_dead_or_in_small_pieces_is_rewritten(pictures, tmp_path):
    into = tmp_path / "db"
    build_here(pictures, into)
    database = ImageDatabase.open(into)
    assert [entry.rows for entry in database.manifest.segments] == [32, 8]
    kept = rows_by_file(database)
    thumbnail = database.thumbnail(39)
    for number in range(20):
        (pictures / f"{number:04}.png").unlink()
        kept.pop(str((pictures / f"{number:04}.png").resolve()))
    result = build_here(pictures, into)
    assert [entry.rows for entry in result.database.manifest.segments] == [12, 8]
    assert rows_by_file(result.database) == kept
    assert result.database.thumbnail(19) == thumbnail
    assert len(database) == 40 and database.items[0].id == "0000.png"  # opened before, still there
    np.testing.assert_array_equal(database.embeddings[20:], result.database.embeddings)


def test_many_small_segments_are_joined(pictures, tmp_path):
    names = sorted(path.name for path in pictures.iterdir())
    growing = tmp_path / "growing"
    growing.mkdir()
    for name in names[:20]:
        shutil.copy(pictures / name, growing)
        result, seen = counted(growing, into=growing)
        assert seen == 1
    assert len(result.database.manifest.segments) < 20
    assert [item.id for item in result.database.items] == names[:20]


def test_images_of_other_sources_are_kept_when_asked(pictures, tmp_path):
    make_pictures(tmp_path / "others", 3)
    into = tmp_path / "db"
    counted(pictures, into=into)
    both = counted(tmp_path / "others", into=into, add=True)[0].database
    assert len(both) == 43
    assert Path(both.location(both.items[-1])).parent == tmp_path / "others"
    assert len(counted(tmp_path / "others", into=into)[0].database) == 3
    refusal("folder_not_found", tmp_path / "gone", into=into)
    assert len(ImageDatabase.open(into)) == 3


def test_a_zip_keeps_thumbnails(pictures, tmp_path):
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3):
            archive.write(pictures / f"{number:04}.png", f"a/{number}.png")
        archive.writestr("a/broken.png", b"no picture")
    result, seen = counted(path, into=tmp_path / "db")
    assert seen == 3 and [name for name, _ in result.broken] == ["p.zip/a/broken.png"]
    assert [item.id for item in result.database.items] == ["a/0.png", "a/1.png", "a/2.png"]
    small = Image.open(io.BytesIO(result.database.thumbnail(1)))
    assert small.size == (12, 12)
    assert counted(path, into=tmp_path / "db")[1] == 0
    path.write_bytes(b"no archive")
    refusal("zip_unreadable", path, into=tmp_path / "db")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_a_table_tells_captions_and_more(pictures, tmp_path, encoding):
    table = tmp_path / "table.csv"
    lines = [["file", "caption", "licence", "year", "code"]]
    lines += [[f"pictures/{n:04}.png", f"사진 {n}", "CC0-1.0", 2000 + n, "007"] for n in range(3)]
    with table.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(lines)
    database = counted(table, into=tmp_path / "db")[0].database
    item = database.items[1]
    assert (item.caption_ko, item.license) == ("사진 1", "CC0-1.0")
    assert item.extra == {"year": 2001, "code": "007"}
    assert Path(database.location(item)) == pictures / "0001.png"


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), ("caption\na\n", 1), ("file\n\n,\n", 3), ("file\na,b\n", 2), ('file\n"a\n', 2)],
)
def test_tables_that_make_no_sense(tmp_path, text, line):
    (tmp_path / "t.csv").write_text(text)
    error = refusal("captions_unreadable", tmp_path / "t.csv", into=tmp_path / "db")
    assert error.values["line"] == line
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("file", ["a\\u0000b.png", "\\ud800.png"])
def test_names_that_no_file_can_have(pictures, tmp_path, file):
    """In the list of a folder; all else is read."""
    (pictures / "items.jsonl").write_text(f'{{"id": "x", "file": "{file}"}}\n')
    with pytest.raises(KoCLIPError) as caught:
        build(StandIn(), [pictures], tmp_path / "database")
    assert caught.value.code == "database_unreadable"
    (pictures / "items.jsonl").unlink()
    (pictures / "table.csv").write_text("file\n0000.png\na\0b.png\n")
    result, _ = counted(pictures / "table.csv", into=tmp_path / "database")
    assert [name for name, _ in result.broken] == [(pictures / "a\0b.png").as_posix()]


def test_names_that_are_no_utf8_are_searched_and_built_again(pictures, tmp_path):
    """As archives of Korean Windows leave them on Linux."""
    name = os.fsdecode("사진.png".encode("cp949"))
    (pictures / "0000.png").rename(pictures / name)
    result, seen = counted(pictures, into=tmp_path / "database")
    items = {item.file: item for item in result.database.items}
    item = items[(pictures / name).as_posix()]
    item.id.encode()
    assert Path(result.database.location(item)).is_file()
    assert seen == 40
    assert counted(pictures, into=tmp_path / "database")[1] == 0


@pytest.mark.parametrize("url", ["http://[::1/a.png", "http://a.b/\ud800.png", "ftp://a.b/c.png"])
def test_addresses_that_are_none(url):
    with pytest.raises(KoCLIPError) as caught:
        fetch_picture(url)
    assert caught.value.code == "url_unreadable"


def test_thumbnails_that_would_unpack_to_any_size_are_not_read(pictures, tmp_path):
    database = counted(pictures, into=tmp_path / "database", thumbnails=True)[0].database
    (entry,) = database.manifest.segments
    assert database.thumbnail(0)
    path = tmp_path / "database/segments" / entry.name / "thumbnails.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.webp", bytes(50_000_000))
    assert database.thumbnail(0) is None
    path.write_bytes(b"PK" + bytes(100))
    assert database.thumbnail(0) is None


def test_a_data_set_of_the_hub(pictures, tmp_path, monkeypatch):
    library = pytest.importorskip("datasets")
    columns = {
        "image": [str(pictures / f"{n:04}.png") for n in range(3)],
        "caption": [f"사진 {n}" for n in range(3)],
        "year": [2000, 2001, 2002],
    }
    saved = library.Dataset.from_dict(columns).cast_column("image", library.Image())
    opened = library.DatasetDict({"train": saved})
    monkeypatch.setattr(library, "load_dataset", {"owner/sky": opened}.__getitem__)
    result, seen = counted("hub:owner/sky", into=tmp_path / "db")
    assert seen == 3
    item = result.database.items[1]
    assert (item.file, item.caption_ko) == ("hub:owner/sky/train/1", "사진 1")
    assert item.extra == {"year": 2001}
    assert result.database.thumbnail(1)
    assert counted("hub:owner/sky", into=tmp_path / "db")[1] == 0
    refusal("datasets_unreadable", "hub:owner/none", into=tmp_path / "db")


@pytest.fixture
def web(pictures) -> str:
    """A web server of the pictures, on which /out leads to a file of this machine."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(pictures))

        def do_GET(self) -> None:
            if self.path != "/out":
                super().do_GET()
                return
            self.send_response(302)
            self.send_header("Location", (pictures / "0000.png").as_uri())
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_addresses_are_fetched_only_when_asked(pictures, tmp_path, web):
    table = tmp_path / "t.csv"
    local = (pictures / "0000.png").as_uri()
    table.write_text(f"url\n{web}/0000.png\n{web}/gone.png\n{web}/out\n{local}\n")
    refusal("database_no_images", table, into=tmp_path / "db")
    result, seen = counted(table, into=tmp_path / "db", fetch=True)
    assert seen == 1
    assert {error.code for _, error in result.broken} == {"url_unreadable"}
    (item,) = result.database.items
    assert result.database.location(item) == f"{web}/0000.png"
    assert result.database.thumbnail(0)
    assert counted(table, into=tmp_path / "db")[1] == 0  # known, so not fetched again


# What goes wrong -----------------------------------------------------------------------------


def test_two_builds_at_once(pictures, tmp_path):
    with locked(tmp_path / "db"):
        error = refusal("database_locked", pictures, into=tmp_path / "db")
    assert "another process" in str(error)
    assert len(counted(pictures, into=tmp_path / "db")[0].database) == 40


def test_a_full_disk_leaves_the_database_as_it_was(pictures, tmp_path, monkeypatch):
    counted(pictures, into=tmp_path / "db")
    before = ImageDatabase.open(tmp_path / "db")
    Image.new("RGB", (9, 9), "pink").save(pictures / "new.png")
    write = writer.write_whole

    def full(path: Path, data: bytes) -> None:
        if path.suffix == ".jsonl":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "write_whole", full)
        error = refusal("database_unwritable", pictures, into=tmp_path / "db")
    assert "No space left" in str(error)
    after = ImageDatabase.open(tmp_path / "db")
    assert list(after.items) == list(before.items)
    assert len(list((tmp_path / "db" / "segments").iterdir())) == 1
    assert counted(pictures, into=tmp_path / "db")[1] == 1


def test_another_model_needs_rebuild(pictures, tmp_path):
    counted(pictures, into=tmp_path / "db")
    other = Counting()
    other.revision = "2"
    with pytest.raises(KoCLIPError) as caught:
        build(other, [pictures], tmp_path / "db")
    assert caught.value.code == "database_other_model"
    assert "--model stand-in --rebuild" in str(caught.value)
    assert ImageDatabase.open(tmp_path / "db").revision == "1"
    assert build(other, [pictures], tmp_path / "db", rebuild=True).embedded == 40
    assert ImageDatabase.open(tmp_path / "db").revision == "2"


def test_damage_is_found(pictures, tmp_path):
    into = tmp_path / "db"
    counted(pictures, into=into)
    for path in sorted((into / "segments").glob("*/*")):
        data = path.read_bytes()
        path.write_bytes(data[:-1])
        with pytest.raises(KoCLIPError, match=path.name):  # its size is not what it was
            ImageDatabase.open(into)
        place = len(data) - 20
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(KoCLIPError, match=path.name):
            ImageDatabase.open(into).verify()
        path.unlink()
        with pytest.raises(KoCLIPError):
            ImageDatabase.open(into)
        path.write_bytes(data)
    ImageDatabase.open(into).verify()
    (into / "database.json").write_text("{")
    refusal("database_unreadable", pictures, into=into)
    assert counted(pictures, into=into, rebuild=True)[1] == 40


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../elsewhere"},
        {"files": {"../items.jsonl": {"bytes": 1, "sha256": ""}}},
        {"removed": [40]},
        {"removed": [2, 1]},
        {"removed": [-1]},
        {"rows": "40"},
        {"rows": 41},
    ],
)
def test_manifests_whose_segments_make_no_sense(pictures, tmp_path, change):
    counted(pictures, into=tmp_path / "db")
    path = tmp_path / "db" / "database.json"
    manifest = json.loads(path.read_text())
    manifest["segments"][0] |= change
    path.write_text(json.dumps(manifest))
    with pytest.raises(KoCLIPError) as caught:
        ImageDatabase.open(tmp_path / "db")
    assert caught.value.code == "database_unreadable"


# Other forms ---------------------------------------------------------------------------------


def test_exported_as_tsv_and_opened_again(pictures, tmp_path):
    database = counted(pictures, into=pictures)[0].database
    database.export(tmp_path / "out.tsv")
    again = ImageDatabase.open(tmp_path / "out.tsv")
    assert [item.id for item in again.items] == [item.file for item in database.items]
    np.testing.assert_allclose(again.embeddings, database.embeddings, atol=1e-6)
    for name, code in [("out.tsv", "export_exists"), ("out.xlsx", "export_unknown_form")]:
        with pytest.raises(KoCLIPError) as caught:
            database.export(tmp_path / name)
        assert caught.value.code == code


@pytest.mark.parametrize("name", ["out.parquet", "out"])
def test_exported_to_other_libraries(pictures, tmp_path, name):
    library = pytest.importorskip("datasets")
    built = counted(pictures, into=pictures)[0].database
    items = [dataclasses.replace(built.items[0], extra={"year": 2001}), *built.items[1:]]
    database = dataclasses.replace(built, items=items)
    database.export(tmp_path / name)
    if name == "out":
        rows = library.load_from_disk(str(tmp_path / name))
    else:
        rows = library.Dataset.from_parquet(str(tmp_path / name), cache_dir=str(tmp_path / "c"))
    assert rows["file"] == [item.file for item in items]
    assert (rows[0]["width"], json.loads(rows[0]["extra"])) == (12, {"year": 2001})
    np.testing.assert_array_equal(np.float32(rows["embedding"]), database.embeddings)


def test_a_missing_library_is_named(pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    database = counted(pictures, into=pictures)[0].database
    with pytest.raises(KoCLIPError, match="pip install pyarrow"):
        database.export(tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_a_title_stays_until_there_is_another(pictures, tmp_path):
    into = tmp_path / "database"
    for options, title, seen in (
        ({}, "", 40),
        ({"title": "여름 사진"}, "여름 사진", 0),
        ({}, "여름 사진", 0),
        ({"title": ""}, "", 0),
    ):
        result, count = counted(pictures, into=into, **options)
        assert (result.database.title, count) == (title, seen)
    assert counted(pictures, into=tmp_path / "new", title="새")[0].database.title == "새"
