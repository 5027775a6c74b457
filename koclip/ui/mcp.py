"""MCP tools that are called in this process, and take pictures in lists and from uploads.

Gradio's MCP server calls its own API over HTTP, by one client for all, and a thread waits for each
answer: 40 calls at once take all threads of the server, which then answers nobody until they fail.
Its tools refuse lists of files, and fetch the address that an upload to this very server has.
"""

from __future__ import annotations

from copy import copy
from typing import Any
from urllib.parse import unquote

import gradio as gr

from koclip.limits import MAX_BATCH

_SERVED = "/gradio_api/file="
_PICTURE = {
    "type": "string",
    "format": f"a picture as a data: URL, or the address ({_SERVED}…) of one that is uploaded",
}


def serve_tools(page: gr.Blocks) -> None:
    """Changes the MCP server of a launched page accordingly, if it has one.

    Functions are called without the queue: whoever lets requests through decides how many there
    are at the same time.
    """
    server = page.mcp_server_obj
    if server is None:
        return
    find, describe = server.get_block_fn_from_endpoint_name, server.get_input_schema
    convert = server.convert_strings_to_filedata

    def find_unqueued(name: str) -> object:
        function = copy(find(name))
        if function is not None:
            function.queue = False
        return function

    def describe_pictures(*arguments: Any, **options: Any) -> tuple[dict, list]:
        schema, positions = describe(*arguments, **options)
        for name, value in schema["properties"].items():
            described = {key: value[key] for key in ("description",) if key in value}
            if [name] in positions:
                schema["properties"][name] = _PICTURE | described
            elif value.get("type") == "array" and "$ref" in value["items"]:
                schema["properties"][name] = {"type": "array", "items": _PICTURE} | described
                positions += [[name, number] for number in range(MAX_BATCH + 1)]
        return schema, positions

    def convert_pictures(value: Any, positions: list) -> Any:
        return convert(_uploads_found(value, [], positions), positions)

    server.get_block_fn_from_endpoint_name = find_unqueued
    server.get_input_schema = describe_pictures
    server.convert_strings_to_filedata = convert_pictures


def _uploads_found(value: Any, place: list, positions: list) -> Any:
    """`value` with the files themselves where it has addresses by which this server serves them."""
    if isinstance(value, dict):
        return {k: _uploads_found(v, [*place, k], positions) for k, v in value.items()}
    if isinstance(value, list):
        return [_uploads_found(v, [*place, n], positions) for n, v in enumerate(value)]
    if isinstance(value, str) and place in positions and _SERVED in value:
        path = unquote(value.split(_SERVED, 1)[1])
        return {"path": path, "meta": {"_type": "gradio.FileData"}}
    return value
