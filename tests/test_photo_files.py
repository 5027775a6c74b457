"""Files that someone brings: what counts as a picture, and archives that mean no good."""

from __future__ import annotations

import io
import os
import stat
import struct
import unicodedata
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from koclip import photo_files
from koclip.errors import KoCLIPError
from koclip.limits import MAX_LIST_MEGABYTES
from koclip.photo_files import list_photo_files, shown_name


def png() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(content, "PNG")
    return content.getvalue()


def write_zip(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes], **options) -> Path:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return path


def read(*paths: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """The contents of the pictures by name, and the codes of why the others were left out."""
    with ExitStack() as archives:
        files, broken = list_photo_files(paths, archives)
        contents, refused = {}, dict(broken)
        for file in files:
            try:
                content = file.read()
            except KoCLIPError as error:
                refused[file.name] = error
            else:
                contents[file.name] = (
                    content if isinstance(content, bytes) else content.read_bytes()
                )
    return contents, {name: error.code for name, error in refused.items()}


def test_files_folders_and_archives(tmp_path):
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "b.PNG").write_bytes(b"b")
    (tmp_path / "folder" / "notes.txt").write_bytes(b"no picture")
    (tmp_path / "a.jpg").write_bytes(b"a")
    archive = write_zip(tmp_path / "c.ZIP", ("x/c.webp", b"c"), ("x/c.txt", b""))
    expected = {"a.jpg": b"a", "b.PNG": b"b", "c.webp": b"c"}
    assert read(tmp_path / "a.jpg", tmp_path / "folder", archive) == (expected, {})


def test_archives_are_closed(tmp_path):
    archive = write_zip(tmp_path / "a.zip", ("a.png", png()))
    with ExitStack() as archives:
        (file,), _ = list_photo_files([archive], archives)
        assert file.read() == png()
    with pytest.raises(KoCLIPError, match="closed"):
        file.read()


def test_what_computers_add_to_archives_is_skipped(tmp_path):
    hidden = ["__MACOSX/._a.jpg", "a/.DS_Store", ".Trash/b.jpg", "a/.c.jpg", "Thumbs.db"]
    members = [(name, b"x") for name in [*hidden, "folder.jpg/", "a/d.jpg"]]
    assert read(write_zip(tmp_path / "a.zip", *members)) == ({"d.jpg": b"x"}, {})


@pytest.mark.parametrize(
    "name",
    [
        "../../../나쁜.jpg",
        "/etc/나쁜.jpg",
        "..\\..\\나쁜.jpg",
        "C:\\사진\\나쁜.jpg",
        "a/../../나쁜.jpg",
    ],
)
def test_names_lead_nowhere(tmp_path, name):
    inner = tmp_path / "deep" / "inside"
    inner.mkdir(parents=True)
    archive = write_zip(inner / "a.zip", (name, b"x"))
    before = sorted(tmp_path.rglob("*"))
    assert read(archive) == ({"나쁜.jpg": b"x"}, {})
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_korean_names_of_archives_that_do_not_tell_their_encoding(tmp_path, encoding):
    """As macOS (UTF-8) and Korean Windows write them."""
    name = "한국사진.jpg".encode(encoding)
    path = write_zip(tmp_path / "a.zip", ("x" * (len(name) - 4) + ".jpg", b"x"))
    path.write_bytes(path.read_bytes().replace(b"x" * (len(name) - 4) + b".jpg", name))
    assert read(path) == ({"한국사진.jpg": b"x"}, {})


def test_names_are_cleaned():
    assert shown_name(unicodedata.normalize("NFD", "바다.jpg")) == "바다.jpg"
    assert shown_name("a\n\x00\u202eb\u200b.jpg") == "ab.jpg"
    assert shown_name("caf\udce9.jpg") == "caf?.jpg"
    assert shown_name("\n") == "?"
    assert len(shown_name("가" * 300)) == 80


def test_equal_names_are_different_files(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        archive = write_zip(tmp_path / "a.zip", ("a.jpg", b"1"), ("a.jpg", b"2"), ("b/a.jpg", b"3"))
    with ExitStack() as archives:
        files, broken = list_photo_files([archive], archives)
        assert [(file.name, file.read()) for file in files] == [
            ("a.jpg", content) for content in (b"1", b"2", b"3")
        ]
    assert broken == []


def test_members_that_are_refused(tmp_path):
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    members = [(link, b"/etc/passwd"), ("inner.zip", b"PK"), ("a.heic", b"h"), ("b.jpg", b"b")]
    contents, refused = read(write_zip(tmp_path / "a.zip", *members))
    assert refused == {"link.jpg": "zip_link", "inner.zip": "zip_nested"}
    assert set(contents) == {"a.heic", "b.jpg"}


def test_encrypted_members_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", ("a.jpg", b"x"))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag, in the directory
    path.write_bytes(content)
    assert read(path) == ({}, {"a.jpg": "zip_encrypted"})


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_limit_are_refused(tmp_path, method):
    path = write_zip(tmp_path / "a.zip", ("a.jpg", bytes(1000)), compression=method)
    assert read(path) == ({}, {"a.jpg": "zip_method"})


def test_bombs_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(photo_files, "MAX_PHOTO_MEGABYTES", 2)
    path = write_zip(
        tmp_path / "a.zip",
        ("bomb.png", bytes(2_000_001)),
        ("a.png", bytes(2_000_000)),
        compression=zipfile.ZIP_DEFLATED,
    )
    assert path.stat().st_size < 10_000
    contents, refused = read(path)
    assert refused == {"bomb.png": "photo_too_large"}
    assert len(contents["a.png"]) == 2_000_000


@pytest.mark.parametrize("declared", [10, 1_000_000])
def test_bombs_that_lie_about_their_size(tmp_path, monkeypatch, declared):
    """No more is unpacked than the archive says there is."""
    monkeypatch.setattr(photo_files, "MAX_PHOTO_MEGABYTES", 1)
    content = bytes(5_000_000)
    path = write_zip(tmp_path / "a.zip", ("a.png", content), compression=zipfile.ZIP_DEFLATED)
    said = len(content).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(said, declared.to_bytes(4, "little")))
    assert read(path) == ({}, {"a.png": "image_unreadable"})


def test_a_list_of_very_many_members_is_not_read(tmp_path):
    entry = b"PK\1\2" + struct.pack("<6H3I5H2I", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    entries = (entry + b"a") * (MAX_LIST_MEGABYTES * 1_000_000 // 47 + 1)
    end = b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 65_535, 65_535, len(entries), 0, 0)
    (tmp_path / "a.zip").write_bytes(entries + end)
    assert read(tmp_path / "a.zip") == ({}, {"a.zip": "zip_long_list"})
    large = os.urandom(MAX_LIST_MEGABYTES * 1_000_000 + 1)
    assert read(write_zip(tmp_path / "b.zip", ("b.png", large))) == ({"b.png": large}, {})


def test_large_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(photo_files, "MAX_PHOTO_MEGABYTES", 1)
    (tmp_path / "a.png").write_bytes(bytes(1_000_001))
    (tmp_path / "b.png").write_bytes(bytes(1_000_000))
    contents, refused = read(tmp_path / "a.png", tmp_path / "b.png")
    assert (set(contents), refused) == ({"b.png"}, {"a.png": "photo_too_large"})


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(photo_files, "MAX_PHOTOS", 3)
    members = [(f"{i}.jpg", b"x") for i in range(9)]
    first, second = (write_zip(tmp_path / name, *members) for name in ("a.zip", "b.zip"))
    contents, refused = read(first, second)
    assert list(contents) == ["0.jpg", "1.jpg", "2.jpg"]
    assert refused == {"3.jpg": "photos_too_many"}


def test_too_much_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr(photo_files, "MAX_PHOTOS_MEGABYTES", 2)
    members = [(f"{i}.jpg", bytes(700_000)) for i in range(9)]
    path = write_zip(tmp_path / "a.zip", *members, compression=zipfile.ZIP_DEFLATED)
    contents, refused = read(path)
    assert list(contents) == ["0.jpg", "1.jpg"]
    assert refused == {"2.jpg": "photos_too_much"}


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(17), b"\xff" * 100])
def test_archives_that_are_none(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    (tmp_path / "b.jpg").write_bytes(b"x")
    assert read(tmp_path / "a.zip", tmp_path / "b.jpg") == (
        {"b.jpg": b"x"},
        {"a.zip": "zip_unreadable"},
    )


def test_archives_damaged_anywhere_are_no_crash(tmp_path):
    path = write_zip(tmp_path / "a.zip", ("a.png", png()), compression=zipfile.ZIP_DEFLATED)
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        contents, refused = read(path)
        assert all(content == png() for content in contents.values())
        assert set(refused.values()) <= {
            "zip_unreadable",
            "image_unreadable",
            "photo_too_large",
            "zip_encrypted",
            "zip_link",
            "zip_method",
        }


@pytest.mark.parametrize("name", ["gone.jpg", "긴" * 300 + ".jpg"])
def test_files_that_are_not_there(tmp_path, name):
    """That is told when they are read, as of any picture."""
    with ExitStack() as archives:
        (file,), _ = list_photo_files([tmp_path / name], archives)
        assert (file.size, file.read()) == (0, tmp_path / name)
