"""KoCLIP: Korean text and images in one embedding space.

>>> from koclip import KoCLIP
>>> model = KoCLIP.from_pretrained("koclip-mini")
>>> model.classify("cat.jpg", ["고양이", "강아지"])[0].label
'고양이'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from koclip.errors import KoCLIPError

if TYPE_CHECKING:
    from koclip.database import ImageDatabase
    from koclip.model import KoCLIP, load_koclip

__version__ = "1.0.0"
__all__ = ["ImageDatabase", "KoCLIP", "KoCLIPError", "load_koclip"]

_HOMES = {
    "ImageDatabase": "koclip.database",
    "KoCLIP": "koclip.model",
    "load_koclip": "koclip.model",
}


def __getattr__(name: str) -> object:
    """Imports the model on first use: `import koclip` alone stays instant, JAX takes a second."""
    if name not in _HOMES:
        raise AttributeError(f"module 'koclip' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
