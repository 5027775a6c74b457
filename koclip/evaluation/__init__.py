"""How good a model is: retrieval, zero-shot, calibration, fit, validation loss, the pointing game.

>>> from koclip import KoCLIP
>>> from koclip.evaluation import evaluate, open_set
>>> report = evaluate(KoCLIP.from_pretrained("koclip-mini"), open_set("gallery"))
>>> for figure in report.figures: print(figure)

Each part works on plain arrays of unit rows as well.
"""

from koclip.evaluation.calibration import Calibration, ReliabilityBin, calibration
from koclip.evaluation.datasets import (
    EvaluationSet,
    LabelledPicture,
    Photo,
    open_set,
    read_labels,
    read_pictures,
)
from koclip.evaluation.embedding import embed_photos, whole_picture
from koclip.evaluation.figures import Figure
from koclip.evaluation.fit import fit_figures
from koclip.evaluation.report import Report, caption_figures, evaluate, label_figures
from koclip.evaluation.retrieval import Retrieval, retrieve
from koclip.evaluation.scenes import (
    FreeScene,
    Scene,
    compose_free_scenes,
    compose_scenes,
    free_pointing_game,
    pointing_game,
)
from koclip.evaluation.validation_loss import validation_loss
from koclip.evaluation.zero_shot import ENSEMBLES, zero_shot

__all__ = [
    "ENSEMBLES",
    "Calibration",
    "EvaluationSet",
    "Figure",
    "FreeScene",
    "LabelledPicture",
    "Photo",
    "ReliabilityBin",
    "Report",
    "Retrieval",
    "Scene",
    "calibration",
    "caption_figures",
    "compose_free_scenes",
    "compose_scenes",
    "embed_photos",
    "evaluate",
    "fit_figures",
    "free_pointing_game",
    "label_figures",
    "open_set",
    "pointing_game",
    "read_labels",
    "read_pictures",
    "retrieve",
    "validation_loss",
    "whole_picture",
    "zero_shot",
]
