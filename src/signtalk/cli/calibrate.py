"""`signtalk calibrate`: how sure is sure enough, fitted anew for other promises or another camera."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signtalk.cli.console import (
    BundleOption,
    Folder,
    IndexOption,
    Json,
    RunOption,
    not_nan,
    opened,
    out_console,
    print_json,
    tell_left_out,
)

if TYPE_CHECKING:
    from signtalk.calibration.calibrate import CalibrationConfig
    from signtalk.calibration.local import Calibrated
    from signtalk.calibration.reports import CalibrationReport
    from signtalk.data.manifest import Manifest
    from signtalk.recognition.recognizer import DecisionConfig

_BUNDLE_NEEDS_OUT = "a bundle is never changed; give --out a file, and recognise with --calibration and that file"


def _share(text: str) -> Any:
    return typer.Option(min=0.01, max=0.999, callback=not_nan, help=text)


def calibrate(
    clips: Folder,
    run: RunOption = None,
    bundle: BundleOption = None,
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
    from signtalk.calibration.calibrate import CalibrationConfig
    from signtalk.data.manifest import load_manifest
    from signtalk.errors import ConfigError
    from signtalk.recognition.decision import write_decision

    if bundle is not None and out is None:
        raise ConfigError(_BUNDLE_NEEDS_OUT)
    config = CalibrationConfig(
        precision=precision, unknown_share=unknown_share, coverage=coverage, choice_precision=choice_precision
    )
    manifest = load_manifest(clips)
    fitted, encoder_id = _fitted(manifest, run, bundle, index, config)
    target = out or _decision_of(run)
    write_decision(target, fitted.decision, fitted.report.to_dict(), encoder_id)
    left_out = tell_left_out((*manifest.problems, *fitted.left_out), as_json)
    if as_json:
        print_json({"written": str(target), **fitted.report.to_dict(), "left_out": left_out})
        return
    _print_report(target, fitted.decision, fitted.report)


def _decision_of(run: Path | None) -> Path:
    """Where a run keeps what it decides by; here, not above, because a bundle is calibrated without torch."""
    from signtalk.training.folder import DECISION_NAME

    return Path(run or ".") / DECISION_NAME


def _fitted(
    manifest: Manifest, run: Path | None, bundle: Path | None, index: Path | None, config: CalibrationConfig
) -> tuple[Calibrated, str]:
    """What was fitted, and the id of the model that it was fitted for."""
    from signtalk.calibration.local import calibrate_locally

    if run is not None and bundle is None and index is None:
        from signtalk.training.run import Run, calibrate_run

        own = Run.open(run)
        return calibrate_run(own, manifest, config), own.checkpoint.encoder_id
    with opened(run, bundle, index) as recognizer:
        used = () if run is None else _clips_of(run)
        return calibrate_locally(recognizer, manifest, config, used), recognizer.index.encoder_id


def _clips_of(run: Path) -> tuple[str, ...]:
    """The clips that a run was trained, chosen or is tested on."""
    from signtalk.training.run import Run

    return tuple(Run.open(run).roles())


def _print_report(target: Path, decision: DecisionConfig, report: CalibrationReport) -> None:
    from rich.table import Table

    accepted, sets = report.gate.accepted, decision.sets
    table = Table("", "", title="Calibration", show_header=False)
    table.add_row("clips of indexed sentences, of others", f"{report.num_known}, {report.num_unknown}")
    table.add_row("motion floor, shoulder widths a second", f"{decision.gate.motion_floor:.3f}")
    if accepted is not None:
        table.add_row("accepted from a confidence of", f"{decision.gate.threshold:.3f}")
        table.add_row("right ones among the accepted", _percent(accepted.precision_found))
        table.add_row("accepted among the right ones", _percent(accepted.coverage_of_right))
        choice = decision.gate.choice_threshold
        table.add_row("choices offered from a confidence of", "never" if choice is None else f"{choice:.3f}")
    told = "none" if sets.gap is None else f"{sets.gap:.3f} below the best score, for {sets.coverage:.0%}"
    table.add_row("candidate sets reach to", told)
    out_console.print(table)
    for line in report.too_few:
        out_console.print(f"mind: {line}", markup=False, highlight=False, soft_wrap=True)
    out_console.print(f"written: {target}", markup=False, highlight=False, soft_wrap=True)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
