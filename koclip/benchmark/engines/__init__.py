"""One module for each engine that is measured, to be imported in a process of its own.

Each has `open_engine(**options)`, which returns `prepare(task)`, which returns a call without
arguments: what is timed. Whatever an engine needs is imported by its module alone.
"""

from __future__ import annotations

Task = dict[str, object]
"""What an engine is to compute: whatever JSON can say, as it crosses a pipe."""
