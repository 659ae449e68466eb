"""How much each evidence counts: the weights of the scores, fitted on validation clips.

Recognizer + known validation clips -> fit_scoring -> ScoringConfig
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from signtalk.arrays import BoolArray, Float64Array, IntArray
from signtalk.evaluation.retrieval import mean_reciprocal_rank, recall_at_k
from signtalk.recognition.asked import Asked
from signtalk.recognition.ranking import Ranking
from signtalk.recognition.recognizer import Recognizer
from signtalk.recognition.scoring import ScoringConfig

MIN_QUERIES = 10
"""With fewer nothing is fitted."""
_WEIGHT_STEPS = 5
_Setting = tuple[tuple[float, float, float], float]
"""Weights of closest clip, centroid and DTW, and the DTW scale."""


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


@dataclass(frozen=True, eq=False)
class _Compared:
    """What the grid reads of some ranked queries: their R sentences that were looked at closely.

    No other stands before these under any weights, so that of the others' scores nothing has to be known.

    Attributes:
        ranks: (B,) of the own sentence as it was ranked, from 1; 0 where no clip of it is left.
        present: (B, R) whether the place holds a clip.
        similarities: (B, R) float64, as the other three; of `Ranking`.
        centroid_similarities: likewise.
        dtw_distances: likewise.
        text_scores: likewise.
    """

    ranks: IntArray
    present: BoolArray
    similarities: Float64Array
    centroid_similarities: Float64Array
    dtw_distances: Float64Array
    text_scores: Float64Array

    @classmethod
    def of(cls, ranking: Ranking, keys: Sequence[str], num_looked_at: int) -> _Compared:
        """Keep these of a ranking, whose own sentences are `keys`."""
        head = (slice(None), slice(0, num_looked_at))
        return cls(
            ranks=ranking.ranks_of(keys),
            present=ranking.rows[head] >= 0,
            similarities=ranking.similarities[head].astype(np.float64),
            centroid_similarities=ranking.centroid_similarities[head].astype(np.float64),
            dtw_distances=ranking.dtw_distances[head].astype(np.float64),
            text_scores=ranking.text_scores[head].astype(np.float64),
        )


def fit_scoring(recognizer: Recognizer, clips: Asked) -> tuple[ScoringConfig, Trial | None, int]:
    """Choose the weights and the DTW scale on a grid: of all settings about as good as the best, the usual one.

    Validation clips are few and often by people whom training knows, so that many settings find nearly all of
    them. Differences below one standard error of R@1 are chance; among those settings the one nearest to the
    recognizer's own scoring is taken, which was proven on signers whom training had not seen (docs/experiments.md).
    Everything is compared once; the grid only weighs anew. With fewer than 10 queries nothing is tried, nor where no
    sentence is looked at closely.

    Returns:
        What to score with, the trial it comes from (None when nothing was tried), and how many there were.
    """
    base = recognizer.decision.scoring
    if len(clips.records) < MIN_QUERIES or not len(recognizer.index) or not base.rerank_sentences:
        return base, None, 0
    keys = clips.keys
    num_looked_at = base.rerank_sentences
    parts = [_Compared.of(ranking, keys[block], num_looked_at) for block, ranking in recognizer.rankings(clips)]
    median = float(np.nanmedian(np.concatenate([part.dtw_distances.ravel() for part in parts])))
    scales = [round(max(median, 1e-3) * factor, 4) for factor in (0.25, 0.5, 1.0)]
    steps = range(_WEIGHT_STEPS + 1)
    shares = [(a, b, c) for a, b, c in product(steps, repeat=3) if a + b > 0 and a + b + c <= _WEIGHT_STEPS]
    if all(np.isnan(part.text_scores).all() for part in parts):  # nothing is spelled
        shares = [(a, b, _WEIGHT_STEPS - a - b) for a, b, c in shares if c == 0]
    weights = [(a / _WEIGHT_STEPS, b / _WEIGHT_STEPS, c / _WEIGHT_STEPS) for a, b, c in shares]
    trials = _tried(parts, list(product(weights, scales)))
    best = _chosen(trials, base, len(clips.records))
    names = ("similarity_weight", "prototype_weight", "dtw_weight", "dtw_scale", "text_weight")
    chosen = base.model_copy(update={name: getattr(best, name) for name in names})
    return ScoringConfig.model_validate(chosen.model_dump()), best, len(trials)


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


def _tried(parts: Sequence[_Compared], settings: Sequence[_Setting]) -> list[Trial]:
    """Every setting, weights and scale, on all queries."""
    ranks = np.concatenate([_ranks(part, settings) for part in parts], axis=1)
    return [
        Trial(*weights, scale, _text_weight(weights), recall_at_k(each, 1), mean_reciprocal_rank(each))
        for (weights, scale), each in zip(settings, ranks, strict=True)
    ]


def _ranks(part: _Compared, settings: Sequence[_Setting]) -> Float64Array:
    """(settings, B) rank of each query's own sentence; inf where it has no clip left.

    One that was not looked at keeps the rank that it had.
    """
    own = np.arange(part.present.shape[1]) == part.ranks[:, None] - 1
    is_looked_at = own.any(axis=1)
    elsewhere = np.where(part.ranks > 0, part.ranks.astype(np.float64), np.inf)
    similarities, centroids = (
        np.where(part.present, cosines, 0) for cosines in (part.similarities, part.centroid_similarities)
    )
    texts = np.nan_to_num(part.text_scores)
    dtw_scores = {scale: _dtw_scores(part.dtw_distances, scale) for scale in {s for _, s in settings}}
    ranks = np.empty((len(settings), len(own)))
    for number, (weights, scale) in enumerate(settings):
        evidence = (similarities, centroids, dtw_scores[scale], texts)
        fused = sum(weight * scores for weight, scores in zip((*weights, _text_weight(weights)), evidence, strict=True))
        fused = np.where(part.present, fused, -np.inf)
        right = np.where(own, fused, -np.inf).max(axis=1, initial=-np.inf, keepdims=True)
        ahead = np.count_nonzero((fused >= right) & ~own, axis=1)
        ranks[number] = np.where(is_looked_at, 1.0 + ahead, elsewhere)
    return ranks


def _dtw_scores(distances: Float64Array, scale: float) -> Float64Array:
    """(B, R) as the score counts them; where nothing was compared the worst that was, 1 where nothing was at all."""
    compared = ~np.isnan(distances)
    scores = np.exp(-np.where(compared, distances, np.inf) / scale)
    worst = np.where(compared, scores, 1.0).min(axis=1, initial=1.0, keepdims=True)
    return np.where(compared, scores, worst)


def _text_weight(weights: tuple[float, float, float]) -> float:
    """What the other weights leave to the texts."""
    return max(0.0, round(1 - sum(weights), 6))
