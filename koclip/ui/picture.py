"""Gradio's image input, with the uploaded file left as it is."""

from __future__ import annotations

import base64
import binascii
import tempfile
from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData

from koclip.errors import KoCLIPError


class PictureInput(gr.Image):
    """Hands the path of the upload to `koclip.images.open_image`.

    gr.Image opens the file itself, so that a damaged one ends in a bare "Error", and it drops
    transparency and the animation's first frame in ways of its own.
    """

    is_template = True  # drawn by gr.Image's front end

    def preprocess(self, payload: ImageData | None) -> str | None:
        if payload is None:
            return None
        if payload.url and payload.url.startswith("data:"):
            return self._saved(payload.url)
        return payload.path

    def _saved(self, data_url: str) -> str:
        """The bytes of a data: URL (a webcam shot) as a file, deleted when uploads are."""
        try:
            content = base64.b64decode(data_url.partition(",")[2], validate=True)
        except binascii.Error as error:
            raise KoCLIPError("image_unreadable", reason=error) from error
        Path(self.GRADIO_CACHE).mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=self.GRADIO_CACHE, suffix=".image", delete=False
        ) as file:
            file.write(content)
        self.temp_files.add(file.name)
        return file.name
