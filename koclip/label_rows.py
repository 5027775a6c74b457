"""The labels of all ready sets as koclip-mini embeds them, bundled: it takes seconds to do so.

After a change of the sets or of koclip-mini: `python -m koclip.label_rows` makes the file anew.
"""

from __future__ import annotations

import hashlib
import json
import logging

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from koclip import similarity
from koclip.assets import assets_dir
from koclip.files import write_whole
from koclip.image_to_text import DEFAULT_TEMPLATE, embed_labels
from koclip.label_sets import glossary
from koclip.model import KoCLIP

log = logging.getLogger(__name__)

PATH = assets_dir() / "koclip-mini" / "labels.safetensors"


def remember_labels(model: KoCLIP) -> bool:
    """Hands the bundled rows to a model that made them; returns whether this one did.

    They are float16 in the file: of a unit row's numbers that changes the fifth decimal.
    """
    if model.precision != "float32":
        return False
    try:
        with safe_open(PATH, "numpy") as file:
            if file.metadata() != _origin(model):
                return False
            rows = similarity.unit_rows(file.get_tensor("rows").astype(np.float32))
    except (OSError, SafetensorError) as error:
        log.warning("%s: %s; the labels are embedded anew", PATH, error)
        return False
    model.remember_texts(_sentences(), rows)
    return True


def _sentences() -> list[str]:
    return [DEFAULT_TEMPLATE.replace("{}", label) for label in glossary()]


def _origin(model: KoCLIP) -> dict[str, str]:
    """What the rows depend on: the model's state, and every sentence in its place."""
    sentences = json.dumps(_sentences(), ensure_ascii=False).encode()
    return {"model": model.revision, "sentences": hashlib.sha256(sentences).hexdigest()}


def main() -> None:
    """Writes the file."""
    model = KoCLIP.from_pretrained("koclip-mini", precision="float32")
    rows = embed_labels(model, list(glossary()), [DEFAULT_TEMPLATE]).astype(np.float16)
    write_whole(PATH, save({"rows": rows}, metadata=_origin(model)))
    print(PATH, f"{rows.shape[0]} labels")


if __name__ == "__main__":
    main()
