"""Sets of sentences that hold the right one as often as promised.

    Ranking of a query -> CandidateSets.sizes: how many of its first places belong to the set

A set takes every sentence whose score is less than a fixed gap below the best; `calibration.sets` fits the gap.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, Field

from signtalk.arrays import FloatArray, IntArray


class CandidateSets(BaseModel, frozen=True, extra="forbid"):
    """How far below the best a sentence may score and still belong to the set.

    Attributes:
        gap: score; None = never fitted, or too few clips for the promise: no set is told.
        coverage: part of the clips of known sentences whose set holds the right one.
        num_clips: clips of the fit.
    """

    gap: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    coverage: float = Field(default=0.9, gt=0, lt=1)
    num_clips: int = Field(default=0, ge=0)

    def sizes(self, scores: FloatArray) -> IntArray:
        """(B,) how many first places of (B, K) descending scores belong to each set; 0 without a gap or candidate."""
        if self.gap is None or not scores.shape[1]:
            return np.zeros(len(scores), dtype=np.int64)
        near = scores >= scores[:, :1] - np.float32(self.gap)
        return (near & np.isfinite(scores)).sum(axis=1)
