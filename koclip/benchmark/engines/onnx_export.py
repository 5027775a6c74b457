"""Writes ONNX files of a model's tower: `python -m … FOLDER image|text`.

FOLDER/image.onnx is float32 and FOLDER/image.int8.onnx what ONNX Runtime's dynamic quantisation
makes of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import VisionTextDualEncoderModel

from koclip.benchmark.engines.inputs import torch_inputs


class _Tower(torch.nn.Module):
    """One tower as a module of its own, which is what can be exported."""

    def __init__(self, model: VisionTextDualEncoderModel, tower: str) -> None:
        super().__init__()
        self.model = model
        self.tower = tower

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        if self.tower == "image":
            return self.model.get_image_features(pixel_values=inputs[0]).pooler_output
        return self.model.get_text_features(*inputs).pooler_output


def export(folder: Path, tower: str) -> None:
    model = VisionTextDualEncoderModel.from_pretrained(folder).eval()
    size, vocabulary = model.config.vision_config.image_size, model.config.text_config.vocab_size
    example = {"tower": tower, "batch": 2, "size": size, "tokens": 16, "vocabulary": vocabulary}
    inputs = {name: torch.from_numpy(x) for name, x in torch_inputs(example).items()}
    free = {0: "batch"} if tower == "image" else {0: "batch", 1: "tokens"}
    plain, quantised = (str(folder / f"{tower}{end}.onnx") for end in ("", ".int8"))
    with torch.no_grad():
        torch.onnx.export(
            _Tower(model, tower),
            tuple(inputs.values()),
            plain,
            input_names=list(inputs),
            output_names=["features"],
            dynamic_axes={**dict.fromkeys(inputs, free), "features": {0: "batch"}},
            dynamo=False,
        )
    # Products of two activations, as in attention, lose more than they gain in eight bits.
    options = {"MatMulConstBOnly": True}
    quantize_dynamic(plain, quantised, weight_type=QuantType.QInt8, extra_options=options)


if __name__ == "__main__":
    export(Path(sys.argv[1]), sys.argv[2])
