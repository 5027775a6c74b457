"""The process of one engine: `python -m koclip.benchmark.engines ENGINE OPTIONS OUTPUT`.

OPTIONS is JSON, OUTPUT the file for what a task's first call returns. Answers requests, one a line,
until the pipe is closed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module

import numpy as np


def serve(engine: str, options: str, output: str) -> None:
    """Reads {"task"}, to be called once and its answer kept, or {"task", "calls", "warm"}, to be
    timed; replies with the seconds of each timed call."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints belongs into the log
    prepare = import_module(f"koclip.benchmark.engines.{engine}").open_engine(**json.loads(options))
    calls: dict[str, Callable[[], np.ndarray]] = {}
    print("[]", file=replies, flush=True)  # a sign of life
    for line in sys.stdin:
        request = json.loads(line)
        key = json.dumps(request["task"])
        if key not in calls:
            calls[key] = prepare(request["task"])
        if "calls" in request:
            seconds = _time(calls[key], request["calls"], warm=request["warm"])
        else:
            seconds = []
            np.save(output, calls[key]())
        print(json.dumps(seconds), file=replies, flush=True)


def _time(call: Callable[[], np.ndarray], count: int, *, warm: bool) -> list[float]:
    if warm:
        call()
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    serve(*sys.argv[1:])
