"""Ask a model what it must not fall for, and count what it says.

    Recognizer + Sources -> stress -> StressReport          (`stress_cases` says what is asked)

Every clip goes the way of `signtalk recognize`: features, encoder, search, scores, gate, translation. Nothing is
fitted. Chance follows from the seed and the names of case and clip alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from signtalk.errors import ClipError
from signtalk.intervals import Interval, bootstrap_statistic, wilson_interval
from signtalk.landmarks import LandmarkClip
from signtalk.metrics import (
    aurc,
    auroc,
    expected_calibration_error,
    fpr_at_tpr,
    reliability_bins,
)
from signtalk.recognizer import Recognition, Recognizer
from signtalk.stress_cases import Case, PlannedCase, Query, Sources, plan_cases
from signtalk.translation import is_right

Verdict = Literal["right", "wrong", "refused"]
UNUSABLE = "unusable_clip"
"""Reason of a clip that `recognize` cannot use at all: a refusal, too, in the words of an error."""
_CLIPS_AT_ONCE = 32
_RESAMPLES = 500


@dataclass(frozen=True)
class Outcome:
    """What one query was answered.

    Attributes:
        case: what was asked.
        clip_id: of the clip that it was made from.
        signer_id: who signed.
        own_keys: sentences that it was made from.
        verdict: whether the answer is right, wrong or a refusal; see `stress_cases.EXPECTED`.
        told: the answer; "" for a refusal.
        translated: whether it was a translation.
        own: whether it is a sentence that the clip was made from, be that right or not.
        reason: of the refusal; "" for an answer.
        confidence: 0-1, of the first candidate.
        first_own: whether the first candidate, told or not, is a sentence that the clip was made from.
        accepted: whether the first candidate was accepted.
    """

    case: Case
    clip_id: str
    signer_id: str
    own_keys: tuple[str, ...]
    verdict: Verdict
    told: str
    translated: bool
    own: bool
    reason: str
    confidence: float
    first_own: bool
    accepted: bool

    @property
    def is_known(self) -> bool:
        """Whether its own sentence may be told."""
        return self.case.expected == "right"


@dataclass(frozen=True, eq=False)
class CaseResult:
    """What came of one case. Intervals are Wilson's: they take clips of one signer as independent, which they are not.

    Attributes:
        case: what was asked.
        num_clips: clips that were asked.
        num_unmade: clips that could not be made.
        right: part answered rightly.
        wrong: part answered wrongly.
        refused: part not answered.
        first_own: part whose first candidate, told or not, is a sentence that the clip was made from.
        own: answers that name a sentence that the clip was made from.
        translated: answers that are translations.
        reasons: how often each reason of a refusal was given, most frequent first.
        not_run: why nothing was asked; the intervals are then None.
    """

    case: Case
    num_clips: int
    num_unmade: int
    right: Interval | None
    wrong: Interval | None
    refused: Interval | None
    first_own: float | None
    own: int
    translated: int
    reasons: dict[str, int]
    not_run: str


@dataclass(frozen=True, eq=False)
class Figures:
    """How well confidence tells what may be answered; known clips are those whose own sentence may be told.

    Attributes:
        name: which clips.
        num_known: known clips.
        num_strange: clips that have no right answer in the index.
        auroc: known against strange; None without both.
        fpr_at_95_tpr: strange ones let through where 95% of the known are; None likewise.
        aurc: area under the risk-coverage curve of all.
        ece: expected calibration error of all.
    """

    name: str
    num_known: int
    num_strange: int
    auroc: Interval | None
    fpr_at_95_tpr: float | None
    aurc: float
    ece: float


@dataclass(frozen=True, eq=False)
class StressReport:
    """Everything that was asked, and what was said.

    Attributes:
        encoder_id: of the model.
        num_sentences: in the index.
        notes: what a reader must know.
        cases: in their order, those that were not run too.
        figures: over the clips as recorded, and over all.
        outcomes: one a query.
    """

    encoder_id: str
    num_sentences: int
    notes: tuple[str, ...]
    cases: tuple[CaseResult, ...]
    figures: tuple[Figures, ...]
    outcomes: tuple[Outcome, ...]


def stress(
    recognizer: Recognizer, sources: Sources, progress: Callable[[int, int], None] | None = None
) -> StressReport:
    """Ask every case.

    Args:
        recognizer: a model over its index.
        sources: from `stress_cases.choose_sources` of this index.
        progress: called with (queries done, queries in all).
    """
    planned = plan_cases(sources)
    total = sum(len(plan.queries) for plan in planned)
    outcomes: list[Outcome] = []
    results = []
    done = 0
    for plan in planned:
        asked = recognizer
        if plan.without:
            asked = recognizer.changed(index=recognizer.index.without_sentences(plan.without))
        found: list[Outcome] = []
        for start in range(0, len(plan.queries), _CLIPS_AT_ONCE):
            queries = plan.queries[start : start + _CLIPS_AT_ONCE]
            found += _asked(asked, plan.case, queries)
            done += len(queries)
            if progress is not None:
                progress(done, total)
        results.append(_case_result(plan, found))
        outcomes += found
    recorded = [outcome for outcome in outcomes if outcome.case.recorded]
    figures = [_figures(name, part, sources.seed) for name, part in (("as recorded", recorded), ("all", outcomes))]
    return StressReport(
        encoder_id=recognizer.index.encoder_id,
        num_sentences=len(recognizer.index.sentences),
        notes=(*sources.notes, *filter(None, [recognizer.decision.gate.note])),
        cases=tuple(results),
        figures=tuple(figures),
        outcomes=tuple(outcomes),
    )


def counted(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that figures and pictures count: each clip once, and none of which it is open what may be told."""
    return [outcome for outcome in outcomes if not outcome.case.subset and outcome.case.expected != "other"]


def _asked(recognizer: Recognizer, case: Case, queries: Sequence[Query]) -> Iterator[Outcome]:
    """The answers to the queries whose clips can be made."""
    made: list[tuple[Query, LandmarkClip]] = []
    for query in queries:
        try:
            made.append((query, query.make()))
        except ClipError:
            continue
    answers = _answers(recognizer, [clip for _, clip in made])
    for (query, _), answer in zip(made, answers, strict=True):
        yield _outcome(case, query, answer)


def _answers(recognizer: Recognizer, clips: list[LandmarkClip]) -> list[Recognition | None]:
    """One answer a clip, None for what `recognize` cannot use; a clip alone tells which of several it is."""
    try:
        return list(recognizer.recognize(clips, num_candidates=1))
    except ClipError:
        return [None] if len(clips) == 1 else [_answers(recognizer, [clip])[0] for clip in clips]


def _outcome(case: Case, query: Query, answer: Recognition | None) -> Outcome:
    first = answer.candidates[0].text_key if answer is not None and answer.candidates else ""
    told = "" if answer is None else answer.text or ""
    by_sentence = answer is not None and answer.text_source == "sentence"
    right_text = bool(told) and is_right(told, query.texts)
    own = bool(told) and (first in query.own_keys if by_sentence else right_text)
    may_be_told = case.expected in ("right", "other") or (case.expected == "unknown" and not by_sentence)
    verdict: Verdict = "refused" if not told else "right" if own and may_be_told else "wrong"
    return Outcome(
        case=case,
        clip_id=query.clip_id,
        signer_id=query.signer_id,
        own_keys=query.own_keys,
        verdict=verdict,
        told=told,
        translated=bool(told) and not by_sentence,
        own=own,
        reason="" if told else UNUSABLE if answer is None else answer.reason,
        confidence=0.0 if answer is None else answer.confidence,
        first_own=first in query.own_keys,
        accepted=answer is not None and answer.accepted,
    )


def _case_result(plan: PlannedCase, outcomes: Sequence[Outcome]) -> CaseResult:
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    right, wrong, refused = (
        wilson_interval(verdicts[verdict], len(outcomes)) if outcomes else None
        for verdict in ("right", "wrong", "refused")
    )
    nothing = "" if outcomes else f"none of its {len(plan.queries)} clips could be made"
    return CaseResult(
        case=plan.case,
        num_clips=len(outcomes),
        num_unmade=len(plan.queries) - len(outcomes),
        right=right,
        wrong=wrong,
        refused=refused,
        first_own=sum(outcome.first_own for outcome in outcomes) / len(outcomes) if outcomes else None,
        own=sum(outcome.own for outcome in outcomes),
        translated=sum(outcome.translated for outcome in outcomes),
        reasons=dict(Counter(o.reason for o in outcomes if o.verdict == "refused").most_common()),
        not_run=plan.not_run or nothing,
    )


def _figures(name: str, outcomes: Sequence[Outcome], seed: int) -> Figures:
    outcomes = counted(outcomes)
    confidence = np.array([outcome.confidence for outcome in outcomes])
    known = np.array([outcome.is_known for outcome in outcomes])
    correct = known & np.array([outcome.first_own for outcome in outcomes])
    two_kinds = bool(known.any()) and not known.all()
    interval = None
    if two_kinds:
        # All cases made of one clip are drawn together.
        names = [f"{outcome.is_known} {outcome.clip_id}" for outcome in outcomes]
        rng = np.random.default_rng(seed)
        interval = bootstrap_statistic(
            lambda rows: auroc(confidence[rows], known[rows]), np.array(names), rng, strata=known, resamples=_RESAMPLES
        )
    return Figures(
        name=name,
        num_known=int(known.sum()),
        num_strange=int((~known).sum()),
        auroc=interval,
        fpr_at_95_tpr=fpr_at_tpr(confidence, known) if two_kinds else None,
        aurc=aurc(confidence, correct),
        ece=expected_calibration_error(reliability_bins(confidence, correct)),
    )
