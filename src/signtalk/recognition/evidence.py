"""What is known of a query's first candidate: the figures that a gate weighs.

    Ranking -> Evidence -> gate

Every figure is the better the higher it is, and does not say how likely an answer is by itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray
from signtalk.recognition.ranking import Ranking

FIGURES = (
    "score", "margin", "similarity", "dtw_score", "centroid", "text_score",
    "standing", "dtw_margin", "text_per_word",
)  # fmt: skip
"""Names of the figures, in the order of `Evidence.matrix` and of a gate's weights."""
COMPARED_FIGURES = ("score", "margin", "text_score", "standing", "dtw_margin", "text_per_word")
"""The figures that compare sentences or words for one signing. How near a clip is at all differs from signer to signer,
and a gate that weighs it as well tells right from wrong less well on new ones (docs/experiments.md)."""
_FLAGS = ("answered", "written")
NEIGHBOURS = 30
LEAST_NEIGHBOURS = 3
"""The spread of two scores says nothing."""
LOWEST_MARGIN = -1.0
LOWEST_PER_WORD = -20.0
"""Words that cannot be spelled at all must not stretch the scale for the others."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of each query's first candidate; (B,) arrays, NaN where it cannot be known.

    Attributes:
        score: fused score.
        margin: score minus that of the best other sentence (prototype mode: of the next clip).
        similarity: cosine to the closest clip.
        dtw_score: 0-1, of the frame by frame comparison.
        centroid: cosine to the sentence's centroid, the mean direction of its clips.
        text_score: 0-1, how well the frames spell the sentence.
        standing: how many standard deviations of its neighbours' scores (the next 29 sentences) the score lies above
            their mean: the density of the neighbourhood, whatever a signer's scores are like as a whole.
        dtw_margin: -1 to 1, how much nearer frame by frame than the nearest other sentence, as a share of that
            one's distance.
        text_per_word: log likelihood of the sentence's words short of the best path, a word, at most about 0.
        answered: whether there is a candidate at all.
        written: whether the candidate is a sentence without a clip; similarity is then that to its text, and what is
            measured by clips is NaN.
    """

    score: FloatArray
    margin: FloatArray
    similarity: FloatArray
    dtw_score: FloatArray
    centroid: FloatArray
    text_score: FloatArray
    standing: FloatArray
    dtw_margin: FloatArray
    text_per_word: FloatArray
    answered: BoolArray
    written: BoolArray

    @classmethod
    def from_ranking(cls, ranking: Ranking) -> Evidence:
        """The evidence about the first place of each list."""
        num_queries, places = ranking.scores.shape
        if places == 0:
            nothing, nobody = np.full(num_queries, np.nan, dtype=np.float32), np.zeros(num_queries, dtype=np.bool_)
            return cls(**dict.fromkeys(FIGURES, nothing), answered=nobody, written=nobody)
        rows, likelihoods = ranking.rows[:, 0], ranking.text_log_likelihoods[:, 0]
        answered = rows >= 0
        written = answered & ranking.index.written[rows]
        return cls(
            score=ranking.scores[:, 0],
            margin=ranking.margins(),
            similarity=ranking.similarities[:, 0],
            dtw_score=np.where(written, np.float32(np.nan), ranking.dtw_scores[:, 0]),
            centroid=ranking.centroid_similarities[:, 0],
            text_score=np.where(np.isnan(likelihoods), np.nan, ranking.text_scores[:, 0]),
            standing=_standing(ranking.scores),
            dtw_margin=_dtw_margin(ranking.dtw_distances),
            text_per_word=np.maximum(likelihoods / words_of_first(ranking), LOWEST_PER_WORD).astype(np.float32),
            answered=answered,
            written=written,
        )

    @classmethod
    def joined(cls, parts: Sequence[Evidence]) -> Evidence:
        """All queries of several parts, in order; none of no part."""
        nothing, nobody = np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.bool_)
        columns = {name: np.concatenate([nothing, *(getattr(part, name) for part in parts)]) for name in FIGURES}
        flags = {name: np.concatenate([nobody, *(getattr(part, name) for part in parts)]) for name in _FLAGS}
        return cls(**columns, **flags)

    def select(self, rows: BoolArray) -> Evidence:
        """The queries where `rows` is True."""
        return Evidence(*(getattr(self, name)[rows] for name in (*FIGURES, *_FLAGS)))

    def matrix(self) -> npt.NDArray[np.float64]:
        """(B, 9) in the order of FIGURES; NaN where unknown, the margin of an index's only sentence included."""
        return np.stack([getattr(self, name) for name in FIGURES], axis=1).astype(np.float64)


def _standing(scores: FloatArray) -> FloatArray:
    """(B,) of (B, K) descending scores; NaN with too few neighbours or where they are all alike."""
    first, others = scores[:, 0].astype(np.float64), scores[:, 1 : 1 + NEIGHBOURS - 1].astype(np.float64)
    others = np.where(np.isfinite(others), others, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a query without any neighbour has no mean: NaN is meant
        mean, spread = np.nanmean(others, axis=1), np.nanstd(others, axis=1)
    known = (np.isfinite(others).sum(axis=1) >= LEAST_NEIGHBOURS) & (spread > 1e-6) & np.isfinite(first)
    return np.where(known, (first - mean) / np.where(known, spread, 1), np.nan).astype(np.float32)


def _dtw_margin(distances: FloatArray) -> FloatArray:
    """(B,) of (B, K) distances, NaN where not compared; NaN where nothing else was compared."""
    first = distances[:, 0].astype(np.float64)
    nearest = np.where(np.isnan(distances[:, 1:]), np.inf, distances[:, 1:]).min(axis=1, initial=np.inf)
    known = np.isfinite(first) & np.isfinite(nearest)
    farther = np.where(known, np.maximum(nearest, 1e-6), 1)
    margin = np.maximum(1 - first / farther, LOWEST_MARGIN)
    return np.where(known, margin, np.nan).astype(np.float32)


def words_of_first(ranking: Ranking) -> npt.NDArray[np.float64]:
    """(B,) words of the first sentence, at least 1."""
    entries = ranking.index.entries
    first = ranking.rows[:, :1].max(axis=1, initial=-1).tolist()  # of an empty index there is none
    words = [len(entries[row].sentence.split()) if row >= 0 else 1 for row in first]
    return np.maximum(np.array(words, dtype=np.float64), 1)
