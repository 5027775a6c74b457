"""The app and a Hub that it can reach: models and databases come from there, or it says why not.

Tiny random models in the published forms stand in for the real ones.
"""

from __future__ import annotations

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from koclip import ImageDatabase, KoCLIP
from koclip.database import ImageItem
from koclip.hub import locate
from tests.hub_server import Fault, HubServer, client_environment, point_client_at
from tests.space import running_space

DATABASE = "narae/photos"
TSV = "features/val2017/koclip-large.tsv"
DIMENSION = 24  # of the tiny models' embedding space


@pytest.fixture(scope="module")
def hub(tiny_korean_folder):
    """Serves koclip-large in the Flax form, klue's tokenizer and the original's database."""
    model = {
        name: (tiny_korean_folder / name).read_bytes()
        for name in ("config.json", "flax_model.msgpack")
    }
    tokenizer = {"tokenizer.json": (tiny_korean_folder / "tokenizer.json").read_bytes()}
    rows = np.random.default_rng(0).normal(size=(50, DIMENSION))
    lines = [f"{i:012d}.jpg\t{','.join(map(str, row))}" for i, row in enumerate(rows)]
    with HubServer() as server:
        server.add("koclip/koclip-large", model)
        server.add("koclip/koclip-base", model)  # not the published size: refused
        server.add("klue/roberta-large", tokenizer)
        server.add("flax-community/koclip", {TSV: "\n".join(lines).encode()}, repo_type="space")
        server.add(DATABASE, dict(database_of_mini().to_files()), repo_type="dataset")
        yield server


def database_of_mini() -> ImageDatabase:
    """Two pictures, as if koclip-mini had embedded them."""
    items = [ImageItem(id=name, file=f"{name}.png") for name in ("산", "바다")]
    rows = np.eye(2, 384, dtype=np.float32)
    return ImageDatabase(items, rows, "koclip-mini", locate("koclip-mini").revision)


@pytest.fixture(scope="module")
def client(hub, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    databases = {"KOCLIP_DATABASE": f"hub:{DATABASE},hub:narae/nothing"}
    environment = client_environment(hub.url, home) | databases
    with running_space(home / "app.log", environment) as url:
        yield Client(url, verbose=False)


@pytest.fixture
def picture(tmp_path):
    Image.new("RGB", (40, 30), "olive").save(tmp_path / "olive.png")
    return handle_file(str(tmp_path / "olive.png"))


def test_a_model_from_the_hub_answers(client, picture, tiny_korean, tmp_path):
    labels = ["고양이", "강아지", "자전거"]
    answer = client.predict(
        picture, ",".join(labels), model="koclip-large", api_name="/image_to_text"
    )
    assert (answer["model"], answer["notices"]) == ("koclip-large", [])
    expected = tiny_korean.classify(tmp_path / "olive.png", labels)
    assert [r["label"] for r in answer["results"]] == [score.label for score in expected]
    assert answer["results"][0]["cosine"] == pytest.approx(expected[0].cosine, abs=1e-6)


def test_its_database_is_the_original_ones(client):
    answer = client.predict("바다", 3, model="koclip-large", api_name="/text_to_image")
    assert answer["model"] == "koclip-large"
    assert answer["results"][0]["image"].startswith("http://images.cocodataset.org/val2017/")


def test_a_database_from_the_hub_is_searched(client, hub):
    answer = client.predict("바다", 3, api_name="/text_to_image")
    assert answer["database"] == DATABASE
    assert {result["id"] for result in answer["results"]} == {"산", "바다"}
    assert all(result["image"].startswith(hub.url) for result in answer["results"])


def test_one_that_is_not_there_says_so_and_the_gallery_answers(client):
    with pytest.raises(AppError, match=r"'narae/nothing' 데이터베이스를 지금은 열 수 없습니다"):
        client.predict("바다", 3, database="narae/nothing", api_name="/text_to_image")
    answer = client.predict("바다", 3, database="gallery", api_name="/text_to_image")
    assert (answer["database"], answer["notices"]) == ("gallery", [])
    with pytest.raises(AppError, match=r"koclip-mini 모델로 만들었습니다"):
        client.predict("바다", 3, "koclip-large", database=DATABASE, api_name="/text_to_image")


def test_patches_by_a_model_from_the_hub(client, picture):
    answer = client.predict(picture, "하늘", 2, 2, model="koclip-large", api_name="/text_to_patch")
    assert answer["model"] == "koclip-large" and len(answer["results"]) == 4


def test_a_model_that_is_not_what_was_published_is_refused_and_mini_answers(client, picture):
    answer = client.predict(picture, "고양이", model="koclip-base", api_name="/image_to_text")
    assert answer["model"] == "koclip-mini"
    assert "flax_model.msgpack" in answer["notices"][0]


def test_without_the_database_the_page_searches_with_mini(hub, tmp_path):
    hub.faults.append(Fault("status", match="flax-community", value=404))
    try:
        with running_space(tmp_path / "app.log", client_environment(hub.url, tmp_path)) as url:
            answer = Client(url, verbose=False).predict(
                "바다", 3, model="koclip-large", api_name="/text_to_image"
            )
    finally:
        hub.faults.clear()
    assert answer["model"] == "koclip-mini"
    assert "flax-community/koclip" in answer["notices"][0]


def test_from_python(hub, monkeypatch, tmp_path):
    point_client_at(monkeypatch, hub.url, tmp_path)
    model = KoCLIP.from_pretrained("koclip-large")
    assert len(model.revision) == 40 and model.name == "koclip-large"
    database = ImageDatabase.for_model(model)
    assert len(database) == 50
    np.testing.assert_allclose(np.linalg.norm(database.embeddings, axis=1), 1, atol=1e-6)
    assert database.search(model, "고양이", k=1)[0].rank == 1
