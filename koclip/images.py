"""Any picture that people bring → an upright RGB image, or a message that says why not."""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from koclip.errors import KoCLIPError
from koclip.limits import (
    MAX_IMAGE_MEGABYTES,
    MAX_MEGAPIXELS,
    MAX_READS,
    MAX_SCANNED_MEGAPIXELS,
)
from koclip.metered_file import MeteredFile

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "ICO", "PPM")
"""What is opened; Pillow's other readers run programs (EPS), are old, or are hardly ever needed."""

ImageSource = Image.Image | str | os.PathLike | bytes | IO[bytes] | np.ndarray
"""What counts as an image everywhere in KoCLIP."""

_decoding = threading.BoundedSemaphore(os.cpu_count() or 1)
"""More at once would be no faster; converting a transparent picture of 100 megapixels to RGB takes
1.5 GB for a moment."""

_START_OF_SCAN = b"\xff\xda"  # in a JPEG; its coded pixels never have these two bytes
_ONE_IMAGE = (Image.Image, str, os.PathLike, bytes, bytearray, Mapping)  # a mapping is an error


def open_image(source: ImageSource | None) -> Image.Image:
    """An upright RGB image from a PIL image, a path, encoded bytes, a file or a uint8 array.

    EXIF rotation is applied, transparency is laid on white, 16-bit and float pictures are scaled
    to 8 bits, and of an animation the first frame is taken. What is upright RGB is not copied.

    Files are of one of `FORMATS`, and within `koclip.limits`: they cost bounded time and memory.

    Raises:
        KoCLIPError: nothing was given, or it is no readable picture, or it is too large.
    """
    if source is None:
        raise KoCLIPError("image_missing")
    if isinstance(source, np.ndarray):
        source = _from_array(source)
    try:
        with _decoding:
            image = source if isinstance(source, Image.Image) else _open_file(source)
            _check_size(image)
            if image.tell() != 0:
                image.seek(0)
            image.load()
            _check_size(image)  # an icon is as large as the picture in it, whatever it says
            return _to_rgb(_upright(image))
    except KoCLIPError:
        raise
    except FileNotFoundError as error:
        raise KoCLIPError("image_not_found", path=source) from error
    except UnidentifiedImageError as error:  # its own words name a buffer's address
        reason = KoCLIPError("image_format_unknown")
        raise KoCLIPError("image_unreadable", reason=reason) from error
    except Image.DecompressionBombError as error:
        reason = KoCLIPError("image_many_pixels", limit=MAX_MEGAPIXELS)
        raise KoCLIPError("image_unreadable", reason=reason) from error
    except Exception as error:  # a damaged picture can fail anywhere in its decoder
        raise KoCLIPError("image_unreadable", reason=error) from error


def open_images(sources: ImageSource | Iterable[ImageSource]) -> list[Image.Image]:
    """`open_image` of each; a single image counts as a list of one."""
    return [open_image(source) for source in as_sources(sources)]


def as_sources(sources: ImageSource | Iterable[ImageSource]) -> list[ImageSource]:
    """A single image counts as a list of one."""
    if isinstance(sources, np.ndarray):
        is_one = sources.ndim < 4
    else:
        is_one = isinstance(sources, _ONE_IMAGE) or hasattr(sources, "read")
    return [sources] if is_one or not isinstance(sources, Iterable) else list(sources)


def _open_file(source: str | os.PathLike | bytes | IO[bytes]) -> Image.Image:
    file = MeteredFile(_content(source))
    image = Image.open(file, formats=FORMATS)
    if any(tile.codec_name == "ppm_plain" for tile in image.tile):  # decoded in Python
        raise UnidentifiedImageError
    scans = file.getvalue().count(_START_OF_SCAN, file.tell()) + 1
    if image.format in ("JPEG", "MPO") and scans * _megapixels(image) > MAX_SCANNED_MEGAPIXELS:
        raise KoCLIPError("image_laborious")
    file.allow(MAX_READS)
    return image


def _content(source: str | os.PathLike | bytes | IO[bytes]) -> bytes:
    """The bytes of a file, up to the limit."""
    limit = MAX_IMAGE_MEGABYTES * 1_000_000
    if isinstance(source, (bytes, bytearray)):
        content = source
    elif isinstance(source, (str, os.PathLike)):
        with Path(source).open("rb") as file:
            content = file.read(limit + 1)
    elif hasattr(source, "read"):
        source.seek(0)
        content = source.read(limit + 1)
    else:
        raise KoCLIPError("image_wrong_type", kind=type(source).__name__)
    if len(content) > limit:
        raise KoCLIPError("image_file_too_large", limit=MAX_IMAGE_MEGABYTES)
    return content


def _check_size(image: Image.Image) -> None:
    if _megapixels(image) > MAX_MEGAPIXELS:
        raise KoCLIPError(
            "image_too_large", width=image.width, height=image.height, limit=MAX_MEGAPIXELS
        )
    if not (image.width and image.height):
        raise KoCLIPError("image_unreadable", reason=KoCLIPError("image_no_pixels"))


def _megapixels(image: Image.Image) -> float:
    return image.width * image.height / 1_000_000


def _from_array(array: np.ndarray) -> Image.Image:
    shape_ok = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not shape_ok or array.size == 0 or array.dtype.kind not in "uif":
        raise KoCLIPError("image_bad_array", shape=array.shape, dtype=array.dtype)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    return Image.fromarray(array if array.dtype == np.uint8 else _to_bytes(array))


def _to_bytes(array: np.ndarray) -> np.ndarray:
    """Grey or colour values of any numeric type → 0…255.

    Floats up to 1 count as fractions of white, whole numbers above 255 as 16-bit.
    """
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite: white
        values = array.astype(np.float32)
    values = np.clip(np.nan_to_num(values, posinf=255.0), 0, None)
    largest = float(values.max())
    if array.dtype.kind == "f" and largest <= 1.0:
        values *= 255.0
    elif largest > 255.0:
        values *= 255.0 / max(largest, 65535.0)
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def _upright(image: Image.Image) -> Image.Image:
    """`image` itself if it is upright: to copy 12 megapixels takes 30 ms."""
    try:
        if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return image
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF says nothing about the pixels, and fails in many ways
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_to_bytes(np.asarray(image))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def hush_decoders() -> None:
    """For programs of ours: what is wrong with a picture is told once, by `open_image`.

    Pillow warns of some damage, too, and libtiff writes on standard error by itself.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    with suppress(OSError, AttributeError):  # where libtiff cannot be got at by its name
        ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)
