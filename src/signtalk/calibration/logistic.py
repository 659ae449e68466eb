"""A probability and a threshold fitted on clips: one way for sentences and translations.

figures (B, K) of held-out clips + which were right -> fit_logistic -> Logistic
confidences + which were right                      -> precision_threshold
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, Float64Array
from signtalk.recognition.logistic import Logistic

MIN_FIT_CLIPS = 20
"""With fewer nothing is fitted."""
MIN_ACCEPTED = 10
"""A precision that fewer clips than this show is chance."""
LEAST_THRESHOLD = 0.5
"""What is more probably wrong than right is not said, whatever precision was asked for."""


def fit_logistic(
    figures: npt.NDArray[np.floating],
    right: BoolArray,
    counts: npt.NDArray[np.floating] | None = None,
    weighed: BoolArray | None = None,
) -> Logistic:
    """Logistic regression with weights that cannot be negative.

    The confidence is the share that is right among answers like these, each counted as `counts` says; a small L2
    term keeps weights finite.

    Args:
        figures: (B, K); a figure that is not finite is unknown.
        right: (B,) which answers are right; some are and some are not.
        counts: (B,) how much each answer counts; None = the same.
        weighed: (K,) which figures may get a weight; None = all.
    """
    from scipy.optimize import minimize  # an extra's dependency: serving does not need it

    raw = np.ma.masked_invalid(figures.astype(np.float64))
    typical = raw[right].mean(axis=0).filled(0)  # a figure that no answer has stays typical for all
    spread = np.maximum(raw.std(axis=0).filled(0), 1e-3)
    num_figures = figures.shape[1]
    draft = Logistic((0.0,) * num_figures, 0.0, tuple(typical.tolist()), tuple(spread.tolist()))
    inputs = draft.standardised(figures)
    shares = np.full(len(right), 1 / len(right)) if counts is None else counts / counts.sum()
    sign = np.where(right, 1.0, -1.0)

    def loss(parameters: Float64Array) -> tuple[float, Float64Array]:
        weights, bias = parameters[:-1], parameters[-1]
        margin = sign * (inputs @ weights + bias)
        slope = -sign * shares / (1 + np.exp(np.clip(margin, -60, 60)))
        value = float((shares * np.logaddexp(0, -margin)).sum() + 0.005 * (weights**2).sum())
        return value, np.append(inputs.T @ slope + 0.01 * weights, slope.sum())

    free = np.ones(num_figures, dtype=np.bool_) if weighed is None else weighed
    start = np.append(np.where(free, 0.5, 0.0), 0.0)
    bounds = [(0, None if may else 0) for may in free.tolist()] + [(None, None)]
    best = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return Logistic(tuple(best[:-1].tolist()), float(best[-1]), draft.typical, draft.spread)


def precision_threshold(
    sureness: Float64Array,
    right: BoolArray,
    precision: float,
    counts: npt.NDArray[np.floating] | None = None,
    *,
    least: float = LEAST_THRESHOLD,
    expected: bool = True,
) -> tuple[float, bool]:
    """The lowest confidence at and above which `precision` holds, else the next above all wrong answers.

    A precision counts where at least MIN_ACCEPTED answers show it (or as many as are right, if fewer): few
    at the top may be right by chance. Of all thresholds with which the counted precision holds the lowest is a lucky
    one, so the confidences themselves must promise it as well: their mean above the threshold is the share that is
    right by the fit. Below `least` nothing is accepted: many right answers would pay for some that are plainly wrong.

    Args:
        sureness: (B,) confidences.
        right: (B,) which answers are right.
        precision: part of the accepted answers that shall be right.
        counts: (B,) how much each answer counts; None = the same.
        least: lowest threshold.
        expected: whether `sureness` are probabilities of what `right` tells; False counts alone.

    Returns:
        The threshold, and whether `precision` was shown.
    """
    order = np.argsort(-sureness, kind="stable")
    confidence, weights = sureness[order], np.ones(len(sureness)) if counts is None else counts[order]
    hits, totals = np.cumsum(weights * right[order]), np.cumsum(weights)
    enough = (np.arange(1, len(order) + 1) >= min(MIN_ACCEPTED, int(right.sum()))) & (confidence >= least)
    ends = np.append(confidence[1:] != confidence[:-1], True)  # equal ones are accepted together
    shares = np.where(ends & enough, hits / totals, -1.0)
    if expected:
        shares = np.minimum(shares, np.cumsum(weights * confidence) / totals)
    reached = np.flatnonzero(shares >= precision)
    if len(reached):
        last = int(reached[-1])
        lower = confidence[last + 1] if last + 1 < len(confidence) else 0.0
        return max(float((confidence[last] + lower) / 2), least), True
    highest_wrong = float(confidence[~right[order]].max(initial=0.0))
    return min(float(np.nextafter(max(highest_wrong, least), 2.0)), 1.0), False
