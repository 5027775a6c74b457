"""Small pictures that would cost their reader much time or memory."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    """The file of a picture."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes = b"") -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that declares a size and has no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b""))
    return b"\x89PNG\r\n\x1a\n" + chunks + png_chunk(b"IEND")


def tags(size: int, entries: int) -> bytes:
    """A TIFF of one table, as EXIF is too, whose tags all have the rest of the file for a value."""
    start = 8 + 2 + 12 * entries + 4
    rest = size - start
    table = (struct.pack("<HHII", 40_000 + tag, 7, rest, start) for tag in range(entries))
    return b"II*\0" + struct.pack("<IH", 8, entries) + b"".join(table) + bytes(4 + rest)


def _before_the_pixels(format: str, data: bytes) -> bytes:
    """A small picture with something between its header and its pixels."""
    picture = encoded(Image.new("P" if format == "GIF" else "RGB", (16, 16)), format)
    if format == "GIF":
        palette = 3 << ((picture[10] & 7) + 1)
        place = 13 + palette * (picture[10] >> 7)
    else:
        place = {"JPEG": 2, "PNG": 33}[format]
    return picture[:place] + data + picture[place:]


def _jpeg_exif(exif: bytes) -> bytes:
    parts = (b"Exif\0\0" + exif[i : i + 65_000] for i in range(0, len(exif), 65_000))
    segments = (b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in parts)
    return _before_the_pixels("JPEG", b"".join(segments))


def _avif_exif() -> bytes:
    harmless = tags(2_000_000, 1)  # what writes an AVIF reads its EXIF, too
    picture = encoded(Image.new("RGB", (16, 16)), "AVIF", exif=b"Exif\0\0" + harmless)
    return picture.replace(harmless, tags(2_000_000, 1000))


def _scans(edge: int, count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    whole = encoded(Image.new("L", (edge, edge), 128), "JPEG", progressive=True)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + scan * count + whole[-2:]


def _strips(count: int) -> bytes:
    """A TIFF one pixel wide, whose every pixel is a strip."""
    entries = [(256, 1), (257, count), (258, 8), (259, 1), (262, 1), (277, 1), (278, 1)]
    table = [(tag, 4, 1, value) for tag, value in entries]
    start = 8 + 2 + 12 * (len(table) + 2) + 4
    table += [(273, 4, count, start), (279, 4, count, start + 4 * count)]
    fields = b"".join(struct.pack("<HHII", *entry) for entry in sorted(table))
    places = struct.pack("<I", start) * count + struct.pack("<I", 1) * count
    return b"II*\0" + struct.pack("<IH", 8, len(table)) + fields + bytes(4) + places


def _runs(count: int) -> bytes:
    """A run-length coded BMP of one-pixel runs, which are decoded in Python."""
    body, start = b"\1\1" * count, 14 + 40 + 1024
    sizes = (40, 5000, 5000, 1, 8, 1, len(body), 0, 0, 256, 0)
    header = b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start)
    return header + struct.pack("<IiiHHIIiiII", *sizes) + bytes(1024) + body


def _icon(edge: int) -> bytes:
    """An icon that says it is small."""
    picture = encoded(Image.new("L", (edge, edge)), "PNG")
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(picture), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + picture


BOMBS: dict[str, Callable[[], bytes]] = {
    "comment of a GIF": lambda: _before_the_pixels(
        "GIF", b"!\xfe" + (b"\xff" + bytes(255)) * 40_000 + b"\0"
    ),
    "extension of a GIF": lambda: _before_the_pixels("GIF", b"!\1" + b"\1a" * 200_000 + b"\0"),
    "padding of a JPEG": lambda: _before_the_pixels("JPEG", b"\xff" * 200_000),
    "segments of a JPEG": lambda: _before_the_pixels("JPEG", b"\xff\xe5\0\2" * 50_000),
    "scans of a JPEG": lambda: _scans(4000, 300),
    "chunks of a PNG": lambda: _before_the_pixels("PNG", png_chunk(b"abCd") * 20_000),
    "tags of a TIFF": lambda: tags(2_000_000, 1000),
    "strips of a TIFF": lambda: _strips(300_000),
    "runs of a BMP": lambda: _runs(1_000_000),
    "header of a PPM": lambda: b"P5\n#" + b"a" * 200_000 + b"\n4 4\n255\n" + bytes(16),
    "plain PPM": lambda: b"P2\n1000 1000\n9\n" + b"1 " * 1_000_000,
    "picture in an icon": lambda: _icon(10_001),
    "EXIF of an AVIF": _avif_exif,
    "size of a PNG": lambda: png_of_size(2**31 - 1, 2**31 - 1),
}
"""Refused."""

HEAVY_EXIF: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: _jpeg_exif(tags(2_000_000, 1000)),
    "PNG": lambda: _before_the_pixels("PNG", png_chunk(b"eXIf", tags(2_000_000, 1000))),
    "WEBP": lambda: encoded(Image.new("RGB", (16, 16)), "WEBP", exif=tags(2_000_000, 1000)),
}
"""The picture is read, and the EXIF is not."""
