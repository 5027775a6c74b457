"""What was asked for on the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How much of a suite to run."""

    quick: bool = False
    """Tiny sizes, no peers: whether it works, not how fast it is."""
    rows: tuple[str, ...] = ()
    """Only rows whose table or name has one of these in it; () for all."""
    engines: tuple[str, ...] = ()
    """Only engines whose name has one of these in it; () for all."""

    def wants_row(self, group: str, name: str) -> bool:
        return _has_any(f"{group}: {name}".removeprefix(": "), self.rows)

    def wants_engine(self, name: str) -> bool:
        return _has_any(name, self.engines)

    def budget(self, seconds: float) -> float:
        """The seconds that the turns of a row may take; a quick run needs no more than one each."""
        return 0.0 if self.quick else seconds


def _has_any(text: str, parts: tuple[str, ...]) -> bool:
    return not parts or any(part.lower() in text.lower() for part in parts)
