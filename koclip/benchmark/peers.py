"""What KoCLIP is compared with: everything that is installed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from importlib.util import find_spec

_PACKAGES = {  # as imported → as installed
    "faiss": "faiss-cpu",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
    "torch": "torch",
    "usearch": "usearch",
}
_OWN = ("flax", "gradio", "jax", "numpy", "safetensors", "transformers")
INSTALL = "pip install -r requirements-bench.txt"
"""What makes all of them available."""


def can_import(modules: Iterable[str]) -> bool:
    """Whether all of `modules` are installed; imports none of them."""
    return all(map(find_spec, modules))


def not_installed() -> list[str]:
    """The packages to compare with that are not there."""
    return [package for module, package in _PACKAGES.items() if not find_spec(module)]


def versions() -> dict[str, str]:
    """The installed versions of the peers and of what KoCLIP runs on."""
    modules = {**_PACKAGES, **{name: name for name in _OWN}}
    return {package: version(package) for m, package in sorted(modules.items()) if find_spec(m)}
