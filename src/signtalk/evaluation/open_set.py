"""Known, unknown and idle clips asked together: what is accepted, and whether the promises are kept.

Recognizer + known, unknown and idle clips -> measure_open_set -> OpenSetAnswers
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray
from signtalk.evaluation.answered import AskedAnswers, answer_asked
from signtalk.evaluation.intervals import Interval, wilson_interval
from signtalk.evaluation.results import ChoiceResult, GateResult, OpenSet, SetResult, WrongClip
from signtalk.evaluation.retrieval import (
    accuracy_at_coverage,
    auroc,
    expected_calibration_error,
    fpr_at_tpr,
    reliability_bins,
)
from signtalk.recognition.asked import Asked
from signtalk.recognition.recognizer import DecisionConfig, Recognizer


@dataclass(frozen=True, eq=False)
class OpenSetAnswers:
    """Figures, and what they were counted from.

    Attributes:
        result: the figures.
        known: answers to the known queries.
        unknown: answers to the unknown ones.
        wrong_clips: every query that was not told what it should be.
    """

    result: OpenSet
    known: AskedAnswers
    unknown: AskedAnswers
    wrong_clips: tuple[WrongClip, ...]


@dataclass(frozen=True, eq=False)
class _Answered:
    """What one gate says to all queries."""

    known: AskedAnswers
    unknown: AskedAnswers
    idle: AskedAnswers | None

    @property
    def parts(self) -> tuple[AskedAnswers, ...]:
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
    ours = _answered_by(recognizer, recognizer.decision, known, held_out, idle)
    theirs = _answered_by(recognizer, DecisionConfig.prototype(), known, held_out, idle)
    right, confidences, strange = ours.known.right, ours.known.confidences, ours.unknown.confidences
    both = np.concatenate([confidences, strange])
    is_known = np.arange(len(both)) < len(confidences)
    sure = np.concatenate([_sureness(part) for part in ours.parts])
    shall = np.arange(len(sure)) < len(right)
    shall[: len(right)] = right
    both_kinds = bool(shall.any()) and not shall.all()
    all_right = np.append(right, np.zeros(len(strange), dtype=np.bool_))
    result = OpenSet(
        unknown_kind="held out of training and index" if held_out else "trained, left out of the index",
        num_known=len(known.records),
        num_unknown=len(strange),
        num_idle=0 if idle is None else len(idle.records),
        auroc=auroc(both, is_known),
        fpr_at_95_tpr=fpr_at_tpr(both, is_known),
        auroc_right=auroc(sure, shall) if both_kinds else None,
        fpr_right=fpr_at_tpr(sure, shall) if both_kinds else None,
        accuracy_at_80=accuracy_at_coverage(confidences, right),
        ece=expected_calibration_error(reliability_bins(both, all_right)),
        sets=_set_result(ours.known, recognizer.decision),
        choices=_choice_result(ours, known),
        gates=(_gate_result("SignTalk", ours), _gate_result("prototype", theirs)),
        gate_note=recognizer.decision.gate.note,
    )
    return OpenSetAnswers(
        result=result,
        known=ours.known,
        unknown=ours.unknown,
        wrong_clips=(
            *_wrong_clips("known", ours.known, known, right),
            *_wrong_clips("unknown", ours.unknown, held_out or known),
            *(_wrong_clips("idle", ours.idle, idle) if ours.idle and idle else ()),
        ),
    )


def measure_gate(name: str, recognizer: Recognizer, known: Asked) -> GateResult:
    """What SignTalk's gate does with clips, each asked once more without its own sentence.

    Args:
        name: what stands in the report.
        recognizer: its index holds the sentences of the clips.
        known: the clips.
    """
    return _gate_result(name, _answered_by(recognizer, recognizer.decision, known, None, None))


def _answered_by(
    recognizer: Recognizer, decision: DecisionConfig, known: Asked, held_out: Asked | None, idle: Asked | None
) -> _Answered:
    # No translation: the gate does not need it. What the gate does is measured, whether or not a promise is proven.
    measured = decision.under("research").model_copy(update={"translate": False})
    recognizer = recognizer.changed(decision=measured)

    unknown, without = held_out, None
    if unknown is None:
        unknown, without = known, [recognizer.index.clips_of(key) for key in known.keys]
    return _Answered(
        known=answer_asked(recognizer, known),
        unknown=answer_asked(recognizer, unknown, without),
        idle=None if idle is None else answer_asked(recognizer, idle),
    )


def _sureness(answers: AskedAnswers) -> npt.NDArray[np.float64]:
    """(B,) what a threshold acts on: the confidence, and nothing where nobody moves."""
    still = np.array([answer.reason == "low_motion" for answer in answers.answers], dtype=np.bool_)
    return np.where(still, 0.0, answers.confidences)


def _wrong_clips(
    kind: Literal["known", "unknown", "idle"], answers: AskedAnswers, queries: Asked, right: BoolArray | None = None
) -> Iterator[WrongClip]:
    """Known clips answered wrongly or not at all, and answers to clips that have none in the index."""
    for row, (record, answer) in enumerate(zip(queries.records, answers.answers, strict=True)):
        if not answer.accepted if right is None else answer.accepted and bool(right[row]):
            continue
        first = answer.candidates[0].sentence if answer.candidates else ""
        yield WrongClip(
            kind=kind,
            clip_id=record.clip_id,
            signer_id=record.signer_id,
            told=first if answer.accepted else "",
            right=record.sentence,
            reason=answer.reason,
            candidate=first,
            confidence=answer.confidence,
        )


def _set_result(answers: AskedAnswers, decision: DecisionConfig) -> SetResult | None:
    if decision.sets.gap is None:
        return None
    sizes = np.array([answer.num_possible for answer in answers.answers])
    covered = int(((answers.ranks > 0) & (answers.ranks <= sizes)).sum())
    return SetResult(decision.sets.coverage, wilson_interval(covered, len(sizes)), float(sizes.mean()))


def _choice_result(answered: _Answered, known: Asked) -> ChoiceResult:
    offers = [answer.choices for answer in answered.known.answers]
    offered = sum(bool(offer) for offer in offers)
    right = sum(any(choice.text_key == key for choice in offer) for offer, key in zip(offers, known.keys, strict=True))
    strange = sum(bool(answer.choices) for answer in answered.unknown.answers)
    return ChoiceResult(
        known_offered=wilson_interval(offered, len(offers)),
        right=_share(right, offered + strange),
        unknown_offered=wilson_interval(strange, len(answered.unknown.answers)),
    )


def _gate_result(name: str, answered: _Answered) -> GateResult:
    accepted = [part.accepted for part in answered.parts]
    right = answered.known.right & accepted[0]
    reasons = Counter(r.reason for part in answered.parts for r in part.answers)
    return GateResult(
        name=name,
        known_accepted=wilson_interval(int(accepted[0].sum()), len(accepted[0])),
        precision=_share(int(right.sum()), int(sum(part.sum() for part in accepted))),
        known_wrong=float((accepted[0] & ~right).mean()),
        unknown_accepted=wilson_interval(int(accepted[1].sum()), len(accepted[1])),
        idle_accepted=wilson_interval(int(accepted[2].sum()), len(accepted[2])) if answered.idle else None,
        reasons=dict(sorted(reasons.items())),
    )


def _share(part: int, total: int) -> Interval | None:
    return wilson_interval(part, total) if total else None
