"""After training: fit how evidence becomes an answer, on the validation clips of a split.

    Recognizer (index of the training clips) + validation clips -> calibrate -> DecisionConfig + report

Known queries are the validation clips; unknown ones are the clips of sentences held out of everything and,
always, the validation clips once more with every reference of their own sentence left out. Test clips
are not looked at.

Sentences that are only written get a gate of their own: the sentences held out of everything are written into the
index, and the same clips are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np

from signtalk.encoding import Encoded
from signtalk.files import BoolArray, FloatArray
from signtalk.gate import Evidence, GateConfig, confidences, fit_gate
from signtalk.index import SentenceIndex
from signtalk.manifest import ClipRecord, Manifest
from signtalk.metrics import mean_reciprocal_rank, recall_at_k
from signtalk.recognizer import DecisionConfig, Recognizer, encode_all
from signtalk.roles import Role
from signtalk.scoring import Scores, ScoringConfig
from signtalk.splits import Split
from signtalk.store import PackedClips
from signtalk.text_metrics import score_texts
from signtalk.translation import TranslationRule, fit_translation_rule, is_right
from signtalk.written import WrittenSentence, write_sentences

_MIN_QUERIES = 10
_WEIGHT_STEPS = 5
_SPELLING_WEIGHTS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)


@dataclass(frozen=True)
class Trial:
    """One setting that was tried.

    Attributes:
        similarity_weight: of the closest clip.
        prototype_weight: of the sentence's mean direction.
        dtw_weight: of the frame by frame comparison.
        dtw_scale: its scale.
        text_weight: of the spelling.
        recall_at_1: on the validation queries.
        mrr: likewise.
    """

    similarity_weight: float
    prototype_weight: float
    dtw_weight: float
    dtw_scale: float
    text_weight: float
    recall_at_1: float
    mrr: float


def calibrate(
    recognizer: Recognizer, manifest: Manifest, split: Split, store: PackedClips, precision: float = 0.98
) -> tuple[DecisionConfig, dict[str, Any]]:
    """Fit scoring and gate.

    Args:
        recognizer: its index holds the training clips; its decoding settings are kept.
        manifest: the data.
        split: gives the roles val, val_unknown and val_idle.
        store: packed clips of these roles.
        precision: part of the accepted answers that shall be right.

    Returns:
        What to decide with, and a report of both fits.
    """
    known, known_encoded, known_motion = _clips(recognizer, manifest, split, store, "val")
    unknown, unknown_encoded, _ = _clips(recognizer, manifest, split, store, "val_unknown")
    idle_motion = np.concatenate([_motions(manifest, split, store, role) for role in ("train_idle", "val_idle")])
    signing = np.concatenate([_motions(manifest, split, store, "train"), known_motion])
    exclude = [(record.clip_id,) for record in known]
    decision, chosen, num_trials = recognizer.decision, None, 0
    if known_encoded is not None:
        scoring, chosen, num_trials = fit_scoring(recognizer, known_encoded, known, exclude)
        decision = decision.model_copy(update={"scoring": scoring})
    texts = ((known_encoded, known), (unknown_encoded, unknown))
    decision, words_wrong = _fit_spelling(recognizer.changed(decision=decision), texts)
    recognizer = recognizer.changed(decision=decision)
    parts, correct, written = [], [], []
    if known_encoded is not None:
        scores = recognizer.scores(known_encoded, exclude)
        written.append((known_encoded, known, scores))
        parts.append(Evidence.from_scores(scores))
        correct.append(scores.ranks_of([record.text_key for record in known]) == 1)
        strange = recognizer.scores(known_encoded, _clips_of_sentences(recognizer.index, known))
        parts.append(Evidence.from_scores(strange))
        correct.append(np.zeros(len(known), dtype=np.bool_))
    if unknown_encoded is not None:
        scores = recognizer.scores(unknown_encoded)
        written.append((unknown_encoded, unknown, scores))
        parts.append(Evidence.from_scores(scores))
        correct.append(np.zeros(len(unknown), dtype=np.bool_))
    right = np.concatenate(correct or [np.zeros(0, dtype=np.bool_)])
    fit = fit_gate(Evidence.joined(parts), right, signing, idle_motion, precision)
    written_gate, written_report = _fit_written(recognizer, texts, (signing, idle_motion), precision)
    decision = decision.model_copy(update={"gate": fit.config.model_copy(update={"written": written_gate})})
    rule, rule_report = _fit_translation(recognizer.changed(decision=decision), written, precision)
    return decision.model_copy(update={"translation": rule}), {
        "scoring": asdict(chosen) if chosen else "kept: too few validation clips",
        "num_trials": num_trials,
        "wer_by_spelling_weight": words_wrong,
        "gate": fit.report,
        "written_gate": written_report,
        "translation": rule_report,
        "num_val": len(known),
        "num_val_unknown": len(unknown),
        "split_hash": split.hash,
    }


def fit_scoring(
    recognizer: Recognizer,
    encoded: Encoded,
    records: Sequence[ClipRecord],
    exclude_clip_ids: Sequence[tuple[str, ...]],
) -> tuple[ScoringConfig, Trial | None, int]:
    """Choose the weights and the DTW scale on a grid: of all settings about as good as the best, the usual one.

    Validation clips are few and often by people whom training knows, so that many settings find nearly all of
    them. Differences below one standard error of R@1 are chance; among those settings the one nearest to the
    recognizer's own scoring is taken, which was proven on signers whom training had not seen (docs/experiments.md).
    Everything is compared once; the grid only weighs anew. With fewer than 10 queries nothing is tried.

    Returns:
        What to score with, the trial it comes from (None when nothing was tried), and how many there were.
    """
    base = recognizer.decision.scoring
    if len(records) < _MIN_QUERIES or not len(recognizer.index):
        return base, None, 0
    scores = recognizer.scores(encoded, exclude_clip_ids)
    keys, signed = np.array(recognizer.index.groups.text_keys), np.array([record.text_key for record in records])
    own = keys[scores.classes] == signed[:, None]
    median = float(np.nanmedian(scores.dtw_distances))
    scales = [round(max(median, 1e-3) * factor, 4) for factor in (0.25, 0.5, 1.0)]
    steps = range(_WEIGHT_STEPS + 1)
    shares = [(a, b, c) for a, b, c in product(steps, repeat=3) if a + b > 0 and a + b + c <= _WEIGHT_STEPS]
    if np.isnan(scores.text_scores).all():  # nothing is spelled
        shares = [(a, b, _WEIGHT_STEPS - a - b) for a, b, c in shares if c == 0]
    trials = [
        _trial(scores, own, (a / _WEIGHT_STEPS, b / _WEIGHT_STEPS, c / _WEIGHT_STEPS), scale)
        for (a, b, c), scale in product(shares, scales)
    ]
    best = _chosen(trials, base, len(records))
    names = ("similarity_weight", "prototype_weight", "dtw_weight", "dtw_scale", "text_weight")
    chosen = base.model_copy(update={name: getattr(best, name) for name in names})
    return ScoringConfig.model_validate(chosen.model_dump()), best, len(trials)


def _chosen(trials: Sequence[Trial], base: ScoringConfig, num_queries: int) -> Trial:
    """The trial nearest to `base` among those within one standard error of the best R@1; of equal ones by MRR."""
    highest = max(trial.recall_at_1 for trial in trials)
    good = [trial for trial in trials if trial.recall_at_1 >= highest - _standard_error(highest, num_queries)]

    def distance(trial: Trial) -> tuple[float, float]:
        weights = ("similarity_weight", "prototype_weight", "dtw_weight", "text_weight")
        moved = sum(abs(getattr(trial, name) - getattr(base, name)) for name in weights)
        return moved + 0.1 * abs(float(np.log(trial.dtw_scale / base.dtw_scale))), -trial.mrr

    return min(good, key=distance)


def _standard_error(share: float, count: int) -> float:
    """Of a share of `count` things, one success and one failure added so that 0 and 1 are not certain."""
    likely = (share * count + 1) / (count + 2)
    return float(np.sqrt(likely * (1 - likely) / count))


def _trial(scores: Scores, own: BoolArray, weights: tuple[float, float, float], scale: float) -> Trial:
    similarity, prototype, dtw = weights
    text = max(0.0, round(1 - sum(weights), 6))
    compared = np.where(np.isnan(scores.dtw_distances), -np.inf, -scores.dtw_distances)
    dtw_scores = np.exp(compared / scale)
    worst = np.where(np.isfinite(compared), dtw_scores, 1.0).min(axis=1, keepdims=True)
    present = scores.rows >= 0
    cosines = np.where(present, scores.similarities, 0), np.where(present, scores.prototype_similarities, 0)
    fused = similarity * cosines[0] + prototype * cosines[1] + text * np.nan_to_num(scores.text_scores)
    fused = fused + dtw * np.where(np.isfinite(compared), dtw_scores, worst)
    fused = np.where(present, fused, -np.inf)
    right = np.where(own, fused, -np.inf).max(axis=1, keepdims=True)
    ranks = 1.0 + (np.where(own, -np.inf, fused) >= right).sum(axis=1)
    ranks[~np.isfinite(right[:, 0])] = np.inf
    return Trial(similarity, prototype, dtw, scale, text, recall_at_k(ranks, 1), mean_reciprocal_rank(ranks))


def _fit_spelling(
    recognizer: Recognizer, texts: Sequence[tuple[Encoded | None, tuple[ClipRecord, ...]]]
) -> tuple[DecisionConfig, dict[str, float]]:
    """Choose how much translation listens to the frames' words: the usual weight unless another is clearly better.

    Returns:
        The decision, and the word error rate found at each weight; empty with too few clips or without spelling.
    """
    decision = recognizer.decision
    known = [(encoded, records) for encoded, records in texts if encoded is not None]
    total = sum(len(records) for _, records in known)
    if total < _MIN_QUERIES or not all(encoded.word_log_probs.shape[2] for encoded, _ in known):
        return decision, {}
    references = [record.variations or (record.sentence,) for _, records in known for record in records]
    found: dict[float, float] = {}
    for weight in _SPELLING_WEIGHTS:
        asked = recognizer.changed(decision=decision.model_copy(update={"spelling_weight": weight}))
        written = [text.text if text else "" for encoded, _ in known for text in asked.translate(encoded)]
        found[weight] = score_texts(written, references).wer
    lowest, num_words = min(found.values()), sum(len(texts[0].split()) for texts in references)
    good = [weight for weight, wer in found.items() if wer <= lowest + _standard_error(min(lowest, 1.0), num_words)]
    best = min(good, key=lambda weight: abs(weight - decision.spelling_weight))
    return decision.model_copy(update={"spelling_weight": best}), {str(k): v for k, v in found.items()}


def _fit_written(
    recognizer: Recognizer,
    texts: Sequence[tuple[Encoded | None, tuple[ClipRecord, ...]]],
    motions: tuple[FloatArray, FloatArray],
    precision: float,
) -> tuple[GateConfig | None, dict[str, Any]]:
    """The gate of written sentences: the unknown sentences are written, and all validation clips asked.

    Each unknown clip is asked once more without its own sentence, so that there is something to refuse.
    """
    (known_encoded, known), (unknown_encoded, unknown) = texts
    if recognizer.text_space is None or unknown_encoded is None:
        why = "the model has no text encoder" if recognizer.text_space is None else "no sentence was held out"
        return None, {"fallback": f"{why}; no written sentence is accepted"}
    sentences = [WrittenSentence(record.sentence) for record in unknown]
    index = write_sentences(recognizer.index, sentences, recognizer.text_space).index
    recognizer = recognizer.changed(index=index)
    asked = [(unknown_encoded, unknown, None), (unknown_encoded, unknown, _clips_of_sentences(index, unknown))]
    if known_encoded is not None:
        asked.append((known_encoded, known, [(record.clip_id,) for record in known]))
    parts, correct = [], []
    for encoded, records, exclude in asked:
        scores = recognizer.scores(encoded, exclude)
        parts.append(Evidence.from_scores(scores))
        correct.append(scores.ranks_of([record.text_key for record in records]) == 1)
    evidence = Evidence.joined(parts)
    right = np.concatenate(correct)[evidence.written]
    fit = fit_gate(evidence.select(evidence.written), right, *motions, precision)
    return (fit.config if fit.config.fitted else None), fit.report


def _fit_translation(
    recognizer: Recognizer, parts: Sequence[tuple[Encoded, tuple[ClipRecord, ...], Scores]], precision: float
) -> tuple[TranslationRule, dict[str, Any]]:
    """When a text is shown that no reference backs: fitted on known and on unknown sentences alike."""
    figures, right = [np.zeros((0, 4))], list[bool]()
    for encoded, records, scores in parts:
        found = confidences(Evidence.from_scores(scores), recognizer.decision.gate)
        written = recognizer.translate(encoded)
        figures.append(recognizer.translation_figures(written, scores, found))
        pairs = zip(written, records, strict=True)
        right += [text is not None and is_right(text.text, (r.sentence, *r.variations)) for text, r in pairs]
    return fit_translation_rule(np.concatenate(figures), np.array(right, dtype=np.bool_), precision)


def _clips(
    recognizer: Recognizer, manifest: Manifest, split: Split, store: PackedClips, role: Role
) -> tuple[tuple[ClipRecord, ...], Encoded | None, FloatArray]:
    packed = {clip.clip_id for clip in store.clips}
    records = tuple(record for record in split.records(manifest, role) if record.clip_id in packed)
    which = store.positions_of([record.clip_id for record in records])
    encoded = encode_all(recognizer.encoder, store, which) if records else None
    return records, encoded, store.motions[which]


def _motions(manifest: Manifest, split: Split, store: PackedClips, role: Role) -> FloatArray:
    return store.motions[store.positions_of([record.clip_id for record in split.records(manifest, role)])]


def _clips_of_sentences(index: SentenceIndex, records: Sequence[ClipRecord]) -> list[tuple[str, ...]]:
    return [tuple(index.entries[row].clip_id for row in index.sentences.get(record.text_key, ())) for record in records]
