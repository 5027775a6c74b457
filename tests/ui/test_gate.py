"""How much is taken on at the same time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from koclip.errors import KoCLIPError
from koclip.settings import Settings
from koclip.ui.gate import Gate


class StandInQueue:
    """What the gate asks Gradio's queue."""

    def __init__(self) -> None:
        self.waiting = SimpleNamespace(queue=[])
        self.event_queue_per_concurrency_id = {"model": self.waiting}
        self.active = 0

    def __len__(self) -> int:
        return len(self.waiting.queue)

    def get_active_worker_count(self) -> int:
        return self.active


@pytest.fixture
def queue() -> StandInQueue:
    return StandInQueue()


@pytest.fixture
def gate(queue) -> Gate:
    return Gate(SimpleNamespace(_queue=queue), Settings(queue=8, concurrency=2))


def wait(queue: StandInQueue, session: str, count: int) -> None:
    queue.waiting.queue += [SimpleNamespace(session_hash=session)] * count


def refusal(gate: Gate, session: str | None = None) -> str:
    with pytest.raises(KoCLIPError) as info:
        gate.check(session)
    return info.value.code


def test_a_full_queue_takes_nobody(gate, queue):
    wait(queue, "a", 7)
    gate.check("b")
    wait(queue, "c", 1)
    assert refusal(gate, "b") == refusal(gate) == "request_busy"


def test_one_session_cannot_fill_the_queue(gate, queue):
    wait(queue, "a", 1)
    gate.check("a")
    wait(queue, "a", 1)
    assert refusal(gate, "a") == "request_busy_yours"
    gate.check("b")
    gate.check()


def test_large_calls_do_not_fill_the_memory(queue):
    gate = Gate(SimpleNamespace(_queue=queue), Settings(queue=100))
    wait(queue, "a", 31)
    gate.check("b", 15_000_000)
    wait(queue, "a", 1)
    gate.check("b", 900_000)
    with pytest.raises(KoCLIPError, match="32"):
        gate.check("b", 15_000_000)


def test_a_space_that_stops_takes_nobody(gate):
    gate.is_stopping = True
    assert refusal(gate) == "request_stopping"


def test_it_is_idle_when_nobody_waits_for_anything(gate, queue):
    assert gate.is_idle
    with gate.exchange():
        assert not gate.is_idle
    queue.active = 1
    assert not gate.is_idle
    queue.active = 0
    wait(queue, "a", 1)
    assert not gate.is_idle


def test_direct_calls_are_made_a_few_at_a_time_and_in_their_order(gate):
    running, most, order = 0, 0, []

    async def call(number: int) -> None:
        nonlocal running, most
        async with gate.direct_call():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            order.append(number)
            running -= 1

    async def all_calls() -> list:
        return await asyncio.gather(*map(call, range(12)), return_exceptions=True)

    found = asyncio.run(all_calls())
    refused = [error.code for error in found if error is not None]
    assert most == 2 and order == list(range(10))
    assert refused == ["request_busy"] * 2  # eight wait, as many as may
    assert gate.waiting == 0
