"""A model's files → what is served of them."""

from __future__ import annotations

import logging

import numpy as np

from koclip.calibration import (
    calibrate,
    keep_calibration,
    probe,
    read_calibration,
)
from koclip.checkpoints.checkpoint import Checkpoint, Parameters, open_checkpoint
from koclip.config import ModelConfig, read_config
from koclip.hub import ModelFiles
from koclip.image_processor import ImageProcessor
from koclip.precision import LAYERS, EightBitLayers, automatic, converter, without_int8
from koclip.processor import KoCLIPProcessor
from koclip.tokenizer import TextTokenizer

log = logging.getLogger(__name__)


def load_served(files: ModelFiles, precision: str) -> tuple[ModelConfig, Parameters, str]:
    """Settings, parameters as they are served, and what "auto" came to.

    For int8 a model is calibrated when it is opened for the first time; later it is read straight
    into eight bits. With "auto" some layers may be kept from them, or all.

    Raises:
        KoCLIPError: files are damaged or do not fit each other.
    """
    checkpoint = open_model_checkpoint(files)
    config = checkpoint.config
    chosen = automatic(config) if precision == "auto" else precision
    if chosen != "int8":
        return config, checkpoint.read(converter(chosen)), chosen

    def in_int8(largest: dict[str, np.ndarray], layers: EightBitLayers) -> Parameters:
        return checkpoint.read(converter("int8", largest, layers))

    served, calibration = None, read_calibration(files)
    if calibration is None:
        inputs = probe(open_processor(files, config), config)
        calibration, served = calibrate(
            config, lambda wanted: checkpoint.read(wanted=wanted), inputs, in_int8
        )
        keep_calibration(files, calibration)
    layers = calibration.layers
    if precision == "int8":
        layers = dict.fromkeys(layers, LAYERS)
    elif layers != dict.fromkeys(layers, LAYERS):
        log.info("%s is not all in int8, to keep its embeddings: %s", files.name, layers)
    if layers != calibration.layers:
        served = None
    chosen = "int8" if any(layers.values()) else without_int8()
    return config, served or in_int8(calibration.largest, layers), chosen


def open_model_checkpoint(files: ModelFiles) -> Checkpoint:
    """A model's weights, not read yet.

    Raises:
        KoCLIPError: files are damaged or do not fit each other.
    """
    return open_checkpoint(files.weights, read_config(files.folder / "config.json"))


def open_processor(files: ModelFiles, config: ModelConfig) -> KoCLIPProcessor:
    """The tokenizer, if the model has one, and the image processor."""
    tokenizer = TextTokenizer.from_folder(files.tokenizer, config.text) if files.tokenizer else None
    images = ImageProcessor.for_model(files.folder, config)
    return KoCLIPProcessor(tokenizer, images, model_name=files.name)
