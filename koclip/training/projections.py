"""Training the projections of koclip-mini on the features of its two frozen towers.

The image projection is a sum of two. One is a table of class vectors, what the classifier's
probabilities mean in the text space (Norouzi et al., "Zero-Shot Learning by Convex Combination of
Semantic Embeddings", ICLR 2014); it knows what ImageNet knows. The other, on the features before
the classifier, learns from captions what ImageNet has no classes for: people, what they do, scenes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from koclip.checkpoints.checkpoint import Parameters
from koclip.towers.layers import unit_rows
from koclip.training.class_texts import ClassTexts
from koclip.training.config import ProjectionSettings
from koclip.training.frozen_features import FrozenFeatures
from koclip.training.gradients import Batch, Features, Penalty, Towers
from koclip.training.loss import contrastive_loss
from koclip.training.text_space import TextSpace, whitening


class Vocabulary(NamedTuple):
    """Centred text vectors that do not change while projections are trained."""

    class_nouns: np.ndarray
    """[nouns, templates, W]"""
    class_captions: np.ndarray
    """[captions, W]"""
    class_texts: ClassTexts
    labels: np.ndarray
    """[labels, templates, W]"""
    label_share: np.ndarray
    """[labels], how large a part of all labels of the training photographs each is."""


class Examples(NamedTuple):
    """The training photographs as features."""

    features: FrozenFeatures
    """The texts centred."""
    is_korean: np.ndarray
    """bool [texts]"""
    first_text: np.ndarray
    """int [images + 1]; photograph i has the texts first_text[i] to first_text[i + 1]."""
    labels: np.ndarray
    """float32 [images, labels], rows that sum to 1, or 0 if a photograph has none."""
    classes: int
    """How many of the image features are class probabilities; those are never dropped."""


def initial_parameters(
    vocabulary: Vocabulary, texts: np.ndarray, width: int, features: int, whiten: float, seed: int
) -> Parameters:
    """A whitened text space and next to nothing from the image features."""
    nouns, captions = vocabulary.class_nouns, vocabulary.class_captions
    known = np.concatenate([texts, nouns.reshape(-1, texts.shape[1]), captions])
    kernel = whitening(known, width, whiten)
    noise = np.random.default_rng(seed).normal(0.0, 3e-4, (features, width))
    return {
        "text_projection": {"kernel": kernel, "bias": np.zeros(width)},
        "feature_projection": {"kernel": noise},
        "logit_scale": np.float32(math.log(20.0)),
        "label_scale": np.float32(math.log(10.0)),
    }


def project_texts(parameters: Parameters, vectors: jax.Array) -> jax.Array:
    """Centred text vectors [..., W] → [..., D], not normalised."""
    projection = parameters["text_projection"]
    return vectors @ projection["kernel"] + projection["bias"]


def class_vectors(parameters: Parameters, vocabulary: Vocabulary) -> jax.Array:
    """The table [classes, D]: each class the mean of its texts, less what all classes share."""
    nouns = unit_rows(project_texts(parameters, vocabulary.class_nouns))
    captions = unit_rows(project_texts(parameters, vocabulary.class_captions))
    texts = jnp.concatenate([unit_rows(nouns.mean(axis=1)), captions])
    vectors = vocabulary.class_texts.weights @ texts
    return vectors - vectors.mean(axis=0)


def towers(settings: ProjectionSettings, vocabulary: Vocabulary) -> Towers:
    """What stands in for the two towers when a batch holds their features."""
    classes = len(vocabulary.class_texts.weights)

    def image(parameters: Parameters, batch: Batch) -> jax.Array:
        pooled = batch["image_features"].astype(jnp.float32)
        prior = pooled[:, :classes] @ class_vectors(parameters, vocabulary)
        learned = pooled[:, classes:] @ parameters["feature_projection"]["kernel"]
        return settings.prior_weight * prior + learned

    def text(parameters: Parameters, batch: Batch) -> jax.Array:
        return project_texts(parameters, batch["text_features"])

    return Towers(image, text)


def penalty(settings: ProjectionSettings, vocabulary: Vocabulary) -> Penalty:
    """What is asked of the space besides matching photographs and captions.

    - Two captions of a photograph, where there is one in Korean and English, agree.
    - Labels that captions imply are likelier than others. Their logits carry the labels' shares as
      a prior while training (Menon et al., "Long-tail learning via logit adjustment", ICLR 2021):
      without it 사람, which most photographs show, would become every picture's label.
    - The name of a class finds its class vector, so that the text space keeps telling things apart
      that no caption mentions.
    """
    names = vocabulary.class_nouns[vocabulary.class_texts.names].mean(axis=1)
    prior = settings.label_prior * np.log(vocabulary.label_share + 1e-6).astype(np.float32)

    def added(parameters: Parameters, batch: Batch, features: Features) -> jax.Array:
        def contrast(a: jax.Array, b: jax.Array) -> jax.Array:
            return contrastive_loss("softmax", a, b, parameters["logit_scale"]).loss

        agreement = contrast(project_texts(parameters, batch["other_text"]), features.text)
        classes = class_vectors(parameters, vocabulary)
        naming = contrast(classes, project_texts(parameters, names))
        if not len(vocabulary.labels):  # English captions alone imply any
            return settings.agreement_weight * agreement + settings.class_weight * naming
        texts = unit_rows(project_texts(parameters, vocabulary.labels))
        cosines = jnp.einsum("bd,ltd->tbl", unit_rows(features.image), texts)
        logits = jnp.exp(parameters["label_scale"]) * cosines + prior
        labelling = -(batch["labels"] * jax.nn.log_softmax(logits)).sum(axis=-1).mean()
        return (
            settings.agreement_weight * agreement
            + settings.class_weight * naming
            + settings.label_weight * labelling
        )

    return added


def batches(
    examples: Examples, settings: ProjectionSettings, batch_size: int, seed: int, first_step: int
) -> Iterator[dict[str, np.ndarray]]:
    """Batches from `first_step` on; batch k depends on the seed and k alone."""
    count = len(examples.labels)
    per_epoch = count // batch_size
    step = first_step
    while True:
        epoch, place = divmod(step, per_epoch)
        order = np.random.default_rng([seed, 0, epoch]).permutation(count)
        rows = order[place * batch_size : (place + 1) * batch_size]
        yield _batch(examples, settings, rows, np.random.default_rng([seed, 1, step]))
        step += 1


def validation_batches(examples: Examples, batch_size: int) -> Iterator[dict[str, np.ndarray]]:
    """Every photograph once, as it is, with its first caption."""
    for start in range(0, len(examples.labels) - batch_size + 1, batch_size):
        rows = np.arange(start, start + batch_size)
        yield {
            "image_features": examples.features.images[0, rows],
            "text_features": examples.features.texts[examples.first_text[rows]],
        }


def _batch(
    examples: Examples, settings: ProjectionSettings, rows: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    views = rng.integers(len(examples.features.images), size=len(rows))
    images = examples.features.images[views, rows].astype(np.float32)
    learned = images[:, examples.classes :]
    kept = rng.random(learned.shape, np.float32) >= settings.feature_dropout
    learned *= kept / (1 - settings.feature_dropout)
    pairs = [_two_texts(examples, row, settings.korean_share, rng) for row in rows]
    text, other = np.array(pairs).T
    return {
        "image_features": images,
        "text_features": examples.features.texts[text],
        "other_text": examples.features.texts[other],
        "labels": examples.labels[rows],
    }


def _two_texts(
    examples: Examples, row: int, korean_share: float, rng: np.random.Generator
) -> tuple[int, int]:
    """Two captions of a photograph: one for the picture, another to agree with it, of the other
    language where there is one."""
    texts = np.arange(*examples.first_text[row : row + 2])
    korean = texts[examples.is_korean[texts]]
    english = texts[~examples.is_korean[texts]]
    if not (len(korean) and len(english)):
        return tuple(rng.choice(texts, 2, replace=len(texts) < 2))
    pair = rng.choice(korean), rng.choice(english)
    return pair if rng.random() < korean_share else pair[::-1]


def folded_projections(
    parameters: Parameters, settings: ProjectionSettings, vocabulary: Vocabulary, space: TextSpace
) -> tuple[Parameters, Parameters]:
    """The text and the visual projection of a `DualEncoder` that computes what `towers` does.

    What was learned from captions is weighed down against the class table, by how much was tuned on
    development photographs: it is surest on photographs like those it has seen.
    """
    text = parameters["text_projection"]
    kernel, bias = space.folded(np.asarray(text["kernel"]), np.asarray(text["bias"]))
    table = settings.prior_weight * np.asarray(class_vectors(parameters, vocabulary))
    learned = settings.learned_weight * np.asarray(parameters["feature_projection"]["kernel"])
    return {"kernel": kernel, "bias": bias}, {"kernel": np.concatenate([table, learned])}


def examples_of(
    features: FrozenFeatures,
    captions: Sequence[Sequence[str]],
    labels: np.ndarray,
    classes: int,
) -> Examples:
    """The photographs whose every view could be read, with their captions and labels."""
    first = np.cumsum([0] + [len(texts) for texts in captions])
    readable = np.isfinite(features.images[..., 0]).all(axis=0)
    rows = np.flatnonzero(readable)
    texts = np.concatenate([np.arange(first[i], first[i + 1]) for i in rows])
    flat = [text for of_photo in captions for text in of_photo]
    is_korean = np.array([any("가" <= c <= "힣" for c in flat[i]) for i in texts])
    totals = labels.sum(axis=1, keepdims=True)
    return Examples(
        FrozenFeatures(features.images[:, rows], features.texts[texts]),
        is_korean,
        np.cumsum([0] + [len(captions[i]) for i in rows]),
        (labels / np.maximum(totals, 1))[rows],
        classes,
    )
