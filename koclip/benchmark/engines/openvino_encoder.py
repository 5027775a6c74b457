"""OpenVINO, on the float32 file that `onnx_export` writes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openvino

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.inputs import torch_inputs

_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


def open_engine(onnx_file: str, precision: str) -> Callable[[Task], Callable[[], np.ndarray]]:
    hints = {"INFERENCE_PRECISION_HINT": _PRECISIONS[precision], "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(onnx_file, "CPU", hints)

    def prepare(task: Task) -> Callable[[], np.ndarray]:
        inputs = torch_inputs(task)
        return lambda: compiled(inputs)[0]

    return prepare
