"""Small copies of pictures."""

from __future__ import annotations

import io

from PIL import Image

_LONGER_SIDE = 320  # pixels


def thumbnail(picture: Image.Image) -> bytes:
    """WebP of a picture, which itself is shrunk: a copy may take 300 MB."""
    picture.thumbnail((_LONGER_SIDE, _LONGER_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()
