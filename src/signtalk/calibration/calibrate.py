"""After training: fit how evidence becomes an answer, on clips that neither training nor test has seen.

    Asking, one or several -> calibrate (everything), recalibrate (the gate alone)
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
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.calibration.clips import Asking, asked_as_new_signers, speeds_of
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
from signtalk.recognition.evidence import FIGURES, Evidence, words_of_first
from signtalk.recognition.gate import GateConfig, confidences
from signtalk.recognition.ranking import Ranking
from signtalk.recognition.recognizer import DecisionConfig, Recognizer, num_offered
from signtalk.recognition.translation import Translation, TranslationRule, is_right

_SPELLING_WEIGHTS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
_SPELLED_AT_MOST = 192
"""Clips of a part that are written down at each weight: of more so many are drawn, for writing takes longest of all."""
_Written: TypeAlias = Mapping[tuple[int, str], Translation | None]
"""Texts by the asking's place and the clip's id; None = no text was found."""
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
    askings: Sequence[Asking], config: CalibrationConfig | None = None
) -> tuple[DecisionConfig, CalibrationReport]:
    """Fit everything: scores, spelling, gates, candidate sets and when a translation is shown.

    Args:
        askings: one or several, of `clips_of_split`; the first one's decoding settings are kept.
        config: what to promise.

    Returns:
        What to decide with, and a report of all fits.
    """
    config = config or CalibrationConfig()
    askings = [each.remembering() for each in askings]
    scoring, trial, num_trials = fit_scoring(askings)
    decision = askings[0].recognizer.decision.model_copy(update={"scoring": scoring})
    decision, words_wrong, texts = _fit_spelling(_deciding(askings, decision))
    decision, report = recalibrate(_deciding(askings, decision), config)
    askings = _deciding(askings, decision)
    written_gate, written_report = _fit_written(askings, config.precision)
    enrolled_gate, enrolled_report = fit_enrolled(askings, config.precision, config.unknown_share)
    gate = decision.gate.model_copy(update={"written": written_gate, "enrolled": enrolled_gate})
    decision = decision.model_copy(update={"gate": gate})
    rule, rule_report = _fit_translation(_deciding(askings, decision), texts, config.precision)
    whole = WholeFit(trial, num_trials, words_wrong, written_report, enrolled_report, rule_report)
    return decision.model_copy(update={"translation": rule}), replace(report, whole=whole)


def _deciding(askings: Sequence[Asking], decision: DecisionConfig) -> list[Asking]:
    return [each.deciding(decision) for each in askings]


def recalibrate(
    askings: Sequence[Asking], config: CalibrationConfig | None = None
) -> tuple[DecisionConfig, CalibrationReport]:
    """Fit the gate and the candidate sets alone; how sentences are scored and texts are written stays.

    The gates of written and of enrolled sentences stay as well.

    Args:
        askings: one or several; clips of `clips_of_split` or `clips_of_folder`.
        config: what to promise.

    Returns:
        What to decide with, and a report: what was fitted, and what could not be for want of clips.
    """
    config = config or CalibrationConfig()
    askings = [each.remembering() for each in askings]
    evidence, right, known, offers = [Evidence.joined([])], [np.zeros(0, bool)], [np.zeros(0, bool)], list[BoolArray]()
    gaps, scores, places = [np.zeros(0)], list[FloatArray](), list[IntArray]()
    for ranking, ranks in _queries(askings):
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
    fit = fit_gate(joined, is_right_one, *speeds_of(askings), precision=config.precision, counts=counts)
    before = askings[0].recognizer.decision.gate
    gate = fit.config.model_copy(update={"written": before.written, "enrolled": before.enrolled})
    if gate.fitted:
        least = _choice_threshold(joined, np.concatenate(offers), counts, gate, config.choice_precision)
        gate = gate.model_copy(update={"choice_threshold": least})
    decision = askings[0].recognizer.decision.model_copy(update={"gate": gate, "sets": sets})
    return decision, CalibrationReport(
        gate=fit.report,
        choice_threshold=gate.choice_threshold,
        sets=sets,
        num_known=_num_known(askings),
        num_unknown=sum(len(each.clips.unknown.records) for each in askings if each.clips.unknown is not None),
        too_few=tuple(_too_few(decision, fit.report, askings, config)),
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


def _queries(askings: Sequence[Asking]) -> Iterator[tuple[Ranking, IntArray]]:
    """Rankings and ranks of the known clips, of the same without their sentences, and of the unknown ones."""
    for asking in askings:
        for part, left_out in asked_as_new_signers(asking.recognizer.index, asking.clips):
            for block, ranking in asking.recognizer.rankings(part, left_out):
                yield ranking, ranking.ranks_of(part.keys[block])


def _num_known(askings: Sequence[Asking]) -> int:
    return sum(len(each.clips.known.records) for each in askings if each.clips.known is not None)


def _too_few(
    decision: DecisionConfig, report: GateReport, askings: Sequence[Asking], config: CalibrationConfig
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
        needed, there = least_clips(config.coverage), _num_known(askings)
        yield (
            f"sets that hold the right sentence {config.coverage:.0%} of the time need {needed} known clips, "
            f"there are {there}"
        )
    if not any(len(each.clips.idle) for each in askings):
        yield "no idle clip: the motion floor is half of the slowest signing"


def _fit_spelling(
    askings: Sequence[Asking],
) -> tuple[DecisionConfig, dict[str, float], _Written]:
    """Choose how much translation listens to the frames' words: the usual weight unless another is clearly better.

    Returns:
        The decision, the word error rate found at each weight, and what was written at the chosen one; the latter two
        are empty with too few clips or without spelling.
    """
    decision = askings[0].recognizer.decision
    parts = [(number, part) for number, each in enumerate(askings) for part in each.clips.parts]
    total = sum(len(part.records) for _, part in parts)
    if total < MIN_QUERIES or not all(part.encoded.word_log_probs.shape[2] for _, part in parts):
        return decision, {}, {}
    parts = [(number, part.at_most(_SPELLED_AT_MOST // len(askings))) for number, part in parts]
    names = [(number, record.clip_id) for number, part in parts for record in part.records]
    references = [record.variations or (record.sentence,) for _, part in parts for record in part.records]
    error_rates: dict[float, float] = {}
    written: dict[float, list[Translation | None]] = {}
    for weight in _SPELLING_WEIGHTS:
        weighed = _deciding(askings, decision.model_copy(update={"spelling_weight": weight}))
        written[weight] = [
            text for number, part in parts for text in weighed[number].recognizer.translate(part.encoded)
        ]
        error_rates[weight] = word_error_rate([text.text if text else "" for text in written[weight]], references)
    lowest, num_words = min(error_rates.values()), sum(len(texts[0].split()) for texts in references)
    margin = standard_error(min(lowest, 1.0), num_words)
    good = [weight for weight, wer in error_rates.items() if wer <= lowest + margin]
    best = min(good, key=lambda weight: abs(weight - decision.spelling_weight))
    texts = dict(zip(names, written[best], strict=True))
    return decision.model_copy(update={"spelling_weight": best}), {str(k): v for k, v in error_rates.items()}, texts


def _fit_written(askings: Sequence[Asking], precision: float) -> tuple[GateConfig | None, GateReport | NotFitted]:
    """The gate of written sentences: the unknown sentences are written, and all validation clips asked.

    Each unknown clip is asked once more without its own sentence, so that there is something to refuse.
    """
    parts, correct, words = [], [], []
    for asking in askings:
        for ranking, own in _asked_of_written(asking):
            parts.append(Evidence.from_ranking(ranking))
            correct.append(own)
            words.append(words_of_first(ranking))
    if not parts:
        reads = all(each.recognizer.text_space is not None for each in askings)
        why = "no sentence was held out" if reads else "the model has no text encoder"
        return None, NotFitted(f"{why}; no written sentence is accepted")
    evidence = Evidence.joined(parts)
    right = np.concatenate(correct)[evidence.written]
    # A text has no signer, so how near a signing is to it tells as well.
    of_written = evidence.select(evidence.written)
    fit = fit_gate(of_written, right, *speeds_of(askings), precision=precision, figures=FIGURES)
    if not fit.config.fitted:
        return None, fit.report
    sure = confidences(of_written, fit.config.model_copy(update={"written": fit.config})) >= fit.config.threshold
    shortest = least_words(np.concatenate(words)[evidence.written][sure & right])
    return fit.config.model_copy(update={"least_words": shortest}), fit.report


def _asked_of_written(asking: Asking) -> Iterator[tuple[Ranking, BoolArray]]:
    """Rankings of the validation clips among sentences of which the unknown ones are written, and which are right."""
    known, unknown, recognizer = asking.clips.known, asking.clips.unknown, asking.recognizer
    if recognizer.text_space is None or unknown is None:
        return
    sentences = [WrittenSentence(record.sentence) for record in unknown.records]
    index = write_sentences(recognizer.index, sentences, recognizer.text_space).index
    recognizer = recognizer.changed(index=index)
    queries = [(unknown, unknown.own_ids), (unknown, [index.clips_of(key) for key in unknown.keys])]
    if known is not None:
        queries.append((known, known.own_ids))
    for part, exclude in queries:
        for block, ranking in recognizer.rankings(part, exclude):
            yield ranking, ranking.ranks_of(part.keys[block]) == 1


def _fit_translation(
    askings: Sequence[Asking], written: _Written, precision: float
) -> tuple[TranslationRule, TranslationReport]:
    """When a text is shown that no reference backs: fitted on known and on unknown sentences alike.

    Args:
        askings: their models write as they will.
        written: what they have written already.
        precision: part of the shown texts that shall be right.
    """
    figures, right = [np.zeros((0, 4))], list[bool]()
    for number, asking in enumerate(askings):
        recognizer = asking.recognizer
        known = {clip_id: text for (asked, clip_id), text in written.items() if asked == number}
        for part in asking.clips.parts:
            for block, ranking in recognizer.rankings(part):
                encoded = part.encoded.select(block)
                sureness = confidences(Evidence.from_ranking(ranking), recognizer.decision.gate)
                texts = _texts(recognizer, encoded, part.records[block], known)
                keeps = recognizer.keep_critical_words(texts, encoded)
                # others are never shown
                texts = [text if kept else None for text, kept in zip(texts, keeps, strict=True)]
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
