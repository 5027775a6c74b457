"""The private folder of uploads, and which files can be named."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from koclip.ui.uploads import OpenFiles, remove_older, upload_folder

HOLDER = """
from koclip.ui.uploads import upload_folder
with upload_folder() as folder:
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def parent(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def holder() -> subprocess.Popen:
    command = [sys.executable, "-c", HOLDER]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


def test_it_is_private_and_removed_at_the_end(parent):
    with upload_folder() as folder:
        assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
        assert folder.parent == parent and len(folder.name) > 32
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "a").mkdir()
        (folder / "a" / "picture.png").write_bytes(b"x")
    assert list(parent.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not(parent):
    with holder() as killed, holder() as living:
        left, kept = (Path(p.stdout.readline().strip()) for p in (killed, living))
        (left / "picture.png").write_bytes(b"x")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert left.is_dir()
        with upload_folder() as folder:
            assert not left.exists()
            assert kept.is_dir() and folder.is_dir()
        living.communicate("\n")
    assert not kept.exists()


def test_old_files_go_with_their_folders(tmp_path, monkeypatch):
    for name in ("one/picture.png", "two/deep/picture.png", "interrupted"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert remove_older(tmp_path, 60) == 0
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    kept = tmp_path.with_name("kept")
    kept.touch()
    (tmp_path / "link").symlink_to(kept)
    assert remove_older(tmp_path, 60) == 4
    assert list(tmp_path.iterdir()) == [] and kept.exists()


@pytest.fixture
def places(tmp_path) -> tuple[Path, Path, Path]:
    """Uploads, pictures on show, and what is neither."""
    folders = tuple(tmp_path / name for name in ("uploads", "shown", "elsewhere"))
    for folder in folders:
        folder.mkdir()
        for name in ("picture.png", "items.jsonl", ".hidden.png"):
            (folder / name).write_bytes(b"x")
    return folders


def test_uploads_and_pictures_on_show_are_open(places):
    uploads, shown, elsewhere = places
    files = OpenFiles(uploads, [shown])
    assert str(uploads / "picture.png") in files
    assert str(uploads / "items.jsonl") in files
    assert str(shown / "picture.png") in files
    assert str(uploads / ".." / "shown" / "picture.png") in files
    for path in (
        shown / "items.jsonl",  # what a database holds besides its pictures
        shown / ".hidden.png",
        elsewhere / "picture.png",
        uploads / ".." / "elsewhere" / "picture.png",
        uploads,
        uploads / "none.png",
        Path("/etc/passwd"),
    ):
        assert str(path) not in files


def test_a_link_opens_nothing_that_is_not_open_itself(places):
    uploads, shown, elsewhere = places
    files = OpenFiles(uploads, [shown])
    for folder in (uploads, shown):
        (folder / "link.png").symlink_to(elsewhere / "picture.png")
        (folder / "folder").symlink_to(elsewhere)
        (folder / "loop.png").symlink_to(folder / "loop.png")
        for name in ("link.png", "folder/picture.png", "loop.png"):
            assert str(folder / name) not in files
    assert "\0" not in files and "" not in files and "a" * 5000 not in files
