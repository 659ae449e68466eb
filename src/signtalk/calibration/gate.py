"""The gate, fitted on clips that neither training nor test has seen.

Evidence of known and unknown queries + which were right -> fit_gate -> GateFit
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array, FloatArray
from signtalk.calibration.logistic import MIN_ACCEPTED, MIN_FIT_CLIPS, fit_logistic, precision_threshold
from signtalk.evaluation.intervals import wilson_interval
from signtalk.recognition.evidence import COMPARED_FIGURES, FIGURES, Evidence
from signtalk.recognition.gate import GateConfig, figures_of

UNKNOWN_SHARE = 0.3
"""Of clips that show a sentence which is not indexed, among all that are asked: what a gate is fitted for unless told.

How often an answer is right depends on it; no set of validation clips says what will be asked.
"""
_CALMER = 0.75
"""How fast a new signer may sign, as a share of the slowest hundredth of those who were seen."""
_HIGHEST_FLOOR = 0.25
"""Whoever is seen, real people sign as calmly: one in a hundred words of the calmest of three at 0.32, at 0.27 at the
least. Made-up or lively signers alone would set a floor of 0.6 and above, which refuses a third of that person's words
(docs/experiments.md). Hands that move more than this and say nothing are for the gate to refuse."""
_MOST_UNSEEN = 0.1
"""Part of the signing clips that may show hardly a hand, and be refused."""


@dataclass(frozen=True)
class AcceptedAnswers:
    """What the threshold of a fitted gate lets through, among the clips of the fit.

    Attributes:
        threshold: least confidence that is accepted.
        target_reached: whether the precision that was asked for holds above it.
        num_accepted: answers above it.
        precision_found: part of them that is right, counted as `query_counts` says; None without any.
        precision_lower_bound: lower end of its 95% interval (Wilson); None likewise.
        coverage_of_right: part of the right answers that is accepted.
    """

    threshold: float
    target_reached: bool
    num_accepted: int
    precision_found: float | None
    precision_lower_bound: float | None
    coverage_of_right: float


@dataclass(frozen=True)
class GateReport:
    """How a gate came about.

    Attributes:
        num_queries: queries with an answer.
        num_right: those whose first candidate is right.
        precision_asked: part of the accepted answers that shall be right.
        num_idle: idle clips.
        motion_floor: hand speed below which nothing was signed.
        fallback: why the safe guesses were kept; None for a gate that was fitted.
        accepted: what the fitted gate lets through; None where it was not fitted.
    """

    num_queries: int
    num_right: int
    precision_asked: float
    num_idle: int
    motion_floor: float
    fallback: str | None
    accepted: AcceptedAnswers | None

    def to_dict(self) -> dict[str, Any]:
        """All figures by name, those of `accepted` beside the others."""
        figures = asdict(self)
        accepted = figures.pop("accepted")
        return figures | (accepted or {})


@dataclass(frozen=True)
class GateFit:
    """A fitted gate and how it came about."""

    config: GateConfig
    report: GateReport


def fit_gate(
    evidence: Evidence,
    correct: BoolArray,
    motion_signing: FloatArray,
    motion_idle: FloatArray,
    *,
    precision: float = 0.98,
    counts: npt.NDArray[np.floating] | None = None,
    figures: Collection[str] = COMPARED_FIGURES,
) -> GateFit:
    """Fit the gate on clips that neither training nor test has seen.

    With fewer than 20 queries, or with only right or only wrong ones, nothing is fitted.

    Args:
        evidence: queries, known and unknown.
        correct: (B,) whether the first candidate is right; False for every unknown query.
        motion_signing: hand speeds of clips in which somebody signs.
        motion_idle: hand speeds of idle clips; may be empty.
        precision: part of the accepted answers that shall be right.
        counts: (B,) how much each query counts (`query_counts`); None = the same.
        figures: which of `evidence.FIGURES` may get a weight.

    Returns:
        The gate, and how it was found. Where `precision` cannot be shown on these clips the threshold lies above
        every wrong answer among them, and config and report say so; a gate that cannot be fitted refuses all.
    """
    floor = _motion_floor(motion_signing, motion_idle)
    usable = evidence.answered
    counts = np.ones(len(usable)) if counts is None else counts
    evidence, right, counts = evidence.select(usable), correct[usable], counts[usable]
    num_right = int(right.sum())
    report = GateReport(len(right), num_right, precision, len(motion_idle), floor, None, None)
    if len(right) < MIN_FIT_CLIPS or right.all() or not right.any():
        why = f"{len(right)} queries, {num_right} right; too few of one kind to fit a gate"
        unfitted = GateConfig(motion_floor=floor, fitted=False, precision_asked=precision)
        return GateFit(unfitted, replace(report, fallback=why))
    weighed = np.array([name in figures for name in FIGURES])
    logistic = fit_logistic(evidence.matrix(), right, counts, weighed)
    sureness = logistic.confidences(evidence.matrix())
    threshold, reached = precision_threshold(sureness, right, precision, counts)
    accepted = _accepted(sureness, right, counts, threshold, reached)
    gate = GateConfig(
        motion_floor=floor,
        figures=figures_of(logistic),
        bias=logistic.bias,
        threshold=threshold,
        precision_asked=precision,
        precision_reached=accepted.target_reached,
        precision_found=accepted.precision_found,
        precision_lower_bound=accepted.precision_lower_bound,
        num_accepted=accepted.num_accepted,
    )
    return GateFit(gate, replace(report, accepted=accepted))


def _accepted(
    sureness: Float64Array, right: BoolArray, counts: npt.NDArray[np.floating], threshold: float, reached: bool
) -> AcceptedAnswers:
    accepted = sureness >= threshold
    num_accepted = int(accepted.sum())
    share = float(np.average(right[accepted], weights=counts[accepted])) if num_accepted else None
    interval = None if share is None else wilson_interval(round(share * num_accepted), num_accepted)
    return AcceptedAnswers(
        threshold=threshold,
        target_reached=reached and num_accepted >= MIN_ACCEPTED,
        num_accepted=num_accepted,
        precision_found=share,
        precision_lower_bound=interval.low if interval else None,
        coverage_of_right=float(accepted[right].mean()),
    )


def query_counts(
    known: BoolArray, unknown_share: float = UNKNOWN_SHARE, stand_for: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    """(B,) how much each query counts so that `unknown_share` of all show a sentence that is not indexed; mean 1.

    Where all are of one kind, their kind makes no difference.

    Args:
        known: (B,) whether a query's sentence is indexed.
        unknown_share: part of all.
        stand_for: (B,) how many queries each stands for, where some were drawn from many; None = itself.
    """
    stand_for = np.ones(len(known)) if stand_for is None else stand_for / stand_for.mean()
    if known.all() or not known.any():
        return stand_for
    share = float((known * stand_for).mean())
    return stand_for * np.where(known, (1 - unknown_share) / share, unknown_share / (1 - share))


def least_words(words: npt.NDArray[np.floating]) -> int:
    """Fewest words of the sentences that were answered rightly; 1 of none, which proves nothing anyway."""
    return int(words.min()) if len(words) else 1


def _motion_floor(signing: FloatArray, idle: FloatArray) -> float:
    """A speed between idle and signing (largest Youden index), well below the slowest that was seen signing.

    Somebody whom nobody has seen signs calmer than all others now and then; what is idle and passes has no likeness.
    A speed of 0 says that hardly a hand was seen. Where that is said of more than one signing clip in ten, the network
    reads hands and its clips show none: it told signs by the body, and nobody is refused for hands that are not seen.
    """
    if not len(signing):
        return GateConfig().motion_floor
    is_seen = signing > 0
    if is_seen.mean() < 1 - _MOST_UNSEEN:
        return 0.0
    signing = signing[is_seen]
    slowest = float(np.percentile(signing, 1))
    if not len(idle):
        return min(0.5 * slowest, _HIGHEST_FLOOR)  # nothing tells how slow idle is
    speeds = np.unique(np.concatenate([signing, idle]).astype(np.float64))
    between = np.append(speeds[0], (speeds[1:] + speeds[:-1]) / 2)
    idle_below = np.searchsorted(np.sort(idle), between) / len(idle)
    signing_above = 1 - np.searchsorted(np.sort(signing), between) / len(signing)
    return min(float(between[int(np.argmax(idle_below + signing_above))]), _CALMER * slowest, _HIGHEST_FLOOR)
