"""After training: fit how evidence becomes an answer, on clips that neither training nor test has seen.

    Recognizer + split (its validation clips)   -> clips_of_split  \
    Recognizer + folder of local labelled clips -> clips_of_folder -> CalibrationClips
    CalibrationClips -> calibrate (everything), recalibrate (the gate alone) -> DecisionConfig + report

Known queries are clips of indexed sentences; unknown ones are clips of other sentences and, always, the known
clips once more with every reference of their own sentence left out. Validation clips are mostly by people whom
training has seen; so that they are asked as a new signer would be, a query meets references by other signers
alone, wherever its sentence has some. Test clips are not looked at.

Sentences that are only written get a gate of their own: the sentences held out of everything are written into the
index, and the same clips are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.arrays import BoolArray, FloatArray
from signtalk.calibration.gate import UNKNOWN_SHARE, fit_gate, query_counts
from signtalk.calibration.logistic import MIN_ACCEPTED, precision_threshold
from signtalk.calibration.scoring import MIN_QUERIES, fit_scoring, standard_error
from signtalk.calibration.sets import fit_candidate_sets, gaps_to_right, least_clips
from signtalk.calibration.translation import fit_translation_rule
from signtalk.data.manifest import ClipRecord, Manifest, clip_of_record
from signtalk.data.packed import PackedClips
from signtalk.data.records import Problem
from signtalk.data.roles import Role
from signtalk.data.splits import Split
from signtalk.errors import ClipError
from signtalk.evaluation.texts import score_texts
from signtalk.index.index import SentenceIndex
from signtalk.index.written import WrittenSentence, write_sentences
from signtalk.landmarks.features import extract_features
from signtalk.recognition.asked import Asked, asked_packed
from signtalk.recognition.evidence import FIGURES, Evidence
from signtalk.recognition.gate import GateConfig, confidences
from signtalk.recognition.ranking import Ranking
from signtalk.recognition.recognizer import DecisionConfig, Recognizer, num_offered
from signtalk.recognition.translation import TranslationRule, is_right

_SPELLING_WEIGHTS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
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


@dataclass(frozen=True, eq=False)
class CalibrationClips:
    """What a calibration is made on.

    Attributes:
        known: clips of indexed sentences; None without any.
        unknown: clips of other sentences; likewise.
        signing: hand speeds of further clips in which somebody signs.
        idle: hand speeds of clips in which nobody does.
        left_out: clips that cannot be used, and why.
    """

    known: Asked | None
    unknown: Asked | None
    signing: FloatArray
    idle: FloatArray
    left_out: tuple[Problem, ...] = ()

    @property
    def asked(self) -> list[Asked]:
        """Known and unknown clips, as far as there are any."""
        return [part for part in (self.known, self.unknown) if part is not None]

    @property
    def speeds(self) -> FloatArray:
        """Hand speeds of all clips in which somebody signs."""
        return np.concatenate([self.signing, *(part.motions for part in self.asked)])


def clips_of_split(recognizer: Recognizer, manifest: Manifest, split: Split, store: PackedClips) -> CalibrationClips:
    """The validation clips of a split.

    Args:
        recognizer: encodes them.
        manifest: the data.
        split: gives the roles val, val_unknown and val_idle; the motion of training clips is looked at as well.
        store: packed clips of these roles.
    """

    def asked(role: Role) -> Asked | None:
        return asked_packed(recognizer.encoder, store, split.records(manifest, role))

    def motions(*roles: Role) -> FloatArray:
        ids = [record.clip_id for role in roles for record in split.records(manifest, role)]
        return store.motions[store.positions_of(ids)]

    idle = motions("train_idle", "val_idle")
    return CalibrationClips(asked("val"), asked("val_unknown"), motions("train"), idle)


def clips_of_folder(recognizer: Recognizer, manifest: Manifest) -> CalibrationClips:
    """All clips of a folder that can be used, such as a few that were recorded before another camera."""
    records, made, left_out = [], [], []
    for record in manifest.records:
        try:
            made.append(extract_features(clip_of_record(record), recognizer.encoder.feature_config))
            records.append(record)
        except ClipError as error:
            left_out.append(Problem(record.clip_id, "bad_clip", str(error)))
    signed = np.array([not record.is_idle for record in records], dtype=np.bool_)
    indexed = np.array([record.text_key in recognizer.index.sentences for record in records], dtype=np.bool_)
    motions = np.array([each.motion for each in made], dtype=np.float32)

    def asked(which: BoolArray) -> Asked | None:
        rows = np.flatnonzero(which).tolist()
        if not rows:
            return None
        features = np.stack([made[row].features for row in rows]), np.stack([made[row].valid for row in rows])
        return Asked(tuple(records[row] for row in rows), recognizer.encoder.encode(*features), motions[rows])

    known, unknown = asked(signed & indexed), asked(signed & ~indexed)
    return CalibrationClips(known, unknown, motions[:0], motions[~signed], tuple(left_out))


def calibrate(
    recognizer: Recognizer, clips: CalibrationClips, config: CalibrationConfig | None = None
) -> tuple[DecisionConfig, dict[str, Any]]:
    """Fit everything: scores, spelling, gates, candidate sets and when a translation is shown.

    Args:
        recognizer: its index holds the training clips; its decoding settings are kept.
        clips: of `clips_of_split`.
        config: what to promise.

    Returns:
        What to decide with, and a report of all fits.
    """
    config = config or CalibrationConfig()
    decision, chosen, num_trials = recognizer.decision, None, 0
    if clips.known is not None:
        scoring, chosen, num_trials = fit_scoring(recognizer, clips.known)
        decision = decision.model_copy(update={"scoring": scoring})
    decision, words_wrong = _fit_spelling(recognizer.changed(decision=decision), clips.asked)
    decision, gate_report = recalibrate(recognizer.changed(decision=decision), clips, config)
    recognizer = recognizer.changed(decision=decision)
    written_gate, written_report = _fit_written(recognizer, clips, config.precision)
    gate = decision.gate.model_copy(update={"written": written_gate})
    decision = decision.model_copy(update={"gate": gate})
    rule, rule_report = _fit_translation(recognizer.changed(decision=decision), clips.asked, config.precision)
    return decision.model_copy(update={"translation": rule}), {
        "scoring": asdict(chosen) if chosen else "kept: too few validation clips",
        "num_trials": num_trials,
        "wer_by_spelling_weight": words_wrong,
        **gate_report,
        "written_gate": written_report,
        "translation": rule_report,
    }


def recalibrate(
    recognizer: Recognizer, clips: CalibrationClips, config: CalibrationConfig | None = None
) -> tuple[DecisionConfig, dict[str, Any]]:
    """Fit the gate and the candidate sets alone; how sentences are scored and texts are written stays.

    The gate of written sentences stays as well.

    Returns:
        What to decide with, and a report: what was fitted, and what could not be for want of clips.
    """
    config = config or CalibrationConfig()
    evidence, right, known, offers = [Evidence.joined([])], [np.zeros(0, bool)], [np.zeros(0, bool)], list[BoolArray]()
    queries = _queries(recognizer, clips)
    gaps = [gaps_to_right(scores.scores, ranks)[ranks > 0] for scores, ranks in queries]  # none but of known clips
    sets = fit_candidate_sets(np.concatenate([np.zeros(0), *gaps]), config.coverage)
    for scores, ranks in queries:
        evidence.append(Evidence.from_ranking(scores))
        right.append(ranks == 1)
        known.append(ranks > 0)
        offers.append((ranks > 0) & (ranks <= num_offered(sets.sizes(scores.scores))))
    joined, is_known, is_right_one = Evidence.joined(evidence), np.concatenate(known), np.concatenate(right)
    counts = query_counts(is_known, config.unknown_share)
    fit = fit_gate(joined, is_right_one, clips.speeds, clips.idle, config.precision, counts=counts)
    gate, gate_report = fit.config.model_copy(update={"written": recognizer.decision.gate.written}), fit.report
    if gate.fitted:
        least = _choice_threshold(joined, np.concatenate(offers), counts, gate, config.choice_precision)
        gate = gate.model_copy(update={"choice_threshold": least})
        gate_report = {**gate_report, "choice_threshold": gate.choice_threshold}
    decision = recognizer.decision.model_copy(update={"gate": gate, "sets": sets})
    return decision, {
        "gate": gate_report,
        "candidate_sets": {**sets.model_dump(), "least_clips": least_clips(config.coverage)},
        "num_known": _count(clips.known),
        "num_unknown": _count(clips.unknown),
        "too_few": _too_few(decision, gate_report, clips, config),
    }


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
    found = confidences(evidence, gate)
    unsure = found < gate.threshold
    if holds[unsure].sum() < MIN_ACCEPTED:
        return None
    least, reached = precision_threshold(
        found[unsure], holds[unsure], precision, counts[unsure], _LEAST_CHOICE, expected=False
    )
    return least if reached else None


def _queries(recognizer: Recognizer, clips: CalibrationClips) -> list[tuple[Ranking, npt.NDArray[np.int64]]]:
    """Ranking and ranks of the known clips, of the same without their sentences, and of the unknown ones."""
    index, found = recognizer.index, []
    known, unknown = clips.known, clips.unknown
    if known is not None:
        others = [_as_a_new_signer(index, record) for record in known.records]
        strange = [(*left_out, *index.clips_of(key)) for left_out, key in zip(others, known.keys, strict=True)]
        found += [(known.encoded, known.keys, others), (known.encoded, known.keys, strange)]
    if unknown is not None:
        others = [_as_a_new_signer(index, record) for record in unknown.records]
        found.append((unknown.encoded, unknown.keys, others))
    scored = [(recognizer.rank(encoded, exclude), keys) for encoded, keys, exclude in found]
    return [(scores, scores.ranks_of(keys)) for scores, keys in scored]


def _count(asked: Asked | None) -> int:
    return 0 if asked is None else len(asked.records)


def _as_a_new_signer(index: SentenceIndex, record: ClipRecord) -> tuple[str, ...]:
    """The references that a clip must not meet: itself, and all by the same signer.

    The signer's other clips stay where nobody else signs the sentence (of an unknown one: where nobody else signs).
    """
    mine = [entry.clip_id for entry in index.entries if entry.signer_id == record.signer_id and entry.signer_id]
    rows = index.sentences.get(record.text_key, range(len(index.entries)))
    others = any(index.entries[row].signer_id not in ("", record.signer_id) for row in rows)
    return (record.clip_id, *mine) if others else (record.clip_id,)


def _too_few(
    decision: DecisionConfig, gate_report: dict[str, Any], clips: CalibrationClips, config: CalibrationConfig
) -> list[str]:
    """What could not be fitted, and what it would take; empty when all was."""
    found = []
    if not decision.gate.fitted:
        found.append(f"the gate refuses everything: {gate_report['fallback']}; record more known and unknown clips")
    elif not decision.gate.precision_reached:
        found.append(
            f"no threshold shows a precision of {config.precision:g} on these clips; only answers above all wrong "
            "ones are accepted"
        )
    elif gate_report["precision_lower_bound"] < config.precision:
        num, low = gate_report["num_accepted"], gate_report["precision_lower_bound"]
        found.append(f"{num} accepted clips prove a precision of {low:.2f} (lower end of its 95% interval)")
    if decision.sets.gap is None:
        needed, there = least_clips(config.coverage), _count(clips.known)
        found.append(
            f"sets that hold the right sentence {config.coverage:.0%} of the time need {needed} known clips, "
            f"there are {there}"
        )
    if not len(clips.idle):
        found.append("no idle clip: the motion floor is half of the slowest signing")
    return found


def _fit_spelling(recognizer: Recognizer, asked: Sequence[Asked]) -> tuple[DecisionConfig, dict[str, float]]:
    """Choose how much translation listens to the frames' words: the usual weight unless another is clearly better.

    Returns:
        The decision, and the word error rate found at each weight; empty with too few clips or without spelling.
    """
    decision = recognizer.decision
    total = sum(len(part.records) for part in asked)
    if total < MIN_QUERIES or not all(part.encoded.word_log_probs.shape[2] for part in asked):
        return decision, {}
    references = [record.variations or (record.sentence,) for part in asked for record in part.records]
    found: dict[float, float] = {}
    for weight in _SPELLING_WEIGHTS:
        weighed = recognizer.changed(decision=decision.model_copy(update={"spelling_weight": weight}))
        written = [text.text if text else "" for part in asked for text in weighed.translate(part.encoded)]
        found[weight] = score_texts(written, references).wer
    lowest, num_words = min(found.values()), sum(len(texts[0].split()) for texts in references)
    good = [weight for weight, wer in found.items() if wer <= lowest + standard_error(min(lowest, 1.0), num_words)]
    best = min(good, key=lambda weight: abs(weight - decision.spelling_weight))
    return decision.model_copy(update={"spelling_weight": best}), {str(k): v for k, v in found.items()}


def _fit_written(
    recognizer: Recognizer, clips: CalibrationClips, precision: float
) -> tuple[GateConfig | None, dict[str, Any]]:
    """The gate of written sentences: the unknown sentences are written, and all validation clips asked.

    Each unknown clip is asked once more without its own sentence, so that there is something to refuse.
    """
    known, unknown = clips.known, clips.unknown
    if recognizer.text_space is None or unknown is None:
        why = "the model has no text encoder" if recognizer.text_space is None else "no sentence was held out"
        return None, {"fallback": f"{why}; no written sentence is accepted"}
    sentences = [WrittenSentence(record.sentence) for record in unknown.records]
    index = write_sentences(recognizer.index, sentences, recognizer.text_space).index
    recognizer = recognizer.changed(index=index)
    asked = [(unknown, unknown.own_ids), (unknown, [index.clips_of(key) for key in unknown.keys])]
    if known is not None:
        asked.append((known, known.own_ids))
    parts, correct = [], []
    for part, exclude in asked:
        scores = recognizer.rank(part.encoded, exclude)
        parts.append(Evidence.from_ranking(scores))
        correct.append(scores.ranks_of(part.keys) == 1)
    evidence = Evidence.joined(parts)
    right = np.concatenate(correct)[evidence.written]
    # A text has no signer, so how near a signing is to it tells as well.
    fit = fit_gate(evidence.select(evidence.written), right, clips.speeds, clips.idle, precision, figures=FIGURES)
    return (fit.config if fit.config.fitted else None), fit.report


def _fit_translation(
    recognizer: Recognizer, parts: Sequence[Asked], precision: float
) -> tuple[TranslationRule, dict[str, Any]]:
    """When a text is shown that no reference backs: fitted on known and on unknown sentences alike."""
    figures, right = [np.zeros((0, 4))], list[bool]()
    for part in parts:
        scores = recognizer.rank(part.encoded, part.own_ids)
        found = confidences(Evidence.from_ranking(scores), recognizer.decision.gate)
        written = recognizer.translate(part.encoded)
        figures.append(recognizer.translation_figures(written, scores, found))
        pairs = zip(written, part.records, strict=True)
        right += [text is not None and is_right(text.text, (r.sentence, *r.variations)) for text, r in pairs]
    return fit_translation_rule(np.concatenate(figures), np.array(right, dtype=np.bool_), precision)
