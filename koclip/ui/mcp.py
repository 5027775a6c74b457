"""MCP tools that are called in this process.

Gradio's MCP server calls its own API over HTTP, by one client for all, and a thread waits for each
answer: 40 calls at once take all threads of the server, which then answers nobody until they fail.
"""

from __future__ import annotations

from copy import copy

import gradio as gr


def call_tools_directly(page: gr.Blocks) -> None:
    """Makes the MCP server of a launched page, if it has one, call functions without the queue.

    Whoever lets requests through decides how many there are at the same time.
    """
    server = page.mcp_server_obj
    if server is None:
        return
    find = server.get_block_fn_from_endpoint_name

    def find_unqueued(name: str) -> object:
        function = copy(find(name))
        if function is not None:
            function.queue = False
        return function

    server.get_block_fn_from_endpoint_name = find_unqueued
