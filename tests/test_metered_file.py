"""Pictures that would cost their reader much are refused at little cost."""

from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pytest
from PIL import Image

from koclip.errors import KoCLIPError
from koclip.images import FORMATS, hush_decoders, open_image
from koclip.limits import MAX_IMAGE_MEGABYTES, MAX_READS_TO_OPEN
from koclip.metered_file import MeteredFile
from tests.fuzz.bombs import BOMBS, HEAVY_EXIF, encoded

REFUSALS = {"image_laborious", "image_too_large", "image_unreadable"}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_little_memory(name):
    content = BOMBS[name]()
    tracemalloc.start()
    try:
        with pytest.raises(KoCLIPError) as caught:
            open_image(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code in REFUSALS
    assert peak < 5 * len(content) + 20_000_000


@pytest.mark.parametrize("format", HEAVY_EXIF)
def test_exif_that_would_fill_the_memory_is_not_read(format):
    content = HEAVY_EXIF[format]()
    tracemalloc.start()
    try:
        assert open_image(content).size == (16, 16)
        assert tracemalloc.get_traced_memory()[1] < 5 * len(content) + 20_000_000
    finally:
        tracemalloc.stop()


def test_a_file_is_read_once_and_not_in_too_many_pieces():
    file = MeteredFile(bytes(3_000_000))
    assert len(file.read()) == 3_000_000
    file.seek(0)
    with pytest.raises(KoCLIPError, match="metadata"):
        file.read()
    file = MeteredFile(bytes(100_000))
    for _ in range(MAX_READS_TO_OPEN):
        file.read(1)
    with pytest.raises(KoCLIPError, match="metadata"):
        file.read(1)
    file.allow(5)
    assert file.read(1) == b"\0"


def test_a_file_of_too_many_bytes_is_not_read(tmp_path):
    path = tmp_path / "big.png"
    with path.open("wb") as file:
        file.truncate(50 * MAX_IMAGE_MEGABYTES * 1_000_000)  # of zeros that the disk need not hold
    with pytest.raises(KoCLIPError) as caught:
        open_image(path)
    assert caught.value.code == "image_file_too_large"


@pytest.mark.parametrize("format", ["EPS", "PCX", "TGA", "PSD", "SGI", "JPEG2000", "DDS"])
def test_only_the_listed_formats_are_opened(format):
    """An EPS is a program, which Pillow has Ghostscript run."""
    assert format not in FORMATS
    content = b"8BPS\0\1" if format == "PSD" else encoded(Image.new("RGB", (16, 16)), format)
    with pytest.raises(KoCLIPError) as caught:
        open_image(content)
    assert caught.value.code == "image_unreadable"


def test_programs_of_ours_let_decoders_say_nothing(capfd, rng):
    noise = Image.fromarray(rng.integers(0, 256, (48, 64), np.uint8))
    content = encoded(noise, "TIFF", compression="tiff_deflate")
    damaged = content[:1000] + b"\xff" * 1000 + content[2000:]
    exif = encoded(Image.new("RGB", (16, 16)), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        hush_decoders()
        with pytest.raises(KoCLIPError):
            open_image(damaged)
        assert open_image(exif).size == (16, 16)
    assert capfd.readouterr().err == ""
