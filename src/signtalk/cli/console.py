"""What the commands share: consoles, the progress bar, plain and JSON output, the model that answers."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from signtalk._model import Model
    from signtalk.cli.options import ModelOptions
    from signtalk.data.manifest import Problem

out_console = Console(markup=False, emoji=False)  # texts come from outside: brackets in them mean nothing

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class ProgressBar:
    """A progress bar on standard error that is a callback(done, total)."""

    def __init__(self, title: str, hidden: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        rate = TextColumn("{task.fields[rate]}")
        columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=hidden, transient=True)
        self._task = self._progress.add_task(title, total=None, rate="")
        self._first: tuple[float, int] | None = None

    def __enter__(self) -> ProgressBar:
        return self

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` are finished."""
        self._progress.start()  # with the first report, so that a command that fails at once prints its error alone
        self._progress.update(self._task, completed=done, total=total, rate=self._rate(done))

    def _rate(self, done: int) -> str:
        """How many a second or a minute, counted from the first report: what was done before took no time."""
        now = time.monotonic()
        if self._first is None:
            self._first = (now, done)
        since, before = self._first
        rate = (done - before) / max(now - since, 1e-3)
        return f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min"

    def __exit__(self, *_: object) -> None:
        if self._progress.live.is_started:
            self._progress.stop()


def open_model(which: ModelOptions, **options: Any) -> Model:
    """The model that the options name, one of run and bundle; to be closed.

    Args:
        which: run or bundle.
        options: further ones of `signtalk.load`.
    """
    import signtalk
    from signtalk.errors import ConfigError

    if (which.run is None) == (which.bundle is None):
        raise ConfigError("give either --run or --bundle")
    return signtalk.load(which.run.absolute() if which.run else which.bundle or "", **options)


def existing(index: Path | None) -> Path | None:
    """A personal index that is named to be read must be there."""
    from signtalk.errors import ArtifactError
    from signtalk.index.personal import layer_exists

    if index is not None and not layer_exists(index):
        raise ArtifactError(f"{index}: no such index; `signtalk enroll` makes one")
    return index


def tell_left_out(problems: Sequence[Problem], as_json: bool) -> list[dict[str, str]]:
    """One line on standard error about what was left out, unless the JSON document tells it.

    Returns:
        What stands under "left_out" in that document.
    """
    if problems and not as_json:
        first = problems[0]
        print_error(f"left out: {len(problems)} (first: {first.clip_id}: {first.message})")
    return [dict(vars(problem)) for problem in problems]


def tell_notes(notes: Iterable[str], as_json: bool) -> list[str]:
    """One line on standard error for each thing that should be known, unless the JSON document tells it.

    Returns:
        What stands under "notes" in that document.
    """
    each = list(dict.fromkeys(notes))
    for note in [] if as_json else each:
        print_error(f"note: {note}")
    return each


def in_json(as_json: bool, left_out: list[dict[str, str]]) -> dict[str, Any]:
    """What the JSON document says besides; people have read it on standard error."""
    return {"left_out": left_out} if as_json else {}


def print_error(text: str) -> None:
    """One line on standard error, whatever breaks a library's message has."""
    from signtalk.errors import printable

    Console(stderr=True).print(printable(" ".join(text.split())), markup=False, highlight=False, soft_wrap=True)


def show(values: dict[str, Any], as_json: bool) -> None:
    """Print named values as lines, or as one JSON document."""
    from signtalk.errors import printable

    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
        out_console.print(printable(f"{name}: {text}"), markup=False, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print one JSON document on standard output, unwrapped and uncoloured."""
    from signtalk.errors import printable

    sys.stdout.write(printable(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")
