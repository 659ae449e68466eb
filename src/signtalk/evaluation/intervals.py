"""How far a measured number can be trusted: bootstrap and Wilson intervals.

    one value a clip (and who or what it belongs to) -> Interval

Clips of one signer or one sentence resemble each other, so it is signers or sentences that are resampled:
drawing clips as if they were independent makes an interval look narrower than it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from signtalk.arrays import IntArray

DEFAULT_RESAMPLES = 2000
_ROWS_AT_ONCE = 200

Values = npt.NDArray[np.floating] | npt.NDArray[np.bool_] | npt.NDArray[np.integer]
Labels = npt.NDArray[np.integer] | npt.NDArray[np.str_]


@dataclass(frozen=True)
class Interval:
    """A measured value and the range that the true one lies in with probability `level`."""

    estimate: float
    low: float
    high: float
    level: float


def mean_of_groups(values: Values, groups: Labels, seed: int) -> Interval:
    """As `bootstrap_mean` over groups; with a single one no interval, rather than a false one.

    Args:
        values: (Q,) one number or hit a clip.
        groups: (Q,) what each clip belongs to.
        seed: of the resamples.
    """
    if len(np.unique(groups)) < 2:
        return Interval(float(np.mean(values)), np.nan, np.nan, 0.95)
    return bootstrap_mean(values.astype(np.float64), groups, np.random.default_rng(seed))


def bootstrap_mean(
    values: Values,
    groups: Labels | None,
    rng: np.random.Generator,
    resamples: int = DEFAULT_RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of a mean; of a paired difference, when `values` are differences.

    Args:
        values: (Q,) one number or hit a clip.
        groups: (Q,) what each clip belongs to (signer, sentence): groups are drawn, with all their clips.
            None draws clips.
        rng: draws the resamples.
        resamples: how many.
        level: probability that the interval covers.

    Returns:
        The mean over clips and its interval.

    Raises:
        ValueError: empty, shapes that differ, a value that is not finite, or fewer than two groups.
    """
    return bootstrap_ratio(values, np.ones(len(values)), groups, rng, resamples=resamples, level=level)


def bootstrap_ratio(
    numerators: Values,
    denominators: Values,
    groups: Labels | None,
    rng: np.random.Generator,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of sum(numerators) / sum(denominators), such as word errors over words.

    Args:
        numerators: (Q,) one number a clip.
        denominators: (Q,) one number a clip, 0 or more; every resample must have a positive sum.
        groups: as in `bootstrap_mean`.
        rng: draws the resamples.
        resamples: how many.
        level: probability that the interval covers.

    Returns:
        The ratio of the sums over all clips and its interval.

    Raises:
        ValueError: as `bootstrap_mean`, or a resample has nothing to divide by.
    """
    group, num_groups = _group_numbers(groups, len(numerators))
    _check_draw(num_groups, resamples, level)
    tops, bottoms = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    if tops.shape != group.shape or bottoms.shape != group.shape:
        raise ValueError(f"values of shape {tops.shape} and {bottoms.shape}; expected {group.shape}, one a clip")
    if not (np.isfinite(tops).all() and np.isfinite(bottoms).all() and bool((bottoms >= 0).all())):
        raise ValueError("values that are not finite, or a negative denominator")
    sums = np.stack([np.bincount(group, tops, num_groups), np.bincount(group, bottoms, num_groups)], axis=1)
    drawn = np.concatenate(
        [
            rng.multinomial(num_groups, np.full(num_groups, 1 / num_groups), size=min(_ROWS_AT_ONCE, resamples - start))
            @ sums
            for start in range(0, resamples, _ROWS_AT_ONCE)
        ]
    )
    if not bool((drawn[:, 1] > 0).all()):
        raise ValueError("a resample has nothing to divide by; leave out groups whose denominators are all 0")
    return _percentiles(float(tops.sum() / bottoms.sum()), drawn[:, 0] / drawn[:, 1], level)


def bootstrap_statistic(
    statistic: Callable[[IntArray], float],
    groups: Labels,
    rng: np.random.Generator,
    *,
    strata: Labels | None = None,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of any statistic of rows, such as an AUROC or a corpus BLEU.

    Args:
        statistic: takes (R,) row positions, repeats included, and returns a number.
        groups: (Q,) what each row belongs to; groups are drawn, with all their rows.
        rng: draws the resamples.
        strata: (Q,) draw within each stratum, so that each keeps its number of groups: known and unknown
            clips for an AUROC. A group lies within one stratum. None: one stratum.
        resamples: how many; each one calls `statistic`.
        level: probability that the interval covers.

    Returns:
        The statistic of all rows and its interval.

    Raises:
        ValueError: empty, shapes that differ, fewer than two groups, or a group in two strata.
    """
    group, num_groups = _group_numbers(groups, len(groups))
    _check_draw(num_groups, resamples, level)
    rows = np.argsort(group, kind="stable").astype(np.int64)
    members = np.split(rows, np.cumsum(np.bincount(group))[:-1])
    strata_of_groups = _strata_of_groups(strata, group, members)
    values = np.empty(resamples)
    for i in range(resamples):
        chosen = np.concatenate([rng.choice(stratum, size=len(stratum)) for stratum in strata_of_groups])
        values[i] = statistic(np.concatenate([members[g] for g in chosen]))
    return _percentiles(float(statistic(np.arange(len(group)))), values, level)


def wilson_interval(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Wilson score interval of a proportion: sound for few trials and at 0 and 1, unlike the normal one.

    Args:
        successes: 0 to `trials`.
        trials: at least 1.
        level: of confidence, between 0 and 1.

    Raises:
        ValueError: no trial, more successes than trials, or a level outside 0 to 1.

    Source:
        E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if trials < 1 or not 0 <= successes <= trials or not 0 < level < 1:
        raise ValueError(f"{successes} successes of {trials} at level {level}; expected 0 <= successes <= trials > 0")
    share = successes / trials
    z2 = NormalDist().inv_cdf(0.5 + level / 2) ** 2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    # At 0 and at all the bounds are 0 and 1 exactly; rounding must not put them beyond.
    low, high = (0.0 if successes == 0 else centre - half), (1.0 if successes == trials else centre + half)
    return Interval(estimate=share, low=low, high=high, level=level)


def _group_numbers(groups: Labels | None, num_rows: int) -> tuple[IntArray, int]:
    if num_rows == 0:
        raise ValueError("no values")
    if groups is None:
        return np.arange(num_rows), num_rows
    if groups.shape != (num_rows,):
        raise ValueError(f"groups of shape {groups.shape}; expected ({num_rows},), one a clip")
    names, group = np.unique(groups, return_inverse=True)
    return group.astype(np.int64), len(names)


def _check_draw(num_groups: int, resamples: int, level: float) -> None:
    if num_groups < 2:
        raise ValueError("one group; resampling needs two or more (resample sentences when there is one signer)")
    if resamples < 1 or not 0 < level < 1:
        raise ValueError(f"{resamples} resamples at level {level}; expected 1 or more, and a level between 0 and 1")


def _strata_of_groups(strata: Labels | None, group: IntArray, members: list[IntArray]) -> list[IntArray]:
    if strata is None:
        return [np.arange(len(members))]
    if strata.shape != group.shape:
        raise ValueError(f"strata of shape {strata.shape}; expected {group.shape}, one a row")
    of_group = strata[[rows[0] for rows in members]]
    if not bool((of_group[group] == strata).all()):
        raise ValueError("a group lies in two strata; groups must be finer than strata")
    return [np.flatnonzero(of_group == stratum) for stratum in np.unique(strata)]


def _percentiles(estimate: float, values: npt.NDArray[np.float64], level: float) -> Interval:
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(estimate=estimate, low=float(low), high=float(high), level=level)
