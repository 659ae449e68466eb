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
from signtalk.evaluation.intervals import Interval, wilson_interval
from signtalk.evaluation.results import ChoiceResult, GateResult, OpenSet, SetResult, WrongClip
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
        accepted: (Q,) whether the gate accepts it.
        unknown_confidences: (U,) of the unknown queries.
        unknown_accepted: (U,) whether the gate accepts their first candidate.
        wrong_clips: every query that was not told what it should be.
    """

    result: OpenSet
    answers: AnsweredClips
    right: BoolArray
    accepted: BoolArray
    unknown_confidences: npt.NDArray[np.float64]
    unknown_accepted: BoolArray
    wrong_clips: tuple[WrongClip, ...]


@dataclass(frozen=True, eq=False)
class _Answered:
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
    ours = _answered_by(recognizer, recognizer.decision, known, held_out, idle)
    theirs = _answered_by(recognizer, DecisionConfig.prototype(), known, held_out, idle)
    right = _is_right(ours.known, known)
    confidences, strange = (_float(part.confidences) for part in (ours.known, ours.unknown))
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
        sets=_set_result(ours.known, known, recognizer.decision),
        choices=_choice_result(ours, known),
        gates=(_gate_result("SignTalk", ours, known), _gate_result("prototype", theirs, known)),
        gate_note=recognizer.decision.gate.note,
    )
    return OpenSetAnswers(
        result=result,
        answers=ours.known,
        right=right,
        accepted=_accepted(ours.known),
        unknown_confidences=strange,
        unknown_accepted=_accepted(ours.unknown),
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
    return _gate_result(name, _answered_by(recognizer, recognizer.decision, known, None, None), known)


def _answered_by(
    recognizer: Recognizer, decision: DecisionConfig, known: Asked, held_out: Asked | None, idle: Asked | None
) -> _Answered:
    # No translation: the gate does not need it. What the gate does is measured, whether or not a promise is proven.
    measured = decision.under("research").model_copy(update={"translate": False})
    recognizer = recognizer.changed(decision=measured)

    def answers(queries: Asked, exclude: list[tuple[str, ...]]) -> AnsweredClips:
        return recognizer.answer(queries.encoded, queries.motions, exclude, num_candidates=1)

    unknown = held_out or known
    return _Answered(
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
    still = np.array([answer.reason == "low_motion" for answer in answers.answers], dtype=np.bool_)
    return np.where(still, 0.0, _float(answers.confidences))


def _accepted(answers: AnsweredClips) -> BoolArray:
    return np.array([answer.accepted for answer in answers.answers], dtype=np.bool_)


def _wrong_clips(
    kind: Literal["known", "unknown", "idle"], answers: AnsweredClips, queries: Asked, right: BoolArray | None = None
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


def _is_right(answers: AnsweredClips, queries: Asked) -> BoolArray:
    return answers.ranking.ranks_of(queries.keys) == 1


def _set_result(answers: AnsweredClips, known: Asked, decision: DecisionConfig) -> SetResult | None:
    if decision.sets.gap is None:
        return None
    sizes = np.array([answer.num_possible for answer in answers.answers])
    ranks = answers.ranking.ranks_of(known.keys)
    covered = int(((ranks > 0) & (ranks <= sizes)).sum())
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


def _gate_result(name: str, answered: _Answered, known: Asked) -> GateResult:
    accepted = [_accepted(part) for part in answered.parts]
    right = _is_right(answered.known, known) & accepted[0]
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
