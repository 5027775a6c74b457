"""Where a run's measurements go: metrics.csv, the terminal, and an error once they are NaN."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax

from koclip.errors import KoCLIPError
from koclip.files import write_whole
from koclip.training.config import TrainConfig
from koclip.training.loss import LossOutput
from koclip.training.metrics import MetricsFile
from koclip.training.optimizer import learning_rate
from koclip.training.progress import Progress
from koclip.training.step import StepMetrics


class Recorder:
    """Records a run that starts after step `first`; writes on the first process only."""

    def __init__(
        self,
        config: TrainConfig,
        output: Path,
        *,
        batch_size: int,
        first: int,
        total: int,
        steps_per_epoch: int,
    ) -> None:
        self.first = first
        self._log_every, self._batch_size = config.log_every, batch_size
        self._total, self._steps_per_epoch = total, steps_per_epoch
        self._rate = learning_rate(config, total)
        self._timed_from, self._since = first, time.monotonic()
        self._metrics = self._progress = None
        if jax.process_index() == 0:
            self._metrics = MetricsFile(output, first)
            self._progress = Progress(first, total)
            settings = json.dumps(config.to_json(), indent=2, ensure_ascii=False) + "\n"
            write_whole(output / "training.json", settings.encode())

    def stepped(self, step: int, metrics: StepMetrics) -> None:
        """Step `step` is on its way; its metrics are waited for only where a row is due."""
        if self._progress:
            self._progress.step()
        if step == self.first + 1:  # compiling is no part of the speed
            jax.block_until_ready(metrics)
            self._timed_from, self._since = step, time.monotonic()
        if step % self._log_every and step != self._total:
            return
        self.check_finite(step, metrics)
        row = {
            "loss": float(metrics.loss),
            "learning_rate": float(self._rate(step - 1)),
            "logit_scale": float(metrics.logit_scale),
            "image_accuracy": float(metrics.image_accuracy),
            "text_accuracy": float(metrics.text_accuracy),
        }
        if step > self._timed_from:
            seconds = time.monotonic() - self._since
            images = (step - self._timed_from) * self._batch_size
            row["images_per_second"] = round(images / seconds, 1)
        self._timed_from, self._since = step, time.monotonic()
        self._write(step, "train", row)

    def validated(self, step: int, output: LossOutput) -> None:
        """The validation loss after step `step`."""
        self._write(step, "validation", {k: float(v) for k, v in output._asdict().items()})

    def check_finite(self, step: int, metrics: StepMetrics) -> None:
        """Stops a run that computes with NaN or infinity, before they reach a checkpoint.

        Raises:
            KoCLIPError: the loss or the gradient is not finite.
        """
        loss, norm = float(metrics.loss), float(metrics.gradient_norm)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise KoCLIPError("training_diverged", step=step, loss=loss, norm=norm)

    @contextmanager
    def pause(self, metrics: StepMetrics) -> Iterator[None]:
        """What is done in here after a step does not count as training time."""
        jax.block_until_ready(metrics)
        start = time.monotonic()
        yield
        self._since += time.monotonic() - start

    def close(self) -> None:
        """Leaves the terminal as it was."""
        if self._progress:
            self._progress.close()

    def _write(self, step: int, split: str, row: dict[str, float]) -> None:
        if self._metrics is None:
            return
        epoch = (step - 1) // self._steps_per_epoch + 1
        self._metrics.write({"step": step, "epoch": epoch, "split": split} | row)
        self._progress.report(step, split, row)
