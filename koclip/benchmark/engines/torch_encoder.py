"""The same weights in transformers' own class, on PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from transformers import VisionTextDualEncoderModel

from koclip.benchmark.engines import Task
from koclip.benchmark.engines.inputs import torch_inputs


def open_engine(model: str) -> Callable[[Task], Callable[[], np.ndarray]]:
    opened = VisionTextDualEncoderModel.from_pretrained(model).eval()

    def prepare(task: Task) -> Callable[[], np.ndarray]:
        inputs = {name: torch.from_numpy(x) for name, x in torch_inputs(task).items()}
        encode = opened.get_image_features if task["tower"] == "image" else opened.get_text_features

        @torch.inference_mode()
        def call() -> np.ndarray:
            return encode(**inputs).pooler_output.numpy()

        return call

    return prepare
