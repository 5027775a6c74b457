"""Sessions of visitors and callers: they cost little to begin, and leave nothing when they end."""

from __future__ import annotations

import time
from copy import copy

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

_GRACE = 60.0  # seconds in which a window that lost its connection can come back


class _Session(SessionState):
    """Does not keep the configuration of every component: only Gradio's deep links read it, which
    the Space has none of, and it would be 75 KB for each visitor, with what was typed last."""

    def __init__(self, page: gr.Blocks) -> None:
        super().__init__(page)
        self.config_values = {}

    def __setitem__(self, key: int, value: object) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: object) -> None:
        pass


class Sessions(StateHolder):
    """Begins sessions as copies of one that was never used, and ends them a minute after closing.

    Gradio works out the configuration of every component for each new session, and every new
    client of the API is one: for this page that takes longer than an embedding by koclip-mini.
    What a session holds, it keeps for an hour after its window was closed, and the session itself
    until there are ten thousand later ones.
    """

    def __init__(self, page: gr.Blocks) -> None:
        """Takes the place of the page's own sessions; the page must be complete."""
        super().__init__()
        self.set_blocks(page)
        self._unused = _Session(page)
        self._closed: dict[str, float] = {}

    def __getitem__(self, session_id: str) -> SessionState:
        with self.lock:
            if session_id not in self.session_data:
                self.session_data[session_id] = self._begin()
        session = super().__getitem__(session_id)
        session.is_closed = False  # whoever asks is there, or there again
        return session

    def delete_all_expired_state(self) -> None:
        """What Gradio does every second; also deletes what closed sessions held."""
        now = time.monotonic()
        self._closed = {
            session_id: self._closed.get(session_id, now)
            for session_id, session in list(self.session_data.items())
            if session.is_closed
        }
        for session_id, since in self._closed.items():
            if now - since > _GRACE:
                self.delete_state(session_id)
                self.session_data.pop(session_id, None)
                self.time_last_used.pop(session_id, None)
        super().delete_all_expired_state()

    def _begin(self) -> SessionState:
        """Shares with other sessions what Gradio never changes, and nothing else."""
        session = copy(self._unused)
        session.blocks_config = copy(session.blocks_config)
        session.config_values = {}
        session.state_data, session._state_ttl = {}, {}
        return session
