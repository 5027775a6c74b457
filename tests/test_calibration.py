from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from koclip import KoCLIP, loading
from koclip.calibration import Calibration, keep_calibration, read_calibration
from koclip.errors import KoCLIPError
from koclip.files import user_cache
from koclip.precision import LAYERS, LAYERS_AFTER_NORMS, without_int8
from tests.conftest import ORACLE

FOLDER = ORACLE / "flax/tiny-base"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def kept_files() -> list[Path]:
    return list((user_cache() / "calibration").glob("*"))


def image_row(model: KoCLIP) -> np.ndarray:
    edge = model.config.vision.image_size
    return model.embed_images(np.random.default_rng(0).integers(0, 255, (edge, edge, 3), np.uint8))


def test_int8_is_calibrated_once_and_then_read_straight(monkeypatch):
    first = KoCLIP.from_pretrained(FOLDER, precision="int8")
    assert first.precision == "int8"
    assert len(kept_files()) == 1
    monkeypatch.setattr(loading, "calibrate", None)  # would fail if it were called
    second = KoCLIP.from_pretrained(FOLDER, precision="int8")
    np.testing.assert_allclose(image_row(first), image_row(second), atol=1e-6)


@pytest.mark.parametrize("precision", ["int8", "bfloat16"])
def test_parameters_and_saved_files_are_float32_whatever_is_served(tiny_base, tmp_path, precision):
    model = KoCLIP.from_pretrained(FOLDER, precision=precision)
    assert model.nbytes < tiny_base.nbytes
    model.save_pretrained(tmp_path / "saved")
    saved = KoCLIP.from_pretrained(tmp_path / "saved", precision="float32")
    np.testing.assert_array_equal(image_row(saved), image_row(tiny_base))


def test_a_damaged_calibration_is_made_anew():
    KoCLIP.from_pretrained(FOLDER, precision="int8")
    (file,) = kept_files()
    file.write_bytes(file.read_bytes()[:100])
    model = KoCLIP.from_pretrained(FOLDER, precision="int8")
    assert read_calibration(model.files) is not None


def test_a_cache_that_cannot_be_written_changes_nothing(cache):
    (cache / "koclip").write_text("no folder")
    assert KoCLIP.from_pretrained(FOLDER, precision="int8").precision == "int8"


@pytest.mark.parametrize(
    ("layers", "precision"),
    [
        ({"text_tower": LAYERS, "vision_tower": LAYERS}, "int8"),
        ({"text_tower": LAYERS_AFTER_NORMS, "vision_tower": LAYERS}, "int8"),
        ({"text_tower": (), "vision_tower": LAYERS}, "int8"),
        ({"text_tower": (), "vision_tower": ()}, without_int8()),
    ],
    ids=["all", "after norms", "images only", "none"],
)
def test_auto_has_those_layers_in_int8_that_keep_the_embeddings(
    monkeypatch, tiny_base, layers, precision
):
    monkeypatch.setattr(loading, "automatic", lambda config: "int8")
    every = KoCLIP.from_pretrained(FOLDER, precision="int8")
    found = read_calibration(every.files)
    assert found.layers.keys() == layers.keys()
    keep_calibration(every.files, replace(found, layers=layers))
    assert read_calibration(every.files).layers == layers
    model = KoCLIP.from_pretrained(FOLDER)
    assert model.precision == precision
    assert every.nbytes <= model.nbytes <= tiny_base.nbytes
    assert (model.nbytes == every.nbytes) == (layers == dict.fromkeys(layers, LAYERS))
    assert KoCLIP.from_pretrained(FOLDER, precision="int8").nbytes == every.nbytes
    cosines = (image_row(model) * image_row(tiny_base)).sum()
    assert cosines > 0.99


def test_auto_takes_no_int8_where_no_layer_keeps_the_embeddings(monkeypatch):
    monkeypatch.setattr(loading, "automatic", lambda config: "int8")
    monkeypatch.setattr("koclip.calibration.LEAST_AGREEMENT", 1.1)
    assert KoCLIP.from_pretrained(FOLDER).precision == without_int8()
    assert KoCLIP.from_pretrained(FOLDER).precision == without_int8()  # as it was kept


def test_what_was_kept_of_other_weights_is_not_taken(tiny_base):
    keep_calibration(tiny_base.files, Calibration({"a.b": np.ones(3)}, 0.5, {"text_tower": LAYERS}))
    assert read_calibration(tiny_base.files).agreement == 0.5
    other = KoCLIP.from_pretrained(ORACLE / "pt/tiny-base-safetensors")
    assert read_calibration(other.files) is None


def test_of_koclip_mini_only_texts_are_calibrated():
    """Its image tower has no weights in int8."""
    model = KoCLIP.from_pretrained("koclip-mini", precision="int8")
    calibration = read_calibration(model.files)
    assert all(path.startswith("text_tower.block_") for path in calibration.largest)
    assert 0.98 < calibration.agreement < 1


def test_an_unknown_precision_is_refused():
    with pytest.raises(KoCLIPError, match="float64"):
        KoCLIP.from_pretrained(FOLDER, precision="float64")
