"""What we save is what we loaded, and what transformers' own class opens."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

import koclip.files
from koclip import KoCLIP
from tests.conftest import ORACLE
from tests.test_oracle import FORMS


@pytest.fixture(scope="module", params=FORMS)
def saved(request, tmp_path_factory) -> tuple[KoCLIP, Path, dict[str, np.ndarray]]:
    """A model, the folder that it was saved into, and the inputs of the oracle."""
    model = KoCLIP.from_pretrained(ORACLE / FORMS[request.param][0])
    folder = tmp_path_factory.mktemp("saved")
    model.save_pretrained(folder)
    size = request.param.split("-")[-1]
    return model, folder, dict(np.load(ORACLE / f"flax/tiny-{size}.npz"))


def text_inputs(model: KoCLIP, inputs: dict[str, np.ndarray]) -> list[tuple]:
    """Padded, left-padded and unmasked; one length, so that one compiled function will do."""
    limit = model.config.text.max_tokens
    return [
        (inputs[f"input_ids{kind}"][:, :limit], inputs[f"attention_mask{kind}"][:, :limit])
        for kind in ("", "_left")
    ] + [(inputs["input_ids"], None)]


def test_load_save_load_is_exact(saved):
    model, folder, inputs = saved
    again = KoCLIP.from_pretrained(folder)
    assert jax.tree.structure(again.parameters) == jax.tree.structure(model.parameters)
    jax.tree.map(np.testing.assert_array_equal, again.parameters, model.parameters)
    assert again.logit_scale == model.logit_scale
    assert again.config == model.config
    for ids, mask in text_inputs(model, inputs):
        np.testing.assert_array_equal(
            again.get_text_features(ids, mask), model.get_text_features(ids, mask)
        )
    pixels = inputs["pixel_values"]
    np.testing.assert_array_equal(
        again.get_image_features(pixels), model.get_image_features(pixels)
    )


def test_pictures_are_prepared_alike(saved):
    """An odd margin is cut on the side that the model's own form cuts it on."""
    model, folder, _ = saved
    picture = Image.effect_noise((33, 64), 90).convert("RGB")
    again = KoCLIP.from_pretrained(folder)
    assert again.processor.image_processor == model.processor.image_processor
    actual, expected = (each.processor(images=picture)["pixel_values"] for each in (again, model))
    np.testing.assert_array_equal(actual, expected)


def test_saving_twice_changes_nothing(saved, tmp_path):
    _, folder, _ = saved
    KoCLIP.from_pretrained(folder).save_pretrained(tmp_path)
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


@pytest.mark.parametrize("size", ["base", "large"])
@pytest.mark.parametrize("form", ["safetensors", "safetensors5", "bin"])
def test_tensors_are_the_published_ones(tmp_path, size, form):
    KoCLIP.from_pretrained(ORACLE / FORMS[f"{form}-{size}"][0]).save_pretrained(tmp_path)
    actual = load_file(tmp_path / "model.safetensors")
    expected = load_file(ORACLE / f"pt/tiny-{size}-safetensors/model.safetensors")
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        assert actual[name].dtype == value.dtype
        np.testing.assert_array_equal(actual[name], value, err_msg=name)


@pytest.mark.parametrize("size", ["base", "large"])
def test_positions_from_zero_are_moved_below_filler_rows(tmp_path, size):
    KoCLIP.from_pretrained(ORACLE / FORMS[f"flax-{size}"][0]).save_pretrained(tmp_path)
    actual = load_file(tmp_path / "model.safetensors")
    expected = load_file(ORACLE / f"pt/tiny-{size}-safetensors/model.safetensors")
    table = "text_model.embeddings.position_embeddings.weight"
    np.testing.assert_array_equal(actual.pop(table)[2:], expected.pop(table))
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["text_config"]["max_position_embeddings"] == 42


@pytest.mark.parametrize("precision", ["int8", "bfloat16"])
def test_positions_from_zero_stay_so_when_less_is_served(tmp_path, tiny_base, precision):
    tiny_base.save_pretrained(tmp_path / "once")
    KoCLIP.from_pretrained(tmp_path / "once", precision=precision).save_pretrained(tmp_path / "two")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()


def test_transformers_opens_it_with_equal_output(saved):
    torch = pytest.importorskip("torch", reason="transformers' own class needs PyTorch")
    from transformers import VisionTextDualEncoderModel

    model, folder, inputs = saved
    theirs, report = VisionTextDualEncoderModel.from_pretrained(folder, output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    theirs.eval()
    # Right-padded and unpadded texts: where padding comes first, RoBERTa counts from the first
    # token, and the Flax form from the first padding.
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    with torch.no_grad():
        outputs = theirs(
            input_ids=torch.tensor(ids).long(),
            attention_mask=torch.tensor(mask).long(),
            pixel_values=torch.tensor(inputs["pixel_values"].transpose(0, 3, 1, 2)),
        )
    ours = model(input_ids=ids, attention_mask=mask, pixel_values=inputs["pixel_values"])
    for name in ("text_embeds", "image_embeds", "logits_per_image", "logits_per_text"):
        np.testing.assert_allclose(
            getattr(outputs, name).numpy(),
            getattr(ours, name),
            atol=2e-5 if name.startswith("logits") else 1e-5,
            rtol=0,
            err_msg=name,
        )


def test_transformers_reads_the_saved_preprocessing(saved):
    from transformers import CLIPImageProcessorPil

    model, folder, _ = saved
    theirs = CLIPImageProcessorPil.from_pretrained(folder)
    picture = Image.effect_noise((34, 64), 90).convert("RGB")  # even margins: no choice of side
    expected = theirs(picture, return_tensors="np")["pixel_values"].transpose(0, 2, 3, 1)
    actual = model.processor(images=picture)["pixel_values"]
    np.testing.assert_allclose(actual, expected, atol=1e-6, rtol=0)


def test_the_tokenizer_is_saved_too(tiny_korean, tiny_korean_folder, tmp_path):
    tiny_korean.save_pretrained(tmp_path / "new" / "folder")
    again = KoCLIP.from_pretrained(tmp_path / "new" / "folder")
    texts = ["고양이 사진", "강아지"]
    np.testing.assert_allclose(again.embed_texts(texts), tiny_korean.embed_texts(texts), atol=1e-6)
    original = json.loads((tiny_korean_folder / "tokenizer.json").read_text())
    copied = json.loads((tmp_path / "new/folder/tokenizer.json").read_text())
    assert copied["model"] == original["model"]


def test_saving_over_the_folder_it_came_from(tiny_korean, tmp_path):
    tiny_korean.save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_text("[PAD]\n")
    model = KoCLIP.from_pretrained(tmp_path)
    before = model.embed_texts(["고양이"])
    model.save_pretrained(tmp_path)
    np.testing.assert_array_equal(model.embed_texts(["고양이"]), before)
    np.testing.assert_array_equal(KoCLIP.from_pretrained(tmp_path).embed_texts(["고양이"]), before)


class DiskFullError(OSError):
    pass


@pytest.mark.parametrize("failing", [0, 1, 2, 3])
def test_nothing_is_half_written(tiny_korean, tmp_path, monkeypatch, failing):
    """The disk fills up while the n-th file is written: the old one stays, and no scrap."""
    fsync, calls = koclip.files.os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == failing + 1:
            raise DiskFullError
        fsync(descriptor)

    names = ["model.safetensors", "config.json", "preprocessor_config.json", "tokenizer.json"]
    for name in names:
        (tmp_path / name).write_text("old")
    monkeypatch.setattr(koclip.files.os, "fsync", full)
    with pytest.raises(DiskFullError):
        tiny_korean.save_pretrained(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == set(names)
    old = [name for name in names if (tmp_path / name).read_bytes() == b"old"]
    assert old == names[failing:]


def test_saved_files_can_be_read_by_others(tiny_korean, tmp_path):
    tiny_korean.save_pretrained(tmp_path)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o644}
