"""What an evaluation finds, as plain results; `evaluation` makes them, `report` writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.evaluation.intervals import Interval
from signtalk.evaluation.texts import TextIntervals
from signtalk.index.index import SentenceIndex


@dataclass(frozen=True, eq=False)
class Retrieval:
    """How well sentences are found.

    Attributes:
        name: protocol.
        num_queries: clips asked.
        num_sentences: sentences in the index.
        recall_at_1: part of the queries whose sentence ranks first.
        recall_at_5: part of the queries whose sentence is among the first five.
        mrr: mean reciprocal rank of the right sentence.
        by_signer: recall at 1 and number of queries of each signer.
        by_category: likewise of each category.
    """

    name: str
    num_queries: int
    num_sentences: int
    recall_at_1: Interval
    recall_at_5: Interval
    mrr: Interval
    by_signer: dict[str, tuple[float, int]]
    by_category: dict[str, tuple[float, int]]


@dataclass(frozen=True, eq=False)
class KnownSigner:
    """New signers before and after the model knows some of their sentences, asked for all the others.

    Attributes:
        num_sentences: that teach how somebody signs, one clip each.
        chosen: how they were chosen.
        num_queries: clips asked, of all signers and drawings.
        before: part whose sentence ranks first, for the model that everybody shares; after: once it knows the signer.
        by_signer: the same two of each signer.
        accepted_before: part that the gate accepts; accepted_after likewise.
        precision_before: part of these that is right, None when nothing is accepted; precision_after likewise.
    """

    num_sentences: int
    chosen: Literal["guided", "random"]
    num_queries: int
    before: Interval
    after: Interval
    by_signer: dict[str, tuple[float, float]]
    accepted_before: float
    accepted_after: float
    precision_before: float | None
    precision_after: float | None


@dataclass(frozen=True, eq=False)
class TextSearch:
    """How well clips are found by what they mean.

    Attributes:
        name: protocol.
        num_queries: texts asked, paraphrases included.
        num_clips: clips that were searched, all of the test signers.
        recall_at_1: part of the texts whose nearest clip is of their sentence.
        recall_at_5: part of the texts of whose sentence a clip is among the nearest five.
        mrr: mean reciprocal rank of the first such clip.
        canonical: recall at 1 of the canonical texts alone, without paraphrases.
    """

    name: str
    num_queries: int
    num_clips: int
    recall_at_1: Interval
    recall_at_5: Interval
    mrr: Interval
    canonical: float


@dataclass(frozen=True, eq=False)
class GateResult:
    """What a gate lets through.

    Attributes:
        name: which gate.
        known_accepted: part of the known queries that is answered (coverage).
        precision: part of all answers (to known and unknown queries) that is right; None when nothing is answered.
        known_wrong: part of the known queries that is answered wrongly.
        unknown_accepted: part of the unknown queries that is answered; None without any.
        idle_accepted: part of the idle clips that is answered; None without any.
        reasons: how often each reason was given, over all queries; "" = accepted.
    """

    name: str
    known_accepted: Interval
    precision: Interval | None
    known_wrong: float
    unknown_accepted: Interval | None
    idle_accepted: Interval | None
    reasons: dict[str, int]


@dataclass(frozen=True, eq=False)
class SetResult:
    """Candidate sets of the known queries.

    Attributes:
        promised: part of the sets that shall hold the right sentence.
        covered: part that does.
        mean_size: mean number of sentences in a set.
    """

    promised: float
    covered: Interval
    mean_size: float


@dataclass(frozen=True, eq=False)
class ChoiceResult:
    """Two or three sentences offered where no answer is sure enough.

    Attributes:
        known_offered: part of the known queries to which some are offered.
        right: part of all offers (to known and unknown queries) that hold the right sentence; None without an offer.
        unknown_offered: part of the unknown queries to which some are offered.
    """

    known_offered: Interval
    right: Interval | None
    unknown_offered: Interval


@dataclass(frozen=True, eq=False)
class OpenSet:
    """Telling known from unknown.

    Attributes:
        unknown_kind: where the unknown queries come from.
        num_known: known queries.
        num_unknown: unknown queries.
        num_idle: idle clips.
        auroc: of the confidence, known against unknown; None without unknown queries.
        fpr_at_95_tpr: part of the unknown accepted where 95% of the known are; None likewise.
        auroc_right: of what the gate goes by (the confidence, nothing where nobody moves), right answers against all
            that must be refused: wrong answers, unknown queries and idle clips; None without a right answer.
        fpr_right: part of these accepted where 95% of the right answers are; None likewise.
        accuracy_at_80: part right among the most confident 80% of the known.
        ece: expected calibration error over known and unknown.
        sets: candidate sets; None where none were fitted.
        choices: what is offered besides answers.
        gates: SignTalk's gate and the prototype's, on the same clips.
        gate_note: what a reader of SignTalk's answers must know of its gate; "" when it keeps what it promises.
    """

    unknown_kind: Literal["held out of training and index", "trained, left out of the index"]
    num_known: int
    num_unknown: int
    num_idle: int
    auroc: float | None
    fpr_at_95_tpr: float | None
    auroc_right: float | None
    fpr_right: float | None
    accuracy_at_80: float
    ece: float
    sets: SetResult | None
    choices: ChoiceResult
    gates: tuple[GateResult, ...]
    gate_note: str


@dataclass(frozen=True, eq=False)
class TextResult:
    """What the decoder writes.

    Attributes:
        name: protocol.
        num_clips: clips translated.
        measures: WER, BLEU, chrF and exact match with intervals.
        signatures: how sacrebleu computed BLEU and chrF.
        examples: reference and translation of the first clips.
    """

    name: str
    num_clips: int
    measures: TextIntervals
    signatures: tuple[str, str]
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class OneAnswer:
    """What a person is told: a known sentence, else a translation that may be shown, else "not sure".

    Attributes:
        name: protocol.
        num_clips: clips asked.
        by_sentence: part answered with a known sentence.
        by_translation: part answered with a translation.
        precision: part of all answers that is right word for word; None when nothing is answered.
        wrong: part of the clips that is answered wrongly.
    """

    name: str
    num_clips: int
    by_sentence: float
    by_translation: float
    precision: Interval | None
    wrong: float


@dataclass(frozen=True)
class WrongClip:
    """A query that was not told what it should be.

    Attributes:
        kind: "known" clips should be told their sentence, "unknown" and "idle" ones nothing.
        clip_id: which clip.
        signer_id: who signs.
        told: the sentence that was told; "" for "not sure".
        right: what was signed; "" where nothing was.
        reason: why nothing was told; "" where something was.
        candidate: the first candidate, told or not; "" without one.
        confidence: of that candidate, 0-1.
    """

    kind: Literal["known", "unknown", "idle"]
    clip_id: str
    signer_id: str
    told: str
    right: str
    reason: str
    candidate: str
    confidence: float

    @property
    def expected(self) -> str:
        """What should have been told, in words."""
        if self.kind == "known":
            return self.right
        return f"not sure ({self.right}: not indexed)" if self.kind == "unknown" else "not sure (nothing is signed)"


@dataclass(frozen=True, eq=False)
class ReportArrays:
    """Arrays behind the report, for its pictures; one row a known query unless said otherwise.

    Attributes:
        confidences: (Q,) of the first candidate.
        correct: (Q,) whether it is right.
        accepted: (Q,) whether the gate accepts it.
        ranks: (Q,) rank of the query's own sentence, 1 = best; 0 when it is not indexed.
        unknown_confidences: (U,) of unknown queries.
        unknown_accepted: (U,) whether the gate accepts their first candidate.
        right_similarities: (Q,) score of the right sentence; NaN when it is not indexed.
        wrong_similarities: (Q,) score of the best other sentence.
        embeddings: (Q, D) of the queries.
        text_keys: sentence of each query.
        signers: signer of each query.
        index: the references that were asked.
    """

    confidences: npt.NDArray[np.floating]
    correct: BoolArray
    accepted: BoolArray
    ranks: IntArray
    unknown_confidences: npt.NDArray[np.floating]
    unknown_accepted: BoolArray
    right_similarities: FloatArray
    wrong_similarities: FloatArray
    embeddings: FloatArray
    text_keys: tuple[str, ...]
    signers: tuple[str, ...]
    index: SentenceIndex


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """All protocols of one model on one split.

    Attributes:
        split_hash: of the split.
        encoder_id: of the model.
        retrieval: one entry a protocol that has clips.
        searches: clips found by texts; none for a model without a text encoder.
        open_set: None when the split tests nobody.
        texts: one entry a protocol that has clips.
        answers: likewise, sentence and translation as one answer.
        confused: most frequent (right sentence, answered sentence, count).
        absent: protocols without clips, and why.
        wrong_clips: every clip of the open set that was not told what it should be.
        enrolled_gates: what the gate does with enrolled sentences, each clip asked with its sentence and without.
        known_signers: what it is worth to know some sentences of a new signer; none unless that was asked for.
        arrays: behind the pictures; None when the split tests nobody.
    """

    split_hash: str
    encoder_id: str
    retrieval: tuple[Retrieval, ...]
    searches: tuple[TextSearch, ...]
    open_set: OpenSet | None
    texts: tuple[TextResult, ...]
    answers: tuple[OneAnswer, ...]
    confused: tuple[tuple[str, str, int], ...]
    absent: dict[str, str]
    wrong_clips: tuple[WrongClip, ...] = ()
    enrolled_gates: tuple[GateResult, ...] = ()
    known_signers: tuple[KnownSigner, ...] = ()
    arrays: ReportArrays | None = field(repr=False, default=None)
