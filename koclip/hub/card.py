"""The model card (README.md) of a model that has none: what it is, how it was trained, how good."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from koclip.config import KOCLIP, ModelConfig
from koclip.training.metrics import read_metrics

TRAINING_SETTINGS = "training.json"
TRAINING_METRICS = "metrics.csv"
EVALUATION = "evaluation.json"
"""What `python -m koclip evaluate MODEL … --json` printed, kept beside the model."""

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+", re.ASCII)

# Of a run's settings, those that a reader wants; paths of data stay on the machine they are from.
_TOLD_SETTINGS = (
    "loss",
    "batch_size",
    "per_device_batch_size",
    "epochs",
    "steps",
    "learning_rate",
    "schedule",
    "warmup_steps",
    "weight_decay",
    "augment",
    "locked",
    "seed",
)
_TOLD_METRICS = ("step", "split", "loss", "image_accuracy", "text_accuracy", "logit_scale")

_USAGE = """\
## Use

```python
from koclip import KoCLIP

model = KoCLIP.from_pretrained("{repo}")
for result in model.classify("photo.jpg", ["고양이", "강아지", "토끼"]):
    print(result.label, result.probability)
```
"""


def model_card(
    repo_id: str, config: ModelConfig, folder: Path | None = None, license: str | None = None
) -> str:
    """A model card in Markdown with the Hub's front matter.

    The run's settings and metrics and the evaluation are told if training.json, metrics.csv or
    evaluation.json lies in `folder`, as in the output of `python -m koclip train`. `license` is an
    identifier of the Hub's, such as "apache-2.0".
    """
    training = _read_json(_find(folder, TRAINING_SETTINGS), dict)
    beginnings = [training.get(key) for key in ("text_tower", "vision_tower", "model")]
    metadata = {
        "language": "ko",
        "license": license,
        "library_name": "koclip",
        "pipeline_tag": "zero-shot-image-classification",
        "base_model": [name for name in beginnings if _is_hub_id(name)],
        "tags": ["clip", "korean"],
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in metadata.items() if value]
    sections = [
        "\n".join(["---", *lines, "---", "", f"# {repo_id.rpartition('/')[2]}"]),
        _description(config),
        _USAGE.format(repo=repo_id).rstrip(),
        _section("Training", _settings_table(training) + _metrics_table(folder)),
        _section("Evaluation", _evaluation_tables(folder)),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _description(config: ModelConfig) -> str:
    text, vision = config.text, config.vision
    described = (
        "A Korean image–text model: text and pictures in one space of "
        f"{config.projection_dim} dimensions, where a cosine says how well they fit. It reads up "
        f"to {text.max_tokens} tokens and pictures of {vision.image_size} × {vision.image_size} "
        "pixels."
    )
    if config.model_type != KOCLIP:
        described += " transformers opens it as a `VisionTextDualEncoderModel`."
    return described


def _settings_table(training: Mapping[str, Any]) -> list[str]:
    rows = [{"setting": key, "value": training[key]} for key in _TOLD_SETTINGS if training.get(key)]
    return markdown_table(rows)


def _metrics_table(folder: Path | None) -> list[str]:
    """The last row of each split."""
    file = _find(folder, TRAINING_METRICS)
    try:
        last = {row["split"]: row for row in (read_metrics(file) if file else [])}
    except (OSError, ValueError, LookupError):  # of another program, perhaps
        return []
    rows = [{key: row.get(key) for key in _TOLD_METRICS} for row in last.values()]
    return markdown_table(rows)


def _evaluation_tables(folder: Path | None) -> list[str]:
    """What was measured on, and the figures; see `koclip.evaluation.report`."""
    report = _read_json(_find(folder, EVALUATION), dict)
    figures = report.get("figures")
    table = (
        markdown_table([row for row in figures if isinstance(row, dict)])
        if isinstance(figures, list)
        else []
    )
    dataset, interval = (_cell(report.get(key)) for key in ("dataset", "interval"))
    told = f"On {Path(dataset).name}; low and high are a {interval} interval."
    return [told, *table] if table and dataset and interval else table


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A Markdown table, with the columns in the order of their first appearance."""
    if not rows:
        return []
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(row.get(column)) for column in columns] for row in rows]
    return ["\n".join("| " + " | ".join(line) + " |" for line in lines)]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = "" if value is None else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def _section(title: str, tables: list[str]) -> str:
    return "\n\n".join([f"## {title}", *tables]) if tables else ""


def _is_hub_id(name: object) -> bool:
    """Whether `name` is of a repository rather than of a folder."""
    return isinstance(name, str) and bool(_HUB_ID.fullmatch(name)) and not Path(name).exists()


def _find(folder: Path | None, name: str) -> Path | None:
    return folder / name if folder and (folder / name).is_file() else None


def _read_json(path: Path | None, kind: type) -> Any:
    """What `path` holds, or an empty `kind`: a card can do without."""
    try:
        value = json.loads(path.read_text(encoding="utf-8")) if path else kind()
    except (OSError, ValueError, RecursionError):
        return kind()
    return value if isinstance(value, kind) else kind()
