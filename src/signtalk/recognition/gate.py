"""Accept or refuse: is the first sentence sure enough to be shown to a nurse?

`Ranking` + motion -> Evidence -> `decide` -> Decision. A refusal is a result with a reason, not an error.
The calibrated gate turns sentence-level evidence into a probability that the answer is right and accepts
above a threshold; the prototype's gate of docs/contract.md 1.9 stays selectable for comparison.

A sentence that is only written lacks half of the evidence, and what clips have proven says nothing about it: it has
a gate of its own (`GateConfig.written`), and is refused where that was not fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import (
    BaseModel,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

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
    "not_proven",
]

UNSURE = ("low_similarity", "ambiguous_top2", "prototype_disagreement", "text_disagreement")
"""Reasons that leave the best candidates worth a look."""

# docs/contract.md 1.9
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
_LISTS = {"weights": "weight", "typical": "typical", "spread": "spread"}
"""How files name what `Figure` holds of each figure: one list each, in the order of FIGURES."""
_OLDER_FIGURES = 6
"""Gates of bundle formats 2 and 3 know the first six; the later ones count nothing in them."""


class Figure(BaseModel, frozen=True, extra="forbid"):
    """What a gate makes of one figure of the evidence.

    Attributes:
        weight: of the standardised figure; never negative, so that better evidence never lowers the confidence.
        typical: mean over right answers.
        spread: standard deviation likewise, above 0.
    """

    weight: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    typical: _Finite
    spread: Annotated[float, Field(gt=0, allow_inf_nan=False)]


_UNFITTED = {
    "score": Figure(weight=0.5, typical=0.7, spread=0.15),
    "margin": Figure(weight=2.0, typical=0.1, spread=0.07),
    "similarity": Figure(weight=0.5, typical=0.8, spread=0.15),
    "dtw_score": Figure(weight=0.5, typical=0.6, spread=0.2),
    "centroid": Figure(weight=0.5, typical=0.8, spread=0.15),
    "text_score": Figure(weight=0.5, typical=0.6, spread=0.3),
    "standing": Figure(weight=0.0, typical=5.0, spread=1.5),
    "dtw_margin": Figure(weight=0.0, typical=0.3, spread=0.2),
    "text_per_word": Figure(weight=0.0, typical=-0.2, spread=1.0),
}


def figures_of(logistic: Logistic) -> dict[str, Figure]:
    """The figures of a function that was fitted on `Evidence.matrix`."""
    columns = zip(FIGURES, logistic.weights, logistic.typical, logistic.spread, strict=True)
    return {name: Figure(weight=weight, typical=typical, spread=spread) for name, weight, typical, spread in columns}


class GateConfig(BaseModel, frozen=True, extra="forbid"):
    """A gate with all its numbers; the defaults are safe guesses for a gate that was never fitted.

    Attributes:
        mode: "calibrated", or "prototype" for rule and thresholds of docs/contract.md 1.9, which ignore the rest.
        motion_floor: hand speed in shoulder widths a second below which nothing was signed.
        threshold: least confidence that is accepted.
        choice_threshold: least confidence at which an unsure answer offers the best sentences to choose from; None =
            never, because no clip has proven it.
        figures: what to make of each figure of `evidence.FIGURES`, by name; in files three lists in their order.
        bias: of the logistic function.
        fitted: False for numbers that no clip has proven; such a gate refuses everything and says why.
        precision_asked: what the threshold was fitted for; None when it was not fitted.
        precision_reached: whether at least 10 accepted clips of the fit showed that precision; where not, the threshold
            lies above all their wrong answers.
        precision_found: part of the accepted clips that were right; None where older files do not tell.
        precision_lower_bound: lower end of its 95% interval; None likewise.
        num_accepted: how many clips were accepted; None likewise.
        least_words: fewest words of a sentence that showed it; of a gate of written or enrolled sentences, which may be
            shorter than all that were asked, and a shorter signing has less to be told by.
        least_sentences: fewest sentences that the index held when it was shown, likewise: where one or two are taught,
            nothing is near that an answer could be told from.
        written: the gate of sentences that are only written, fitted on sentences that training never saw; its motion
            floor does not count. None = none of them is accepted.
        enrolled: the gate of sentences that were enrolled, fitted likewise; None = this one decides and proves nothing.
    """

    mode: Literal["calibrated", "prototype"] = "calibrated"
    motion_floor: float = Field(default=0.1, ge=0, allow_inf_nan=False)
    threshold: float = Field(default=0.9, ge=0, le=1)
    choice_threshold: float | None = Field(default=None, ge=0, le=1)
    figures: dict[str, Figure] = _UNFITTED
    bias: _Finite = 3.0
    fitted: bool = True
    precision_asked: float | None = Field(default=None, ge=0, le=1)
    precision_reached: bool = False
    precision_found: float | None = Field(default=None, ge=0, le=1)
    precision_lower_bound: float | None = Field(default=None, ge=0, le=1)
    num_accepted: int | None = Field(default=None, ge=0)
    least_words: int = Field(default=1, ge=1)
    least_sentences: int = Field(default=1, ge=1)
    written: GateConfig | None = None
    enrolled: GateConfig | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_lists(cls, content: Any) -> Any:
        """Take what files hold, three lists, for `figures`; a list that is not there keeps its unfitted numbers."""
        if not isinstance(content, dict) or "figures" in content or not content.keys() & _LISTS.keys():
            return content
        figures = {name: figure.model_dump() for name, figure in _UNFITTED.items()}
        for name, part in _LISTS.items():
            if name in content:
                for figure, value in zip(FIGURES, _of_all_figures(name, content[name]), strict=True):
                    figures[figure][part] = value
        return {**{name: value for name, value in content.items() if name not in _LISTS}, "figures": figures}

    @model_serializer(mode="wrap")
    def _to_lists(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The form of files: three lists in the place of `figures`."""
        lists = {name: [getattr(self.figures[figure], part) for figure in FIGURES] for name, part in _LISTS.items()}
        content: dict[str, Any] = {}
        for name, value in write(self).items():  # in the order of older versions' files
            if name == "figures":
                content["weights"] = lists["weights"]
            elif name == "bias":
                content |= {"bias": value, "typical": lists["typical"], "spread": lists["spread"]}
            else:
                content[name] = value
        return content

    @field_validator("figures")
    @classmethod
    def _check_names(cls, figures: dict[str, Figure]) -> dict[str, Figure]:
        if figures.keys() != set(FIGURES):
            raise ValueError(f"figures {', '.join(sorted(figures))}; expected {', '.join(FIGURES)}")
        return {name: figures[name] for name in FIGURES}

    @property
    def logistic(self) -> Logistic:
        """The function from evidence to confidence."""
        figures = [self.figures[name] for name in FIGURES]
        return Logistic(
            weights=tuple(figure.weight for figure in figures),
            bias=self.bias,
            typical=tuple(figure.typical for figure in figures),
            spread=tuple(figure.spread for figure in figures),
        )

    @property
    def for_enrolled(self) -> GateConfig:
        """What decides about enrolled sentences: figures and threshold of their own where those were fitted."""
        if self.enrolled is None or not self.enrolled.fitted:
            return self
        own = {name: getattr(self.enrolled, name) for name in ("figures", "bias", "threshold")}
        return self.model_copy(update=own)

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


def _of_all_figures(name: str, values: Any) -> list[Any]:
    """A list of a file, of nine figures or, from older versions, of six."""
    if not isinstance(values, list | tuple) or len(values) not in (_OLDER_FIGURES, len(FIGURES)):
        raise ValueError(f"{name} {values!r}; expected {len(FIGURES)} numbers, of older versions {_OLDER_FIGURES}")
    later = [_UNFITTED[figure] for figure in FIGURES[len(values) :]]
    return [*values, *(0.0 if name == "weights" else getattr(figure, name) for figure in later)]


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
    of_signed = config.logistic.confidences(evidence.matrix())
    proven = _written_gate(config)
    of_written = proven.logistic.confidences(evidence.matrix()) if proven else np.zeros(len(of_signed))
    return np.where(evidence.answered, np.where(evidence.written, of_written, of_signed), 0.0)


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
    sureness = confidences(evidence, config)
    if config.mode == "prototype":
        reasons, least = _prototype_reasons(evidence, motions), np.inf
    else:
        reasons = _calibrated_reasons(evidence, motions, sureness, config)
        least = np.inf if config.choice_threshold is None else config.choice_threshold
    return tuple(
        Decision(
            accepted=not reason,
            reason=reason,
            confidence=float(confidence),
            offered=reason in UNSURE and bool(confidence >= least) and not written,
        )
        for reason, confidence, written in zip(reasons, sureness, evidence.written, strict=True)
    )


def _calibrated_reasons(
    evidence: Evidence, motions: FloatArray, sureness: npt.NDArray[np.float64], config: GateConfig
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
            reasons.append("" if sureness[query] >= gate.threshold else REASON_OF[FIGURES[lowest]])
    return reasons


def _lowest(evidence: Evidence, config: GateConfig) -> npt.NDArray[np.int64]:
    """(B,) the figure of each first candidate that lies farthest below what is typical of right answers."""
    return np.asarray(config.logistic.standardised(evidence.matrix()).argmin(axis=1))


def _prototype_reasons(evidence: Evidence, motions: FloatArray) -> list[Reason]:
    """docs/contract.md 1.9: fixed thresholds in this order; a sentence of one clip has no centroid to disagree."""
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
