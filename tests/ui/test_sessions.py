"""Sessions begin as copies, and are each their own all the same."""

from __future__ import annotations

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from koclip.ui.sessions import Sessions


@pytest.fixture
def page() -> gr.Blocks:
    with gr.Blocks() as page:
        gr.Textbox("hello", label="text")
        gr.State([])
    return page


def parts(page: gr.Blocks) -> tuple[int, int]:
    """The numbers of the text box and of the state."""
    blocks = page.blocks.items()
    return tuple(
        next(number for number, block in blocks if isinstance(block, kind))
        for kind in (gr.Textbox, gr.State)
    )


def test_a_session_begins_as_gradios_own_does(page):
    ours, gradios = Sessions(page)["a"], SessionState(page)
    assert vars(ours).keys() == vars(gradios).keys()
    assert ours.blocks_config.blocks == gradios.blocks_config.blocks
    assert ours.blocks_config.fns == gradios.blocks_config.fns


def test_sessions_share_nothing_that_changes(page):
    text, state = parts(page)
    sessions = Sessions(page)
    one = sessions["one"]
    one[state].append("mine")
    one[text] = gr.Textbox("changed", label="text", render=False)
    one._update_value_in_config(text, "typed")
    one.is_closed = True
    for other in (sessions["other"], sessions["later"]):
        assert other[state] == []
        assert other[text].value == "hello"
        assert not other.is_closed
    assert sessions["one"] is one
    assert one[state] == ["mine"]
    assert page.blocks[text].value == "hello"


def test_what_was_typed_is_not_kept(page):
    """Gradio keeps the last value of every input, in the session's copy of all configurations."""
    text, _ = parts(page)
    session = Sessions(page)["a"]
    session._update_value_in_config(text, "a secret")
    session[text] = gr.Textbox("another", label="text", render=False)
    assert session.config_values == {}


def test_the_session_that_was_used_longest_ago_goes_first(page):
    sessions = Sessions(page)
    sessions.capacity = 2
    kept = sessions["a"]
    for name in ("b", "a", "c"):
        sessions[name]
    assert "a" in sessions and "c" in sessions and "b" not in sessions
    assert sessions["a"] is kept


def test_they_take_the_place_of_the_pages_own(page):
    sessions = Sessions(page)
    assert page.state_holder is sessions
    assert sessions.capacity == page.state_session_capacity


def test_a_session_goes_a_minute_after_its_window_was_closed(page, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("koclip.ui.sessions.time.monotonic", lambda: now)
    sessions = Sessions(page)
    for name in ("closed", "open", "back"):
        sessions[name].is_closed = name != "open"
    sessions.delete_all_expired_state()
    sessions["back"]
    now += 61
    sessions.delete_all_expired_state()
    assert set(sessions.session_data) == set(sessions.time_last_used) == {"open", "back"}
