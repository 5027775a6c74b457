"""A crowd at the running Space: how many are answered, how fast, how fairly, and at what memory.

    python -m tests.crowd --clients 200 --minutes 5

mixes all endpoints, visits of the page and 5 % hostile requests; then it sends SIGTERM in the midst
of them. The tests do the same with a few. Linux only.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.crowd_clients import Outcome, Plan, run
from tests.space import ROOT, free_port

_PROCESSES = 2
_AFTER = 8.0  # seconds that the clients go on after SIGTERM


class Crowd(NamedTuple):
    """What a crowd met with."""

    outcomes: list[Outcome]
    memory: list[tuple[float, int]]
    """Seconds since the first client, and bytes of anonymous memory of the app."""
    stopped: float
    """When SIGTERM was sent, by time.monotonic()."""
    seconds_to_stop: float
    exit_code: int
    log: str
    left_behind: list[str]
    """Files of visitors that are still there when all is over."""

    def valid(self) -> list[Outcome]:
        """Requests that deserve an answer, and were made before the server was told to stop."""
        found = [o for o in self.outcomes if not o.kind.startswith("hostile")]
        return [o for o in found if o.start < self.stopped]

    def failures(self) -> list[Outcome]:
        """Of valid requests, those that got neither an answer nor an honest "busy"; and of hostile
        ones, those that were not refused kindly."""
        good = ("ok", "busy")
        failed = [o for o in self.valid() if o.result not in good and not self._met_the_stop(o)]
        late = [o for o in self.outcomes if o.start >= self.stopped]
        hostile = [o for o in self.outcomes if o.kind.startswith("hostile")]
        told = (*good, "stopping", "gone")
        return failed + [o for o in {*late, *hostile} if o.result not in told and not _gone(o)]

    def _met_the_stop(self, outcome: Outcome) -> bool:
        """A request of several steps whose later step came after SIGTERM, and was told so."""
        return outcome.result == "stopping" and outcome.start + outcome.seconds > self.stopped

    def busy_share(self) -> float:
        valid = self.valid()
        return sum(o.result == "busy" for o in valid) / len(valid)


def _gone(outcome: Outcome) -> bool:
    """No connection, because the server has ended."""
    return outcome.result.startswith(("ReadError", "RemoteProtocolError", "WriteError"))


def crowd(clients: int, seconds: float, think: float, hostile: float, interval: float) -> Crowd:
    """Starts the app, lets the crowd at it, sends SIGTERM, and waits until all is over."""
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "app.log"
        url, process = _start(log, Path(place))
        try:
            begin = time.monotonic()
            plans = [
                Plan(url, numbers, think, hostile, begin + seconds + _AFTER)
                for numbers in _split(clients)
            ]
            memory = [(0.0, anonymous_bytes(process.pid))]
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(_PROCESSES, mp_context=context) as processes:
                running = [processes.submit(run, plan) for plan in plans]
                while (now := time.monotonic() - begin) < seconds:
                    time.sleep(min(interval, seconds - now))
                    memory.append((time.monotonic() - begin, anonymous_bytes(process.pid)))
                stopped = time.monotonic()
                process.send_signal(signal.SIGTERM)
                code = process.wait(timeout=60)
                seconds_to_stop = time.monotonic() - stopped
                outcomes = [outcome for future in running for outcome in future.result()]
        finally:
            process.kill()
        text = log.read_text(encoding="utf-8")
        left = [str(path) for path in (Path(place) / "uploads").rglob("*")]
    return Crowd(outcomes, memory, stopped, seconds_to_stop, code, text, left)


def _start(log: Path, place: Path) -> tuple[str, subprocess.Popen]:
    port = free_port()
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(place / "uploads"),
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as response:
                if json.load(response)["models"]["koclip-mini"]["state"] == "open":
                    return url, process
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(log.read_text(encoding="utf-8"))


def _split(clients: int) -> list[range]:
    return [range(first, clients, _PROCESSES) for first in range(_PROCESSES)]


def anonymous_bytes(pid: int) -> int:
    """Memory of a process that is no file's."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return 1024 * int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)[1])


def report(result: Crowd) -> str:
    """The figures, as text."""
    valid, ok = result.valid(), [o for o in result.valid() if o.result == "ok"]
    first, last = min(o.start for o in valid), max(o.start + o.seconds for o in ok)
    lines = [
        f"valid requests {len(valid)}, answered {len(ok)} ({len(ok) / (last - first):.1f} per s)",
        f"failures {len(result.failures())}, busy {result.busy_share():.1%}",
        f"hostile requests {sum(o.kind.startswith('hostile') for o in result.outcomes)}",
        f"p50 {_quantile(ok, 0.5):.2f} s, p95 {_quantile(ok, 0.95):.2f} s",
    ]
    kinds = defaultdict(list)
    for outcome in ok:
        kinds[outcome.kind].append(outcome)
    lines += [
        f"  {kind}: {len(of)}, p50 {_quantile(of, 0.5):.2f} s, p95 {_quantile(of, 0.95):.2f} s"
        for kind, of in sorted(kinds.items())
    ]
    means = [statistics.mean(of) for of in _per_client(ok).values()]
    counts = sorted(len(of) for of in _per_client(ok).values())
    jain = sum(means) ** 2 / (len(means) * sum(mean**2 for mean in means))
    middle = statistics.median(counts)
    lines += [
        f"answers for a client: {counts[0]} to {counts[-1]}, median {middle:.0f}",
        f"mean seconds of a client: {min(means):.2f} to {max(means):.2f}, Jain's index {jain:.3f}",
        "memory (MB) " + ", ".join(f"{at:.0f} s: {size / 1e6:.0f}" for at, size in result.memory),
        f"SIGTERM: exit code {result.exit_code} after {result.seconds_to_stop:.1f} s; then told "
        f"{Counter(o.result for o in result.outcomes if o.start >= result.stopped)}",
        f"tracebacks in the log: {result.log.count('Traceback')}; files left behind: "
        f"{len(result.left_behind)}",
    ]
    failures = Counter(f"{o.kind}: {o.result}" for o in result.failures())
    lines += [f"FAILED {count} × {failure}" for failure, count in failures.most_common(20)]
    return "\n".join(lines)


def _per_client(outcomes: Sequence[Outcome]) -> dict[int, list[float]]:
    found = defaultdict(list)
    for outcome in outcomes:
        found[outcome.client].append(outcome.seconds)
    return found


def _quantile(outcomes: Sequence[Outcome], share: float) -> float:
    seconds = sorted(outcome.seconds for outcome in outcomes)
    return seconds[min(len(seconds) - 1, int(share * len(seconds)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--think", type=float, default=10, help="mean seconds between requests")
    parser.add_argument("--hostile", type=float, default=0.05, help="share of hostile requests")
    parser.add_argument("--log", type=Path, help="where to keep the log of the app")
    args = parser.parse_args()
    load = os.getloadavg()
    result = crowd(args.clients, 60 * args.minutes, args.think, args.hostile, 30)
    print(f"load of the machine before: {load[0]:.1f}, after: {os.getloadavg()[0]:.1f}")
    print(report(result))
    if args.log:
        args.log.write_text(result.log, encoding="utf-8")
    sys.exit(bool(result.failures()))


if __name__ == "__main__":
    main()
