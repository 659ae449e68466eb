"""After training: fit how evidence becomes an answer, on clips that neither training nor test has seen.

    Recognizer + CalibrationClips -> calibrate (everything), recalibrate (the gate alone)
                                  -> DecisionConfig + CalibrationReport

Known queries are clips of indexed sentences. Unknown ones are clips of other sentences and, always, the known
clips once more with every reference of their own sentence left out. Validation clips are mostly by people whom
training has seen. So that they are asked as a new signer would be, a query meets references by other signers
alone, wherever its sentence has some. Test clips are not looked at.

Sentences that are only written get a gate of their own: the sentences held out of everything are written into the
index, and the same clips are asked. So do sentences that are enrolled (`enrolled`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.calibration.clips import CalibrationClips, asked_as_new_signers
from signtalk.calibration.enrolled import fit_enrolled
from signtalk.calibration.gate import UNKNOWN_SHARE, GateReport, fit_gate, least_words, query_counts
from signtalk.calibration.logistic import MIN_ACCEPTED, precision_threshold
from signtalk.calibration.reports import CalibrationReport, NotFitted, WholeFit
from signtalk.calibration.scoring import MIN_QUERIES, fit_scoring, standard_error
from signtalk.calibration.sets import fit_candidate_sets, gaps_to_right, least_clips
from signtalk.calibration.translation import TranslationReport, fit_translation_rule
from signtalk.data.manifest import ClipRecord
from signtalk.evaluation.texts import word_error_rate
from signtalk.index.encoded import Encoded
from signtalk.index.written import WrittenSentence, write_sentences
from signtalk.recognition.asked import Asked
from signtalk.recognition.evidence import FIGURES, Evidence, words_of_first
from signtalk.recognition.gate import GateConfig, confidences
from signtalk.recognition.ranking import Ranking
from signtalk.recognition.recognizer import DecisionConfig, Recognizer, num_offered
from signtalk.recognition.translation import Translation, TranslationRule, is_right

_SPELLING_WEIGHTS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
_SPELLED_AT_MOST = 192
"""Clips of a part that are written down at each weight: of more so many are drawn, for writing takes longest of all."""
_LEAST_CHOICE = 0.02
"""Below this confidence nothing is offered to choose from, whatever the clips of the fit say."""


class CalibrationConfig(BaseModel, frozen=True, extra="forbid"):
    """What a calibration shall promise.

    Attributes:
        precision: part of the accepted answers that shall be right.
        unknown_share: part of the clips that will show a sentence which is not indexed; known and unknown clips of
            the fit are counted so. Precision and confidence hold for such a mixture.
        coverage: part of the clips of known sentences whose candidate set shall hold the right one.
        choice_precision: part of the offers of two or three sentences that shall hold the right one.
    """

    precision: float = Field(default=0.98, gt=0, le=1)
    unknown_share: float = Field(default=UNKNOWN_SHARE, gt=0, lt=1)
    coverage: float = Field(default=0.9, gt=0, lt=1)
    choice_precision: float = Field(default=0.9, gt=0, le=1)


def calibrate(
    recognizer: Recognizer, clips: CalibrationClips, config: CalibrationConfig | None = None
) -> tuple[DecisionConfig, CalibrationReport]:
    """Fit everything: scores, spelling, gates, candidate sets and when a translation is shown.

    Args:
        recognizer: its index holds the training clips; its decoding settings are kept.
        clips: of `clips_of_split`.
        config: what to promise.

    Returns:
        What to decide with, and a report of all fits.
    """
    config = config or CalibrationConfig()
    clips = clips.remembering(recognizer.prepared)
    decision, trial, num_trials = recognizer.decision, None, 0
    if clips.known is not None:
        scoring, trial, num_trials = fit_scoring(recognizer, clips.known)
        decision = decision.model_copy(update={"scoring": scoring})
    decision, words_wrong, texts = _fit_spelling(recognizer.changed(decision=decision), clips.parts)
    decision, report = recalibrate(recognizer.changed(decision=decision), clips, config)
    recognizer = recognizer.changed(decision=decision)
    written_gate, written_report = _fit_written(recognizer, clips, config.precision)
    enrolled_gate, enrolled_report = fit_enrolled(recognizer, clips, config.precision, config.unknown_share)
    gate = decision.gate.model_copy(update={"written": written_gate, "enrolled": enrolled_gate})
    decision = decision.model_copy(update={"gate": gate})
    rule, rule_report = _fit_translation(recognizer.changed(decision=decision), clips.parts, texts, config.precision)
    whole = WholeFit(trial, num_trials, words_wrong, written_report, enrolled_report, rule_report)
    return decision.model_copy(update={"translation": rule}), replace(report, whole=whole)


def recalibrate(
    recognizer: Recognizer, clips: CalibrationClips, config: CalibrationConfig | None = None
) -> tuple[DecisionConfig, CalibrationReport]:
    """Fit the gate and the candidate sets alone; how sentences are scored and texts are written stays.

    The gates of written and of enrolled sentences stay as well.

    Args:
        recognizer: its index holds the sentences.
        clips: of `clips_of_split` or `clips_of_folder`.
        config: what to promise.

    Returns:
        What to decide with, and a report: what was fitted, and what could not be for want of clips.
    """
    config = config or CalibrationConfig()
    clips = clips.remembering(recognizer.prepared)
    evidence, right, known, offers = [Evidence.joined([])], [np.zeros(0, bool)], [np.zeros(0, bool)], list[BoolArray]()
    gaps, scores, places = [np.zeros(0)], list[FloatArray](), list[IntArray]()
    for ranking, ranks in _queries(recognizer, clips):
        evidence.append(Evidence.from_ranking(ranking))
        right.append(ranks == 1)
        known.append(ranks > 0)
        gaps.append(gaps_to_right(ranking.scores, ranks)[ranks > 0])  # none but of known clips
        scores.append(ranking.scores)
        places.append(ranks)
    sets = fit_candidate_sets(np.concatenate(gaps), config.coverage)
    for each, ranks in zip(scores, places, strict=True):
        offers.append((ranks > 0) & (ranks <= num_offered(sets.sizes(each))))
    joined, is_known, is_right_one = Evidence.joined(evidence), np.concatenate(known), np.concatenate(right)
    counts = query_counts(is_known, config.unknown_share)
    fit = fit_gate(joined, is_right_one, clips.speeds, clips.idle, precision=config.precision, counts=counts)
    before = recognizer.decision.gate
    gate = fit.config.model_copy(update={"written": before.written, "enrolled": before.enrolled})
    if gate.fitted:
        least = _choice_threshold(joined, np.concatenate(offers), counts, gate, config.choice_precision)
        gate = gate.model_copy(update={"choice_threshold": least})
    decision = recognizer.decision.model_copy(update={"gate": gate, "sets": sets})
    return decision, CalibrationReport(
        gate=fit.report,
        choice_threshold=gate.choice_threshold,
        sets=sets,
        num_known=_count(clips.known),
        num_unknown=_count(clips.unknown),
        too_few=tuple(_too_few(decision, fit.report, clips, config)),
    )


def _choice_threshold(
    evidence: Evidence, holds: BoolArray, counts: npt.NDArray[np.float64], gate: GateConfig, precision: float
) -> float | None:
    """From which confidence choices are offered; None where too few clips that are not accepted prove it.

    Args:
        evidence: of all queries.
        holds: (B,) whether what would be offered holds the right sentence.
        counts: (B,) how much each query counts.
        gate: the fitted gate, whose answers need no choice.
        precision: part of the offers that shall hold the right sentence.
    """
    sureness = confidences(evidence, gate)
    unsure = sureness < gate.threshold
    if holds[unsure].sum() < MIN_ACCEPTED:
        return None
    least, reached = precision_threshold(
        sureness[unsure], holds[unsure], precision, counts[unsure], least=_LEAST_CHOICE, expected=False
    )
    return least if reached else None


def _queries(recognizer: Recognizer, clips: CalibrationClips) -> Iterator[tuple[Ranking, IntArray]]:
    """Rankings and ranks of the known clips, of the same without their sentences, and of the unknown ones."""
    for part, left_out in asked_as_new_signers(recognizer.index, clips):
        for block, ranking in recognizer.rankings(part, left_out):
            yield ranking, ranking.ranks_of(part.keys[block])


def _count(clips: Asked | None) -> int:
    return 0 if clips is None else len(clips.records)


def _too_few(
    decision: DecisionConfig, report: GateReport, clips: CalibrationClips, config: CalibrationConfig
) -> Iterator[str]:
    """What could not be fitted, and what it would take; nothing when all was."""
    if report.accepted is None:
        yield f"the gate refuses everything: {report.fallback}; record more known and unknown clips"
    elif not report.accepted.target_reached:
        yield (
            f"no threshold shows a precision of {config.precision:g} on these clips; only answers above all wrong "
            "ones are accepted"
        )
    elif (low := report.accepted.precision_lower_bound) is not None and low < config.precision:
        yield (
            f"{report.accepted.num_accepted} accepted clips prove a precision of {low:.2f} (lower end of its 95% "
            "interval)"
        )
    if decision.sets.gap is None:
        needed, there = least_clips(config.coverage), _count(clips.known)
        yield (
            f"sets that hold the right sentence {config.coverage:.0%} of the time need {needed} known clips, "
            f"there are {there}"
        )
    if not len(clips.idle):
        yield "no idle clip: the motion floor is half of the slowest signing"


def _fit_spelling(
    recognizer: Recognizer, parts: Sequence[Asked]
) -> tuple[DecisionConfig, dict[str, float], dict[str, Translation | None]]:
    """Choose how much translation listens to the frames' words: the usual weight unless another is clearly better.

    Returns:
        The decision, the word error rate found at each weight, and what was written at the chosen one, by clip_id;
        the latter two are empty with too few clips or without spelling.
    """
    decision = recognizer.decision
    total = sum(len(part.records) for part in parts)
    if total < MIN_QUERIES or not all(part.encoded.word_log_probs.shape[2] for part in parts):
        return decision, {}, {}
    parts = [part.at_most(_SPELLED_AT_MOST) for part in parts]
    records = [record for part in parts for record in part.records]
    references = [record.variations or (record.sentence,) for record in records]
    error_rates: dict[float, float] = {}
    written: dict[float, list[Translation | None]] = {}
    for weight in _SPELLING_WEIGHTS:
        weighed = recognizer.changed(decision=decision.model_copy(update={"spelling_weight": weight}))
        written[weight] = [text for part in parts for text in weighed.translate(part.encoded)]
        error_rates[weight] = word_error_rate([text.text if text else "" for text in written[weight]], references)
    lowest, num_words = min(error_rates.values()), sum(len(texts[0].split()) for texts in references)
    margin = standard_error(min(lowest, 1.0), num_words)
    good = [weight for weight, wer in error_rates.items() if wer <= lowest + margin]
    best = min(good, key=lambda weight: abs(weight - decision.spelling_weight))
    texts = {record.clip_id: text for record, text in zip(records, written[best], strict=True)}
    return decision.model_copy(update={"spelling_weight": best}), {str(k): v for k, v in error_rates.items()}, texts


def _fit_written(
    recognizer: Recognizer, clips: CalibrationClips, precision: float
) -> tuple[GateConfig | None, GateReport | NotFitted]:
    """The gate of written sentences: the unknown sentences are written, and all validation clips asked.

    Each unknown clip is asked once more without its own sentence, so that there is something to refuse.
    """
    known, unknown = clips.known, clips.unknown
    if recognizer.text_space is None or unknown is None:
        why = "the model has no text encoder" if recognizer.text_space is None else "no sentence was held out"
        return None, NotFitted(f"{why}; no written sentence is accepted")
    sentences = [WrittenSentence(record.sentence) for record in unknown.records]
    index = write_sentences(recognizer.index, sentences, recognizer.text_space).index
    recognizer = recognizer.changed(index=index)
    queries = [(unknown, unknown.own_ids), (unknown, [index.clips_of(key) for key in unknown.keys])]
    if known is not None:
        queries.append((known, known.own_ids))
    parts, correct, words = [], [], []
    for part, exclude in queries:
        for block, ranking in recognizer.rankings(part, exclude):
            parts.append(Evidence.from_ranking(ranking))
            correct.append(ranking.ranks_of(part.keys[block]) == 1)
            words.append(words_of_first(ranking))
    evidence = Evidence.joined(parts)
    right = np.concatenate(correct)[evidence.written]
    # A text has no signer, so how near a signing is to it tells as well.
    of_written = evidence.select(evidence.written)
    fit = fit_gate(of_written, right, clips.speeds, clips.idle, precision=precision, figures=FIGURES)
    if not fit.config.fitted:
        return None, fit.report
    sure = confidences(of_written, fit.config.model_copy(update={"written": fit.config})) >= fit.config.threshold
    shortest = least_words(np.concatenate(words)[evidence.written][sure & right])
    return fit.config.model_copy(update={"least_words": shortest}), fit.report


def _fit_translation(
    recognizer: Recognizer, parts: Sequence[Asked], written: Mapping[str, Translation | None], precision: float
) -> tuple[TranslationRule, TranslationReport]:
    """When a text is shown that no reference backs: fitted on known and on unknown sentences alike.

    Args:
        recognizer: writes as it will.
        parts: the clips.
        written: what it has written of some of them already, by clip_id.
        precision: part of the shown texts that shall be right.
    """
    figures, right = [np.zeros((0, 4))], list[bool]()
    for part in parts:
        for block, ranking in recognizer.rankings(part):
            encoded = part.encoded.select(block)
            sureness = confidences(Evidence.from_ranking(ranking), recognizer.decision.gate)
            texts = _texts(recognizer, encoded, part.records[block], written)
            keeps = recognizer.keep_critical_words(texts, encoded)
            texts = [text if kept else None for text, kept in zip(texts, keeps, strict=True)]  # others are never shown
            figures.append(recognizer.translation_figures(texts, ranking, sureness))
            pairs = zip(texts, part.records[block], strict=True)
            right += [text is not None and is_right(text.text, (r.sentence, *r.variations)) for text, r in pairs]
    return fit_translation_rule(np.concatenate(figures), np.array(right, dtype=np.bool_), precision)


def _texts(
    recognizer: Recognizer, encoded: Encoded, records: Sequence[ClipRecord], written: Mapping[str, Translation | None]
) -> list[Translation | None]:
    """The text of each clip; what was written of it already, or what is now."""
    left = [row for row, record in enumerate(records) if record.clip_id not in written]
    new = recognizer.translate(encoded.select(np.array(left, dtype=np.int64)))
    texts = {**written, **{records[row].clip_id: text for row, text in zip(left, new, strict=True)}}
    return [texts[record.clip_id] for record in records]
