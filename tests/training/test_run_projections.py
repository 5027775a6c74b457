"""koclip-mini's recipe from end to end, on a few pictures of the gallery."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from itertools import islice

import numpy as np
import pytest
from safetensors.numpy import load_file

import koclip.training.run_projections as module
from koclip import KoCLIP
from koclip.assets import assets_dir
from koclip.training.captions import CaptionedImage, read_captions
from koclip.training.recipes import load_config
from koclip.training.run_projections import run_projections

STEPS = 30


@pytest.fixture(scope="module", autouse=True)
def _class_texts_embedded_once() -> Iterator[None]:
    """One template for each class, and its vectors from the first run on: they are most of the
    time that so small a run takes."""
    original = module.text_features

    @cache
    def remembered(model: KoCLIP, texts: tuple[str, ...], max_length: int) -> np.ndarray:
        return original(model, texts, max_length)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CLASS_TEMPLATES", ("{}",))
        patch.setattr(module, "text_features", lambda m, t, n: remembered(m, tuple(t), n))
        yield


@pytest.fixture(scope="module")
def items() -> list[CaptionedImage]:
    gallery, _ = read_captions(assets_dir() / "gallery" / "items.jsonl")
    return list(islice(gallery, 0, 480, 30))


@pytest.fixture(scope="module")
def config():
    changes = {"batch_size": 16, "epochs": None, "steps": STEPS, "warmup_steps": 2}
    recipe = load_config("koclip-mini", changes | {"checkpoint_every": 10, "log_every": 5})
    settings = dataclasses.replace(recipe.projections, views=1, label_weight=0.0)
    return dataclasses.replace(recipe, projections=settings)


@pytest.fixture(scope="module")
def trained(mini, items, config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return run_projections(config, mini, items, items, folder), folder


def test_it_learns_its_pictures(trained, items):
    model, _ = trained
    images = model.embed_images([item.path for item in items])
    texts = model.embed_texts([item.captions[0] for item in items])
    found = (texts @ images.T).argmax(axis=1)
    assert (found == np.arange(len(items))).mean() >= 0.9


def test_the_saved_model_is_the_trained_one(trained, items):
    model, folder = trained
    saved = KoCLIP.from_pretrained(folder)
    texts, pictures = [item.captions[0] for item in items], [item.path for item in items]
    np.testing.assert_allclose(saved.embed_texts(texts), model.embed_texts(texts), atol=2e-3)
    np.testing.assert_allclose(
        saved.embed_images(pictures), model.embed_images(pictures), atol=2e-3
    )
    assert saved.logit_scale == pytest.approx(model.logit_scale)


def test_the_towers_are_saved_as_they_were_stored(trained, mini):
    _, folder = trained
    before, after = load_file(mini.files.weights), load_file(folder / "model.safetensors")
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        if name.startswith(("text_model", "vision_model")):
            np.testing.assert_array_equal(after[name], tensor)
    assert any(name.endswith(".q4_0") for name in after)


def test_the_revision_names_the_weights(trained):
    _, folder = trained
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert (config["name"], config["revision"]) == ("koclip-mini", digest)


def test_a_resumed_run_ends_in_the_same_bytes(trained, mini, items, config, tmp_path):
    class StopError(Exception):
        pass

    written = []

    def write_then_stop(*arguments) -> None:
        save_trained(*arguments)
        written.append(arguments)
        if len(written) == 2:  # at step 20 of 30
            raise StopError

    save_trained = module.save_trained
    with pytest.MonkeyPatch.context() as patch, pytest.raises(StopError):
        patch.setattr(module, "save_trained", write_then_stop)
        run_projections(config, mini, items, items, tmp_path)
    run_projections(config, mini, items, items, tmp_path, resume=True)
    _, folder = trained
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
