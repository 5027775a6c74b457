"""Tries hostile input, and says what became of it.

    python -m tests.fuzz --minutes 10
    python -m tests.fuzz --inputs 1000 --seed 3 --kind pictures
    python -m tests.fuzz --again fuzz-finding.pictures

A finding ends it with exit code 1; the input is saved to be tried again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from koclip.terminal import print_table
from tests.fuzz.run import NAMES, Tally, fuzz, retry


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, help="how long")
    parser.add_argument("--inputs", type=int, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the same inputs for the same number")
    parser.add_argument("--kind", choices=NAMES, action="append", help="default: all")
    parser.add_argument("--again", type=Path, metavar="FILE", help="the input of a finding")
    args = parser.parse_args()
    if args.again:
        print(retry(args.again.suffix[1:], args.again.read_bytes()))
        return 0
    if not (args.minutes or args.inputs):
        parser.error("--minutes or --inputs says when to end")
    kinds = tuple(args.kind or NAMES)
    tallies, finding = fuzz(args.seed, args.inputs, args.minutes, kinds)
    print_table([_row(name, tally) for name, tally in tallies.items()])
    for name, tally in tallies.items():
        counts = ", ".join(f"{code} {count}" for code, count in tally.outcomes.most_common())
        print(f"{name}: {counts}")
    if finding is None:
        return 0
    file = Path(f"fuzz-finding.{finding.kind}")
    file.write_bytes(finding.data)
    print(f"{file} ({len(finding.data)} bytes): {finding.what}", file=sys.stderr)
    return 1


def _row(name: str, tally: Tally) -> dict[str, object]:
    accepted = tally.outcomes["accepted"]
    return {
        "kind": name,
        "tried": tally.tried,
        "accepted": accepted,
        "refused": tally.tried - accepted,
        "slowest, s": round(tally.slowest, 1),
        "most memory, MB": tally.largest // 1_000_000,
    }


if __name__ == "__main__":
    raise SystemExit(main())
