"""The cards of what is bundled, and the Space's, as the Hub reads them: YAML before Markdown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard, ModelCard, RepoCard, SpaceCard

from koclip.assets import assets_dir
from koclip.settings import MINI, Settings
from tests.space import ROOT

MODEL = assets_dir() / "koclip-mini"
GALLERY = assets_dir() / "gallery"
# How many the Hub's categories of data sets hold at most.
SIZES = {"n<1K": 1_000, "1K<n<10K": 10_000, "10K<n<100K": 100_000}


def read(kind: type[RepoCard], path: Path) -> dict:
    card = kind.load(path / "README.md")
    assert re.match(r"\n*# \w", card.text), "the Markdown begins with a title"
    return card.data.to_dict()


@pytest.mark.parametrize(("kind", "folder"), [(ModelCard, MODEL), (DatasetCard, GALLERY)])
def test_language_and_licence(kind, folder):
    data = read(kind, folder)
    assert data["language"] == ["ko", "en"]
    # The Hub links a licence of another kind to this file, or to a URL, and to nothing else.
    assert (data["license"], data["license_link"]) == ("other", "LICENSE.md")
    text = (folder / data["license_link"]).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)", text)
    assert links and all((folder / link).is_file() for link in links)


def test_the_model_card_says_what_it_is():
    data = read(ModelCard, MODEL)
    assert data["library_name"] == "koclip"
    assert data["pipeline_tag"] == "zero-shot-image-classification"
    assert data["base_model"] == "intfloat/multilingual-e5-small"


def test_the_data_set_card_fits_the_data():
    data = read(DatasetCard, GALLERY)
    items = (GALLERY / data["configs"][0]["data_files"]).read_text(encoding="utf-8").splitlines()
    assert all({"file", "caption_ko", "caption_en"} <= json.loads(line).keys() for line in items)
    (size,) = data["size_categories"]
    smaller = [most for most in SIZES.values() if most < SIZES[size]]
    assert max(smaller, default=0) < len(items) < SIZES[size]
    assert data["task_categories"] and data["pretty_name"]


def test_the_space_card_says_what_the_space_offers():
    data = read(SpaceCard, ROOT)
    assert (data["sdk"], data["app_file"], data["license"]) == ("gradio", "app.py", "apache-2.0")
    offered = {f"koclip/{name}" for name in Settings().models if name != MINI}
    assert offered <= set(data["models"])
