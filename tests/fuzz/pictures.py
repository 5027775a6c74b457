"""Pictures of every format and mode, sound, damaged and hostile → embeddings."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from koclip import KoCLIP
from koclip.images import open_image
from koclip.thumbnails import thumbnail
from tests.fuzz.bombs import BOMBS, HEAVY_EXIF, encoded, png_chunk, tags
from tests.fuzz.kinds import Kind, check_rows
from tests.fuzz.mutation import damaged

_FORMATS: dict[str, tuple[str, ...]] = {
    "JPEG": ("L", "RGB", "CMYK", "YCbCr"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "WEBP": ("RGB", "RGBA", "L"),
    "GIF": ("1", "L", "P", "RGB"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F", "I;16"),
    "AVIF": ("RGB", "RGBA"),
    "ICO": ("RGB", "RGBA", "L"),
    "PPM": ("1", "L", "RGB", "I;16"),
    "MPO": ("RGB",),
}
_OTHERS = ("EPS", "PCX", "TGA", "SGI", "JPEG2000", "DDS", "IM", "MSP", "PDF")
_ODD = (
    b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
    b"PK\x03\x04" + bytes(40),
    b"<html><script>alert(1)</script>",
    b"#define x_width 9\n#define x_height 9\nstatic char x_bits[] = {0};",
)


class Pictures(Kind):
    """A quarter of them sound, the others damaged, cut, joined to others, or bombs."""

    name = "pictures"
    most_memory = 2_500_000_000

    def __init__(self, model: KoCLIP) -> None:
        self._model = model

    def make(self, chance: random.Random) -> bytes:
        kind = chance.random()
        if kind < 0.01:
            return _bomb(chance.choice([*BOMBS, *HEAVY_EXIF]))
        if kind < 0.03:
            format = chance.choice(_OTHERS)
            mode = {"MSP": "1"}.get(format, "RGB")
            return encoded(_picture(chance, mode), format)
        if kind < 0.05:
            return chance.choice(_ODD) + chance.randbytes(chance.randrange(2000))
        data = _file(chance)
        if kind < 0.25:
            return data
        if kind < 0.3:  # two files in one
            return data + chance.choice((_file(chance), *_ODD))
        return damaged(chance, data, (_file(chance), *_ODD))

    def use(self, data: bytes, place: Path) -> None:
        rows = self._model.embed_images([data])
        check_rows(rows)
        assert thumbnail(open_image(data)).startswith(b"RIFF")


@cache
def _bomb(name: str) -> bytes:
    return (BOMBS | HEAVY_EXIF)[name]()


def _picture(chance: random.Random, mode: str) -> Image.Image:
    edges = (1, 2, 7, 16, 33, 64, 100, 257)
    width, height = chance.choice(edges), chance.choice(edges)
    if chance.random() < 0.02:
        width, height = chance.choice(((20_000, 1), (1, 20_000), (3000, 2)))
    seed = chance.getrandbits(32)
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    if mode == "I;16":
        return Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    if mode in ("I", "F"):
        values = noise[..., 0].astype(np.int32 if mode == "I" else np.float32)
        if mode == "F" and chance.random() < 0.3:
            values[0, 0] = chance.choice((np.nan, np.inf, -np.inf, 1e38))
        return Image.fromarray(values)
    if mode == "LAB":
        return Image.frombytes("LAB", (width, height), noise[..., :3].tobytes())
    if mode in ("RGBA", "LA"):
        return Image.fromarray(noise).convert(mode)
    return Image.fromarray(noise[..., :3]).convert(mode)


def _file(chance: random.Random) -> bytes:
    """A sound file, with the options and metadata that its format has."""
    format = chance.choice(list(_FORMATS))
    mode = chance.choice(_FORMATS[format])
    picture = _picture(chance, mode)
    options: dict[str, object] = {}
    if format in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "MPO"):
        options |= {"exif": _exif(chance)} if chance.random() < 0.4 else {}
        profile = b"x" * chance.choice((4, 1000, 70_000))
        options |= {"icc_profile": profile} if chance.random() < 0.2 else {}
    if format == "JPEG":
        options |= {"progressive": chance.random() < 0.5, "comment": b"x" * chance.randrange(99)}
    if format == "TIFF":
        compressions = ["raw", "tiff_deflate", "tiff_lzw", "packbits"]
        compressions += ["group4"] if mode == "1" else []
        options["compression"] = chance.choice(compressions)
    if format == "PNG" and mode == "P":
        options["transparency"] = chance.choice((0, b"\x00\x80\xff"))
    if format in ("GIF", "PNG", "WEBP", "TIFF", "MPO") and chance.random() < 0.3:
        more = [_picture(chance, mode).resize(picture.size) for _ in range(chance.randint(1, 4))]
        options |= {"save_all": True, "append_images": more}
    try:
        data = encoded(picture, format, **options)
    except Exception:  # not every combination can be written
        data = encoded(picture.convert("RGB"), "PNG")
    if format == "PNG" and chance.random() < 0.2:
        text = png_chunk(b"tEXt", b"Comment\0" + b"x" * chance.choice((9, 5000)))
        data = data[:33] + text + data[33:]
    return data


def _exif(chance: random.Random) -> bytes:
    """Orientations that are true, lies, and tables that are damaged."""
    if chance.random() < 0.3:
        return b"Exif\0\0" + chance.choice((b"", b"MM\0*\xff\xff\xff\xff", tags(5000, 100)))
    exif = Image.Exif()
    exif[0x0112] = chance.choice((1, 3, 6, 8, 0, 9, 65_535))
    exif[0x011A] = 1e9
    return damaged(chance, exif.tobytes()) if chance.random() < 0.3 else exif.tobytes()
