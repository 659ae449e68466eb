"""How figures become a probability: one function for sentences and translations.

    figures (B, K), NaN = unknown -> Logistic.confidences -> probability of being right

`calibration.logistic` fits it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.arrays import Float64Array

HIGHEST = 2.0
"""Far above typical is no better than clearly above: one figure must not outvote the others."""


@dataclass(frozen=True)
class Logistic:
    """A logistic function of K standardised figures.

    Attributes:
        weights: none is negative, so that a better figure never lowers the probability.
        bias: added to their weighed sum.
        typical: mean of each figure over right answers; what an unknown figure counts as.
        spread: standard deviation over all answers, above 0.
    """

    weights: tuple[float, ...]
    bias: float
    typical: tuple[float, ...]
    spread: tuple[float, ...]

    def standardised(self, figures: npt.NDArray[np.floating]) -> Float64Array:
        """(B, K) distance from what is typical of right answers; 0 for an unknown figure, so that the others decide."""
        typical = np.array(self.typical)
        known = np.where(np.isfinite(figures), figures, typical)
        return np.asarray(np.minimum((known - typical) / np.array(self.spread), HIGHEST))

    def confidences(self, figures: npt.NDArray[np.floating]) -> Float64Array:
        """(B,) probability of being right."""
        logits = self.standardised(figures) @ np.array(self.weights) + self.bias
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))))
