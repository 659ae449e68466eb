"""After training: fit how evidence becomes an answer, on the validation clips of a split.

    Recognizer (index of the training clips) + validation clips -> calibrate -> DecisionConfig + report

Known queries are the validation clips; unknown ones are the clips of sentences held out of everything and,
always, the validation clips once more with every reference of their own sentence left out. Test clips
are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.encoding import Encoded
from signtalk.files import FloatArray
from signtalk.gate import Evidence, fit_gate
from signtalk.index import SentenceIndex
from signtalk.manifest import ClipRecord, Manifest
from signtalk.metrics import mean_reciprocal_rank, recall_at_k
from signtalk.recognizer import DecisionConfig, Recognizer, encode_all
from signtalk.roles import Role
from signtalk.scoring import Scores, ScoringConfig, score_sentences
from signtalk.splits import Split
from signtalk.store import PackedClips

_MIN_QUERIES = 10
_WEIGHT_STEPS = 5
_RERANKED_WHILE_FITTING = 30


@dataclass(frozen=True)
class Trial:
    """One setting that was tried.

    Attributes:
        similarity_weight: of the closest clip.
        prototype_weight: of the sentence's mean direction.
        dtw_weight: of the frame by frame comparison.
        dtw_scale: its scale.
        recall_at_1: on the validation queries.
        mrr: likewise.
        margin: mean score of the right sentence minus that of the best other one.
    """

    similarity_weight: float
    prototype_weight: float
    dtw_weight: float
    dtw_scale: float
    recall_at_1: float
    mrr: float
    margin: float


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
    scoring, trials = recognizer.decision.scoring, list[Trial]()
    if known_encoded is not None:
        scoring, trials = fit_scoring(known_encoded, known, recognizer.index, exclude, scoring)
    parts, correct = [], []
    if known_encoded is not None:
        scores = score_sentences(known_encoded, recognizer.index, scoring, exclude)
        parts.append(Evidence.from_scores(scores))
        correct.append(scores.ranks_of([record.text_key for record in known]) == 1)
        own = _clips_of_sentences(recognizer.index, known)
        strange = score_sentences(known_encoded, recognizer.index, scoring, own)
        parts.append(Evidence.from_scores(strange))
        correct.append(np.zeros(len(known), dtype=np.bool_))
    if unknown_encoded is not None:
        parts.append(Evidence.from_scores(score_sentences(unknown_encoded, recognizer.index, scoring)))
        correct.append(np.zeros(len(unknown), dtype=np.bool_))
    fit = fit_gate(_joined(parts), np.concatenate(correct or [np.zeros(0, bool)]), signing, idle_motion, precision)
    decision = recognizer.decision.model_copy(update={"scoring": scoring, "gate": fit.config})
    best = max(trials, key=_quality) if trials else None
    return decision, {
        "scoring": asdict(best) if best else "kept: too few validation clips",
        "num_trials": len(trials),
        "gate": fit.report,
        "num_val": len(known),
        "num_val_unknown": len(unknown),
        "split_hash": split.hash,
    }


def fit_scoring(
    encoded: Encoded,
    records: Sequence[ClipRecord],
    index: SentenceIndex,
    exclude_clip_ids: Sequence[tuple[str, ...]],
    base: ScoringConfig,
) -> tuple[ScoringConfig, list[Trial]]:
    """Choose the three weights and the DTW scale by R@1, then MRR, then margin, on a grid.

    Everything is compared once with many sentences compared frame by frame; the grid only weighs anew. With
    fewer than 10 queries `base` is kept and nothing is tried.
    """
    if len(records) < _MIN_QUERIES or not len(index):
        return base, []
    generous = base.model_copy(update={"rerank_sentences": max(_RERANKED_WHILE_FITTING, base.rerank_sentences)})
    scores = score_sentences(encoded, index, generous, exclude_clip_ids)
    own = np.array(index.groups.text_keys)[scores.classes] == np.array([r.text_key for r in records])[:, None]
    median = float(np.nanmedian(scores.dtw_distances))
    scales = [round(max(median, 1e-3) * factor, 4) for factor in (0.25, 0.5, 1.0)]
    shares = [(a, b) for a, b in product(range(_WEIGHT_STEPS + 1), repeat=2) if 0 < a + b <= _WEIGHT_STEPS]
    settings = [(a / _WEIGHT_STEPS, b / _WEIGHT_STEPS, scale) for (a, b), scale in product(shares, scales)]
    trials = [_trial(scores, own, *setting) for setting in settings]
    best = max(trials, key=_quality)
    chosen = base.model_copy(
        update={
            name: getattr(best, name) for name in ("similarity_weight", "prototype_weight", "dtw_weight", "dtw_scale")
        }
    )
    return ScoringConfig.model_validate(chosen.model_dump()), trials


def _quality(trial: Trial) -> tuple[float, float, float]:
    return trial.recall_at_1, trial.mrr, trial.margin


def _trial(scores: Scores, own: npt.NDArray[np.bool_], similarity: float, prototype: float, scale: float) -> Trial:
    dtw = max(0.0, round(1 - similarity - prototype, 6))
    compared = np.where(np.isnan(scores.dtw_distances), -np.inf, -scores.dtw_distances)
    dtw_scores = np.exp(compared / scale)
    worst = np.where(np.isfinite(compared), dtw_scores, 1.0).min(axis=1, keepdims=True)
    present = scores.rows >= 0
    cosines = np.where(present, scores.similarities, 0), np.where(present, scores.prototype_similarities, 0)
    fused = similarity * cosines[0] + prototype * cosines[1]
    fused = fused + dtw * np.where(np.isfinite(compared), dtw_scores, worst)
    fused = np.where(present, fused, -np.inf)
    right = np.where(own, fused, -np.inf).max(axis=1, keepdims=True)
    others = np.where(own, -np.inf, fused)
    ranks = 1.0 + (others >= right).sum(axis=1)
    ranks[~np.isfinite(right[:, 0])] = np.inf
    gap = (right[:, 0] - others.max(axis=1))[np.isfinite(right[:, 0])]
    margin = float(gap.mean()) if len(gap) and np.isfinite(gap).all() else 0.0
    return Trial(similarity, prototype, dtw, scale, recall_at_k(ranks, 1), mean_reciprocal_rank(ranks), margin)


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


def _joined(parts: Sequence[Evidence]) -> Evidence:
    names = ("score", "margin", "similarity", "dtw_score", "prototype")
    nothing = np.zeros(0, dtype=np.float32)
    columns = {name: np.concatenate([nothing, *(getattr(part, name) for part in parts)]) for name in names}
    return Evidence(**columns, answered=np.concatenate([np.zeros(0, dtype=np.bool_), *(p.answered for p in parts)]))
