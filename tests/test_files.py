"""Finding folders and writing files."""

from __future__ import annotations

import pytest

from koclip.files import is_folder, remove_unfinished, write_whole


def test_folders(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    assert is_folder(tmp_path) and is_folder(str(tmp_path))
    for none in ("file", "nothing", "file/below", "긴" * 300, "a\0b"):
        assert not is_folder(tmp_path / none)


def test_a_file_is_replaced_whole(tmp_path):
    write_whole(tmp_path / "a", b"first")
    write_whole(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_that_cannot_be_finished_is_as_before(tmp_path, monkeypatch):
    def full(_):
        raise OSError("no space")

    write_whole(tmp_path / "a", b"first")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_whole(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_a_killed_process_left_is_removed(tmp_path):
    for name in (".koclip-x1.part", "mine.part", ".koclip-x2"):
        (tmp_path / name).write_bytes(b"x")
    remove_unfinished(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".koclip-x2", "mine.part"]
