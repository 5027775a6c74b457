"""What sessions bring is theirs alone, bounded, and deleted without a trace of anyone else's."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import httpx
import pytest

from koclip import photos as photo_limits
from koclip.assets import assets_dir
from koclip.ui.my_photos import MyPhotos, _forget, _hold
from koclip.ui.session_files import delete_files, own_folder
from koclip.ui.sessions import Sessions
from koclip.ui.texts import say

CAT = assets_dir() / "examples" / "cat.webp"
ENGLISH = gr.Request(query_params={"lang": "en"}, headers={})


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where Gradio keeps uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    return tmp_path / "gradio"


def upload(name: str = "cat.webp", size: int = 100) -> str:
    path = own_folder() / name
    path.write_bytes(bytes(size))
    return str(path)


def there(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_the_same_picture_twice_is_two_files(space):
    """Over HTTP: Gradio itself would store both as one."""
    with httpx.Client(base_url=space) as client:
        paths = [
            client.post("gradio_api/upload", files={"files": ("cat.webp", CAT.read_bytes())}).json()
            for _ in range(2)
        ]
    (one,), (other,) = paths
    assert one != other and Path(one).name == Path(other).name == "cat.webp"
    assert Path(one).read_bytes() == Path(other).read_bytes() == CAT.read_bytes()


def test_only_files_of_sessions_are_deleted(folder, tmp_path):
    own, of_gradio, outside = upload(), folder / "0123abcd" / "cat.webp", tmp_path / "cat.webp"
    of_gradio.parent.mkdir()
    of_gradio.write_bytes(b"shown to all")
    outside.write_bytes(b"not of Gradio")
    climbing = f"{Path(own).parent}/../../cat.webp"
    delete_files([str(of_gradio), str(outside), climbing, str(CAT), f"{folder}/own-none/x.webp"])
    assert Path(own).exists() and of_gradio.exists() and outside.exists() and CAT.exists()
    delete_files([own, own])
    assert not Path(own).parent.exists()


def test_a_file_that_is_taken_back_is_deleted_and_no_one_elses(folder):
    mine, others = [upload(), upload("dog.webp")], upload()
    skipped, held, _ = _hold(mine, (), None, ENGLISH)
    assert held == tuple(mine) and "value" not in skipped
    _, held, _ = _hold(mine[1:], held, None, ENGLISH)
    assert held == (mine[1],)
    assert there(folder) == ["cat.webp", "dog.webp"] and Path(others).exists()


def test_a_session_has_limits_over_all_its_uploads(folder, monkeypatch):
    monkeypatch.setattr(photo_limits, "MAX_PHOTOS", 3)
    first = [upload("1.webp"), upload("2.webp")]
    _, held, _ = _hold(first, (), None, ENGLISH)
    files, held, status = _hold([*first, upload("3.webp"), upload("4.webp")], held, None, ENGLISH)
    assert [Path(file).name for file in files] == ["1.webp", "2.webp", "3.webp"]
    assert tuple(files) == held and there(folder) == ["1.webp", "2.webp", "3.webp"]
    assert "1 were not taken: 4.webp" in status
    monkeypatch.setattr(photo_limits, "MAX_PHOTOS_MEGABYTES", 1)
    large = upload("large.webp", 999_701)
    files, held, _ = _hold([*files, large], held, None, ENGLISH)
    assert not Path(large).exists()
    fitting = upload("fitting.webp", 999_800)
    files, held, status = _hold([files[0], fitting], held, None, ENGLISH)
    assert held == (first[0], fitting) and status == ""


def test_deleting_leaves_nothing(folder):
    held = tuple(upload() for _ in range(3))
    photos, files, held, told = _forget(list(held[:2]), held, ENGLISH)
    assert (photos, files, held) == (None, None, ()) and say("photos_forgotten", "en") in told
    assert not list(folder.iterdir())


# ---- when the window is closed -------------------------------------------------------------


class Clock:
    def __init__(self, monkeypatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("koclip.ui.sessions.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def sessions() -> tuple[Sessions, int, int]:
    """Sessions, and the numbers of what they hold: photos, and files."""
    with gr.Blocks() as page:
        photos = gr.State(None, time_to_live=3600)
        files = gr.State((), time_to_live=3600, delete_callback=delete_files)
    return Sessions(page), photos._id, files._id


def test_what_a_closed_window_held_is_deleted_a_minute_later(folder, sessions, clock):
    sessions, photos, files = sessions
    for name in ("closed", "open"):
        sessions[name][files] = (upload(f"{name}.webp"),)
        sessions[name][photos] = MyPhotos("koclip-mini", None)
    closed = sessions["closed"]
    closed.is_closed = True
    sessions.delete_all_expired_state()
    clock.now += 59
    sessions.delete_all_expired_state()
    assert there(folder) == ["closed.webp", "open.webp"], "the connection may only be lost"
    clock.now += 2
    sessions.delete_all_expired_state()
    assert there(folder) == ["open.webp"]
    assert photos not in closed.state_data and sessions["open"][photos]
    assert sessions["closed"][files] == (), "who comes back begins anew"


def test_who_comes_back_in_time_has_all_as_before(folder, sessions, clock):
    sessions, _, files = sessions
    sessions["a"][files] = (upload(),)
    sessions["a"].is_closed = True
    sessions.delete_all_expired_state()
    clock.now += 50
    sessions["a"]  # a search
    for _ in range(3):
        clock.now += 50
        sessions.delete_all_expired_state()
    assert there(folder) == ["cat.webp"]


def test_after_an_hour_all_is_deleted_though_the_window_is_open(folder, sessions):
    sessions, _, files = sessions
    sessions["a"][files] = (upload(),)
    seconds, created = sessions["a"]._state_ttl[files]
    assert seconds == 3600
    sessions["a"]._state_ttl[files] = (0, created)
    sessions.delete_all_expired_state()
    assert not list(folder.iterdir())
