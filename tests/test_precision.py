from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from koclip.benchmark.weights import add_outliers, random_parameters
from koclip.calibration import Calibration, Probe, calibrate
from koclip.config import ModelConfig, TextConfig, ViTConfig
from koclip.encoder import Encoder
from koclip.errors import KoCLIPError
from koclip.precision import (
    LAYERS,
    LAYERS_AFTER_NORMS,
    EightBitLayers,
    automatic,
    check_precision,
    converter,
    serve,
    with_kernels,
    without_int8,
)
from koclip.similarity import unit_rows
from koclip.towers.layers import ACTIVATIONS

CONFIG = ModelConfig(
    TextConfig(200, 128, 3, 4, 256, max_position_embeddings=64, layer_norm_eps=1e-5),
    ViTConfig("clip_vision_model", 128, 3, 4, 256, image_size=48, patch_size=16),
    projection_dim=32,
)
GENERATOR = np.random.default_rng(1)
IDS = GENERATOR.integers(2, 200, (5, 13)).astype(np.int32)
MASK = (np.arange(13) < np.array([[13], [9], [2], [5], [13]])).astype(np.int32)
PIXELS = GENERATOR.standard_normal((3, 48, 48, 3)).astype(np.float32)


def embeddings(parameters: dict, rows: slice = slice(None)) -> np.ndarray:
    encoder = Encoder(CONFIG, parameters)
    texts = encoder.text_features(IDS[rows], MASK[rows])
    return unit_rows(np.concatenate([texts, encoder.image_features(PIXELS[rows])]))


@pytest.fixture(scope="module")
def plain() -> dict:
    parameters = random_parameters(CONFIG)
    add_outliers(parameters)
    return parameters


def calibrated(plain: dict) -> tuple[Calibration, dict]:
    def in_int8(largest: dict[str, np.ndarray], layers: EightBitLayers) -> dict:
        return serve(plain, converter("int8", largest, layers))

    def read(wanted: Callable[[str], bool]) -> dict:
        flat = flatten_dict(plain, sep=".")
        return unflatten_dict({path: flat[path] for path in filter(wanted, flat)}, sep=".")

    return calibrate(CONFIG, read, Probe(IDS, MASK, PIXELS), in_int8)


@pytest.fixture(params=[0, 10**9], ids=["transposed", "as they are"])
def widths(request, monkeypatch) -> None:
    """Layers of any width count as wide, or none."""
    monkeypatch.setattr("koclip.precision._WIDE", request.param)


def test_only_wide_layers_are_transposed():
    wide, narrow = np.zeros((1024, 1024), np.float32), np.zeros((384, 1536), np.float32)
    convert = converter("float32")
    for tower, kernel, form in (
        ("text_tower", wide, "kernel_transposed"),
        ("text_tower", narrow, "kernel"),
        ("vision_tower", wide, "kernel_transposed"),
        ("vision_tower", narrow, "kernel"),
    ):
        layer = f"{tower}.block_0.feed_forward.up"
        assert convert(f"{layer}.kernel", kernel).keys() == {f"{layer}.{form}"}


@pytest.mark.parametrize(
    ("processor", "version", "chosen"),
    [
        ("vendor_id : AuthenticAMD\nflags : avx512f avx512_bf16", "0.12.0", "bfloat16"),
        ("vendor_id : GenuineIntel\nflags : avx512_bf16 amx_bf16", "0.12.0", "bfloat16"),
        ("vendor_id : GenuineIntel\nflags : avx512_bf16", "0.12.0", "float32"),
        ("vendor_id : AuthenticAMD\nflags : avx512_bf16", "0.10.2", "float32"),
        (None, "0.12.0", "float32"),
    ],
    ids=["AMD", "AMX", "no AMX", "older jax", "not Linux"],
)
def test_bfloat16_is_second_choice_only_where_it_is_fast(
    processor, version, chosen, tmp_path, monkeypatch
):
    cpuinfo = tmp_path / "cpuinfo"
    if processor:
        cpuinfo.write_text(processor, "ascii")
    monkeypatch.setattr("koclip.precision._CPUINFO", cpuinfo)
    monkeypatch.setattr("jax.__version__", version)
    assert without_int8() == chosen


@pytest.mark.parametrize("name", ["gelu", "gelu_new", "quick_gelu"])
def test_activations_are_those_of_transformers(name):
    x = np.linspace(-12, 12, 2401, dtype=np.float32)
    exact = {
        "gelu": [v * math.erfc(-v / math.sqrt(2)) / 2 for v in x.tolist()],
        "gelu_new": [
            v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) / 2
            for v in x.tolist()
        ],
        "quick_gelu": [v / (1 + math.exp(-1.702 * v)) for v in x.tolist()],
    }[name]
    np.testing.assert_allclose(ACTIVATIONS[name](x), exact, rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("widths")
@pytest.mark.parametrize("rows", [slice(1), slice(2), slice(None)], ids=["one", "two", "all"])
def test_float32_as_served_equals_the_plain_form(plain, rows):
    served = embeddings(serve(plain, converter("float32")), rows)
    np.testing.assert_allclose(served, embeddings(plain, rows), atol=2e-6)


@pytest.mark.usefixtures("widths")
def test_float32_as_served_goes_back_to_the_plain_form(plain):
    again = flatten_dict(with_kernels(serve(plain, converter("float32"))))
    expected = flatten_dict(plain)
    assert again.keys() == expected.keys()
    for path, value in expected.items():
        np.testing.assert_array_equal(again[path], value)


def in_order(values: np.ndarray, order: str) -> np.ndarray:
    """A view of the same numbers as a file may hold them: row by row, transposed, or with gaps."""
    if order == "gaps":
        return np.repeat(np.repeat(values, 2, axis=0), 3, axis=1)[::2, ::3]
    return np.asarray(values, order=order)


@pytest.mark.parametrize("order", ["C", "F", "gaps"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("shape", [(37, 131), (1030, 1100)], ids=str)
def test_weights_are_the_same_in_whichever_order_a_file_has_them(order, precision, shape):
    kernel = GENERATOR.standard_normal(shape).astype(np.float32)
    path = "text_tower.block_0.feed_forward.up.kernel"
    ((_, served),) = converter(precision)(path, in_order(kernel, order)).items()
    assert served.flags.c_contiguous
    assert served.ctypes.data % 64 == 0
    expected = kernel.T if precision == "float32" and min(shape) >= 512 else kernel
    np.testing.assert_array_equal(served, expected.astype(served.dtype))


@pytest.mark.parametrize("order", ["C", "F", "gaps"])
@pytest.mark.parametrize("shape", [(37, 131), (1030, 1100)], ids=str)
def test_int8_weights_are_the_nearest_levels_of_the_smoothed_ones(order, shape):
    """Sizes that no block or column of what is converted at once divides."""
    inputs, _ = shape
    kernel = in_order(GENERATOR.standard_normal(shape).astype(np.float32), order)
    kernel[:, 7] = 0
    largest = GENERATOR.uniform(0.1, 30, inputs).astype(np.float32)
    for tower, name in (("vision_tower", "int8"), ("text_tower", "uint8")):
        layer = f"{tower}.block_0.feed_forward.up"
        leaves = converter("int8", {layer: largest})(f"{layer}.kernel", kernel)
        levels = leaves[f"{layer}.{name}"].astype(np.float32) - 128 * (name == "uint8")
        scale, smoothing = leaves[f"{layer}.scale"], leaves[f"{layer}.smoothing"]
        np.testing.assert_allclose(smoothing, largest**-0.5, rtol=1e-6)
        smoothed = kernel.T / smoothing
        np.testing.assert_allclose(
            scale, np.maximum(np.abs(smoothed).max(axis=1), 1e-12) / 127, rtol=1e-6
        )
        np.testing.assert_array_equal(levels, np.rint(smoothed / scale[:, None]))


@pytest.mark.parametrize("rows", [slice(1), slice(None)], ids=["one", "all"])
@pytest.mark.parametrize("precision", ["int8", "bfloat16"])
def test_fewer_bits_give_nearly_the_same_embeddings(plain, precision, rows):
    served = serve(plain, converter(precision))
    cosines = (embeddings(served, rows) * embeddings(plain, rows)).sum(axis=1)
    assert 0.98 < cosines.min() < 1 - 1e-9


def test_smoothing_keeps_int8_close_where_channels_stand_out(plain):
    calibration, served = calibrated(plain)
    rough = serve(plain, converter("int8"))
    expected = embeddings(plain)
    smoothed, not_smoothed = (
        1 - (embeddings(parameters) * expected).sum(axis=1).mean() for parameters in (served, rough)
    )
    assert smoothed < not_smoothed / 2
    assert calibration.agreement > 0.999


def eight_bit_layers(served: dict, tower: str) -> set[str]:
    paths = flatten_dict(served[tower], sep=".")
    return {path.split(".")[-2] for path in paths if path.endswith(("int8", "uint8"))}


def test_a_tower_keeps_the_layers_in_eight_bits_that_it_can(plain, monkeypatch):
    joined = {"query_key_value", "out", "up", "down"}
    calibration, served = calibrated(plain)
    towers = "text_tower", "vision_tower"
    assert calibration.layers == dict.fromkeys(towers, LAYERS)
    assert [eight_bit_layers(served, tower) for tower in towers] == [joined, joined]

    stricter = calibration.agreement + (1 - calibration.agreement) / 4  # too much for one of them
    monkeypatch.setattr("koclip.calibration.LEAST_AGREEMENT", stricter)
    calibration, served = calibrated(plain)
    fewer = [tower for tower in towers if calibration.layers[tower] == LAYERS_AFTER_NORMS]
    assert fewer
    for tower in fewer:
        assert eight_bit_layers(served, tower) == {"query_key_value", "up"}
    cosines = (embeddings(served) * embeddings(plain)).sum(axis=1)
    assert cosines.min() >= stricter > calibration.agreement

    monkeypatch.setattr("koclip.calibration.LEAST_AGREEMENT", 1.1)
    calibration, served = calibrated(plain)
    assert calibration.layers == dict.fromkeys(towers, ())
    assert [eight_bit_layers(served, tower) for tower in towers] == [set(), set()]


def test_int8_rows_do_not_depend_on_their_batch(plain):
    """Five texts are 80 tokens, and so many are multiplied in another way than the 16 of one."""
    served = serve(plain, converter("int8"))
    np.testing.assert_allclose(embeddings(served)[0], embeddings(served, slice(1))[0], atol=1e-5)


def test_the_calibration_knows_every_layer_and_its_largest_inputs(plain):
    calibration, _ = calibrated(plain)
    assert len(calibration.largest) == 2 * 3 * 6
    assert all((values >= 0).all() for values in calibration.largest.values())
    inputs = [calibration.largest[f"text_tower.block_1.attention.{n}"] for n in ("query", "value")]
    np.testing.assert_array_equal(*inputs)


def test_auto_is_int8_for_large_transformers_only():
    assert automatic(CONFIG) == "float32"
    assert automatic(ModelConfig(TextConfig(), ViTConfig())) == "int8"


def test_an_unknown_precision_is_refused_with_those_there_are():
    with pytest.raises(KoCLIPError, match=r"float16.*auto, float32, int8, bfloat16"):
        check_precision("float16")
