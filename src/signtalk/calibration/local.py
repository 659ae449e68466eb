"""The gate fitted to clips of one place: of another camera, of a clinic. It needs SciPy, no torch.

Recognizer of a run or a bundle + data folder -> calibrate_locally -> Calibrated
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from signtalk.calibration.before_after import compare_fits
from signtalk.calibration.calibrate import CalibrationConfig, recalibrate
from signtalk.calibration.clips import CalibrationClips, clips_of_folder
from signtalk.calibration.reports import CalibrationReport
from signtalk.data.manifest import Manifest
from signtalk.data.records import Problem
from signtalk.errors import DataError
from signtalk.recognition.recognizer import DecisionConfig, Recognizer


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What was fitted once more.

    Attributes:
        decision: what to decide with.
        report: figures of the fit.
        left_out: clips that could not be used, and why.
        notes: what is odd about the folder's table, a sentence each.
    """

    decision: DecisionConfig
    report: CalibrationReport
    left_out: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def calibrate_locally(
    recognizer: Recognizer, manifest: Manifest, config: CalibrationConfig, used: Collection[str] = ()
) -> Calibrated:
    """Fit gate and candidate sets on all clips of a folder.

    Args:
        recognizer: of a run or a bundle.
        manifest: clips that neither training, index nor test has seen.
        config: what to promise.
        used: ids of clips that have been seen, besides those of the index.

    Raises:
        DataError: some of the clips have been seen, they are too few for a gate, or the fit would only take answers or
            choices away.
    """
    known_ids = {entry.clip_id for entry in recognizer.index.entries} | set(used)
    shared = sorted(record.clip_id for record in manifest.records if record.clip_id in known_ids)
    if shared:
        raise DataError(
            f"{manifest.root}: {len(shared)} clips belong to the model's own data (first {shared[0]}), as their names "
            "say; what was trained on, indexed or is to be tested proves nothing here, so give other clips, or all of "
            "that data; rename clips that are others of the same name"
        )
    clips = clips_of_folder(recognizer, manifest)
    decision, report = recalibrate(recognizer, clips, config)
    if not decision.gate.fitted:
        raise DataError(
            f"{manifest.root}: {report.gate.fallback} (a known clip asks twice, once without its sentence); "
            "record more clips of indexed sentences and of others; the gate stays as it was"
        )
    report = told_against(recognizer, decision, clips, report)
    if report.before_after is not None and report.before_after.takes_all_away:
        raise DataError(
            f"{manifest.root}: the fit would only take away on these clips: {report.before_after}; record more clips, "
            "or ask for less precision of answers and choices; the gate stays as it was"
        )
    return Calibrated(decision, report, clips.left_out, manifest.notes)


def told_against(
    recognizer: Recognizer, decision: DecisionConfig, clips: CalibrationClips, report: CalibrationReport
) -> CalibrationReport:
    """The report of a fit, with what it changes on its own clips, and a word where that is for the worse.

    Args:
        recognizer: as it decided before.
        decision: what was fitted.
        clips: of the fit.
        report: of the fit.
    """
    changes = compare_fits(recognizer, recognizer.changed(decision=decision), clips)
    too_few = report.too_few
    if changes.is_worse:
        too_few = (*too_few, f"the fit helps less than before on these clips, and errs as often: {changes}")
    return replace(report, before_after=changes, too_few=too_few)
