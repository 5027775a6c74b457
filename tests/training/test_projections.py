"""Projections on frozen features: what a batch holds, what is asked for, what comes out."""

from __future__ import annotations

import dataclasses
from itertools import islice

import jax
import numpy as np
import pytest

from koclip.training import projections
from koclip.training.class_texts import ClassTexts
from koclip.training.config import ProjectionSettings
from koclip.training.frozen_features import FrozenFeatures
from koclip.training.gradients import Features
from koclip.training.projections import Vocabulary
from koclip.training.text_space import text_space

CLASSES, LEARNED, WIDTH, D = 3, 5, 6, 4
SETTINGS = ProjectionSettings(views=2, learned_weight=1.0)


@pytest.fixture
def examples(rng) -> projections.Examples:
    """Seven photographs: each with two English captions, the first four with a Korean one too."""
    captions = [("개", "a dog", "dogs")] * 4 + [("a cat", "cats")] * 3
    count = sum(map(len, captions))
    features = FrozenFeatures(
        rng.uniform(0.1, 1, (2, 7, CLASSES + LEARNED)).astype(np.float16),
        np.arange(count, dtype=np.float32)[:, None] + np.zeros(WIDTH, np.float32),
    )
    labels = np.array([[2.0, 2.0]] * 4 + [[0.0, 1.0]] * 2 + [[0.0, 0.0]], np.float32)
    return projections.examples_of(features, captions, labels, CLASSES)


@pytest.fixture
def vocabulary(rng) -> Vocabulary:
    weights = np.array([[0.5, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 0]], np.float32)
    texts = ClassTexts(["가", "나", "다"], ["라"], weights, np.arange(3))
    return Vocabulary(
        rng.normal(size=(3, 2, WIDTH)).astype(np.float32),
        rng.normal(size=(1, WIDTH)).astype(np.float32),
        texts,
        rng.normal(size=(2, 2, WIDTH)).astype(np.float32),
        np.array([0.75, 0.25], np.float32),
    )


@pytest.fixture
def parameters(vocabulary, rng) -> dict:
    texts = rng.normal(size=(20, WIDTH))
    made = projections.initial_parameters(vocabulary, texts, D, LEARNED, 0.4, seed=0)
    return jax.tree.map(lambda x: np.asarray(x, np.float32), made)


def test_a_batch_depends_on_the_seed_and_its_number_alone(examples):
    def first(start: int, count: int, seed: int = 0) -> list[dict]:
        return list(islice(projections.batches(examples, SETTINGS, 3, seed, start), count))

    whole, tail = first(0, 5), first(3, 2)
    for expected, actual in zip(whole[3:], tail, strict=True):
        for name in expected:
            np.testing.assert_array_equal(expected[name], actual[name])
    assert not np.array_equal(first(0, 1, 1)[0]["text_features"], whole[0]["text_features"])


def test_an_epoch_shows_no_photograph_twice(examples):
    settings = dataclasses.replace(SETTINGS, feature_dropout=0.0)
    batches = islice(projections.batches(examples, settings, 3, 0, 0), 2)
    seen = np.concatenate([batch["image_features"] for batch in batches])
    images = examples.features.images.astype(np.float32)
    rows = [int((np.abs(images - row).max(axis=2) == 0).any(axis=0).argmax()) for row in seen]
    assert len(set(rows)) == 6


def test_the_two_captions_are_of_both_languages_where_there_are_two(examples):
    korean = {0.0, 3.0, 6.0, 9.0}
    settings = dataclasses.replace(SETTINGS, korean_share=1.0)
    for batch in islice(projections.batches(examples, settings, 7, 0, 0), 5):
        texts, others = batch["text_features"][:, 0], batch["other_text"][:, 0]
        assert korean <= set(texts.tolist())
        assert not korean & set(others.tolist())
        assert (texts != others).all()


def test_only_learned_features_are_dropped(examples):
    settings = dataclasses.replace(SETTINGS, feature_dropout=0.5)
    (batch,) = islice(projections.batches(examples, settings, 7, 0, 0), 1)
    probabilities, learned = np.split(batch["image_features"], [CLASSES], axis=1)
    assert (probabilities > 0).all()
    assert 0.2 < (learned == 0).mean() < 0.8
    original = np.unique(examples.features.images[..., CLASSES:].astype(np.float32))
    assert np.isin(learned[learned > 0] / 2, original).all()  # kept ones make up for the others


def test_photographs_that_do_not_open_are_left_out(rng):
    images = rng.uniform(size=(2, 3, 4)).astype(np.float16)
    images[1, 1] = np.nan
    features = FrozenFeatures(images, np.arange(6, dtype=np.float32)[:, None])
    captions = [("a",), ("b", "c"), ("d", "e", "f")]
    examples = projections.examples_of(features, captions, np.ones((3, 2), np.float32), 2)
    assert examples.features.images.shape == (2, 2, 4)
    np.testing.assert_array_equal(examples.features.texts[:, 0], [0, 3, 4, 5])
    np.testing.assert_array_equal(examples.first_text, [0, 1, 4])
    np.testing.assert_allclose(examples.labels.sum(axis=1), 1)


def test_a_photograph_without_labels_asks_for_none(examples):
    np.testing.assert_allclose(examples.labels.sum(axis=1), [1, 1, 1, 1, 1, 1, 0])


def test_class_vectors_are_centred_means_of_their_texts(parameters, vocabulary):
    vectors = np.asarray(projections.class_vectors(parameters, vocabulary))
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-6)

    def unit(x):
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    kernel = parameters["text_projection"]["kernel"]
    nouns = unit(unit(vocabulary.class_nouns @ kernel).mean(axis=1))
    caption = unit(vocabulary.class_captions @ kernel)[0]
    table = np.stack([(nouns[0] + caption) / 2, nouns[1], nouns[2]])
    np.testing.assert_allclose(vectors, table - table.mean(axis=0), atol=1e-5)


def test_the_finished_model_computes_what_was_trained(parameters, vocabulary, rng):
    space = text_space(rng.normal(size=(9, WIDTH)), rng.normal(size=(9, WIDTH)))
    parameters["text_projection"]["bias"] = rng.normal(size=D).astype(np.float32)
    text, visual = projections.folded_projections(parameters, SETTINGS, vocabulary, space)
    raw, images = rng.normal(size=(4, WIDTH)), rng.uniform(size=(4, CLASSES + LEARNED))
    batch = {"text_features": space.centred(raw), "image_features": images.astype(np.float32)}
    towers = projections.towers(SETTINGS, vocabulary)
    np.testing.assert_allclose(
        raw @ text["kernel"] + text["bias"], towers.text(parameters, batch), atol=1e-5
    )
    np.testing.assert_allclose(
        images @ visual["kernel"], towers.image(parameters, batch), atol=1e-4
    )


def test_less_weight_shrinks_only_what_was_learned(parameters, vocabulary):
    space = text_space(np.zeros((2, WIDTH)), np.zeros((2, WIDTH)))
    half = dataclasses.replace(SETTINGS, learned_weight=0.5)
    (_, whole), (_, less) = (
        projections.folded_projections(parameters, settings, vocabulary, space)
        for settings in (SETTINGS, half)
    )
    np.testing.assert_array_equal(less["kernel"][:CLASSES], whole["kernel"][:CLASSES])
    np.testing.assert_allclose(less["kernel"][CLASSES:], whole["kernel"][CLASSES:] / 2)


def test_labels_carry_their_share_as_a_prior(parameters, vocabulary, rng):
    """A picture that is equally near all labels is no surprise as the common one."""
    only_labels = dataclasses.replace(
        SETTINGS, agreement_weight=0.0, class_weight=0.0, label_weight=1.0, label_prior=1.0
    )
    alike = vocabulary._replace(labels=np.ones((2, 2, WIDTH), np.float32))
    features = Features(np.ones((4, D), np.float32), rng.normal(size=(4, D)).astype(np.float32))
    added = projections.penalty(only_labels, alike)

    def loss(label: int) -> float:
        labels = np.eye(2, dtype=np.float32)[[label] * 4]
        batch = {"other_text": np.ones((4, WIDTH), np.float32), "labels": labels}
        return float(added(parameters, batch, features))

    assert loss(0) == pytest.approx(-np.log(0.75), abs=1e-3)
    assert loss(1) == pytest.approx(-np.log(0.25), abs=1e-3)
