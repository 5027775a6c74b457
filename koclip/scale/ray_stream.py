"""Embedding on many machines by Ray Data, in place of `koclip.picture_stream.embed_stream`.

Only descriptions of pictures are sent to the workers, and rows come back. So the pictures and the
model's files must be at the same paths on every machine of the cluster, as in a shared folder, and
KoCLIP must be installed there. Whoever started the build writes the database.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from koclip.errors import KoCLIPError
from koclip.picture_stream import EmbeddedBatch, embed_stream

if TYPE_CHECKING:
    from koclip.database.picture_task import Task
    from koclip.hub import ModelFiles
    from koclip.model import KoCLIP

INSTALL = "pip install -r requirements-scale.txt"
_PICTURES = 256  # that a worker is sent at once
_MOST_BLOCKS = 2000  # Ray keeps an account of each


@dataclass(frozen=True)
class RayStream:
    """What `koclip.database.build.build` takes for `embed`. Pictures remain in their order.

    It uses the cluster that the process is connected to, or that RAY_ADDRESS names; without one,
    Ray is started on this machine.
    """

    workers: int | None = None
    """Processes with a model of their own; None for one on each machine."""

    def __call__(
        self, model: KoCLIP, sources: Iterable[tuple[Task, object]], note: Callable
    ) -> Iterator[EmbeddedBatch]:
        """Like `embed_stream`, but with new tasks for those that were given.

        Raises:
            KoCLIPError: Ray is not installed or fails, or a picture is in an archive, which cannot
                be read from elsewhere.
        """
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise KoCLIPError("ray_missing", command=INSTALL) from error
        tasks = [task for task, _ in sources]
        if not tasks:
            return
        parts = [tasks[at : at + _PICTURES] for at in range(0, len(tasks), _PICTURES)]
        rows = [{"tasks": _pickled(part)} for part in parts]
        with _clear_failures(ray.exceptions.RayError):
            if not ray.is_initialized():
                ray.init(log_to_driver=False, include_dashboard=False, logging_level="ERROR")
            with _quiet_and_in_order(ray.data.DataContext.get_current()):
                workers, processors = _shares(ray.nodes(), self.workers)
                embedded = ray.data.from_items(
                    rows, override_num_blocks=min(len(rows), _MOST_BLOCKS)
                ).map(
                    _Worker,
                    fn_constructor_args=(model.files, model.precision, note),
                    compute=ray.data.ActorPoolStrategy(size=min(workers, len(rows))),
                    num_cpus=processors,
                )
                for row in embedded.iter_rows():
                    yield from pickle.loads(row["batches"])


class _Worker:
    """Opens the model once; then tasks → batches, both pickled."""

    def __init__(self, files: ModelFiles, precision: str, note: Callable) -> None:
        from koclip.compilation import use_compilation_cache
        from koclip.model import KoCLIP

        use_compilation_cache()
        self._embed = partial(embed_stream, KoCLIP.from_files(files, precision), note=note)

    def __call__(self, row: dict[str, bytes]) -> dict[str, bytes]:
        tasks: list[Task] = pickle.loads(row["tasks"])
        return {"batches": pickle.dumps(list(self._embed((task, task.read) for task in tasks)))}


def _pickled(tasks: list[Task]) -> bytes:
    try:
        return pickle.dumps(tasks)
    except Exception as error:  # open files can refuse in many ways
        raise KoCLIPError("ray_not_files") from error


def _shares(nodes: list[dict], workers: int | None) -> tuple[int, int]:
    """How many workers there are, and how many processors each of them has."""
    processors = [int(node["Resources"].get("CPU", 0)) for node in nodes if node["Alive"]]
    processors = [count for count in processors if count]
    workers = workers or len(processors)
    on_each = -(-workers // max(1, len(processors)))
    return workers, max(1, min(processors, default=1) // on_each)


@contextmanager
def _quiet_and_in_order(context) -> Iterator[None]:
    """Ray Data's settings for this one use of it."""
    options = context.execution_options
    before = options.preserve_order, context.enable_progress_bars
    options.preserve_order, context.enable_progress_bars = True, False
    try:
        yield
    finally:
        options.preserve_order, context.enable_progress_bars = before


@contextmanager
def _clear_failures(ray_error: type[Exception]) -> Iterator[None]:
    try:
        yield
    except ray_error as error:
        cause: BaseException | None = error
        while cause and not isinstance(cause, KoCLIPError):
            cause = getattr(cause, "cause", None) or cause.__cause__
        raise KoCLIPError("ray_failed", reason=cause or error) from error
    except ConnectionError as error:
        raise KoCLIPError("ray_failed", reason=error) from error
