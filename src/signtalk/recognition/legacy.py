"""The research prototype's ranking, its faults included, so that old and new are compared by one flag.

Encoded queries + SentenceIndex -> rank_as_the_prototype -> Ranking of clips, not of sentences
"""

from __future__ import annotations

import numpy as np

from signtalk.arrays import FloatArray
from signtalk.index.encoded import Encoded
from signtalk.index.index import SentenceIndex
from signtalk.recognition.comparison import SentenceComparison, clip_distances
from signtalk.recognition.ranking import Ranking, with_head

# docs/contract.md 1.9
_CLIPS = 5
_COSINE_WEIGHT = 0.65
_DTW_WEIGHT = 0.35
_DTW_RATE = 0.002
_TEMPERATURE = 0.12


def rank_as_the_prototype(encoded: Encoded, index: SentenceIndex, comparison: SentenceComparison) -> Ranking:
    """docs/contract.md 1.9 to the letter: five clips by cosine, re-ranked with a DTW sum that grows with length.

    Args:
        encoded: B queries.
        index: the references; a sentence that is only written must be left out of `comparison`.
        comparison: of these queries with this index.

    Returns:
        (B, N) clips; the five that were re-ranked come first, the others follow with their bare cosine.
    """
    similarities = comparison.clip_similarities
    rows = np.argsort(-similarities, axis=1, kind="stable")
    cosines = np.take_along_axis(similarities, rows, axis=1)
    rows = np.where(cosines > -np.inf, rows, -1)
    head = slice(0, _CLIPS)
    distances = clip_distances(encoded, index, rows[:, head]).distances
    head_scores = np.exp(-_DTW_RATE * distances)
    scores = cosines.copy()
    scores[:, head] = _COSINE_WEIGHT * cosines[:, head] + _DTW_WEIGHT * head_scores
    classes = index.groups.class_of_row[rows]
    num_references = np.take_along_axis(comparison.num_references, classes, axis=1)
    centroids = np.take_along_axis(comparison.centroid_similarities, classes, axis=1)
    by_cosine = Ranking(
        index=index,
        classes=classes,
        rows=rows,
        scores=scores,
        similarities=cosines,
        centroid_similarities=np.where(num_references > 1, centroids, np.nan).astype(np.float32),
        dtw_distances=with_head(rows.shape, distances),
        dtw_scores=with_head(rows.shape, head_scores),
        text_log_likelihoods=np.full(rows.shape, np.nan, dtype=np.float32),
        text_scores=np.full(rows.shape, np.nan, dtype=np.float32),
        num_references=num_references,
        confidences=np.nan_to_num(with_head(rows.shape, _softmax(scores[:, head] / _TEMPERATURE))),
    )
    return by_cosine.ordered(head)


def _softmax(logits: FloatArray) -> FloatArray:
    """Over axis 1; a row of -inf gives zeros."""
    highest = logits.max(axis=1, keepdims=True, initial=-np.inf)
    weights = np.exp(logits - np.where(np.isfinite(highest), highest, 0))
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-30), dtype=np.float32)
