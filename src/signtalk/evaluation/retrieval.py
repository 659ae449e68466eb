"""What is measured: retrieval, alignment of views, telling known from unknown, and honest confidence.

    scores, ranks, confidences (numpy arrays) -> numbers

Pure functions, called by training and evaluation alike. "By class" means that a sentence counts once, however
many of its clips are in the index. Every function takes at least one clip; an empty array is a ValueError,
because an average over nothing would look like a result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array, FloatArray, IntArray

Scores = npt.NDArray[np.floating]
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Alignment:
    """How well two views of the same clips agree, cosine similarity from -1 to 1.

    Attributes:
        inst_at_1: part of the clips whose second view is nearer to their first than any other clip's.
        positive_similarity: mean between the two views of a clip.
        hardest_negative_similarity: mean, over clips, of the nearest other clip's second view.
    """

    inst_at_1: float
    positive_similarity: float
    hardest_negative_similarity: float


@dataclass(frozen=True)
class RiskCoverage:
    """What is gained in errors by answering less, one entry for each distinct confidence, falling.

    Attributes:
        thresholds: (K,) answered when confidence >= threshold.
        coverage: (K,) part of the clips answered, rising to 1.
        risk: (K,) part of the answered clips that are wrong.
    """

    thresholds: Float64Array
    coverage: Float64Array
    risk: Float64Array


@dataclass(frozen=True)
class ReliabilityBins:
    """Stated against observed accuracy; empty bins are left out.

    Attributes:
        count: (K,) clips in the bin.
        confidence: (K,) their mean confidence.
        accuracy: (K,) part of them that is right.
    """

    count: IntArray
    confidence: Float64Array
    accuracy: Float64Array


def recall_at_k(ranks: Float64Array, k: int) -> float:
    """Part of the queries whose right class is among the first `k`.

    Raises:
        ValueError: no rank, a rank under 1 or NaN, or k under 1.
    """
    _check_ranks(ranks)
    if k < 1:
        raise ValueError(f"k {k}; expected 1 or more")
    return float((ranks <= k).mean())


def mean_reciprocal_rank(ranks: Float64Array) -> float:
    """Mean of 1 / rank; 0 for a class that was not found (rank inf).

    Raises:
        ValueError: no rank, or a rank under 1 or NaN.
    """
    _check_ranks(ranks)
    return float((1.0 / ranks).mean())


def view_alignment(first: FloatArray, second: FloatArray) -> Alignment:
    """Compare two views of the same clips (a diagnostic: docs/contract.md 2.9 says why nothing is chosen by it).

    Args:
        first: (N, D) unit-length embeddings of one view.
        second: (N, D) of the other, row by row the same clips. A tie with another clip is no hit.

    Raises:
        ValueError: fewer than two clips, or shapes that differ.
    """
    if first.shape != second.shape or first.ndim != 2 or len(first) < 2:
        raise ValueError(f"views {first.shape} and {second.shape}; expected the same (N, D) with N > 1")
    positive, negative = np.empty(len(first)), np.empty(len(first))
    for start in range(0, len(first), _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, len(first)))
        similarity = first[rows] @ second.T
        positive[rows] = similarity[rows - start, rows]
        similarity[rows - start, rows] = -np.inf
        negative[rows] = similarity.max(axis=1)
    return Alignment(float((positive > negative).mean()), float(positive.mean()), float(negative.mean()))


def auroc(scores: Scores, known: BoolArray) -> float:
    """Probability that a known clip scores above an unknown one, a tie counting half; exact.

    Args:
        scores: (Q,) higher = more likely known.
        known: (Q,) True for clips that should be answered.

    Raises:
        ValueError: NaN scores, or not at least one clip of each kind.
    """
    positives, negatives = _known_and_unknown(scores, known)
    negatives = np.sort(negatives)
    below = np.searchsorted(negatives, positives, side="left")
    not_above = np.searchsorted(negatives, positives, side="right")
    return float((below + not_above).sum() / (2 * len(positives) * len(negatives)))


def fpr_at_tpr(scores: Scores, known: BoolArray, tpr: float = 0.95) -> float:
    """Part of the unknown clips let through at the highest threshold that lets `tpr` of the known through.

    Args:
        scores: (Q,) higher = more likely known.
        known: (Q,) True = of an indexed sentence.
        tpr: part of the known clips that is let through, 0-1.

    Raises:
        ValueError: as `auroc`, or a tpr that is not above 0 and at most 1.
    """
    if not 0 < tpr <= 1:
        raise ValueError(f"tpr {tpr}; expected above 0 and at most 1")
    positives, negatives = _known_and_unknown(scores, known)
    # 0.95 * 60 is a hair above 57 in binary; that hair must not ask for a 58th clip.
    needed = int(np.ceil(tpr * len(positives) - 1e-9))
    threshold = np.sort(positives)[len(positives) - needed]
    return float((negatives >= threshold).mean())


def risk_coverage(confidence: Scores, correct: BoolArray) -> RiskCoverage:
    """Errors against coverage over all thresholds; clips of equal confidence are answered together.

    Args:
        confidence: (Q,) any scale, higher = surer.
        correct: (Q,) whether the answer would be right; an unknown clip is never right.

    Raises:
        ValueError: empty, shapes that differ, or NaN.
    """
    thresholds, sizes, errors = _tied_groups(confidence, correct)
    answered = np.cumsum(sizes)
    return RiskCoverage(thresholds, answered / answered[-1], np.cumsum(errors) / answered)


def accuracy_at_coverage(confidence: Scores, correct: BoolArray, coverage: float = 0.8) -> float:
    """Part that is right among the surest `coverage` of the clips (rounded up to whole clips).

    Where the line falls between clips of equal confidence, they count as if drawn at random.

    Args:
        confidence: (Q,) of each answer.
        correct: (Q,) True = right.
        coverage: part of the clips that is answered, 0-1.

    Raises:
        ValueError: as `risk_coverage`, or a coverage that is not above 0 and at most 1.
    """
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage {coverage}; expected above 0 and at most 1")
    errors = _expected_errors(confidence, correct)
    num_answered = int(np.ceil(coverage * len(errors) - 1e-9))
    return float(1 - errors[num_answered - 1] / num_answered)


def aurc(confidence: Scores, correct: BoolArray) -> float:
    """Area under the risk-coverage curve: mean risk over 1, 2 ... Q answered clips, ties as if drawn at random.

    Raises:
        ValueError: as `risk_coverage`.
    """
    errors = _expected_errors(confidence, correct)
    return float((errors / np.arange(1, len(errors) + 1)).mean())


def reliability_bins(confidence: Scores, correct: BoolArray, num_bins: int = 15) -> ReliabilityBins:
    """Group clips by confidence and compare the confidence with the part that is right.

    Args:
        confidence: (Q,) probabilities, 0 to 1.
        correct: (Q,) whether the answer is right.
        num_bins: how many equal ranges of 0-1, [a, b) but for the last, which holds 1.0 too.

    Raises:
        ValueError: empty, shapes that differ, confidence outside 0 to 1, or no bin.
    """
    _check_confidence(confidence, correct)
    if num_bins < 1 or not bool(((confidence >= 0) & (confidence <= 1)).all()):
        raise ValueError(
            f"{num_bins} bins, confidence {confidence.min()} to {confidence.max()}; expected 1 or more, 0 to 1"
        )
    bins = np.minimum((confidence * num_bins).astype(np.int64), num_bins - 1)
    count = np.bincount(bins, minlength=num_bins)
    filled = count > 0
    sums = np.bincount(bins, confidence, num_bins)[filled], np.bincount(bins, correct, num_bins)[filled]
    return ReliabilityBins(count[filled].astype(np.int64), sums[0] / count[filled], sums[1] / count[filled])


def expected_calibration_error(bins: ReliabilityBins) -> float:
    """Mean over clips of the gap between confidence and accuracy of their bin (ECE)."""
    return float((bins.count * np.abs(bins.confidence - bins.accuracy)).sum() / bins.count.sum())


def _check_ranks(ranks: Float64Array) -> None:
    if ranks.ndim != 1 or not len(ranks) or not bool((ranks >= 1).all()):
        raise ValueError(f"ranks of shape {ranks.shape}; expected (Q,) with Q > 0, each 1 or more")


def _known_and_unknown(scores: Scores, known: BoolArray) -> tuple[Scores, Scores]:
    if scores.ndim != 1 or scores.shape != known.shape or known.dtype != np.bool_ or np.isnan(scores).any():
        raise ValueError(
            f"scores {scores.shape}, known {known.dtype} {known.shape}; expected (Q,) without NaN, and bools"
        )
    if known.all() or not known.any():
        raise ValueError(f"{int(known.sum())} of {len(known)} clips are known; expected some known and some unknown")
    return scores[known], scores[~known]


def _check_confidence(confidence: Scores, correct: BoolArray) -> None:
    if confidence.ndim != 1 or not len(confidence) or confidence.shape != correct.shape or correct.dtype != np.bool_:
        raise ValueError(
            f"confidence {confidence.shape}, correct {correct.dtype} {correct.shape}; expected (Q,), Q > 0"
        )
    if np.isnan(confidence).any():
        raise ValueError("NaN among the confidences")


def _tied_groups(confidence: Scores, correct: BoolArray) -> tuple[Float64Array, IntArray, IntArray]:
    """Distinct confidences, falling, with the number of clips and of errors at each."""
    _check_confidence(confidence, correct)
    rising, group, sizes = np.unique(confidence, return_inverse=True, return_counts=True)
    errors = np.bincount(group, ~correct, len(rising)).astype(np.int64)
    return rising[::-1].astype(np.float64), sizes[::-1].astype(np.int64), errors[::-1]


def _expected_errors(confidence: Scores, correct: BoolArray) -> Float64Array:
    """(Q,) expected errors among the surest 1, 2 ... Q clips."""
    _, sizes, errors = _tied_groups(confidence, correct)
    return np.cumsum(np.repeat(errors / sizes, sizes))
