"""The model card that is written for a model without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from koclip.evaluation.figures import Figure
from koclip.evaluation.report import Report
from koclip.hub.card import model_card
from koclip.training.metrics import COLUMNS

TRAINING = {
    "data": [{"path": "/home/narae/captions.json"}],
    "text_tower": "klue/roberta-large",
    "vision_tower": "openai/clip-vit-base-patch32",
    "model": None,
    "loss": "softmax",
    "learning_rate": 5e-5,
    "locked": ["text_tower", "a|b"],
    "epochs": 40,
    "steps": None,
}
METRICS = [
    "10,0.1,train,2.5,0.0001,14.3,0.25,0.5,90",
    "20,0.2,train,1.25,0.0001,14.3,0.75,0.5,90",
    "20,0.2,validation,1.5,,14.3,0.625,0.5,",
]


@pytest.fixture
def run(tmp_path) -> Path:
    """A run's folder with everything that a card can tell of."""
    (tmp_path / "training.json").write_text(json.dumps(TRAINING))
    (tmp_path / "metrics.csv").write_text("\n".join([",".join(COLUMNS), *METRICS]) + "\n")
    figures = [Figure("text→image R@1", 0.31, 0.25, 0.37, None, 256)]
    settings = {"images": 256, "captions": 256, "labelled": 0, "templates": ("{}",)}
    settings["squashed"] = False
    report = Report("model", "1", "/data/flickr8k-dev-ko", figures=figures, **settings)
    (tmp_path / "evaluation.json").write_text(json.dumps(report.to_json()))
    return tmp_path


def metadata(card: str) -> dict:
    start, front, _ = card.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(front)


def test_what_the_hub_reads(tiny_base, run):
    card = model_card("narae/my-koclip", tiny_base.config, run, "apache-2.0")
    assert metadata(card) == {
        "language": "ko",
        "license": "apache-2.0",
        "library_name": "koclip",
        "pipeline_tag": "zero-shot-image-classification",
        "base_model": ["klue/roberta-large", "openai/clip-vit-base-patch32"],
        "tags": ["clip", "korean"],
    }


def test_what_is_unknown_is_left_out(tiny_base, tmp_path):
    card = model_card("narae/my-koclip", tiny_base.config, tmp_path)
    assert metadata(card).keys() == {"language", "library_name", "pipeline_tag", "tags"}
    assert "## Training" not in card
    assert "## Evaluation" not in card
    assert "None" not in card


def test_what_people_read(tiny_base, run):
    lines = model_card("narae/my-koclip", tiny_base.config, run).splitlines()
    assert "# my-koclip" in lines
    assert 'model = KoCLIP.from_pretrained("narae/my-koclip")' in lines
    assert "| learning_rate | 5e-05 |" in lines
    assert "| locked | text_tower, a\\|b |" in lines
    assert "| 20 | train | 1.25 | 0.75 | 0.5 | 14.3 |" in lines, "the last of each split"
    assert "| 20 | validation | 1.5 | 0.625 | 0.5 | 14.3 |" in lines
    assert not any(line.startswith("| 10 |") for line in lines)
    assert "| text→image R@1 | 0.31 | 0.25 | 0.37 |  | 256 |" in lines
    assert any(line.startswith("On flickr8k-dev-ko; low and high") for line in lines)


def test_paths_of_the_machine_are_not_told(tiny_base, run):
    (run / "training.json").write_text(
        json.dumps(TRAINING | {"text_tower": str(run), "vision_tower": None})
    )
    card = model_card("narae/my-koclip", tiny_base.config, run)
    assert "/home" not in card
    assert "/data" not in card
    assert str(run) not in card
    assert "base_model" not in metadata(card)


def test_a_folder_is_no_repository(tiny_base, run, monkeypatch):
    monkeypatch.chdir(run)
    (run / "runs" / "first").mkdir(parents=True)
    (run / "training.json").write_text(json.dumps({"model": "runs/first"}))
    assert "base_model" not in metadata(model_card("narae/my-koclip", tiny_base.config, run))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "7",
        "[7]",
        '{"loss": {"a": [1, "|"]}}',
        "\ud83d",
        "a,b\n1,2\n",
        "step\n1\n",
        '{"figures": 7}',
    ],
)
def test_files_of_another_kind_do_no_harm(tiny_base, tmp_path, text):
    for name in ("training.json", "metrics.csv", "evaluation.json"):
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    metadata(model_card("narae/my-koclip", tiny_base.config, tmp_path))


def test_the_form_is_told(tiny_base, mini):
    assert "transformers" in model_card("a/b", tiny_base.config)
    assert "transformers" not in model_card("a/b", mini.config)
