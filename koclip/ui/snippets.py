"""The Python that gets the same answer from the API as the page shows."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import gradio as gr

from koclip.ui.examples import example_name, example_path


class Picture(str):
    """The name of a picture in a snippet."""

    served: str | None
    """Where the Space serves it from, so that the snippet can fetch it; None for an upload."""

    def __new__(cls, name: str, served: str | None = None) -> Picture:
        self = super().__new__(cls, name)
        self.served = served
        return self

    @classmethod
    def of(cls, path: str) -> Picture:
        """The picture that a visitor chose."""
        example = example_name(path)
        return cls(Path(path).name, example and example_path(example))


def space_address(request: gr.Request) -> str:
    """Where this Space is reached: its id on the Hub, or the address that the visitor used."""
    if space := os.environ.get("SPACE_ID"):
        return space
    scheme = request.headers.get("x-forwarded-proto", "http").split(",")[0]
    return f"{scheme}://{request.headers.get('host', '127.0.0.1:7860')}/"


def snippet(address: str, endpoint: str, arguments: Mapping[str, object]) -> str:
    """A whole program: the call of `endpoint` with `arguments`, and a print of its results."""
    has_picture = any(isinstance(value, Picture) for value in arguments.values())
    lines = [f"from gradio_client import Client{', handle_file' if has_picture else ''}", ""]
    lines.append(f"space = Client({_quoted(address)})")
    for value in arguments.values():
        if isinstance(value, Picture) and value.served:
            place = _quoted(value.served)  # of a picture that is elsewhere
            if "://" not in value.served:
                place = "space.src + " + _quoted(quote(f"gradio_api/file={value.served}"))
            lines.insert(0, "import urllib.request\n")
            lines.append(f"urllib.request.urlretrieve({place}, {_quoted(value)})")
    lines.append("answer = space.predict(")
    for name, value in arguments.items():
        shown = f"handle_file({_quoted(value)})" if isinstance(value, Picture) else repr(value)
        lines.append(f"    {name}={shown},")
    lines += [f"    api_name={_quoted(endpoint)},", ")", 'for result in answer["results"]:']
    return "\n".join([*lines, "    print(result)"])


def _quoted(text: str) -> str:
    """As a Python string, whatever the name of an upload holds."""
    return json.dumps(text, ensure_ascii=False)
