"""How well found spans agree with true ones: boundaries within a tolerance, sentences by overlap, false ones in rest.

Spans are (S, 2) arrays of seconds, start and end, in order of time and without overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Spans = npt.NDArray[np.float64]

TOLERANCES_S = (0.25, 0.5, 1.0)
LEAST_OVERLAP = 0.5


@dataclass(frozen=True)
class SegmentScores:
    """Counts over streams, and the figures that follow from them.

    Attributes:
        num_true: true sentences.
        num_found: found ones.
        hits: boundaries that agree, by tolerance in the order of TOLERANCES_S; a start agrees with a start alone.
        overlapping: true sentences found with an intersection over union above LEAST_OVERLAP.
        false: found sentences that touch no true one.
        idle_s: seconds outside true sentences.
    """

    num_true: int
    num_found: int
    hits: tuple[int, ...]
    overlapping: int
    false: int
    idle_s: float

    def boundary_f1(self, tolerance_s: float) -> float:
        """Harmonic mean of precision and recall of starts and ends; 1.0 where there is nothing and nothing is found."""
        total = 2 * (self.num_true + self.num_found)
        return 2 * self.hits[TOLERANCES_S.index(tolerance_s)] / total if total else 1.0

    @property
    def found_share(self) -> float:
        """Part of the true sentences that were found; 1.0 where there is none."""
        return self.overlapping / self.num_true if self.num_true else 1.0

    @property
    def missed(self) -> int:
        """True sentences that were not found."""
        return self.num_true - self.overlapping

    @property
    def false_per_hour(self) -> float:
        """False sentences an hour of rest; 0.0 without rest."""
        return 3600 * self.false / self.idle_s if self.idle_s else 0.0


def matched(predicted: npt.NDArray[np.float64], true: npt.NDArray[np.float64], tolerance: float) -> int:
    """How many sorted times can be paired one to one, no pair further apart than `tolerance`.

    Earliest with earliest is the best pairing, for all tolerances are the same.

    Args:
        predicted: (N,) sorted seconds.
        true: (M,) sorted seconds.
        tolerance: seconds.
    """
    count = i = j = 0
    while i < len(predicted) and j < len(true):
        if abs(predicted[i] - true[j]) <= tolerance + 1e-9:
            count, i, j = count + 1, i + 1, j + 1
        elif predicted[i] < true[j]:
            i += 1
        else:
            j += 1
    return count


def score_spans(predicted: Spans, true: Spans, duration_s: float) -> SegmentScores:
    """Compare the predicted spans of a stream with the true ones.

    Args:
        predicted: (S', 2).
        true: (S, 2).
        duration_s: of the stream.
    """
    hits = [sum(matched(predicted[:, side], true[:, side], tolerance) for side in (0, 1)) for tolerance in TOLERANCES_S]
    shared = np.minimum(predicted[:, None, 1], true[None, :, 1]) - np.maximum(predicted[:, None, 0], true[None, :, 0])
    shared = np.maximum(shared, 0)
    lengths, true_lengths = predicted[:, 1] - predicted[:, 0], true[:, 1] - true[:, 0]
    union = lengths[:, None] + true_lengths[None] - shared
    # Above one half a span can overlap with one partner alone, so there is nothing to assign.
    overlapping = int((shared > LEAST_OVERLAP * union).any(axis=0).sum())
    false = int((shared.sum(axis=1) == 0).sum())
    idle_s = max(duration_s - float(true_lengths.sum()), 0.0)
    return SegmentScores(len(true), len(predicted), tuple(hits), overlapping, false, idle_s)


def pooled(scores: Sequence[SegmentScores]) -> SegmentScores:
    """The counts of several streams together."""
    return SegmentScores(
        num_true=sum(each.num_true for each in scores),
        num_found=sum(each.num_found for each in scores),
        hits=tuple(sum(each.hits[k] for each in scores) for k in range(len(TOLERANCES_S))),
        overlapping=sum(each.overlapping for each in scores),
        false=sum(each.false for each in scores),
        idle_s=sum(each.idle_s for each in scores),
    )
