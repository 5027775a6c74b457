"""Visitors and callers of the Space, many in one process: valid requests, and hostile ones.

They speak Gradio's protocol over HTTP, each over connections of its own.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import httpx

from koclip.assets import assets_dir
from koclip.errors import KoCLIPError

API = "/gradio_api"
PICTURES = sorted((assets_dir() / "gallery" / "images").glob("*.webp"))
WORDS = "고양이 강아지 바다 산 자동차 커피 로켓 배 하늘 꽃 나무 기차 사과 집 사람 밤 눈 숲".split()  # noqa: SIM905
STOPPING = KoCLIPError("request_stopping").localized("ko")
_FILE = {"_type": "gradio.FileData"}
_MCP = {"Accept": "application/json, text/event-stream"}


class Outcome(NamedTuple):
    """What became of one request."""

    client: int
    kind: str
    result: str
    """"ok", "busy", "stopping", "gone" (no server any more) or what went wrong."""
    start: float
    seconds: float


class NotAnsweredError(Exception):
    """The server said something else than an answer."""


class BusyError(NotAnsweredError):
    """It said honestly that it has no room; `args[0]` is "busy" or "stopping"."""


class Page(NamedTuple):
    """What the Space's page can ask for, by number."""

    functions: dict[str, int]
    loads: list[int]
    """What it asks for when it is opened."""


@dataclass
class Caller:
    """One of the crowd; `session` is what its page, or its client of the API, is known by."""

    number: int
    http: httpx.AsyncClient
    chance: random.Random
    session: str = field(default_factory=lambda: uuid.uuid4().hex[:11])
    page: Page = field(default_factory=lambda: Page({}, []))

    def words(self, count: int) -> list[str]:
        return self.chance.sample(WORDS, count)

    async def post(self, path: str, **options: object) -> object:
        return _json(await self.http.post(API + path, **options))

    async def upload(self, count: int = 1) -> list[dict]:
        files = [("files", (p.name, p.read_bytes())) for p in self.chance.sample(PICTURES, count)]
        return [{"path": path, "meta": _FILE} for path in await self.post("/upload", files=files)]

    async def call(self, endpoint: str, **arguments: object) -> object:
        """As curl does: asks, then waits at the address of the event."""
        event = (await self.post(f"/call/v2/{endpoint}", json=arguments))["event_id"]
        address = f"{API}/call/{endpoint}/{event}"
        async with self.http.stream("GET", address) as response:
            kind = ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                kind = value if name == "event" else kind
                if name == "data" and kind in ("complete", "error"):
                    return _answer(json.loads(value), is_error=kind == "error")
        raise NotAnsweredError(f"the stream of {endpoint} ended early")

    async def join(self, function: int, data: list) -> object:
        """As the page and Gradio's own clients do: in a session, with one stream for it."""
        body = {"data": data, "fn_index": function, "session_hash": self.session}
        event = (await self.post("/queue/join", json=body))["event_id"]
        answer = None
        address = f"{API}/queue/data?session_hash={self.session}"
        async with self.http.stream("GET", address) as response:
            async for line in response.aiter_lines():
                message = json.loads(line[len("data: ") :]) if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed" and message["event_id"] == event:
                    output, is_error = message["output"], not message["success"]
                    answer = _answer(output if is_error else output["data"], is_error)
                if message.get("msg") in ("unexpected_error", "server_stopped"):
                    raise NotAnsweredError(f"{function}: {message}")
                if message.get("msg") == "close_stream":
                    break
        if answer is None:
            raise NotAnsweredError(f"the stream of {function} ended early")
        return answer


def _json(response: httpx.Response) -> object:
    if response.status_code in (429, 503):
        raise BusyError("stopping" if STOPPING in response.text else "busy")
    if response.status_code != 200:
        raise NotAnsweredError(f"{response.status_code}: {response.text[:200]}")
    return response.json()


def _answer(data: object, is_error: bool) -> object:
    if is_error and STOPPING in str(data):
        raise BusyError("stopping")
    if is_error or not data:
        raise NotAnsweredError(f"error: {data}")
    return data


# Valid requests -----------------------------------------------------------------------------------


async def image_to_text(c: Caller) -> None:
    (answer,) = await c.call(
        "image_to_text", image=(await c.upload())[0], labels=",".join(c.words(6))
    )
    assert len(answer["results"]) == 6


async def text_to_image(c: Caller) -> None:
    (answer,) = await c.call("text_to_image", query=" ".join(c.words(2)), count=12)
    assert len(answer["results"]) == 12


async def text_to_patch(c: Caller) -> None:
    (answer,) = await c.call(
        "text_to_patch", image=(await c.upload())[0], query=c.words(1)[0], rows=2, columns=3
    )
    assert len(answer["results"]) == 6


async def image_to_text_batch(c: Caller) -> None:
    images, labels = await c.upload(3), ",".join(c.words(4))
    (answer,) = await c.call("image_to_text_batch", images=images, labels=labels)
    assert len(answer["results"]) == 3


async def text_to_image_batch(c: Caller) -> None:
    (answer,) = await c.call("text_to_image_batch", queries=c.words(3), count=5)
    assert [len(results) for results in answer["results"]] == [5, 5, 5]


async def embed_text(c: Caller) -> None:
    (answer,) = await c.call("embed_text", texts=c.words(4))
    assert len(answer["embeddings"]) == 4


async def embed_image(c: Caller) -> None:
    (answer,) = await c.call("embed_image", images=await c.upload(2))
    assert len(answer["embeddings"]) == 2


async def visit(c: Caller) -> None:
    """Opens the page, which asks for the first answers of its tabs and a picture."""
    page = await c.http.get("/")
    assert page.status_code == 200 and "KoCLIP" in page.text
    for number in c.page.loads:
        await c.join(number, [])
    picture = await c.http.get(f"{API}/file={c.chance.choice(PICTURES)}")
    assert picture.headers["content-type"] == "image/webp"


async def session_call(c: Caller) -> None:
    """By the protocol of the page and of gradio_client."""
    labels = ",".join(c.words(5))
    data = [(await c.upload())[0], labels, "이것은 {} 이다.", True, "koclip-mini", ""]
    (answer,) = await c.join(c.page.functions["image_to_text"], data)
    assert len(answer["results"]) == 5


async def mcp_tool(c: Caller) -> None:
    answer = await _tool(c, "embed_text", {"texts": c.words(2)})
    assert "embeddings" in answer


async def _tool(c: Caller, name: str, arguments: dict) -> str:
    call = {"name": name, "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    response = await c.http.post(f"{API}/mcp/", headers=_MCP, json=body)
    if response.status_code != 200:
        _json(response)
    return response.text


VALID = {
    image_to_text: 4,
    text_to_image: 4,
    text_to_patch: 3,
    session_call: 3,
    visit: 2,
    image_to_text_batch: 1,
    text_to_image_batch: 1,
    embed_text: 2,
    embed_image: 1,
    mcp_tool: 1,
}
"""How often each is asked, of 22 times."""


# Hostile ones: each must be refused with a sentence -----------------------------------------------


async def _refused(request: Awaitable[object]) -> None:
    try:
        answer = await request
    except NotAnsweredError as error:
        told = str(error)
        if "None" in told or "500" in told or "Internal" in told or "Traceback" in told:
            raise
        return
    raise NotAnsweredError(f"a hostile request was answered: {str(answer)[:100]}")


async def an_address(c: Caller) -> None:
    picture = {"path": "http://169.254.169.254/latest/meta-data", "meta": _FILE}
    await _refused(c.call("image_to_text", image=picture, labels="가,나"))


async def a_file_of_the_server(c: Caller) -> None:
    path = c.chance.choice(["/etc/passwd", "app.py", "../../etc/passwd", "/proc/self/environ"])
    await _refused(c.call("image_to_text", image={"path": path, "meta": _FILE}, labels="가"))
    assert (await c.http.get(f"{API}/file={path}")).status_code == 404


async def no_picture(c: Caller) -> None:
    files = [("files", ("a.png", c.chance.randbytes(2000)))]
    (path,) = await c.post("/upload", files=files)
    await _refused(c.call("embed_image", images=[{"path": path, "meta": _FILE}]))


async def broken_json(c: Caller) -> None:
    content = c.chance.choice([b"{", b"[" * 5000, b"\xff\xfe", b'{"data": 1}', b"null"])
    await _refused(c.post("/queue/join", content=content))


async def too_much(c: Caller) -> None:
    texts = c.chance.choice([["가"] * 10_000, ["가" * 100_000], [], [1, None, {}]])
    await _refused(c.call("embed_text", texts=texts))


async def no_such_place(c: Caller) -> None:
    path = c.chance.choice(["/proxy=http://a.hf.space/", "/deep_link?session_hash=a", "/runs"])
    assert (await c.http.get(API + path)).status_code == 404


async def an_answer_that_nobody_wants(c: Caller) -> None:
    await c.post("/call/v2/embed_text", json={"texts": c.words(3)})


async def an_upload_that_breaks_off(c: Caller) -> None:
    async def half() -> object:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        yield bytes(50_000)
        raise ConnectionAbortedError

    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    try:
        await c.http.post(f"{API}/upload", content=half(), headers=kind)
    except ConnectionAbortedError:
        return


async def a_tool_with_an_address(c: Caller) -> None:
    answer = await _tool(c, "image_to_text", {"image": "http://127.0.0.1/x.png", "labels": "가"})
    assert '"isError":true' in answer and "Error" not in answer.replace("isError", ""), answer


HOSTILE = (
    an_address,
    a_file_of_the_server,
    no_picture,
    broken_json,
    too_much,
    no_such_place,
    an_answer_that_nobody_wants,
    an_upload_that_breaks_off,
    a_tool_with_an_address,
)


# The crowd ----------------------------------------------------------------------------------------


class Plan(NamedTuple):
    """What the clients of one process do."""

    url: str
    numbers: range
    think: float
    """Mean seconds between an answer and the next request."""
    hostile: float
    """The share of hostile requests."""
    end: float
    """When to begin nothing new, by time.monotonic(), which all processes share."""


def run(plan: Plan) -> list[Outcome]:
    """All that the clients met with."""
    return asyncio.run(_run(plan))


async def _run(plan: Plan) -> list[Outcome]:
    async with httpx.AsyncClient(base_url=plan.url, timeout=120) as http:
        config = (await http.get("/config")).json()
    asked = config["dependencies"]
    loads = [d["id"] for d in asked if _is_first(d)]
    page = Page({d["api_name"]: d["id"] for d in asked}, loads)
    outcomes: list[Outcome] = []
    await asyncio.gather(*(_client(plan, n, page, outcomes) for n in plan.numbers))
    return outcomes


def _is_first(dependency: dict) -> bool:
    """Whether the page asks for it, without knowing anything, when it is opened."""
    is_load = any(event == "load" for _, event in dependency["targets"])
    return is_load and dependency["queue"] and not dependency["inputs"]


async def _client(plan: Plan, number: int, page: Page, outcomes: list[Outcome]) -> None:
    chance = random.Random(number)
    async with httpx.AsyncClient(base_url=plan.url, timeout=120) as http:
        caller = Caller(number, http, chance, page=page)
        await asyncio.sleep(chance.uniform(0, plan.think))  # they do not come all at once
        while time.monotonic() < plan.end:
            if chance.random() < plan.hostile:
                request = chance.choice(HOSTILE)
            else:
                (request,) = chance.choices(list(VALID), list(VALID.values()))
            outcome = await _attempt(caller, request)
            outcomes.append(outcome)
            if outcome.result == "gone":
                return
            await asyncio.sleep(chance.expovariate(1 / plan.think) if plan.think else 0)


async def _attempt(caller: Caller, request: Callable[[Caller], Awaitable[None]]) -> Outcome:
    start = time.monotonic()
    try:
        await request(caller)
        result = "ok"
    except BusyError as error:
        result = str(error)
    except httpx.ConnectError:
        result = "gone"
    except Exception as error:
        result = f"{type(error).__name__}: {str(error)[:300]}"
    kind = request.__name__ if request in VALID else f"hostile: {request.__name__}"
    return Outcome(caller.number, kind, result, start, time.monotonic() - start)
