"""What Gradio keeps of visitors who are gone does not add up."""

from __future__ import annotations

import asyncio
import os
import sys
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.routes import file_upload_statuses

from koclip.ui import housekeeping
from koclip.ui.housekeeping import MessageSweeper, forget_removed, return_memory
from tests.crowd import anonymous_bytes


@pytest.fixture
def page() -> gr.Blocks:
    with gr.Blocks() as page:
        gr.File()
    return page.queue()


def add(page: gr.Blocks, session: str, events: set[str]) -> asyncio.Queue:
    messages = page._queue.pending_messages_per_session[session] = asyncio.Queue()
    page._queue.pending_event_ids_session[session] = events
    return messages


def sessions(page: gr.Blocks) -> set[str]:
    queue = page._queue
    assert queue.pending_messages_per_session.keys() == queue.pending_event_ids_session.keys()
    return set(queue.pending_messages_per_session)


def test_sessions_whose_calls_are_over_are_dropped_and_those_that_wait_are_not(page):
    async def run() -> None:
        add(page, "over", set())
        add(page, "uncollected", {"event"})
        add(page, "computing", {"running"})
        page._queue.event_ids_to_events["running"] = type(
            "Event", (), {"session_hash": "computing"}
        )
        read = asyncio.create_task(add(page, "read", set()).get())
        await asyncio.sleep(0)
        sweeper = MessageSweeper(page)
        sweeper.sweep()
        assert sessions(page) == {"over", "uncollected", "computing", "read"}
        sweeper.sweep()
        assert sessions(page) == {"uncollected", "computing", "read"}
        for _ in range(9):
            sweeper.sweep()
        assert sessions(page) == {"uncollected", "computing", "read"}
        sweeper.sweep()
        assert sessions(page) == {"computing", "read"}
        read.cancel()

    asyncio.run(run())


def test_a_session_that_comes_back_is_young_again(page):
    async def run() -> None:
        add(page, "visitor", set())
        sweeper = MessageSweeper(page)
        sweeper.sweep()
        page._queue.event_ids_to_events["running"] = SimpleNamespace(session_hash="visitor")
        sweeper.sweep()
        del page._queue.event_ids_to_events["running"]
        sweeper.sweep()
        assert sessions(page) == {"visitor"}
        sweeper.sweep()
        assert sessions(page) == set()

    asyncio.run(run())


def test_uploads_that_never_came_are_forgotten(page):
    async def run() -> None:
        waiting = asyncio.create_task(file_upload_statuses.is_tracked("awaited"))
        await asyncio.sleep(0)
        file_upload_statuses._signals["abandoned"]
        file_upload_statuses.track("running")
        MessageSweeper(page).sweep()
        assert file_upload_statuses._signals.keys() >= {"awaited", "running"}
        assert "abandoned" not in file_upload_statuses._signals
        waiting.cancel()
        file_upload_statuses.stop_tracking("running")

    asyncio.run(run())


def test_all_of_it_is_done_as_long_as_the_server_runs(page, tmp_path, monkeypatch):
    done = []
    for name in ("_SWEEP", "_LOOK", "_TRIM"):
        monkeypatch.setattr(housekeeping, name, 0)
    monkeypatch.setattr(MessageSweeper, "sweep", lambda self: done.append("messages"))
    monkeypatch.setattr(housekeeping, "remove_older", lambda *_: done.append("files"))
    monkeypatch.setattr(housekeeping, "return_memory", lambda: done.append("memory"))

    async def run() -> None:
        async with housekeeping.housekeeping(page, tmp_path)(None):
            assert page.loop is asyncio.get_running_loop()
            while set(done) != {"messages", "files", "memory"}:
                await asyncio.sleep(0.001)
        done.clear()
        await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(run(), 30))
    assert done == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's heaps")
def test_freed_memory_goes_back():
    """The last piece keeps its heap from shrinking, as in a crowd."""
    pieces = [bytearray(4096) for _ in range(50_000)]
    before, last = anonymous_bytes(os.getpid()), pieces[-1]
    del pieces
    freed = anonymous_bytes(os.getpid())
    return_memory()
    assert freed - anonymous_bytes(os.getpid()) > 50_000_000 or before - freed > 150_000_000
    assert len(last) == 4096


def test_removed_files_are_not_remembered(page, tmp_path):
    (tmp_path / "here").touch()
    for files in page.temp_file_sets:
        files.update({str(tmp_path / "here"), str(tmp_path / "gone")})
    forget_removed(page)
    assert all(files == {str(tmp_path / "here")} for files in page.temp_file_sets)
    assert len(page.temp_file_sets) > 1
