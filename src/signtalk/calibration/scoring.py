"""How much each evidence counts: the weights of the scores, fitted on validation clips.

Recognizer + known validation clips -> fit_scoring -> ScoringConfig
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from signtalk.arrays import BoolArray
from signtalk.evaluation.retrieval import mean_reciprocal_rank, recall_at_k
from signtalk.recognition.asked import Asked
from signtalk.recognition.ranking import Ranking
from signtalk.recognition.recognizer import Recognizer
from signtalk.recognition.scoring import ScoringConfig

MIN_QUERIES = 10
"""With fewer nothing is fitted."""
_WEIGHT_STEPS = 5


@dataclass(frozen=True)
class Trial:
    """One setting that was tried.

    Attributes:
        similarity_weight: of the closest clip.
        prototype_weight: of the sentence's centroid; files name it so.
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


def fit_scoring(recognizer: Recognizer, clips: Asked) -> tuple[ScoringConfig, Trial | None, int]:
    """Choose the weights and the DTW scale on a grid: of all settings about as good as the best, the usual one.

    Validation clips are few and often by people whom training knows, so that many settings find nearly all of
    them. Differences below one standard error of R@1 are chance; among those settings the one nearest to the
    recognizer's own scoring is taken, which was proven on signers whom training had not seen (docs/experiments.md).
    Everything is compared once; the grid only weighs anew. With fewer than 10 queries nothing is tried.

    Returns:
        What to score with, the trial it comes from (None when nothing was tried), and how many there were.
    """
    base = recognizer.decision.scoring
    if len(clips.records) < MIN_QUERIES or not len(recognizer.index):
        return base, None, 0
    ranking = recognizer.rank(clips.encoded, clips.own_ids)
    keys, signed = np.array(recognizer.index.groups.text_keys), np.array(clips.keys)
    own = keys[ranking.classes] == signed[:, None]
    median = float(np.nanmedian(ranking.dtw_distances))
    scales = [round(max(median, 1e-3) * factor, 4) for factor in (0.25, 0.5, 1.0)]
    steps = range(_WEIGHT_STEPS + 1)
    shares = [(a, b, c) for a, b, c in product(steps, repeat=3) if a + b > 0 and a + b + c <= _WEIGHT_STEPS]
    if np.isnan(ranking.text_scores).all():  # nothing is spelled
        shares = [(a, b, _WEIGHT_STEPS - a - b) for a, b, c in shares if c == 0]
    trials = [
        _trial(ranking, own, (a / _WEIGHT_STEPS, b / _WEIGHT_STEPS, c / _WEIGHT_STEPS), scale)
        for (a, b, c), scale in product(shares, scales)
    ]
    best = _chosen(trials, base, len(clips.records))
    names = ("similarity_weight", "prototype_weight", "dtw_weight", "dtw_scale", "text_weight")
    weights = base.model_copy(update={name: getattr(best, name) for name in names})
    return ScoringConfig.model_validate(weights.model_dump()), best, len(trials)


def _chosen(trials: Sequence[Trial], base: ScoringConfig, num_queries: int) -> Trial:
    """The trial nearest to `base` among those within one standard error of the best R@1; of equal ones by MRR."""
    highest = max(trial.recall_at_1 for trial in trials)
    good = [trial for trial in trials if trial.recall_at_1 >= highest - standard_error(highest, num_queries)]

    def distance(trial: Trial) -> tuple[float, float]:
        weights = ("similarity_weight", "prototype_weight", "dtw_weight", "text_weight")
        moved = sum(abs(getattr(trial, name) - getattr(base, name)) for name in weights)
        return moved + 0.1 * abs(float(np.log(trial.dtw_scale / base.dtw_scale))), -trial.mrr

    return min(good, key=distance)


def standard_error(share: float, count: int) -> float:
    """Of a share of `count` things, one success and one failure added so that 0 and 1 are not certain."""
    likely = (share * count + 1) / (count + 2)
    return float(np.sqrt(likely * (1 - likely) / count))


def _trial(ranking: Ranking, own: BoolArray, weights: tuple[float, float, float], scale: float) -> Trial:
    similarity, centroid, dtw = weights
    text = max(0.0, round(1 - sum(weights), 6))
    compared = np.where(np.isnan(ranking.dtw_distances), -np.inf, -ranking.dtw_distances)
    dtw_scores = np.exp(compared / scale)
    worst = np.where(np.isfinite(compared), dtw_scores, 1.0).min(axis=1, keepdims=True)
    present = ranking.rows >= 0
    cosines = np.where(present, ranking.similarities, 0), np.where(present, ranking.centroid_similarities, 0)
    fused = similarity * cosines[0] + centroid * cosines[1] + text * np.nan_to_num(ranking.text_scores)
    fused = fused + dtw * np.where(np.isfinite(compared), dtw_scores, worst)
    fused = np.where(present, fused, -np.inf)
    right = np.where(own, fused, -np.inf).max(axis=1, keepdims=True)
    ranks = 1.0 + (np.where(own, -np.inf, fused) >= right).sum(axis=1)
    ranks[~np.isfinite(right[:, 0])] = np.inf
    return Trial(similarity, centroid, dtw, scale, text, recall_at_k(ranks, 1), mean_reciprocal_rank(ranks))
