"""`signtalk calibrate`: how sure is sure enough, fitted anew for other promises or another camera."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signtalk.cli.console import existing, open_model, out_console, print_json, show, tell_left_out, tell_notes
from signtalk.cli.options import Folder, IndexOption, Json, ModelOptions, grouped, not_nan

if TYPE_CHECKING:
    from signtalk.calibration.reports import CalibrationReport
    from signtalk.recognition.recognizer import DecisionConfig

_BUNDLE_NEEDS_OUT = "a bundle is never changed; give --out a file, and recognise with --calibration and that file"


def _share(text: str) -> Any:
    return typer.Option(min=0.01, max=0.999, callback=not_nan, help=text)


@grouped
def calibrate(
    clips: Folder,
    which: ModelOptions,
    index: IndexOption = None,
    precision: Annotated[float, _share("Part of the accepted answers that shall be right.")] = 0.98,
    unknown_share: Annotated[float, _share("Part of the clips asked that show a sentence which is not indexed.")] = 0.3,
    coverage: Annotated[float, _share("Part of the candidate sets that shall hold the right sentence.")] = 0.9,
    choice_precision: Annotated[float, _share("Part of the offered choices that shall hold it.")] = 0.9,
    out: Annotated[Path | None, typer.Option(help="File to write; RUN/decision.json by default.")] = None,
    as_json: Json = False,
) -> None:
    """Fit the gate: from which confidence an answer is given, and what is offered when it is not.

    With the data that a run was trained on its validation clips are asked and everything is fitted, never on test
    clips. With other clips, such as a handful recorded before another camera, the gate alone is fitted to them.

    Example: signtalk calibrate ~/signtalk-gh --run runs/first --precision 0.99

    Example: signtalk calibrate ~/clinic-clips --bundle sign_encoder_bundle.zip --out clinic.json
    """
    from signtalk.errors import ConfigError
    from signtalk.training.names import DECISION_NAME

    if which.bundle is not None and out is None:
        raise ConfigError(_BUNDLE_NEEDS_OUT)
    with open_model(which, index=existing(index)) as model:
        target = out or Path(which.run or ".") / DECISION_NAME
        fitted = model.calibrate(
            clips, precision=precision, unknown_share=unknown_share, coverage=coverage,
            choice_precision=choice_precision, out=target,
        )  # fmt: skip
    left_out = tell_left_out(fitted.left_out, as_json)
    notes = tell_notes(fitted.notes, as_json)
    if as_json:
        print_json({"written": str(target), **fitted.report.to_dict(), "left_out": left_out, "notes": notes})
        return
    print_fit(fitted.decision, fitted.report)
    show({"written": str(target)}, as_json)


def print_fit(decision: DecisionConfig, report: CalibrationReport, title: str = "Calibration") -> None:
    """Print what was fitted as a table: from where an answer is given, and what that keeps."""
    from rich.table import Table

    accepted, sets = report.gate.accepted, decision.sets
    table = Table("", "", title=title, show_header=False)
    table.add_row("clips of indexed sentences, of others", f"{report.num_known}, {report.num_unknown}")
    table.add_row("motion floor, shoulder widths a second", f"{decision.gate.motion_floor:.3f}")
    if accepted is not None:
        table.add_row("accepted from a confidence of", f"{decision.gate.threshold:.3f}")
        table.add_row("right among the accepted, estimated", _percent(accepted.precision_found))
        table.add_row("accepted among the right, estimated", _percent(accepted.coverage_of_right))
        choice = decision.gate.choice_threshold
        table.add_row("choices offered from a confidence of", "never" if choice is None else f"{choice:.3f}")
    for promise in decision.promises.values():
        table.add_row("promise", str(promise))
    if report.before_after is not None:
        table.add_row("the same clips before", str(report.before_after.before))
        table.add_row("the same clips now", str(report.before_after.after))
    reach = "none" if sets.gap is None else f"{sets.gap:.3f} below the best score, for {sets.coverage:.0%}"
    table.add_row("candidate sets reach to", reach)
    out_console.print(table)
    for line in report.too_few:
        out_console.print(f"mind: {line}", markup=False, highlight=False, soft_wrap=True)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
