"""The API beyond the three demos: signatures, batches, embeddings, MCP, documented snippets."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from koclip.assets import assets_dir
from koclip.label_sets import LABEL_SETS, label_set
from koclip.limits import MAX_BATCH
from koclip.ui.api import API_VERSION
from tests.space import ROOT

SIGNATURES = Path(__file__).with_name("api.json")
DOCUMENT = (ROOT / "docs/api.md").read_text(encoding="utf-8")
LOCAL = "http://127.0.0.1:7860/"


@pytest.fixture(scope="module")
def client(space) -> Client:
    return Client(space, verbose=False)


def picture(name: str):
    return handle_file(str(assets_dir() / "examples" / f"{name}.webp"))


def signatures(client: Client) -> dict:
    """What callers rely on: each endpoint's parameters, their types and defaults."""
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    return {
        name: {
            p["parameter_name"]: [p["python_type"]["type"], p["parameter_default"]]
            if p["parameter_has_default"]
            else [p["python_type"]["type"]]
            for p in endpoint["parameters"]
        }
        for name, endpoint in sorted(endpoints.items())
    }


def test_a_changed_signature_needs_a_new_version(client):
    """After a change, raise API_VERSION as koclip/ui/api.py says and write tests/api.json anew."""
    recorded = json.loads(SIGNATURES.read_text(encoding="utf-8"))
    assert recorded == {"version": API_VERSION, "endpoints": signatures(client)}


def test_the_document_names_every_endpoint_and_parameter(client):
    rows = dict(re.findall(r"^\| `(/\w+)` \| (.*?) \|", DOCUMENT, flags=re.MULTILINE))
    documented = {name: re.findall(r"`(\w+)`", text) for name, text in rows.items()}
    assert documented == {name: list(found) for name, found in signatures(client).items()}


def test_a_ready_set_stands_for_its_labels(client):
    answer = client.predict(picture("cat"), label_set="animals", api_name="/image_to_text")
    assert answer["results"][0]["label"] == "고양이"
    assert {r["label"] for r in answer["results"]} == {label.ko for label in label_set("animals")}


def test_the_open_set_names_anything(client):
    answer = client.predict(picture("coffee"), label_set="open", api_name="/image_to_text")
    assert any("커피" in result["label"] for result in answer["results"][:3])
    assert answer["fits"] is True


def test_labels_that_do_not_fit_are_called_that(client):
    fitting = client.predict(picture("cat"), "고양이, 버스, 국수", api_name="/image_to_text")
    assert fitting["fits"] is True
    other = client.predict(picture("cat"), "버스, 국수, 등대", api_name="/image_to_text")
    assert other["fits"] is False
    assert any("맞지 않는" in notice for notice in other["notices"])


def test_a_batch_of_images_is_answered_like_each_alone(client):
    names, labels = ["cat", "coffee", "rocket"], "고양이, 커피, 로켓"
    images = [picture(name) for name in names]
    batch = client.predict(images, labels, api_name="/image_to_text_batch")["results"]
    assert [results[0]["label"] for results in batch] == ["고양이", "커피", "로켓"]
    for image, results in zip(images, batch, strict=True):
        alone = client.predict(image, labels, api_name="/image_to_text")["results"]
        for one, other in zip(alone, results, strict=True):
            assert one["label"] == other["label"]
            assert one["cosine"] == pytest.approx(other["cosine"], abs=1e-5)


def test_a_batch_of_queries_is_answered_like_each_alone(client):
    batch = client.predict(["고양이", "바다"], 3, api_name="/text_to_image_batch")["results"]
    for query, results in zip(["고양이", "바다"], batch, strict=True):
        alone = client.predict(query, 3, api_name="/text_to_image")["results"]
        assert [r["id"] for r in alone] == [r["id"] for r in results]


def test_embeddings_are_those_of_the_package(client, mini):
    texts = client.predict(["고양이", "커피 한 잔"], api_name="/embed_text")
    np.testing.assert_allclose(
        texts["embeddings"], mini.embed_texts(["고양이", "커피 한 잔"]), atol=1e-5
    )
    images = client.predict([picture("cat")], api_name="/embed_image")
    expected = mini.embed_images(assets_dir() / "examples/cat.webp")
    np.testing.assert_allclose(images["embeddings"], expected, atol=1e-5)
    assert texts["revision"] == images["revision"] == mini.revision


@pytest.mark.parametrize(
    ("count", "message"), [(0, "하나 이상"), (MAX_BATCH + 1, f"한 번에 {MAX_BATCH}개")]
)
def test_batches_have_a_size(client, count, message):
    with pytest.raises(AppError, match=message):
        client.predict(["고양이"] * count, api_name="/embed_text")


@pytest.mark.parametrize("model", ["/etc", "someone/else", "../tests/oracle/flax/tiny-base"])
def test_only_offered_models_are_opened(client, model):
    with pytest.raises(AppError, match="쓸 수 없습니다"):
        client.predict(["고양이"], model=model, api_name="/embed_text")


def test_messages_come_in_the_language_asked_for(space):
    english = Client(space, verbose=False, headers={"Accept-Language": "en"})
    with pytest.raises(AppError, match="Nothing was sent"):
        english.predict([], api_name="/embed_text")


# MCP ----------------------------------------------------------------------------------------------


def test_the_endpoints_are_mcp_tools(space):
    mcp = pytest.importorskip("mcp", reason="needs gradio[mcp]")
    from mcp.client.streamable_http import streamable_http_client

    async def ask():
        async with (
            streamable_http_client(f"{space}gradio_api/mcp/") as (read, write, _),
            mcp.ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            found = await session.call_tool("text_to_image", {"query": "고양이", "count": 2})
            return tools, found

    tools, found = asyncio.run(ask())
    assert len(tools) == len(json.loads(SIGNATURES.read_text(encoding="utf-8"))["endpoints"])
    assert all(tool.description for tool in tools.values())
    answer = ast.literal_eval("".join(part.text for part in found.content))
    assert "고양이" in answer["results"][0]["caption_ko"]


# The snippets of docs/api.md ----------------------------------------------------------------------


def snippet(language: str, space: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    return code.replace(LOCAL, space).replace(LOCAL.rstrip("/"), space.rstrip("/"))


def test_python_snippet(space, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    exec(compile(snippet("python", space), "docs/api.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    lines = [line for line in lines if not line.startswith("Loaded as API")]
    assert "고양이" in lines[0]
    assert lines[1] == "고양이 True"
    assert lines[-2] == "['고양이', '커피']"
    assert 0.2 < float(lines[-1]) < 1


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node.js: apt-get install npm")
def test_javascript_snippet(space, tmp_path):
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "@gradio/client@2.7.0"]
    subprocess.run(install, cwd=tmp_path, check=True, timeout=120)
    (tmp_path / "snippet.mjs").write_text(snippet("js", space), encoding="utf-8")
    printed = _output(["node", str(tmp_path / "snippet.mjs")], ROOT).splitlines()
    assert printed[0] == "고양이"
    assert "산" in printed[1]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_snippet(space):
    printed = _output(["bash", "-euo", "pipefail", "-c", snippet("sh", space)], ROOT)
    answers = [json.loads(line[6:])[0] for line in printed.splitlines() if line[:6] == "data: "]
    assert len(answers[0]["results"]) == 3
    assert answers[1]["results"][0]["label"] == "고양이"


def _output(command: list[str], folder: Path) -> str:
    environment = os.environ | {"no_proxy": "127.0.0.1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_set_is_offered(client):
    recorded = signatures(client)["/image_to_text"]["label_set"][0]
    assert all(f"'{name}'" in recorded for name in LABEL_SETS)
