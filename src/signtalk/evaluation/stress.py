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
from signtalk.evaluation.intervals import Interval, bootstrap_statistic, wilson_interval
from signtalk.evaluation.retrieval import (
    aurc,
    auroc,
    expected_calibration_error,
    fpr_at_tpr,
    reliability_bins,
)
from signtalk.evaluation.stress_cases import Case, PlannedCase, Query, plan_cases
from signtalk.evaluation.stress_sources import Sources
from signtalk.landmarks.clip import LandmarkClip
from signtalk.recognition.answer import Answer
from signtalk.recognition.recognizer import Recognizer
from signtalk.recognition.translation import is_right

Verdict = Literal["right", "wrong sentence", "wrong translation", "refused"]
UNUSABLE = "unusable_clip"
"""Reason of a clip that `recognize` cannot use at all: a refusal, too, in the words of an error."""
_CLIPS_AT_ONCE = 32
_RESAMPLES = 500


@dataclass(frozen=True)
class QueryOutcome:
    """What one query was answered.

    Attributes:
        case: what was asked.
        clip_id: of the clip that it was made from.
        signer_id: who signed.
        own_keys: sentences that it was made from.
        verdict: whether the answer is right, wrong or a refusal; see `stress_cases.EXPECTED`.
        told: the answer; "" for a refusal.
        own: whether it is a known sentence that the clip was made from, be that right or not.
        reason: of the refusal; "" for an answer.
        confidence: 0-1, of the first candidate.
        first_right: whether the first candidate would be right, were it told.
        accepted: whether the first candidate was accepted.
    """

    case: Case
    clip_id: str
    signer_id: str
    own_keys: tuple[str, ...]
    verdict: Verdict
    told: str
    own: bool
    reason: str
    confidence: float
    first_right: bool
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
        wrong: part answered wrongly, with a known sentence or a translation.
        refused: part not answered.
        first_right: part whose first candidate would be right, were it told.
        wrong_translations: wrong answers that are translations.
        wrong_own: wrong answers that are a known sentence that the clip was made from.
        reasons: how often each reason of a refusal was given, most frequent first.
        not_run: why nothing was asked; the intervals are then None.
    """

    case: Case
    num_clips: int
    num_unmade: int
    right: Interval | None
    wrong: Interval | None
    refused: Interval | None
    first_right: float | None
    wrong_translations: int
    wrong_own: int
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
    outcomes: tuple[QueryOutcome, ...]


def stress(
    recognizer: Recognizer, sources: Sources, progress: Callable[[int, int], None] | None = None
) -> StressReport:
    """Ask every case.

    Args:
        recognizer: a model over its index.
        sources: from `stress_sources.choose_sources` of this index.
        progress: called with (queries done, queries in all).
    """
    planned = plan_cases(sources)
    total = sum(len(plan.queries) for plan in planned)
    outcomes: list[QueryOutcome] = []
    results = []
    done = 0
    for plan in planned:
        of_case = recognizer
        if plan.without:
            of_case = recognizer.changed(index=recognizer.index.without_sentences(plan.without))
        case_outcomes: list[QueryOutcome] = []
        for start in range(0, len(plan.queries), _CLIPS_AT_ONCE):
            queries = plan.queries[start : start + _CLIPS_AT_ONCE]
            case_outcomes += _asked(of_case, plan.case, queries)
            done += len(queries)
            if progress is not None:
                progress(done, total)
        results.append(_case_result(plan, case_outcomes))
        outcomes += case_outcomes
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


def counted(outcomes: Sequence[QueryOutcome]) -> list[QueryOutcome]:
    """Those that count where cases are added up: every clip of a case once."""
    return [outcome for outcome in outcomes if not outcome.case.subset]


def judged(outcomes: Sequence[QueryOutcome]) -> list[QueryOutcome]:
    """Those by which confidence is judged: it should be high for the known ones and low for all others.

    Left out is where that is open: exchanged halves, and pieces whose first candidate tells rightly what they show.
    """
    return [o for o in counted(outcomes) if o.is_known or (o.case.expected != "other" and not o.first_right)]


def _asked(recognizer: Recognizer, case: Case, queries: Sequence[Query]) -> Iterator[QueryOutcome]:
    """The answers to the queries whose clips can be made."""
    clips: list[tuple[Query, LandmarkClip]] = []
    for query in queries:
        try:
            clips.append((query, query.make()))
        except ClipError:
            continue
    answers = _answers(recognizer, [clip for _, clip in clips])
    for (query, _), answer in zip(clips, answers, strict=True):
        yield _outcome(case, query, answer)


def _answers(recognizer: Recognizer, clips: list[LandmarkClip]) -> list[Answer | None]:
    """One answer a clip, None for what `recognize` cannot use; a clip alone tells which of several it is."""
    try:
        return list(recognizer.recognize(clips, num_candidates=1))
    except ClipError:
        return [None] if len(clips) == 1 else [_answers(recognizer, [clip])[0] for clip in clips]


def _outcome(case: Case, query: Query, answer: Answer | None) -> QueryOutcome:
    first = answer.candidates[0] if answer is not None and answer.candidates else None
    is_own = first is not None and first.text_key in query.own_keys
    may_be_own = case.expected in ("right", "other")
    first_right = first is not None and ((is_own and may_be_own) or is_right(first.sentence, query.texts))
    text = "" if answer is None else answer.text or ""
    by_sentence = answer is not None and answer.text_source == "sentence"
    if not text:
        verdict: Verdict = "refused"
    elif by_sentence:
        verdict = "right" if first_right else "wrong sentence"
    else:
        verdict = "right" if is_right(text, query.texts) else "wrong translation"
    return QueryOutcome(
        case=case,
        clip_id=query.clip_id,
        signer_id=query.signer_id,
        own_keys=query.own_keys,
        verdict=verdict,
        told=text,
        own=by_sentence and is_own,
        reason="" if text else UNUSABLE if answer is None else answer.reason,
        confidence=0.0 if answer is None else answer.confidence,
        first_right=first_right,
        accepted=answer is not None and answer.accepted,
    )


def _case_result(plan: PlannedCase, outcomes: Sequence[QueryOutcome]) -> CaseResult:
    verdicts: Counter[Verdict] = Counter(outcome.verdict for outcome in outcomes)
    wrong = verdicts["wrong sentence"] + verdicts["wrong translation"]
    shares = [
        wilson_interval(count, len(outcomes)) if outcomes else None
        for count in (verdicts["right"], wrong, verdicts["refused"])
    ]
    nothing = "" if outcomes else f"none of its {len(plan.queries)} clips could be made"
    return CaseResult(
        case=plan.case,
        num_clips=len(outcomes),
        num_unmade=len(plan.queries) - len(outcomes),
        right=shares[0],
        wrong=shares[1],
        refused=shares[2],
        first_right=sum(outcome.first_right for outcome in outcomes) / len(outcomes) if outcomes else None,
        wrong_translations=verdicts["wrong translation"],
        wrong_own=sum(outcome.own and outcome.verdict == "wrong sentence" for outcome in outcomes),
        reasons=dict(Counter(o.reason for o in outcomes if o.verdict == "refused").most_common()),
        not_run=plan.not_run or nothing,
    )


def _figures(name: str, outcomes: Sequence[QueryOutcome], seed: int) -> Figures:
    outcomes = judged(outcomes)
    confidence = np.array([outcome.confidence for outcome in outcomes])
    known = np.array([outcome.is_known for outcome in outcomes])
    correct = np.array([outcome.first_right for outcome in outcomes])
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
