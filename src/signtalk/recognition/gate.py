"""Accept or refuse: is the first sentence sure enough to be shown to a nurse?

`Scores` + motion -> Evidence -> `decide` -> Decision. A refusal is a result with a reason, not an error.
The calibrated gate turns sentence-level evidence into a probability that the answer is right and accepts
above a threshold; the prototype's gate of SPEC 1.9 stays selectable for comparison.

A sentence that is only written lacks half of the evidence, and what clips have proven says nothing about it: it has
a gate of its own (`GateConfig.written`), and is refused where that was not fitted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from signtalk.arrays import BoolArray, FloatArray
from signtalk.evaluation.intervals import wilson_interval
from signtalk.recognition.evidence import COMPARED_FIGURES, FIGURES, Evidence
from signtalk.recognition.logistic import Logistic, fit_logistic, precision_threshold

Reason = Literal[
    "",
    "low_motion",
    "low_similarity",
    "ambiguous_top2",
    "prototype_disagreement",
    "text_disagreement",
    "empty_index",
    "gate_not_fitted",
    "written_not_proven",
]

_CALMER = 0.75
"""How fast a new signer may sign, as a share of the slowest hundredth of those who were seen."""
UNSURE = ("low_similarity", "ambiguous_top2", "prototype_disagreement", "text_disagreement")
"""Reasons that leave the best candidates worth a look."""

# SPEC 1.9
_PROTOTYPE_MOTION_FLOOR = 7.5e-4
_PROTOTYPE_MIN_SIMILARITY = 0.58
_PROTOTYPE_MIN_MARGIN = 0.10
_PROTOTYPE_MIN_AGREEMENT = 0.53

REASON_OF: dict[str, Reason] = {
    "score": "low_similarity",
    "margin": "ambiguous_top2",
    "similarity": "low_similarity",
    "dtw_score": "low_similarity",
    "prototype": "prototype_disagreement",
    "text_score": "text_disagreement",
    "standing": "ambiguous_top2",
    "dtw_margin": "ambiguous_top2",
    "text_per_word": "text_disagreement",
}
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Spread = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_OLDER_FIGURES = 6
_OneEach = Field(min_length=len(FIGURES), max_length=len(FIGURES))
_Weights = Annotated[tuple[_Weight, ...], _OneEach]
_Typical = Annotated[tuple[_Finite, ...], _OneEach]
_Spreads = Annotated[tuple[_Spread, ...], _OneEach]
UNKNOWN_SHARE = 0.3
"""Of clips that show a sentence which is not indexed, among all that are asked: what a gate is fitted for unless told.

How often an answer is right depends on it; no set of validation clips says what will be asked.
"""


class GateConfig(BaseModel, frozen=True, extra="forbid"):
    """A gate with all its numbers; the defaults are safe guesses for a gate that was never fitted.

    Attributes:
        mode: "calibrated", or "prototype" for the rule and thresholds of SPEC 1.9, which then ignore the rest.
        motion_floor: hand speed in shoulder widths a second below which nothing was signed.
        threshold: least confidence that is accepted.
        choice_threshold: least confidence at which an unsure answer offers the best sentences to choose from; None =
            never, because no clip has proven it.
        weights: of the standardised evidence, in the order of `evidence.FIGURES`; none is negative.
        bias: of the logistic function.
        typical: mean of each figure over right answers.
        spread: standard deviation likewise, above 0.
        fitted: False for numbers that no clip has proven; such a gate refuses everything and says why.
        precision_asked: what the threshold was fitted for; None when it was not fitted.
        precision_reached: whether the clips of the fit showed that precision; where not, the threshold lies above all
            their wrong answers.
        written: the gate of sentences that are only written, fitted on sentences that training never saw; its motion
            floor does not count. None = none of them is accepted.
    """

    mode: Literal["calibrated", "prototype"] = "calibrated"
    motion_floor: float = Field(default=0.1, ge=0, allow_inf_nan=False)
    threshold: float = Field(default=0.9, ge=0, le=1)
    choice_threshold: float | None = Field(default=None, ge=0, le=1)
    weights: _Weights = (0.5, 2.0, 0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0)
    bias: _Finite = 3.0
    typical: _Typical = (0.7, 0.1, 0.8, 0.6, 0.8, 0.6, 5.0, 0.3, -0.2)
    spread: _Spreads = (0.15, 0.07, 0.15, 0.2, 0.15, 0.3, 1.5, 0.2, 1.0)
    fitted: bool = True
    precision_asked: float | None = Field(default=None, ge=0, le=1)
    precision_reached: bool = False
    written: GateConfig | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_older_versions(cls, given: Any) -> Any:
        """Gates of bundle formats 2 and 3 know six figures; the later ones count nothing in them."""
        if not isinstance(given, dict):
            return given
        added = {name: cls.model_fields[name].default[_OLDER_FIGURES:] for name in ("typical", "spread")}
        added["weights"] = (0.0,) * (len(FIGURES) - _OLDER_FIGURES)
        older = {
            name: (*given[name], *more) for name, more in added.items() if len(given.get(name, ())) == _OLDER_FIGURES
        }
        return {**given, **older}

    @property
    def logistic(self) -> Logistic:
        """The function from evidence to confidence."""
        return Logistic(self.weights, self.bias, self.typical, self.spread)

    @property
    def note(self) -> str:
        """What a reader of its answers must know; "" when the gate keeps what was asked for."""
        if self.mode == "prototype":
            return "the prototype's fixed thresholds, for comparison"
        if not self.fitted:
            return "the gate could not be fitted (too few validation clips), so every answer is refused"
        if self.precision_asked is not None and not self.precision_reached:
            return f"validation never showed the precision of {self.precision_asked:g} that was asked for"
        return ""


@dataclass(frozen=True)
class Decision:
    """Whether an answer is given.

    Attributes:
        accepted: True shows the sentence.
        reason: why not; "" when accepted.
        confidence: 0-1, how probably the first candidate is right; 0.0 without one.
        offered: not accepted, but the best sentences may be offered to choose from.
    """

    accepted: bool
    reason: Reason
    confidence: float
    offered: bool = False


@dataclass(frozen=True)
class GateFit:
    """A fitted gate and how it came about.

    Attributes:
        config: the gate.
        report: figures of the fit; `fallback` tells why the safe guesses were kept, if they were.
    """

    config: GateConfig
    report: dict[str, Any]


def confidences(evidence: Evidence, config: GateConfig) -> npt.NDArray[np.float64]:
    """(B,) probability that the first candidate is right: logistic in the standardised evidence; 0 without one.

    In prototype mode, which has no probability of its own, the bare score.
    """
    if config.mode == "prototype":
        return np.where(evidence.answered, np.nan_to_num(evidence.score).astype(np.float64), 0.0)
    found = config.logistic.confidences(evidence.matrix())
    proven = _written_gate(config)
    of_written = proven.logistic.confidences(evidence.matrix()) if proven else np.zeros(len(found))
    return np.where(evidence.answered, np.where(evidence.written, of_written, found), 0.0)


def _written_gate(config: GateConfig) -> GateConfig | None:
    """The gate of written sentences, where clips have proven it."""
    return config.written if config.written is not None and config.written.fitted else None


def decide(evidence: Evidence, motions: FloatArray, config: GateConfig) -> tuple[Decision, ...]:
    """One decision a query.

    Args:
        evidence: B queries.
        motions: (B,) hand speeds, shoulder widths a second.
        config: the gate.
    """
    found = confidences(evidence, config)
    rule = _prototype_reasons if config.mode == "prototype" else _calibrated_reasons
    least = np.inf if config.choice_threshold is None or config.mode == "prototype" else config.choice_threshold
    return tuple(
        Decision(
            accepted=not reason,
            reason=reason,
            confidence=float(confidence),
            offered=reason in UNSURE and bool(confidence >= least) and not written,
        )
        for reason, confidence, written in zip(
            rule(evidence, motions, found, config), found, evidence.written, strict=True
        )
    )


def _calibrated_reasons(
    evidence: Evidence, motions: FloatArray, found: npt.NDArray[np.float64], config: GateConfig
) -> list[Reason]:
    """The figure that lies lowest, measured by right answers, is the one that is told."""
    proven = _written_gate(config)
    lowest_of = {False: _lowest(evidence, config), True: _lowest(evidence, proven or config)}
    reasons: list[Reason] = []
    for query, written in enumerate(evidence.written.tolist()):
        gate, lowest = (proven or config if written else config), int(lowest_of[written][query])
        if not evidence.answered[query]:
            reasons.append("empty_index")
        elif not config.fitted:
            reasons.append("gate_not_fitted")
        elif not motions[query] >= config.motion_floor:  # an unknown motion (NaN) is none
            reasons.append("low_motion")
        elif written and proven is None:
            reasons.append("written_not_proven")
        else:
            reasons.append("" if found[query] >= gate.threshold else REASON_OF[FIGURES[lowest]])
    return reasons


def _lowest(evidence: Evidence, config: GateConfig) -> npt.NDArray[np.int64]:
    """(B,) the figure of each first candidate that lies farthest below what is typical of right answers."""
    return np.asarray(config.logistic.standardised(evidence.matrix()).argmin(axis=1))


def _prototype_reasons(
    evidence: Evidence,
    motions: FloatArray,
    found: npt.NDArray[np.float64],
    config: GateConfig,
) -> list[Reason]:
    """SPEC 1.9: fixed thresholds in this order; a sentence of one clip has no prototype to disagree."""
    del found, config
    reasons: list[Reason] = []
    for query in range(len(motions)):
        margin, agreement = evidence.margin[query], evidence.prototype[query]
        if not evidence.answered[query]:
            reasons.append("empty_index")
        elif not motions[query] >= _PROTOTYPE_MOTION_FLOOR:
            reasons.append("low_motion")
        elif evidence.score[query] < _PROTOTYPE_MIN_SIMILARITY:
            reasons.append("low_similarity")
        elif not np.isnan(margin) and margin < _PROTOTYPE_MIN_MARGIN:
            reasons.append("ambiguous_top2")
        elif not np.isnan(agreement) and agreement < _PROTOTYPE_MIN_AGREEMENT:
            reasons.append("prototype_disagreement")
        else:
            reasons.append("")
    return reasons


def fit_gate(
    evidence: Evidence,
    correct: BoolArray,
    motion_signing: FloatArray,
    motion_idle: FloatArray,
    precision: float = 0.98,
    min_clips: int = 20,
    counts: npt.NDArray[np.floating] | None = None,
    figures: Collection[str] = COMPARED_FIGURES,
) -> GateFit:
    """Fit the gate on clips that neither training nor test has seen.

    Args:
        evidence: queries, known and unknown.
        correct: (B,) whether the first candidate is right; False for every unknown query.
        motion_signing: hand speeds of clips in which somebody signs.
        motion_idle: hand speeds of idle clips; may be empty.
        precision: part of the accepted answers that shall be right.
        min_clips: with fewer queries, or with only right or only wrong ones, nothing is fitted.
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
    report: dict[str, Any] = {"num_queries": len(right), "num_right": int(right.sum()), "precision_asked": precision}
    report |= {"num_idle": len(motion_idle), "motion_floor": floor, "fallback": None}
    if len(right) < min_clips or right.all() or not right.any():
        report["fallback"] = f"{len(right)} queries, {int(right.sum())} right; too few of one kind to fit a gate"
        return GateFit(GateConfig(motion_floor=floor, fitted=False, precision_asked=precision), report)
    weighed = np.array([name in figures for name in FIGURES])
    logistic = fit_logistic(evidence.matrix(), right, counts, weighed)
    found = logistic.confidences(evidence.matrix())
    threshold, reached = precision_threshold(found, right, precision, counts)
    accepted = found >= threshold
    num_accepted = int(accepted.sum())
    share = float(np.average(right[accepted], weights=counts[accepted])) if num_accepted else None
    shown = None if share is None else wilson_interval(round(share * num_accepted), num_accepted)
    report |= {
        "threshold": threshold,
        "target_reached": reached,
        "num_accepted": num_accepted,
        "precision_found": share,
        "precision_lower_bound": shown.low if shown else None,
        "coverage_of_right": float(accepted[right].mean()),
    }
    fitted = {"threshold": threshold, "precision_asked": precision, "precision_reached": reached}
    return GateFit(GateConfig(motion_floor=floor, **asdict(logistic), **fitted), report)


def query_counts(known: BoolArray, unknown_share: float = UNKNOWN_SHARE) -> npt.NDArray[np.float64]:
    """(B,) how much each query counts so that `unknown_share` of all show a sentence that is not indexed; mean 1.

    Where all are of one kind, all count the same.
    """
    share = float(known.mean()) if len(known) else 0.0
    if share in (0.0, 1.0):
        return np.ones(len(known))
    return np.where(known, (1 - unknown_share) / share, unknown_share / (1 - share))


def _motion_floor(signing: FloatArray, idle: FloatArray) -> float:
    """A speed between idle and signing (largest Youden index), well below the slowest that was seen signing.

    Somebody whom nobody has seen signs calmer than all others now and then; what is idle and passes has no likeness.
    """
    if not len(signing):
        return GateConfig().motion_floor
    slowest = float(np.percentile(signing, 1))
    if not len(idle):
        return 0.5 * slowest  # nothing tells how slow idle is
    speeds = np.unique(np.concatenate([signing, idle]).astype(np.float64))
    between = np.append(speeds[0], (speeds[1:] + speeds[:-1]) / 2)
    idle_below = np.searchsorted(np.sort(idle), between) / len(idle)
    signing_above = 1 - np.searchsorted(np.sort(signing), between) / len(signing)
    return min(float(between[int(np.argmax(idle_below + signing_above))]), _CALMER * slowest)
