"""A picture's file that cannot keep its reader busy for long.

Pillow bounds the pixels of a picture, but not what it costs to get to them: 2 MB of TIFF tags that
all name the same bytes became 1.9 GB of memory, a GIF with a comment of 20 MB took minutes. What
they do is to have a file read again and again, or in very many pieces.
"""

from __future__ import annotations

import io
import math
from typing import IO

from PIL import TiffImagePlugin

from koclip.errors import KoCLIPError
from koclip.limits import MAX_READS_TO_OPEN

_SLACK = 1 << 20  # bytes that are read twice in good faith: every reader looks at the beginning


class MeteredFile(io.BytesIO):
    """A file in memory, for a reader who has yet to find out what is in it: it is read in
    `MAX_READS_TO_OPEN` pieces at most, and once as a whole.

    Raises a KoCLIPError, "image_laborious", at a read beyond that.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._reads, self._bytes = MAX_READS_TO_OPEN, len(content) + _SLACK

    def allow(self, reads: int) -> None:
        """For a reader who knows what is there: so many more pieces, which may overlap."""
        self._reads, self._bytes = reads, math.inf

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._reads -= 1
        self._bytes -= len(data)
        if self._reads < 0 or self._bytes < 0:
            raise KoCLIPError("image_laborious")
        return data


class _MeteredDirectory(TiffImagePlugin.ImageFileDirectory_v2):
    """Pillow's table of tags, which EXIF is too, in whatever format of pictures."""

    def load(self, fp: IO[bytes]) -> None:
        if type(fp) is not io.BytesIO:  # but a TIFF file
            return super().load(fp)
        metered = MeteredFile(fp.getvalue())
        metered.seek(fp.tell())
        super().load(metered)
        fp.seek(metered.tell())
        return None


# Readers look it up here, and take no other.
TiffImagePlugin.ImageFileDirectory_v2 = _MeteredDirectory
