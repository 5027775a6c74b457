"""A training run as its settings describe it: model, data and validation put together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

import jax
import jax.numpy as jnp

from koclip.checkpoints.checkpoint import Parameters
from koclip.config import ModelConfig
from koclip.errors import KoCLIPError
from koclip.model import KoCLIP
from koclip.processor import KoCLIPProcessor
from koclip.terminal import show_progress
from koclip.towers.dual_encoder import DualEncoder
from koclip.training.captions import CaptionedImage, read_captions
from koclip.training.config import DataSource, TrainConfig
from koclip.training.gradients import Batch, Towers
from koclip.training.loader import CaptionLoader
from koclip.training.loop import train
from koclip.training.loss import SIGMOID_LOGIT_SCALE
from koclip.training.pretrained import initial_model

Notify = Callable[[KoCLIPError], None]
"""Told of what is wrong with the data and does not stop a run."""


def run(
    config: TrainConfig,
    output: str | Path,
    *,
    resume: bool = False,
    notify: Notify = lambda _: None,
) -> KoCLIP:
    """Trains as `config` says, and returns the trained model.

    It is in `output` too, as of the newest checkpoint, for `KoCLIP.from_pretrained`. What else is
    there, and what several processes do, see `koclip.training.loop.train`.

    Raises:
        KoCLIPError: as `initial_model`, `read_captions` and `koclip.training.loop.train` do, or
            there is no model to start from, or too little data for a batch.
    """
    if not config.model and not (config.text_tower and config.vision_tower):
        raise KoCLIPError("training_no_model")
    model = initial_model(config)
    if config.projections:
        from koclip.training.run_projections import run_projections

        items = [
            item for items, _ in read_data(config.data, config, notify=notify) for item in items
        ]
        held_out = read_data(config.validation, config, "dev", notify=notify)
        validation = [item for items, _ in held_out for item in items]
        return run_projections(
            config, model, items, validation, Path(output), resume=resume, report=show_progress
        )
    parameters = dict(model.parameters)
    if config.loss == "sigmoid" and not config.model:
        parameters["logit_scale"] = jnp.float32(SIGMOID_LOGIT_SCALE)
    settings, processor, files = model.config, model.processor, model.files
    del model  # and its parameters: the run has copies of its own

    def trained(parameters: Parameters) -> KoCLIP:
        return KoCLIP(settings, parameters, processor, files)

    loader = open_data(config.data, config, processor, notify=notify)
    validation = None
    if config.validation:
        held_out = open_data(
            config.validation, config, processor, "none", split="dev", notify=notify
        )

        def validation() -> Iterable[Batch]:
            return islice(held_out.batches(), held_out.steps_per_epoch)

    parameters = train(
        model_towers(settings),
        parameters,
        loader.batches,
        config,
        output,
        steps_per_epoch=loader.steps_per_epoch,
        validation=validation,
        callbacks=[lambda _step, parameters: trained(parameters).save_pretrained(output)],
        resume=resume,
    )
    if broken := loader.broken:
        notify(KoCLIPError("training_pictures_broken", count=len(broken), first=broken[0][0]))
    return trained(parameters)


def model_towers(config: ModelConfig) -> Towers:
    """The two towers of a model, for batches of pixels, token ids and masks."""
    encoder = DualEncoder(config)
    return Towers(
        lambda parameters, batch: encoder.apply(
            {"params": parameters}, batch["pixel_values"], method="image_features"
        ),
        lambda parameters, batch: encoder.apply(
            {"params": parameters},
            batch["input_ids"],
            batch["attention_mask"],
            method="text_features",
        ),
    )


def open_data(
    sources: Sequence[DataSource],
    config: TrainConfig,
    processor: KoCLIPProcessor,
    augment: str | None = None,
    *,
    split: str = "train",
    notify: Notify,
) -> CaptionLoader:
    """This process's share of the pairs in `sources`, in batches.

    `augment` stands in for the setting of that name: validation pictures are not changed. For
    `split` and errors see `read_data`.
    """
    return CaptionLoader(
        read_data(sources, config, split, notify=notify),
        processor,
        batch_size=config.global_batch_size(jax.device_count()),
        max_length=config.max_length,
        seed=config.seed,
        augment=augment or config.augment,
        workers=config.workers,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )


def read_data(
    sources: Sequence[DataSource], config: TrainConfig, split: str = "train", *, notify: Notify
) -> list[tuple[list[CaptionedImage], float]]:
    """The captioned pictures of each source, and its weight.

    A source that names no split but whose file does gives its pictures of `split`: what a data set
    keeps for measuring is not trained on by oversight.

    Raises:
        KoCLIPError: a source cannot be read.
    """
    weighted = []
    for source in sources:
        pairs, missing = read_captions(source.path, images=source.images, split=source.split)
        if source.split is None and any(pair.split for pair in pairs):
            pairs = [pair for pair in pairs if pair.split == split]
        if missing:
            notify(
                KoCLIPError(
                    "training_pictures_missing",
                    path=source.path,
                    missing=len(missing),
                    total=len(missing) + len(pairs),
                    first=missing[0],
                )
            )
        weighted.append(([_with_fewer_captions(pair, config) for pair in pairs], source.weight))
    return weighted


def _with_fewer_captions(pair: CaptionedImage, config: TrainConfig) -> CaptionedImage:
    return dataclasses.replace(pair, captions=pair.captions[: config.captions_per_image])
