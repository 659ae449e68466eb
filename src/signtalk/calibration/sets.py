"""Sets of sentences that hold the right one as often as promised: split conformal prediction.

    scores of known validation clips -> gaps_to_right -> fit_candidate_sets -> CandidateSets

The gap is the smallest with which the promised part of the validation clips has its sentence in the set. One clip
is added for the query itself. The promise holds for clips like those: of indexed sentences, by signers who stand to
the model as they do.

Source:
    Vovk, Gammerman & Shafer (2005), "Algorithmic learning in a random world"; the gap to the best score as the
    measure of strangeness is ours.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from signtalk.arrays import FloatArray, IntArray
from signtalk.recognition.candidate_sets import CandidateSets


def least_clips(coverage: float) -> int:
    """Clips that a promise of `coverage` needs; with fewer only the set of all sentences would keep it."""
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def fit_candidate_sets(gaps: npt.NDArray[np.floating], coverage: float) -> CandidateSets:
    """The gap that keeps a promise.

    Args:
        gaps: (N,) best score minus that of the right sentence, one a known clip; infinite where it was not scored.
        coverage: part of the clips whose set shall hold the right sentence.
    """
    place = math.ceil((len(gaps) + 1) * coverage - 1e-9)
    gap = float(np.sort(gaps)[place - 1]) if 0 < place <= len(gaps) else math.inf
    # Scores are 32 bit: the sentence that set the gap must not fall out of its own set.
    known = math.isfinite(gap)
    return CandidateSets(
        gap=float(np.nextafter(np.float32(gap), np.float32(np.inf))) if known else None,
        coverage=coverage,
        num_clips=len(gaps),
    )


def gaps_to_right(scores: FloatArray, ranks: IntArray) -> npt.NDArray[np.float64]:
    """(B,) best score minus the right sentence's; infinite where its rank is 0, not indexed.

    Args:
        scores: (B, K) descending.
        ranks: (B,) place of the right sentence, 1 = best.
    """
    places = np.maximum(ranks - 1, 0)[:, None]
    if not scores.shape[1]:
        return np.full(len(scores), np.inf)
    own = np.take_along_axis(scores, places, axis=1)[:, 0].astype(np.float64)
    return np.where(ranks > 0, scores[:, 0] - own, np.inf)
