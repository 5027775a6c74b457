"""Everything that is measured of one model on one data set, as JSON and as something to read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from koclip import similarity
from koclip.evaluation.calibration import Calibration, calibration
from koclip.evaluation.datasets import EvaluationSet, LabelledPicture, Photo
from koclip.evaluation.embedding import Progress, embed_photos, whole_picture
from koclip.evaluation.figures import CONFIDENCE, RESAMPLES, Figure
from koclip.evaluation.fit import fit_figures
from koclip.evaluation.retrieval import retrieve
from koclip.evaluation.scenes import (
    COUNT,
    SEED,
    compose_free_scenes,
    compose_scenes,
    free_pointing_game,
    pointing_game,
)
from koclip.evaluation.validation_loss import BATCH_SIZE, validation_loss
from koclip.evaluation.zero_shot import scored_photos, true_ranks, truth_matrix, zero_shot
from koclip.image_to_text import DEFAULT_TEMPLATE, embed_labels
from koclip.model import KoCLIP


@dataclass(frozen=True)
class Report:
    """The figures, and what they were taken on."""

    model: str
    revision: str
    dataset: str
    images: int
    """How many photographs each caption was ranked among."""
    captions: int
    """How many captions each photograph was ranked among."""
    labelled: int
    """How many photographs the labels are known of."""
    templates: tuple[str, ...]
    squashed: bool
    figures: list[Figure] = field(default_factory=list)
    calibration: Calibration | None = None

    def to_json(self) -> dict:
        """As JSON's types."""
        raw = dataclasses.asdict(self) | {"figures": [row._asdict() for row in self.figures]}
        raw["reliability"] = [row._asdict() for row in self.reliability]
        del raw["calibration"]
        return raw | {"interval": f"{CONFIDENCE:.0%} bootstrap, {RESAMPLES} resamples"}

    @property
    def reliability(self) -> list:
        """The bins of the calibration error, none when it was not measured."""
        return self.calibration.bins if self.calibration else []


def evaluate(
    model: KoCLIP,
    dataset: EvaluationSet,
    *,
    templates: Sequence[str] = (DEFAULT_TEMPLATE,),
    squashed: bool = False,
    loss_batch: int = BATCH_SIZE,
    pictures: Sequence[LabelledPicture] = (),
    tiles: Mapping[str, object] | None = None,
    fit: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Measures what the data set allows: retrieval and validation loss where there are captions,
    zero-shot and calibration where there are labels; with `pictures`, the pointing games too.

    Args:
        templates: the sentences that labels are put into; their embeddings are averaged.
        squashed: the photographs were squashed to squares, so the whole of each is looked at
            instead of its middle.
        loss_batch: the batch size of the validation loss.
        pictures: what to compose scenes from.
        tiles: options of `rank_patches` for free scenes, where they are not to be the page's.
        fit: whether to measure, where there are labels, how well misfits are told.

    Raises:
        KoCLIPError: a photograph is unreadable, or the model cannot read the texts.
    """
    captioned, labelled = dataset.captioned(), dataset.labelled()
    report = Report(
        model.name,
        model.revision,
        dataset.name,
        len(captioned),
        sum(len(photo.captions) for photo in captioned),
        len(labelled),
        tuple(templates),
        squashed,
    )
    photos = [photo for photo in dataset.photos if photo.captions or photo.objects is not None]
    looking = whole_picture(model) if squashed else model
    rows = embed_photos(looking, [photo.path for photo in photos], progress)
    if captioned:
        own = rows[[bool(photo.captions) for photo in photos]]
        report.figures.extend(caption_figures(model, captioned, own, loss_batch))
    if labelled:
        own = rows[[photo.objects is not None for photo in photos]]
        figures, calibrated = label_figures(model, labelled, own, dataset.labels, templates)
        report.figures.extend(figures)
        report = dataclasses.replace(report, calibration=calibrated)
        if fit:
            report.figures.extend(fit_figures(model, labelled, own, dataset.labels))
    if pictures:
        scenes = compose_scenes(pictures, COUNT, SEED)
        report.figures.append(pointing_game(model, scenes, COUNT, progress))
        free = compose_free_scenes(pictures, COUNT, SEED)
        report.figures.append(free_pointing_game(model, free, COUNT, progress, **(tiles or {})))
    return report


def caption_figures(
    model: KoCLIP, photos: Sequence[Photo], image_rows: np.ndarray, loss_batch: int = BATCH_SIZE
) -> list[Figure]:
    """Retrieval and validation loss of captioned photographs, unit rows [photos, D]."""
    captions = [caption for photo in photos for caption in photo.captions]
    image_of = np.repeat(np.arange(len(photos)), [len(photo.captions) for photo in photos])
    rows = model.embed_texts(captions)
    result = retrieve(image_rows, rows, image_of, images=len(photos), captions=len(captions))
    figures = result.figures()
    if len(captions) > 1:
        loss = validation_loss(image_rows, rows, image_of, model.logit_scale, loss_batch)
        figures.append(loss)
    return figures


def label_figures(
    model: KoCLIP,
    photos: Sequence[Photo],
    image_rows: np.ndarray,
    labels: Sequence[str],
    templates: Sequence[str] = (DEFAULT_TEMPLATE,),
) -> tuple[list[Figure], Calibration | None]:
    """Zero-shot and calibration of labelled photographs, unit rows [photos, D].

    The calibration, None without a photograph, is that of the first label's probability among all
    labels, on the photographs of the zero-shot figure.
    """
    cosines = similarity.cosine(image_rows, embed_labels(model, labels, templates))
    objects = [photo.objects for photo in photos]
    figures = zero_shot(cosines, objects, labels, [photo.main for photo in photos])
    truth = truth_matrix(objects, labels)
    cases = scored_photos(truth, labels)
    if not cases.any():
        return figures, None
    probabilities = similarity.softmax(cosines[cases], model.logit_scale).max(axis=1)
    measured = calibration(probabilities, true_ranks(cosines[cases], truth[cases]) == 1)
    return [*figures, measured.error], measured
