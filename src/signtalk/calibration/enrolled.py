"""The gate of sentences that are enrolled, fitted on sentences that training never saw.

Recognizer + CalibrationClips -> fit_enrolled: held-out sentences are taught from one to three clips and asked
                              -> GateConfig of enrolled sentences + GateReport

A model knows the sentences of its training far better than one that a single clip has taught it, so the gate of the
former proves nothing about the latter. Each held-out sentence is taught by one signer and asked by the others; once
more without it, so that there is something to refuse; and all known clips are asked beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, IntArray
from signtalk.calibration.clips import CalibrationClips, as_new_signers, without_their_sentence
from signtalk.calibration.gate import AcceptedAnswers, GateReport, fit_gate, least_words, query_counts
from signtalk.calibration.logistic import MIN_ACCEPTED
from signtalk.calibration.reports import NotFitted
from signtalk.data.manifest import ClipRecord
from signtalk.evaluation.intervals import wilson_interval
from signtalk.recognition.asked import enrolled_entries
from signtalk.recognition.evidence import Evidence, words_of_first
from signtalk.recognition.gate import GateConfig, confidences
from signtalk.recognition.ranking import Ranking
from signtalk.recognition.recognizer import Recognizer

TAUGHT_FROM = (1, 2, 3)
"""So many clips teach a sentence, as people do; each number is one round of the fit."""
TEACHERS_EACH = 2
"""Signers of a sentence who teach it in turn, so that each one's clips ask as well."""
_KNOWN_BESIDE = 256
"""Clips of known sentences that are asked in a round; of more so many are drawn, and stand for all."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """Who teaches and who asks, as rows of held-out clips.

    Attributes:
        taught: ascending, the clips that teach.
        asked: ascending, the clips that ask for what was taught.
    """

    taught: IntArray
    asked: IntArray


@dataclass(frozen=True, eq=False)
class _Round:
    """What came of some queries, one row each.

    Attributes:
        evidence: of the first candidate.
        right: whether that is right.
        known: whether the query's sentence was there at all.
        enrolled: whether the first candidate is a taught sentence.
        words: of the first candidate's sentence.
        clip_ids: who asked.
        stand_for: clips that each of them stands for.
    """

    evidence: Evidence
    right: BoolArray
    known: BoolArray
    enrolled: BoolArray
    words: npt.NDArray[np.float64]
    clip_ids: tuple[str, ...]
    stand_for: npt.NDArray[np.float64]


def make_lesson(records: Sequence[ClipRecord], k: int, seed: int, turn: int = 0) -> Lesson:
    """Draw who teaches each sentence: one signer, from up to `k` clips; the others ask, or else the rest of the clips.

    Args:
        records: clips of sentences that are to be taught.
        k: clips that teach; fewer where a sentence would have none left to ask.
        seed: of the drawing.
        turn: which of the sentence's signers in that order teaches; a sentence of fewer signers has no lesson.
    """
    by_sentence: dict[str, list[int]] = {}
    for row in np.random.default_rng(seed).permutation(len(records)).tolist():
        by_sentence.setdefault(records[row].text_key, []).append(row)
    taught, asked = list[int](), list[int]()
    for rows in by_sentence.values():
        signers = list(dict.fromkeys(records[row].signer_id for row in rows))
        if turn >= len(signers):
            continue
        teacher = signers[turn]
        teaching = [row for row in rows if records[row].signer_id == teacher][: min(k, len(rows) - 1)]
        others = [row for row in rows if records[row].signer_id != teacher]
        taught += teaching
        asked += (others or [row for row in rows if row not in teaching]) if teaching else []
    return Lesson(np.array(sorted(taught), dtype=np.int64), np.array(sorted(asked), dtype=np.int64))


def fit_enrolled(
    recognizer: Recognizer, clips: CalibrationClips, precision: float, unknown_share: float
) -> tuple[GateConfig | None, GateReport | NotFitted]:
    """Fit the gate of enrolled sentences; its motion floor does not count.

    Args:
        recognizer: its index holds the training clips.
        clips: the unknown ones are of sentences that training never saw.
        precision: part of the accepted answers that shall be right.
        unknown_share: part of the queries that show a sentence which is not indexed.

    Returns:
        The gate, None where nothing could be fitted; and how it came about. Clips that ask in several rounds count once
        in `num_accepted` and the interval.
    """
    if clips.unknown is None:
        return None, NotFitted("no sentence was held out; no enrolled sentence is accepted")
    rounds = [
        part
        for (seed, k), turn in product(enumerate(TAUGHT_FROM), range(TEACHERS_EACH))
        for part in _rounds(recognizer, clips, make_lesson(clips.unknown.records, k, seed, turn))
    ]
    if not rounds:
        return None, NotFitted("no held-out sentence has two clips; no enrolled sentence is accepted")
    enrolled = np.concatenate([part.enrolled for part in rounds])
    evidence = Evidence.joined([part.evidence for part in rounds]).select(enrolled)
    right = np.concatenate([part.right for part in rounds])[enrolled]
    stand_for = np.concatenate([part.stand_for for part in rounds])
    counts = query_counts(np.concatenate([part.known for part in rounds]), unknown_share, stand_for)[enrolled]
    clip_ids = np.array([name for part in rounds for name in part.clip_ids])[enrolled]
    fit = fit_gate(evidence, right, clips.speeds, clips.idle, precision=precision, counts=counts)
    if fit.report.accepted is None:
        return None, fit.report
    sure = confidences(evidence, fit.config) >= fit.config.threshold
    accepted = _counted_once(fit.report.accepted, clip_ids[sure])
    words = np.concatenate([part.words for part in rounds])[enrolled]
    gate = fit.config.model_copy(
        update={
            "precision_reached": accepted.target_reached,
            "precision_lower_bound": accepted.precision_lower_bound,
            "num_accepted": accepted.num_accepted,
            "least_words": least_words(words[sure & right]),
        }
    )
    return gate, replace(fit.report, accepted=accepted)


def _counted_once(accepted: AcceptedAnswers, clip_ids: npt.NDArray[np.str_]) -> AcceptedAnswers:
    """The same figures with each clip counted once, however often it asked."""
    num_clips, share = len(np.unique(clip_ids)), accepted.precision_found
    interval = None if share is None else wilson_interval(round(share * num_clips), num_clips)
    return replace(
        accepted,
        num_accepted=num_clips,
        precision_lower_bound=interval.low if interval else None,
        target_reached=accepted.target_reached and num_clips >= MIN_ACCEPTED,
    )


def _rounds(recognizer: Recognizer, clips: CalibrationClips, lesson: Lesson) -> list[_Round]:
    """Teach the held-out sentences; ask for them, without them, and for the known ones beside them."""
    if clips.unknown is None or not len(lesson.asked):
        return []
    taught, asked = clips.unknown.select(lesson.taught), clips.unknown.select(lesson.asked)
    index = recognizer.index.add(taught.encoded, enrolled_entries(taught.records))
    recognizer = recognizer.changed(index=index)
    own = as_new_signers(index, asked.records)
    queries = [(asked, own, 1.0), (asked, without_their_sentence(index, own, asked.keys), 1.0)]
    if clips.known is not None:
        beside = clips.known.at_most(_KNOWN_BESIDE)
        stands_for = len(clips.known.records) / len(beside.records)
        queries.append((beside, as_new_signers(index, beside.records), stands_for))
    sentences = set(taught.keys)
    return [
        _round(ranking, part.records[block], sentences, stand_for)
        for part, left_out, stand_for in queries
        for block, ranking in recognizer.rankings(part, left_out)
    ]


def _round(ranking: Ranking, records: Sequence[ClipRecord], taught: set[str], stand_for: float) -> _Round:
    ranks, entries = ranking.ranks_of([record.text_key for record in records]), ranking.index.entries
    first = [entries[row].text_key if row >= 0 else "" for row in ranking.rows[:, 0].tolist()]
    return _Round(
        evidence=Evidence.from_ranking(ranking),
        right=ranks == 1,
        known=ranks > 0,
        enrolled=np.array([key in taught for key in first], dtype=np.bool_),
        words=words_of_first(ranking),
        clip_ids=tuple(record.clip_id for record in records),
        stand_for=np.full(len(records), stand_for),
    )
