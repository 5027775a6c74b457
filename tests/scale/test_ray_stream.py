"""A real Ray cluster on this machine embeds what one process does."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from koclip import KoCLIP
from koclip.assets import assets_dir
from koclip.cli import main
from koclip.database import ImageDatabase
from koclip.database.build import build
from koclip.errors import KoCLIPError
from koclip.scale import ray_stream
from koclip.scale.ray_stream import RayStream

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs pip install -r requirements-scale.txt"
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Forty of the gallery's, one of them twice, and one that is broken."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for source in sorted((assets_dir() / "gallery/images").iterdir())[:40]:
        shutil.copy(source, folder)
    first = min(folder.iterdir())
    shutil.copy(first, folder / "zz-again.webp")
    (folder / "broken.webp").write_bytes(b"no picture")
    return folder


@needs_ray
def test_the_same_database(mini: KoCLIP, pictures, tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(ray_stream, "_PICTURES", 9)  # so that both workers have some
    alone = build(mini, [pictures], tmp_path / "alone")
    spread = build(
        mini, [pictures], tmp_path / "spread", embed=RayStream(workers=2), segment_images=16
    )
    assert (spread.embedded, spread.reused, spread.removed) == (41, 0, 0)
    assert [(file, error.code) for file, error in spread.broken] == [
        (file, error.code) for file, error in alone.broken
    ]
    assert len(spread.broken) == 1
    assert list(spread.database.items) == list(alone.database.items)
    assert spread.database.revision == mini.revision
    np.testing.assert_allclose(
        spread.database.embeddings, alone.database.embeddings, atol=1e-6, rtol=0
    )
    spread.database.verify()

    (pictures / "zz-again.webp").unlink()
    again = build(mini, [pictures], tmp_path / "spread", embed=RayStream(workers=2))
    assert (again.embedded, again.reused, again.removed) == (0, 40, 1)


@needs_ray
def test_the_command(pictures, cluster, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["index", "pictures", "-o", "database", "--engine", "ray", "--workers", "1"]
    assert main([*command, "--json"]) == 1  # one is broken
    printed = capsys.readouterr()
    (row,) = json.loads(printed.out)
    assert (row["images"], row["unreadable"]) == (41, 1)
    assert "broken.webp" in printed.err
    assert len(ImageDatabase.open("database")) == 41


@needs_ray
def test_archives_are_refused(mini, pictures, tmp_path, cluster):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        for file in pictures.iterdir():
            archive.write(file, file.name)
    with pytest.raises(KoCLIPError) as caught:
        build(mini, [tmp_path / "pictures.zip"], tmp_path / "database", embed=RayStream())
    assert caught.value.code == "ray_not_files"


def test_without_ray(mini, pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(KoCLIPError) as caught:
        build(mini, [pictures], tmp_path / "database", embed=RayStream())
    assert caught.value.code == "ray_missing"


def test_processors_are_shared_among_workers():
    nodes = [{"Alive": alive, "Resources": {"CPU": 8.0}} for alive in (True, True, False)]
    nodes.append({"Alive": True, "Resources": {}})
    assert ray_stream._shares(nodes, None) == (2, 8)
    assert ray_stream._shares(nodes, 4) == (4, 4)
    assert ray_stream._shares(nodes, 64) == (64, 1)
