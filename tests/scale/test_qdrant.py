"""Qdrant's embedded mode, beside the exact engine; servers are played where only they can fail."""

from __future__ import annotations

import dataclasses
import http.server
import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from koclip import KoCLIP
from koclip.cli import main
from koclip.database import ImageDatabase, ImageItem
from koclip.errors import KoCLIPError
from koclip.scale.qdrant import QdrantIndex, point_id

needs_client = pytest.mark.skipif(
    importlib.util.find_spec("qdrant_client") is None,
    reason="needs pip install -r requirements-scale.txt",
)


@pytest.fixture(scope="module")
def gallery(mini: KoCLIP) -> ImageDatabase:
    return ImageDatabase.for_model(mini)


@pytest.fixture(scope="module")
def index(gallery) -> QdrantIndex:
    return QdrantIndex.open(":memory:").upload(gallery)


def refusal(code: str) -> pytest.RaisesExc:
    return pytest.raises(KoCLIPError, check=lambda error: error.code == code)


@needs_client
@pytest.mark.parametrize(
    "options",
    [
        {"query": "눈 덮인 산"},
        {"query": "고양이", "minus": "사람", "plus": "잔디"},
        {"query": "바다", "k": 1000},
        {"query": "산", "where": "license=CC0-1.0"},
        {"query": "동물", "where": ["caption_ko~고양이", "license!=CC0-1.0"]},
        {"query": "산", "where": "kind=nothing of that kind"},
        {"image": "cat.webp"},
        {"image": "cat.webp", "query": "밤", "k": 3},
    ],
)
def test_finds_what_the_exact_engine_finds(mini, gallery, index, examples, options):
    if "image" in options:
        options = options | {"image": examples / options["image"]}
    expected = gallery.search(mini, **options)
    found = index.search(mini, exact=True, **options)
    assert [hit.item.id for hit in found] == [hit.item.id for hit in expected]
    assert [hit.rank for hit in found] == [hit.rank for hit in expected]
    scores = [hit.score for hit in expected]
    np.testing.assert_allclose([hit.score for hit in found], scores, atol=1e-5)
    for one, other in zip(found, expected, strict=True):
        assert index.location(one.item) == gallery.location(other.item)
        assert dataclasses.replace(one.item, file=other.item.file) == other.item


@needs_client
def test_a_picture_does_not_find_itself(mini, gallery, index):
    row = gallery.store.rows_at(np.array([17]))[0]
    found = index.search(mini, image=row, k=len(gallery))
    assert len(found) == len(gallery) - 1
    assert gallery.items[17].id not in {hit.item.id for hit in found}


@needs_client
def test_many_queries_in_one_request(mini, index):
    queries = ["산", "고양이", "밤에 빛나는 다리"]
    for where in ((), "license=CC0-1.0"):
        together = index.search_many(mini, queries, 5, where=where)
        assert together == [index.search(mini, query, 5, where=where) for query in queries]
    assert index.search_many(mini, [], 5) == []


@needs_client
def test_uploading_again_changes_nothing(mini, tmp_path, gallery):
    place = str(tmp_path / "store")
    first = QdrantIndex.open(place).upload(gallery)
    before = first.search(mini, "산", 20)
    first.close()
    second = QdrantIndex.open(f"qdrant:{place}")
    assert (second.model, second.revision) == (gallery.model, gallery.revision)
    second.upload(gallery)
    assert len(second) == len(gallery)
    after = second.search(mini, "산", 20)
    assert [hit.item for hit in after] == [hit.item for hit in before]
    np.testing.assert_allclose([h.score for h in after], [h.score for h in before], atol=1e-6)
    second.close()


@needs_client
def test_points_are_named_by_content(mini):
    rows = np.eye(mini.config.projection_dim, dtype=np.float32)[[0, 1, 2, 2]]
    items = [
        ImageItem(id=str(n), file=f"http://a/{n}", sha256=hash) for n, hash in enumerate("abb")
    ]
    items.append(ImageItem(id="3", file="http://a/3"))
    database = ImageDatabase(items, rows, mini.name, mini.revision)
    index = QdrantIndex.open(":memory:").upload(database)
    assert len(index) == 3  # "b" twice
    ids = [point_id(item, row) for item, row in zip(items, rows, strict=True)]
    assert ids[1] == ids[2] != ids[3]
    renamed = dataclasses.replace(database, items=[dataclasses.replace(i, id="x") for i in items])
    index.upload(renamed)
    assert len(index) == 3
    assert {hit.item.id for hit in index.search(mini, "산", 10)} == {"x"}


@needs_client
def test_recall(gallery, index):
    queries = gallery.store.rows_at(np.arange(0, 100, 10))
    assert index.recall(gallery, queries, 10) == 1.0  # the embedded mode compares with every point
    half = ImageDatabase(
        gallery.items[::2], gallery.embeddings[::2], gallery.model, gallery.revision
    )
    of_half = QdrantIndex.open(":memory:").upload(half)
    assert 0.2 < of_half.recall(gallery, queries, 10) < 0.8


@needs_client
def test_another_model_is_refused(mini, tiny_korean, gallery, index):
    with refusal("qdrant_other_model"):
        index.search(tiny_korean, "산")
    other = dataclasses.replace(gallery, revision="other")
    with refusal("qdrant_other_model"):
        index.upload(other)
    assert len(index) == len(gallery)


@needs_client
def test_what_cannot_be_asked(mini, index):
    with refusal("qdrant_no_groups"):
        index.search(mini, "산", group=0.9)
    with refusal("where_unknown_field"):
        index.search(mini, "산", where="weight=3")
    with refusal("text_empty"):
        index.search(mini, "")
    with refusal("result_count_bad"):
        index.search(mini, "산", 0)
    with refusal("qdrant_empty"):
        QdrantIndex.open(":memory:").search(mini, "산")


@needs_client
def test_collections_of_others_are_left_alone(tmp_path):
    from qdrant_client import QdrantClient, models

    client = QdrantClient(path=str(tmp_path))
    size = models.VectorParams(size=3, distance=models.Distance.DOT)
    client.create_collection("theirs", size)
    client.close()
    with refusal("qdrant_not_koclip"):
        QdrantIndex.open(f"{tmp_path}#theirs")


@needs_client
def test_a_folder_in_use(tmp_path):
    index = QdrantIndex.open(str(tmp_path))
    with refusal("qdrant_failed"):
        QdrantIndex.open(str(tmp_path))
    index.close()


@needs_client
def test_a_server_out_of_reach():
    with refusal("qdrant_unreachable"):
        QdrantIndex.open("http://127.0.0.1:9")


@contextmanager
def server(status: int) -> Iterator[str]:
    """The URL of a server that answers everything with this status, and no more."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"status": {"error": "no"}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@needs_client
@pytest.mark.parametrize(("status", "code"), [(401, "qdrant_denied"), (500, "qdrant_failed")])
def test_a_server_that_refuses(status, code):
    with server(status) as url, refusal(code):
        QdrantIndex.open(url)


def test_without_the_client(monkeypatch):
    monkeypatch.setitem(sys.modules, "qdrant_client", None)
    with refusal("qdrant_missing") as caught:
        QdrantIndex.open(":memory:")
    assert "pip install" in caught.value.localized("ko")


@needs_client
def test_the_command(tmp_path, gallery, capsys):
    place = f"{tmp_path / 'store'}#photos"
    command = ["qdrant", str(gallery.folder), place, "--recall", "10", "--json"]
    assert main(command) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["images"] == len(gallery)
    assert row["recall@10"] == 1.0
    assert main(["search", f"qdrant:{place}", "눈 덮인 산", "-k", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(["search", str(gallery.folder), "눈 덮인 산", "-k", "3", "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in found] == [row["id"] for row in expected]
    assert [row["image"] for row in found] == [row["image"] for row in expected]
