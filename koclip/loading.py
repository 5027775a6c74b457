"""A model's files → what is served of them."""

from __future__ import annotations

import logging

import numpy as np

from koclip.calibration import (
    LEAST_AGREEMENT,
    calibrate,
    keep_calibration,
    probe,
    read_calibration,
)
from koclip.checkpoints.checkpoint import Parameters, load_parameters
from koclip.config import ModelConfig, read_config
from koclip.hub import ModelFiles
from koclip.image_processor import ImageProcessor
from koclip.precision import automatic, converter, without_int8
from koclip.processor import KoCLIPProcessor
from koclip.tokenizer import TextTokenizer

log = logging.getLogger(__name__)


def load_served(files: ModelFiles, precision: str) -> tuple[ModelConfig, Parameters, str]:
    """Settings, parameters as they are served, and what "auto" came to.

    For int8 a model is calibrated when it is opened for the first time, in float32; later it is
    read straight into eight bits.

    Raises:
        KoCLIPError: files are damaged or do not fit each other.
    """
    config = read_config(files.folder / "config.json")
    chosen = automatic(config) if precision == "auto" else precision
    if chosen != "int8":
        return *load_parameters(files.weights, config, converter(chosen)), chosen

    def in_int8(largest: dict[str, np.ndarray]) -> Parameters:
        return load_parameters(files.weights, config, converter("int8", largest))[1]

    served, calibration = None, read_calibration(files)
    if calibration is None:
        sized, parameters = load_parameters(files.weights, config)
        inputs = probe(open_processor(files, sized), sized)
        calibration, parameters = calibrate(sized, parameters, inputs, in_int8)
        keep_calibration(files, calibration)
        served = sized, parameters
    convert = converter("int8", calibration.largest)
    if precision == "auto" and calibration.agreement < LEAST_AGREEMENT:
        chosen, served = without_int8(), None
        convert = converter(chosen)
        log.info("%s is served in %s: int8 would change its embeddings", files.name, chosen)
    return *(served or load_parameters(files.weights, config, convert)), chosen


def open_processor(files: ModelFiles, config: ModelConfig) -> KoCLIPProcessor:
    """The tokenizer, if the model has one, and the image processor."""
    tokenizer = TextTokenizer.from_folder(files.tokenizer, config.text) if files.tokenizer else None
    images = ImageProcessor.for_model(files.folder, config)
    return KoCLIPProcessor(tokenizer, images, model_name=files.name)
