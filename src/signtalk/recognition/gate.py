"""Accept or refuse: is the first sentence sure enough to be shown to a nurse?

`Ranking` + motion -> Evidence -> `decide` -> Decision. A refusal is a result with a reason, not an error.
The calibrated gate turns sentence-level evidence into a probability that the answer is right and accepts
above a threshold; the prototype's gate of SPEC 1.9 stays selectable for comparison.

A sentence that is only written lacks half of the evidence, and what clips have proven says nothing about it: it has
a gate of its own (`GateConfig.written`), and is refused where that was not fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from signtalk.arrays import FloatArray
from signtalk.recognition.evidence import FIGURES, Evidence
from signtalk.recognition.logistic import Logistic

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
    "centroid": "prototype_disagreement",
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
    """SPEC 1.9: fixed thresholds in this order; a sentence of one clip has no centroid to disagree."""
    del found, config
    reasons: list[Reason] = []
    for query in range(len(motions)):
        margin, agreement = evidence.margin[query], evidence.centroid[query]
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
