"""Sessions of visitors and callers that cost little to begin."""

from __future__ import annotations

from copy import copy

import gradio as gr
from gradio.state_holder import SessionState, StateHolder


class Sessions(StateHolder):
    """Begins sessions as copies of one that was never used.

    Gradio works out the configuration of every component for each new session, and every new
    client of the API is one: for this page that takes longer than an embedding by koclip-mini.
    """

    def __init__(self, page: gr.Blocks) -> None:
        """Takes the place of the page's own sessions; the page must be complete."""
        super().__init__()
        self.set_blocks(page)
        self._unused = SessionState(page)

    def __getitem__(self, session_id: str) -> SessionState:
        with self.lock:
            if session_id not in self.session_data:
                self.session_data[session_id] = self._begin()
        return super().__getitem__(session_id)

    def _begin(self) -> SessionState:
        """Shares with other sessions what Gradio never changes, and nothing else."""
        session = copy(self._unused)
        session.blocks_config = copy(session.blocks_config)
        session.config_values = {
            block: _independent(config) for block, config in session.config_values.items()
        }
        session.state_data, session._state_ttl = {}, {}
        return session


def _independent(config: dict) -> dict:
    """A copy whose props can be set; Gradio replaces their values and changes none."""
    return {**config, "props": dict(config["props"])} if "props" in config else dict(config)
