"""ONNX Runtime, on the files that `onnx_export` writes."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import onnxruntime

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.inputs import torch_inputs


def open_engine(onnx_file: str) -> Callable[[Task], Callable[[], np.ndarray]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = onnxruntime.InferenceSession(onnx_file, options, ["CPUExecutionProvider"])

    def prepare(task: Task) -> Callable[[], np.ndarray]:
        inputs = torch_inputs(task)
        return lambda: session.run(None, inputs)[0]

    return prepare
