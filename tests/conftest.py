"""Models that many tests share, opened once."""

from __future__ import annotations

import os

# Before any import of huggingface_hub or gradio: no test reaches beyond this machine.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from koclip import KoCLIP
from koclip.assets import assets_dir
from tests.space import running_space

ORACLE = Path(__file__).parent / "oracle"


@pytest.fixture(scope="session")
def mini() -> KoCLIP:
    """The bundled model."""
    return KoCLIP.from_pretrained("koclip-mini")


@pytest.fixture(scope="session")
def tiny_base() -> KoCLIP:
    """A tiny random model in the published Flax form, without a tokenizer."""
    return KoCLIP.from_pretrained(ORACLE / "flax/tiny-base")


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder with the Space's example pictures."""
    return assets_dir() / "examples"


@pytest.fixture(scope="session")
def space(tmp_path_factory) -> Iterator[str]:
    """The address of the running app, with no Hub in reach."""
    with running_space(tmp_path_factory.mktemp("space") / "app.log") as url:
        yield url


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
