"""What a training run is made of: frozen settings, all checked at once."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from koclip.errors import KoCLIPError
from koclip.training.loss import LOSSES

# Settings that change what is written and how fast, but no number: a resumed run may differ in
# them.
FREE_TO_CHANGE = ("workers", "log_every", "checkpoint_every", "keep_checkpoints")

ONE_OF = (("batch_size", "per_device_batch_size"), ("epochs", "steps"))
"""Pairs of settings that say one thing in two ways; exactly one of each pair is given."""

SCHEDULES = ("linear", "cosine", "constant")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class DataSource:
    """A caption file, as `koclip.training.captions.read_captions` takes it."""

    path: str
    images: str | None = None
    """Folder of the pictures; None for the caption file's own."""
    split: str | None = None
    weight: float = 1.0
    """How often its pictures come, relative to the other sources'."""


@dataclass(frozen=True)
class ProjectionSettings:
    """Training only the projections, on what the frozen towers say: see `training.projections`."""

    views: int = 3
    """Forms in which each picture is seen: as it is, and augmented ones."""
    whitening: float = 0.4
    """The text space's axes are divided by their deviations to this power."""
    prior_weight: float = 8.0
    """Of the class table while training, against the features that learn from captions."""
    learned_weight: float = 0.25
    """Of what was learned, in the finished model."""
    korean_share: float = 0.5
    """How often a picture that has Korean captions is matched with one of those."""
    feature_dropout: float = 0.3
    agreement_weight: float = 0.5
    label_weight: float = 1.0
    label_prior: float = 0.5
    class_weight: float = 1.0
    """Weights of the parts of `training.projections.penalty`."""
    logit_scale: float = 25.0
    """Of the finished model, so that its probabilities are as sure as they are right."""


@dataclass(frozen=True)
class TrainConfig:
    """A training run. Steps count updates; every size is in examples of the global batch.

    Raises:
        KoCLIPError: values that make no sense, all of them named in one message.
    """

    data: tuple[DataSource, ...] = ()
    validation: tuple[DataSource, ...] = ()
    model: str | None = None
    """A whole model to go on from: a name, a folder or a Hub id. Else the two towers are used."""
    text_tower: str | None = None
    vision_tower: str | None = None
    """Pretrained towers: folders or Hub ids."""
    projection_dim: int = 512
    locked: tuple[str, ...] = ()
    """Regular expressions on parameter paths, matched from the start; these are not trained."""
    loss: str = "softmax"
    batch_size: int | None = None
    """Of all devices together."""
    per_device_batch_size: int | None = None
    """Given instead of `batch_size`, or not at all."""
    accumulation: int = 1
    """Micro-batches that a batch is worked through in, for less memory; changes no result."""
    epochs: int | None = None
    steps: int | None = None
    """The run's length, in one of the two."""
    learning_rate: float = 5e-5
    learning_rate_multipliers: tuple[tuple[str, float], ...] = ()
    """(regular expression on paths, factor); the first that matches counts."""
    schedule: str = "linear"
    warmup_steps: int = 0
    weight_decay: float = 0.1
    adam_b1: float = 0.9
    adam_b2: float = 0.999
    adam_eps: float = 1e-8
    max_gradient_norm: float | None = None
    precision: str = "auto"
    """Of the towers; "auto" is bfloat16 on accelerators and float32 on CPUs."""
    seed: int = 0
    projections: ProjectionSettings | None = None
    """If given, the towers stay as they are and only what is behind them is trained."""
    augment: str = "original"
    captions_per_image: int | None = None
    """How many captions of each picture are used; None for all."""
    max_length: int = 96
    """Longer captions are cut to this many tokens."""
    workers: int = 4
    log_every: int = 10
    checkpoint_every: int | None = None
    """Steps between checkpoints; None for one an epoch."""
    keep_checkpoints: int = 2

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise KoCLIPError("training_bad_config", details="\n".join(problems))

    @property
    def dtype(self) -> jnp.dtype:
        """The type that the towers compute in."""
        automatic = "float32" if jax.default_backend() == "cpu" else "bfloat16"
        return jnp.dtype(automatic if self.precision == "auto" else self.precision)

    def global_batch_size(self, devices: int) -> int:
        """Examples of one step on so many devices.

        Raises:
            KoCLIPError: they do not divide evenly over devices and micro-batches.
        """
        size = self.batch_size or self.per_device_batch_size * devices
        if size % (devices * self.accumulation):
            raise KoCLIPError(
                "training_batch_uneven", size=size, devices=devices, accumulation=self.accumulation
            )
        return size

    def total_steps(self, steps_per_epoch: int) -> int:
        """Updates of the whole run."""
        return self.steps or self.epochs * steps_per_epoch

    def to_json(self) -> dict[str, Any]:
        """All settings, as `parse_config` reads them back."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


def _whole(least: int) -> tuple[Callable[[Any], bool], str]:
    return (
        lambda x: isinstance(x, int) and not isinstance(x, bool) and x >= least,
        f"a whole number of at least {least}",
    )


def _number(least: float, most: float = math.inf) -> tuple[Callable[[Any], bool], str]:
    def fits(x: Any) -> bool:
        is_number = isinstance(x, (int, float)) and not isinstance(x, bool)
        return is_number and math.isfinite(x) and least <= x <= most

    return fits, f"a number from {least}" + ("" if math.isinf(most) else f" to {most}")


def _choice(*choices: str) -> tuple[Callable[[Any], bool], str]:
    return lambda x: x in choices, "one of " + ", ".join(choices)


def _is_pattern(x: Any) -> bool:
    try:
        re.compile(x)
    except (re.error, TypeError):
        return False
    return isinstance(x, str)


def _all(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda x: isinstance(x, tuple) and all(map(fits, x))


def _is_multiplier(x: Any) -> bool:
    return isinstance(x, tuple) and len(x) == 2 and _is_pattern(x[0]) and _number(0)[0](x[1])


def _is_source(x: Any) -> bool:
    if not isinstance(x, DataSource):
        return False
    texts = (x.path, x.images or "x", x.split or "x")
    return all(isinstance(text, str) and text for text in texts) and _POSITIVE[0](x.weight)


def _are_projection_settings(x: Any) -> bool:
    if not isinstance(x, ProjectionSettings):
        return False
    shares = (x.korean_share, x.feature_dropout)
    are_numbers = all(map(_number(0)[0], dataclasses.astuple(x))) and _whole(1)[0](x.views)
    return are_numbers and all(share <= 1 for share in shares) and x.feature_dropout < 1


_POSITIVE = _number(1e-30)
_SOURCES = (
    _all(_is_source),
    'caption files: {"path": ..., "images": ..., "split": ..., "weight": a number above 0}',
)
_TEXT = (lambda x: isinstance(x, str) and bool(x), "a name or a folder")
_EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "data": _SOURCES,
    "validation": _SOURCES,
    "model": _TEXT,
    "text_tower": _TEXT,
    "vision_tower": _TEXT,
    "projection_dim": _whole(1),
    "locked": (_all(_is_pattern), "a list of regular expressions"),
    "loss": _choice(*LOSSES),
    "batch_size": _whole(2),
    "per_device_batch_size": _whole(1),
    "accumulation": _whole(1),
    "epochs": _whole(1),
    "steps": _whole(1),
    "learning_rate": _number(0),
    "learning_rate_multipliers": (
        _all(_is_multiplier),
        "pairs of a regular expression and a number from 0",
    ),
    "schedule": _choice(*SCHEDULES),
    "warmup_steps": _whole(0),
    "weight_decay": _number(0),
    "adam_b1": _number(0, 0.999999),
    "adam_b2": _number(0, 0.9999999),
    "adam_eps": _POSITIVE,
    "max_gradient_norm": _POSITIVE,
    "precision": _choice(*PRECISIONS),
    "seed": _whole(0),
    "projections": (_are_projection_settings, "numbers from 0 by the names of its settings"),
    "augment": _TEXT,
    "captions_per_image": _whole(1),
    "max_length": _whole(2),
    "workers": _whole(0),
    "log_every": _whole(1),
    "checkpoint_every": _whole(1),
    "keep_checkpoints": _whole(1),
}


def _problems(config: TrainConfig) -> list[str]:
    """What is wrong with `config`, a line for each key."""
    problems = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        fits, expected = _EXPECTED[field.name]
        if not fits(value) and not (value is None and field.default is None):
            problems.append(f"{field.name}: {value!r} is not {expected}")
    for first, second in ONE_OF:
        if (getattr(config, first) is None) == (getattr(config, second) is None):
            problems.append(f"{first}, {second}: give one of the two")
    if config.model and (config.text_tower or config.vision_tower):
        problems.append("model: leave it out, or leave out text_tower and vision_tower")
    return problems
