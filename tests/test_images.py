"""Whatever people call a picture → an upright RGB image, or a clear message."""

from __future__ import annotations

import io
import pickle
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from koclip.errors import KoCLIPError
from koclip.images import open_image, open_images
from koclip.limits import MAX_MEGAPIXELS

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pixel(image: Image.Image, x: int = 0, y: int = 0) -> tuple[int, ...]:
    assert image.mode == "RGB"
    return image.getpixel((x, y))


def refusal(source: object) -> KoCLIPError:
    with pytest.raises(KoCLIPError) as caught:
        open_image(source)
    error = caught.value
    assert error.localized("ko") != str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    return error


@pytest.fixture
def corners() -> Image.Image:
    """20×10, red but for a blue top left quarter and a green top right one."""
    image = Image.new("RGB", (20, 10), RED)
    image.paste(BLUE, (0, 0, 10, 5))
    image.paste(GREEN, (10, 0, 20, 5))
    return image


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, []),
        (2, [Image.Transpose.FLIP_LEFT_RIGHT]),
        (3, [Image.Transpose.ROTATE_180]),
        (4, [Image.Transpose.FLIP_TOP_BOTTOM]),
        (5, [Image.Transpose.TRANSPOSE]),
        (6, [Image.Transpose.ROTATE_90]),
        (7, [Image.Transpose.TRANSVERSE]),
        (8, [Image.Transpose.ROTATE_270]),
    ],
)
def test_exif_orientations(corners, orientation, undo):
    stored = corners
    for step in undo:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = open_image(encoded(stored, "PNG", exif=exif))
    assert image.size == (20, 10)
    assert [pixel(image, 2, 2), pixel(image, 17, 2), pixel(image, 2, 8)] == [BLUE, GREEN, RED]
    jpeg = open_image(
        encoded(stored.resize((stored.width * 8, stored.height * 8)), "JPEG", exif=exif)
    )
    assert jpeg.size == (160, 80)
    assert pixel(jpeg, 20, 20)[2] > 200


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"\xff" * 99])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_is_ignored(corners, exif):
    assert open_image(encoded(corners.resize((40, 20)), "JPEG", exif=exif)).size == (40, 20)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_formats(format):
    image = open_image(encoded(Image.new("RGB", (16, 16), RED), format))
    assert image.size == (16, 16)
    np.testing.assert_allclose(pixel(image, 8, 8), RED, atol=6)


def test_cmyk():
    image = open_image(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert pixel(image)[0] > 240
    assert max(pixel(image)[1:]) < 60


@pytest.mark.parametrize("mode", ["1", "L", "P", "LAB", "YCbCr", "HSV", "PA", "La", "RGBa", "RGBX"])
def test_other_modes_get_an_answer_or_a_message(mode):
    try:
        assert open_image(Image.new(mode, (4, 4))).mode == "RGB"
    except KoCLIPError as error:
        assert error.code == "image_unreadable"


@pytest.mark.parametrize(
    ("value", "grey"), [(0, 0), (128 * 257, 128), (200 * 257, 200), (65535, 255)]
)
def test_sixteen_bit_grey(value, grey):
    values = np.full((5, 7), value, np.uint16)
    values[0, 0] = 65535
    image = open_image(encoded(Image.fromarray(values)))
    assert image.size == (7, 5)
    np.testing.assert_allclose(pixel(image, 3, 3), (grey,) * 3, atol=1)
    assert pixel(image, 0, 0) == WHITE


def test_whole_number_and_float_modes():
    ramp = np.linspace(0, 65535, 256).astype(np.int32)[None]
    np.testing.assert_allclose(
        np.asarray(open_image(Image.fromarray(ramp)))[0, :, 0], np.arange(256), atol=1
    )
    fractions = np.linspace(0, 1, 256, dtype=np.float32)[None]
    np.testing.assert_array_equal(
        np.asarray(open_image(Image.fromarray(fractions)))[0, :, 0], np.arange(256)
    )
    bytes_ = np.arange(256, dtype=np.float32)[None]
    np.testing.assert_array_equal(
        np.asarray(open_image(Image.fromarray(bytes_)))[0, :, 0], np.arange(256)
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode):
    clear = Image.new(mode, (4, 4), (0,) * len(mode))
    assert pixel(open_image(encoded(clear))) == WHITE
    half = Image.new(mode, (4, 4), (*(0,) * (len(mode) - 1), 128))
    np.testing.assert_allclose(pixel(open_image(half)), (127,) * 3, atol=1)


def test_transparency_of_palettes_and_single_colours():
    palette = Image.new("P", (4, 4))
    palette.putpalette([*RED, *BLUE])
    palette.putpixel((1, 1), 1)
    image = open_image(encoded(palette, transparency=0))
    assert (pixel(image), pixel(image, 1, 1)) == (WHITE, BLUE)
    image = open_image(encoded(palette, transparency=b"\xff\x00"))
    assert (pixel(image), pixel(image, 1, 1)) == (RED, WHITE)
    colour = Image.new("RGB", (4, 4), RED)
    colour.putpixel((1, 1), BLUE)
    image = open_image(encoded(colour, transparency=RED))
    assert (pixel(image), pixel(image, 1, 1)) == (WHITE, BLUE)
    grey = Image.new("L", (4, 4), 9)
    assert pixel(open_image(encoded(grey, transparency=9))) == WHITE


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation(format):
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE, GREEN)]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(pixel(open_image(data), 8, 8), RED, atol=6)
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 3
        image.seek(2)
        np.testing.assert_allclose(pixel(open_image(image), 8, 8), RED, atol=6)


def test_one_pixel():
    assert open_image(encoded(Image.new("RGB", (1, 1), BLUE))).getpixel((0, 0)) == BLUE


@pytest.mark.parametrize(
    "make",
    [
        lambda path, data: str(path),
        lambda path, data: path,
        lambda path, data: data,
        lambda path, data: bytearray(data),
        lambda path, data: io.BytesIO(data),
        lambda path, data: path.open("rb"),
        lambda path, data: Image.open(path),
    ],
    ids=["str", "Path", "bytes", "bytearray", "BytesIO", "file", "PIL"],
)
def test_sources(tmp_path, corners, make):
    path = tmp_path / "그림 한 장.png"
    corners.save(path)
    source = make(path, path.read_bytes())
    np.testing.assert_array_equal(open_image(source), corners)
    if hasattr(source, "seek") and not isinstance(source, Image.Image):
        source.seek(0, io.SEEK_END)
    (only,) = open_images(source)  # a file is one image, not an iterable of lines
    np.testing.assert_array_equal(only, corners)
    first, second = open_images([str(path), corners])
    np.testing.assert_array_equal(first, second)


def test_the_given_image_is_left_alone(corners):
    exif = corners.getexif()
    exif[0x0112] = 6
    image = open_image(corners)
    assert image.size == (10, 20)
    assert corners.size == (20, 10)
    assert corners.getexif()[0x0112] == 6


def test_an_upright_image_is_not_copied(corners):
    assert open_image(corners) is corners
    assert open_image(np.asarray(corners)) is not corners


GRID = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (GRID, GRID),
        (GRID[..., 0], GRID[..., [0, 0, 0]]),
        (GRID[..., :1], GRID[..., [0, 0, 0]]),
        (np.dstack([GRID, np.full((2, 4), 255, np.uint8)]), GRID),
        (np.dstack([GRID, np.zeros((2, 4), np.uint8)]), np.full_like(GRID, 255)),
        (GRID[:, ::-1], GRID[:, ::-1]),
        (GRID / np.float32(255), GRID),
        (GRID / 255.0, GRID),
        (GRID.astype(np.float16), GRID),
        (GRID.astype(np.int64), GRID),
        (GRID.astype(np.uint16) * 257, GRID),
        (GRID.astype(np.int32) - 1000, np.zeros_like(GRID)),
        (np.full((2, 2, 3), np.nan), np.zeros((2, 2, 3))),
        (np.full((2, 2), np.inf), np.full((2, 2, 3), 255)),
        (np.full((2, 2), -np.inf), np.zeros((2, 2, 3))),
        (np.full((1, 1), 1e300), np.full((1, 1, 3), 255)),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays(array, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = open_image(array)
    np.testing.assert_allclose(np.asarray(image), expected, atol=1)
    assert len(open_images(array)) == 1
    assert len(open_images([array, array])) == 2


def test_a_batch_of_arrays():
    assert len(open_images(np.stack([GRID] * 3))) == 3


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 0), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.uint8(3).reshape(()),
        np.zeros((4, 4, 3), bool),
        np.zeros((4, 4, 3), np.complex64),
        np.array([["a"]]),
        np.array([[None]]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_that_are_no_pictures(array):
    assert refusal(np.asarray(array)).code == "image_bad_array"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (None, "image_missing"),
        (5, "image_wrong_type"),
        (3.5, "image_wrong_type"),
        (True, "image_wrong_type"),
        ({}, "image_wrong_type"),
        ({"path": "a.png"}, "image_wrong_type"),
        ([], "image_wrong_type"),
        ([[0, 1], [2, 3]], "image_wrong_type"),
        (object(), "image_wrong_type"),
        ("", "image_unreadable"),
        (".", "image_unreadable"),
        ("no such file.png", "image_not_found"),
        (Path("no such file.png"), "image_not_found"),
        ("https://example.com/a.png", "image_not_found"),
        ("a\0b", "image_unreadable"),
        ("x" * 10_000, "image_unreadable"),
        ("data:image/png;base64,AAAA", "image_not_found"),
        (b"", "image_unreadable"),
        (b"not an image", "image_unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image_unreadable"),
        (io.StringIO("text"), "image_unreadable"),
    ],
)
def test_what_is_no_picture(source, code):
    assert refusal(source).code == code


def test_open_images_of_what_is_no_picture():
    for source in (
        None,
        5,
        {},
        {"a.png": 1},
        b"",
        [None],
        [5],
        ["a.png", None],
        (b"x" for _ in "a"),
    ):
        with pytest.raises(KoCLIPError):
            open_images(source)
    assert open_images([]) == []


def test_a_closed_image(corners):
    image = Image.open(io.BytesIO(encoded(corners)))
    image.load()
    image.close()
    assert refusal(image).code == "image_unreadable"


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that declares a size and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "size", [(10_001, 10_000), (13_000, 13_000), (100_000, 100_000), (2**31 - 1, 2**31 - 1)]
)
def test_decompression_bombs_are_refused_before_decoding(size):
    error = refusal(png_of_size(*size))
    assert error.code in ("image_too_large", "image_unreadable")
    assert f"{MAX_MEGAPIXELS}" in str(error)


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_pictures_without_pixels(size):
    assert refusal(png_of_size(*size)).code == "image_unreadable"
    assert refusal(Image.new("RGB", size)).code == "image_unreadable"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_cut_and_damaged_files(format):
    rng = np.random.default_rng(6)
    noise = Image.fromarray(rng.normal(128, 99, (48, 64)).clip(0, 255).astype(np.uint8))
    data = encoded(noise.convert("RGB"), format)
    for length in (0, 1, 10, 30, len(data) // 2):
        assert refusal(data[:length]).code == "image_unreadable"
    answers = 0
    for place in rng.integers(0, min(len(data), 700), 150).tolist():
        spoilt = bytearray(data)
        spoilt[place] ^= int(rng.integers(1, 256))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                assert open_image(bytes(spoilt)).mode == "RGB"
                answers += 1
            except KoCLIPError as error:
                assert error.code in ("image_unreadable", "image_too_large")
    assert answers < 150


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_garbage_is_no_picture():
    rng = np.random.default_rng(7)
    starts = [b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\x40\0\0\0WEBPVP8 "]
    starts += [b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0", b"8BPS\0\1", b"P6\n", b"%!PS"]
    for start in starts:
        for size in (0, 20, 2000):
            assert refusal(start + rng.bytes(size)).code in ("image_unreadable", "image_too_large")
