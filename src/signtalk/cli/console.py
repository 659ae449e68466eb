"""What the commands share: options, consoles, the progress bar, plain and JSON output, the model that answers."""

from __future__ import annotations

import json
import math
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from signtalk.data.manifest import Problem
    from signtalk.recognition.recognizer import Recognizer

out_console = Console(markup=False, emoji=False)  # texts come from outside: brackets in them mean nothing

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Data folder with processed_metadata.csv.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Strict = Annotated[bool, typer.Option(help="Stop at the first clip that cannot be used.")]


def not_nan(value: float | None) -> float | None:
    """Refuse NaN, which passes every comparison of a range: callback of a float option."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter("nan is no number; give one")
    return value


RunOption = Annotated[Path | None, typer.Option(help="Run folder with an index.")]
BundleOption = Annotated[Path | None, typer.Option(help="Exported bundle; needs no torch.")]
VariantOption = Annotated[
    str, typer.Option(help="Encoder of the bundle that answers: fp32, int8, fp16, or offered = the smallest good one.")
]
IndexOption = Annotated[Path | None, typer.Option(help="Personal index of `signtalk enroll`, read besides.")]
Fps = Annotated[
    float, typer.Option(min=1, max=1000, callback=not_nan, help="Frame rate of .npy files, which do not know theirs.")
]
SmoothingAlpha = Annotated[
    float,
    typer.Option(
        min=1e-3,
        max=1,
        callback=not_nan,
        help="Weight of the new frame in the smoothing of .npy files; 1 = not smoothed.",
    ),
]


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


@contextmanager
def opened(
    run: Path | None, bundle: Path | None, personal: Path | None = None, variant: str = "fp32"
) -> Iterator[Recognizer]:
    """A recognizer from a run folder or a bundle, one of which is given, closed at the end of the block.

    Args:
        run: run folder.
        bundle: zip, or a folder with its files.
        personal: an index folder that is read besides, as a layer over that of run or bundle.
        variant: encoder of the bundle; a run has the full one alone.
    """
    from signtalk.errors import ConfigError

    if (run is None) == (bundle is None):
        raise ConfigError("give either --run or --bundle")
    if run is not None and variant != "fp32":
        raise ConfigError("--variant is for a bundle; a run has the full encoder alone")
    if run is not None:
        from signtalk.training.run import Run

        found = Run.open(run)
        yield _layered(found.recognizer(found.index(), found.decision()), personal)
    elif bundle is not None:
        from signtalk.bundle.bundle import open_bundle

        with open_bundle(bundle, variant) as unpacked:
            yield _layered(unpacked.recognizer, personal)


def _layered(recognizer: Recognizer, personal: Path | None) -> Recognizer:
    if personal is None:
        return recognizer
    from signtalk.index.personal import LayeredIndex

    return recognizer.changed(index=LayeredIndex(recognizer.index, personal).existing())


def checked(make: Callable[[], Any]) -> Any:
    """A settings object, or one clear line about what is wrong with it."""
    from pydantic import ValidationError

    from signtalk.errors import ConfigError

    try:
        return make()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        raise ConfigError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from error


def tell_left_out(problems: Sequence[Problem], as_json: bool) -> list[dict[str, str]]:
    """One line on standard error about what was left out, unless the JSON document tells it.

    Returns:
        What stands under "left_out" in that document.
    """
    if problems and not as_json:
        first = problems[0]
        print_error(f"left out: {len(problems)} (first: {first.clip_id}: {first.message})")
    return [dict(vars(problem)) for problem in problems]


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
