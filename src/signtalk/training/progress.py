"""How far training is and how long it will take: a bar on a terminal, a line now and then in a log file.

Nothing here draws random numbers or touches the model, so a run gives the same with and without it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import lightning.pytorch as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

_LEAST_SECONDS = 30.0
_MOST_LINES = 50


class EpochProgress(pl.Callback):
    """Tells about every epoch when it is over, validation included.

    Where standard error is no terminal, a line is written for the first epoch, for the last, and between them so
    seldom that a log file gets some `_MOST_LINES` of them.
    """

    def __init__(
        self, num_epochs: int, console: Console | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with nothing told.

        Args:
            num_epochs: of the whole training; a call that stops before counts its time left to there.
            console: where to tell; None = standard error.
            clock: seconds.
        """
        self._num_epochs = num_epochs
        self._console = console or Console(file=sys.stderr, highlight=False)
        self._clock = clock
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._begun = self._latest_line = 0.0
        self._first_epoch = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to count; what a resumed run did before took no time of this one."""
        del pl_module
        self._begun, self._first_epoch = self._clock(), trainer.current_epoch
        if trainer.is_global_zero and self._console.is_terminal:
            columns = (TextColumn("training"), BarColumn(), TextColumn("{task.fields[text]}"))
            self._bar = Progress(*columns, console=self._console, transient=True)
            num_batches = int(trainer.num_training_batches)
            self._task = self._bar.add_task(
                "", total=_epochs(trainer) * num_batches, completed=self._first_epoch * num_batches,
                text=f"epoch {self._first_epoch + 1} of {self._num_epochs}",
            )  # fmt: skip
            self._bar.start()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Move the bar."""
        del trainer
        if self._bar is not None:
            self._bar.advance(self._task)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Tell about the epoch before, which has been validated by now."""
        if trainer.is_global_zero and trainer.current_epoch > self._first_epoch:
            self._tell(trainer, pl_module.history.rows[-1], trainer.current_epoch)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Tell about the last epoch."""
        self._stop()
        rows = pl_module.history.rows
        if trainer.is_global_zero and rows and not self._console.is_terminal:
            self._console.print(epoch_line(rows[-1], self._num_epochs, None))

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Take the bar away before anybody prints an error."""
        del trainer, pl_module, exception
        self._stop()

    def _tell(self, trainer: pl.Trainer, row: Mapping[str, Any], done: int) -> None:
        now, total = self._clock(), _epochs(trainer)
        an_epoch = (now - self._begun) / (done - self._first_epoch)
        line = epoch_line(row, self._num_epochs, an_epoch * (total - done))
        if self._bar is not None:
            self._bar.update(self._task, text=line)
            return
        pause = max(_LEAST_SECONDS, an_epoch * (total - self._first_epoch) / _MOST_LINES)
        if done == self._first_epoch + 1 or now - self._latest_line >= pause:
            self._latest_line = now
            self._console.print(line, soft_wrap=True)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def tell(text: str) -> None:
    """One line for whoever trains, on standard error."""
    Console(file=sys.stderr, highlight=False).print(text, soft_wrap=True, markup=False)


def _epochs(trainer: pl.Trainer) -> int:
    """After which this call ends."""
    return int(trainer.max_epochs or 0)


def epoch_line(row: Mapping[str, Any], num_epochs: int, seconds_left: float | None) -> str:
    """One epoch as a person reads it.

    Args:
        row: of the history; what was not measured is empty and is not shown.
        num_epochs: of the whole training.
        seconds_left: expected for the epochs that follow; None = it is over.
    """
    parts = [f"epoch {row['epoch']} of {num_epochs}", f"loss {row['train_loss']:.3g}"]
    if row["val_retrieval_mrr"] != "":
        parts.append(f"validation R@1 {row['val_retrieval_top1']:.3f}, MRR {row['val_retrieval_mrr']:.3f}")
    if seconds_left is not None:
        parts.append(f"about {duration(seconds_left)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """A time that nobody needs to the second."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
