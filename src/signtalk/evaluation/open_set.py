"""Known, unknown and idle clips asked together: what is accepted, and whether the promises are kept.

Recognizer + known, unknown and idle clips -> measure_open_set -> OpenSetAnswers
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray
from signtalk.evaluation.intervals import Interval, wilson_interval
from signtalk.evaluation.results import ChoiceResult, GateResult, OpenSet, SetResult
from signtalk.evaluation.retrieval import (
    accuracy_at_coverage,
    auroc,
    expected_calibration_error,
    fpr_at_tpr,
    reliability_bins,
)
from signtalk.recognition.answer import AnsweredClips
from signtalk.recognition.asked import Asked
from signtalk.recognition.recognizer import DecisionConfig, Recognizer


@dataclass(frozen=True, eq=False)
class OpenSetAnswers:
    """Figures, and what they were counted from.

    Attributes:
        result: the figures.
        answers: to the known queries.
        right: (Q,) whether the first candidate of each is right.
        unknown_confidences: (U,) of the unknown queries.
    """

    result: OpenSet
    answers: AnsweredClips
    right: BoolArray
    unknown_confidences: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Told:
    """What one gate says to all queries."""

    known: AnsweredClips
    unknown: AnsweredClips
    idle: AnsweredClips | None

    @property
    def parts(self) -> tuple[AnsweredClips, ...]:
        return (self.known, self.unknown) if self.idle is None else (self.known, self.unknown, self.idle)


def measure_open_set(
    recognizer: Recognizer, known: Asked, held_out: Asked | None, idle: Asked | None
) -> OpenSetAnswers:
    """Ask everything, by SignTalk's gate and by the prototype's.

    Args:
        recognizer: whose decision is measured.
        known: clips of indexed sentences.
        held_out: clips of sentences that are not indexed; None asks the known clips once more without their sentence.
        idle: clips in which nobody signs.
    """
    ours = _told(recognizer, recognizer.decision, known, held_out, idle)
    theirs = _told(recognizer, DecisionConfig.prototype(), known, held_out, idle)
    right = _is_right(ours.known, known)
    confidences, strange = (_float(part.confidences) for part in (ours.known, ours.unknown))
    both = np.concatenate([confidences, strange])
    is_known = np.arange(len(both)) < len(confidences)
    sure = np.concatenate([_sureness(part) for part in ours.parts])
    shall = np.arange(len(sure)) < len(right)
    shall[: len(right)] = right
    told_apart = bool(shall.any()) and not shall.all()
    all_right = np.append(right, np.zeros(len(strange), dtype=np.bool_))
    result = OpenSet(
        unknown_kind="held out of training and index" if held_out else "trained, left out of the index",
        num_known=len(known.records),
        num_unknown=len(strange),
        num_idle=0 if idle is None else len(idle.records),
        auroc=auroc(both, is_known),
        fpr_at_95_tpr=fpr_at_tpr(both, is_known),
        auroc_right=auroc(sure, shall) if told_apart else None,
        fpr_right=fpr_at_tpr(sure, shall) if told_apart else None,
        accuracy_at_80=accuracy_at_coverage(confidences, right),
        ece=expected_calibration_error(reliability_bins(both, all_right)),
        sets=_set_result(ours.known, known, recognizer.decision),
        choices=_choice_result(ours, known),
        gates=(_gate_result("SignTalk", ours, known), _gate_result("prototype", theirs, known)),
        gate_note=recognizer.decision.gate.note,
    )
    return OpenSetAnswers(result, ours.known, right, strange)


def _told(
    recognizer: Recognizer, decision: DecisionConfig, known: Asked, held_out: Asked | None, idle: Asked | None
) -> _Told:
    # No translation: the gate does not need it.
    recognizer = recognizer.changed(decision=decision.model_copy(update={"translate": False}))

    def answers(asked: Asked, exclude: list[tuple[str, ...]]) -> AnsweredClips:
        return recognizer.answer(asked.encoded, asked.motions, exclude, num_candidates=1)

    unknown = held_out or known
    return _Told(
        known=answers(known, known.own_ids),
        unknown=answers(
            unknown, unknown.own_ids if held_out else [recognizer.index.clips_of(key) for key in unknown.keys]
        ),
        idle=None if idle is None else answers(idle, idle.own_ids),
    )


def _float(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _sureness(answers: AnsweredClips) -> npt.NDArray[np.float64]:
    """(B,) what a threshold acts on: the confidence, and nothing where nobody moves."""
    still = np.array([found.reason == "low_motion" for found in answers.answers], dtype=np.bool_)
    return np.where(still, 0.0, _float(answers.confidences))


def _is_right(answers: AnsweredClips, queries: Asked) -> BoolArray:
    return answers.ranking.ranks_of(queries.keys) == 1


def _set_result(answers: AnsweredClips, known: Asked, decision: DecisionConfig) -> SetResult | None:
    if decision.sets.gap is None:
        return None
    sizes = np.array([found.num_possible for found in answers.answers])
    ranks = answers.ranking.ranks_of(known.keys)
    covered = int(((ranks > 0) & (ranks <= sizes)).sum())
    return SetResult(decision.sets.coverage, wilson_interval(covered, len(sizes)), float(sizes.mean()))


def _choice_result(told: _Told, known: Asked) -> ChoiceResult:
    offers = [found.choices for found in told.known.answers]
    offered = sum(bool(offer) for offer in offers)
    right = sum(any(choice.text_key == key for choice in offer) for offer, key in zip(offers, known.keys, strict=True))
    strange = sum(bool(found.choices) for found in told.unknown.answers)
    return ChoiceResult(
        known_offered=wilson_interval(offered, len(offers)),
        right=_share(right, offered + strange),
        unknown_offered=wilson_interval(strange, len(told.unknown.answers)),
    )


def _gate_result(name: str, told: _Told, known: Asked) -> GateResult:
    accepted = [np.array([r.accepted for r in part.answers], dtype=np.bool_) for part in told.parts]
    right = _is_right(told.known, known) & accepted[0]
    reasons = Counter(r.reason for part in told.parts for r in part.answers)
    return GateResult(
        name=name,
        known_accepted=wilson_interval(int(accepted[0].sum()), len(accepted[0])),
        precision=_share(int(right.sum()), int(sum(part.sum() for part in accepted))),
        known_wrong=float((accepted[0] & ~right).mean()),
        unknown_accepted=wilson_interval(int(accepted[1].sum()), len(accepted[1])),
        idle_accepted=wilson_interval(int(accepted[2].sum()), len(accepted[2])) if told.idle else None,
        reasons=dict(sorted(reasons.items())),
    )


def _share(part: int, total: int) -> Interval | None:
    return wilson_interval(part, total) if total else None
