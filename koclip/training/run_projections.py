"""A run that trains koclip-mini's projections: features first, then `koclip.training.loop`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file, save

from koclip.checkpoints.checkpoint import Parameters
from koclip.checkpoints.tensor_files import SAFETENSORS
from koclip.files import write_whole
from koclip.model import KoCLIP
from koclip.training import projections
from koclip.training.caption_words import TEMPLATES as LABEL_TEMPLATES
from koclip.training.caption_words import caption_labels
from koclip.training.captions import CaptionedImage
from koclip.training.class_texts import TEMPLATES as CLASS_TEMPLATES
from koclip.training.class_texts import read_class_texts
from koclip.training.config import TrainConfig
from koclip.training.frozen_features import Report, frozen_features, text_features
from koclip.training.loop import train
from koclip.training.projections import Vocabulary
from koclip.training.text_space import TextSpace, text_space


def run_projections(
    config: TrainConfig,
    model: KoCLIP,
    items: Sequence[CaptionedImage],
    validation: Sequence[CaptionedImage],
    output: Path,
    *,
    resume: bool = False,
    report: Report = lambda *_: None,
) -> KoCLIP:
    """Trains the projections of `model` on `items` and returns the model, which `output` has too.

    The features of the towers are kept in `output`/features, so that another run of the same data
    starts at once.
    """
    settings = config.projections

    def features_of(items: Sequence[CaptionedImage], views: int) -> projections.FrozenFeatures:
        return frozen_features(
            model,
            items,
            output / "features",
            views=views,
            augment=config.augment,
            max_length=config.max_length,
            seed=config.seed,
            workers=config.workers,
            report=report,
        )

    captions = [item.captions for item in items]
    labels, counts = caption_labels(captions)
    classes = model.config.vision.num_classes
    examples = projections.examples_of(
        features_of(items, settings.views), captions, counts, classes
    )
    space = text_space(*_bilingual(examples))
    examples = _centred(examples, space)
    vocabulary = _vocabulary(model, space, labels, examples, config.max_length)
    parameters = projections.initial_parameters(
        vocabulary,
        examples.features.texts,
        config.projection_dim,
        examples.features.images.shape[-1] - classes,
        settings.whitening,
        config.seed,
    )
    size = config.global_batch_size(1)
    held_out = None
    if validation:
        held_out = projections.examples_of(
            features_of(validation, 1),
            [item.captions for item in validation],
            np.zeros((len(validation), len(labels)), np.float32),
            classes,
        )
        held_out = _centred(held_out, space)

    def finished(parameters: Parameters) -> KoCLIP:
        return _with_projections(model, config, parameters, vocabulary, space)

    def write(_step: int, parameters: Parameters) -> None:
        save_trained(finished(parameters), model, output)

    parameters = train(
        projections.towers(settings, vocabulary),
        parameters,
        lambda first: projections.batches(examples, settings, size, config.seed, first),
        config,
        output,
        steps_per_epoch=len(examples.labels) // size,
        validation=held_out and (lambda: projections.validation_batches(held_out, size)),
        penalty=projections.penalty(settings, vocabulary),
        callbacks=[write],
        resume=resume,
    )
    return finished(parameters)


def save_trained(model: KoCLIP, towers: KoCLIP, folder: Path) -> None:
    """Writes `model`, whose towers are those of `towers`: these as they are stored there, 4-bit
    blocks included, and the projections in float16. Its name is koclip-mini, its revision the
    SHA-256 of the weights."""
    tensors = load_file(towers.files.weights)
    for name in ("text_projection", "visual_projection"):
        for leaf, value in model.parameters[name].items():
            published = "weight" if leaf == "kernel" else leaf
            tensors[f"{name}.{published}"] = np.ascontiguousarray(
                np.asarray(value).T.astype(np.float16)
            )
    tensors["logit_scale"] = np.asarray(model.parameters["logit_scale"], np.float32)
    data = save(tensors, metadata={"format": "pt"})
    raw = model.config.raw | {"name": "koclip-mini", "revision": sha256(data).hexdigest()}
    settings = model.processor.image_processor.to_json()
    write_whole(folder / SAFETENSORS, data)
    for name, value in (("config.json", raw), ("preprocessor_config.json", settings)):
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        write_whole(folder / name, text.encode())
    write_whole(folder / "tokenizer.json", (towers.files.tokenizer / "tokenizer.json").read_bytes())


def _bilingual(examples: projections.Examples) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of the Korean and of the English captions of photographs that have both; of all
    captions, twice, if none has."""
    texts, first = examples.features.texts, examples.first_text
    photo = np.repeat(np.arange(len(first) - 1), np.diff(first))
    korean, english = (
        np.isin(photo, photo[of_language])
        for of_language in (examples.is_korean, ~examples.is_korean)
    )
    both = korean & english
    if not both.any():
        return texts, texts
    return texts[both & examples.is_korean], texts[both & ~examples.is_korean]


def _centred(examples: projections.Examples, space: TextSpace) -> projections.Examples:
    features = examples.features
    return examples._replace(features=features._replace(texts=space.centred(features.texts)))


def _vocabulary(
    model: KoCLIP,
    space: TextSpace,
    labels: list[str],
    examples: projections.Examples,
    max_length: int,
) -> Vocabulary:
    def centred(texts: Sequence[str]) -> np.ndarray:
        return space.centred(text_features(model, texts, max_length))

    def filled(nouns: Sequence[str], templates: Sequence[str]) -> np.ndarray:
        texts = [template.replace("{}", noun) for noun in nouns for template in templates]
        return centred(texts).reshape(len(nouns), len(templates), model.config.text.hidden_size)

    texts = read_class_texts()
    return Vocabulary(
        filled(texts.nouns, CLASS_TEMPLATES),
        centred(texts.captions),
        texts,
        filled(labels, LABEL_TEMPLATES),
        examples.labels.mean(axis=0),
    )


def _with_projections(
    model: KoCLIP,
    config: TrainConfig,
    parameters: Parameters,
    vocabulary: Vocabulary,
    space: TextSpace,
) -> KoCLIP:
    text, visual = projections.folded_projections(parameters, config.projections, vocabulary, space)
    scale = np.log(np.float32(config.projections.logit_scale))
    trained = {"text_projection": text, "visual_projection": visual, "logit_scale": scale}
    trained = {name: _on_device(value) for name, value in trained.items()}
    settings = dataclasses.replace(model.config, projection_dim=config.projection_dim)
    return KoCLIP(settings, model.parameters | trained, model.processor, model.files)


def _on_device(value: object) -> object:
    if isinstance(value, dict):
        return {name: _on_device(each) for name, each in value.items()}
    return jnp.asarray(value, jnp.float32)
