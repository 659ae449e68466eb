"""Intervals against SciPy, plain loops and the coverage they promise."""

import numpy as np
import pytest
from scipy import stats

from signtalk.evaluation.intervals import bootstrap_mean, bootstrap_ratio, bootstrap_statistic, wilson_interval


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_the_mean_of_independent_clips_agrees_with_scipy(rng: np.random.Generator) -> None:
    values = rng.exponential(size=80)
    ours = bootstrap_mean(values, None, rng, resamples=20_000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=rng).confidence_interval
    assert ours.estimate == pytest.approx(values.mean(), abs=1e-12)
    assert ours.level == 0.95
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_groups_are_drawn_whole(rng: np.random.Generator) -> None:
    # Two groups: a resample is one of them twice (each 1/4 of the time) or both, so the means are these three.
    values, groups = np.array([1.0, 1.0, 1.0, 0.0]), np.array(["a", "a", "a", "b"])
    interval = bootstrap_mean(values, groups, rng, resamples=1000, level=0.9)
    assert (interval.estimate, interval.low, interval.high) == (0.75, 0.0, 1.0)
    inner = bootstrap_mean(values, groups, rng, resamples=1000, level=0.2)
    assert (inner.low, inner.high) == (0.75, 0.75)


def test_grouped_ratio_agrees_with_a_plain_loop(rng: np.random.Generator) -> None:
    tops, bottoms, groups = rng.random(60), rng.random(60) + 0.5, rng.integers(0, 12, 60)
    ours = bootstrap_ratio(tops, bottoms, groups, np.random.default_rng(1), resamples=20_000)
    loop = np.random.default_rng(2)
    names = np.unique(groups)
    ratios = []
    for _ in range(5_000):
        rows = np.concatenate([np.flatnonzero(groups == g) for g in loop.choice(names, len(names))])
        ratios.append(tops[rows].sum() / bottoms[rows].sum())
    assert ours.estimate == pytest.approx(tops.sum() / bottoms.sum())
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(ratios, [0.025, 0.975])), abs=0.005)


def test_any_statistic_agrees_with_the_vectorised_mean(rng: np.random.Generator) -> None:
    values, groups = rng.random(60), rng.integers(0, 12, 60)
    fast = bootstrap_mean(values, groups, np.random.default_rng(1), resamples=20_000)
    slow = bootstrap_statistic(
        lambda rows: float(values[rows].mean()), groups, np.random.default_rng(2), resamples=5000
    )
    assert slow.estimate == pytest.approx(fast.estimate)
    assert (slow.low, slow.high) == pytest.approx((fast.low, fast.high), abs=0.01)


def test_clips_of_one_signer_alike_widen_the_interval(rng: np.random.Generator) -> None:
    signers = np.repeat(np.arange(5), 40)
    values = np.array([0.1, 0.9, 0.4, 0.6, 0.5])[signers] + rng.normal(0, 0.01, 200)
    by_clip, by_signer = bootstrap_mean(values, None, rng), bootstrap_mean(values, signers, rng)
    assert by_signer.high - by_signer.low > 3 * (by_clip.high - by_clip.low)


def test_the_interval_covers_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        interval = bootstrap_mean(rng.normal(1.0, 1.0, 60), None, rng, resamples=400, level=0.9)
        covered += interval.low <= 1.0 <= interval.high
    assert 0.84 <= covered / 300 <= 0.95


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.arange(30.0)
    one, two = (bootstrap_mean(values, None, np.random.default_rng(3), resamples=450) for _ in range(2))
    assert one == two
    assert one != bootstrap_mean(values, None, np.random.default_rng(4), resamples=450)


def test_strata_keep_their_number_of_groups(rng: np.random.Generator) -> None:
    known = np.array([True] * 3 + [False] * 17)
    seen = set()

    def count_known(rows: np.ndarray) -> float:
        seen.add(int(known[rows].sum()))
        return 0.0

    bootstrap_statistic(count_known, np.arange(20), rng, strata=known, resamples=50)
    assert seen == {3}
    seen.clear()
    bootstrap_statistic(count_known, np.arange(20), rng, resamples=200)
    assert 0 in seen


def test_three_strata_are_drawn_from_themselves(rng: np.random.Generator) -> None:
    strata = np.repeat(np.array(["a", "b", "c"]), [2, 3, 5])
    drawn = set()
    bootstrap_statistic(
        lambda rows: float(drawn.add(tuple(sorted(strata[rows].tolist()))) or 0), np.arange(10), rng, strata=strata
    )
    assert drawn == {tuple("aabbbccccc")}


def test_equal_values_have_no_width(rng: np.random.Generator) -> None:
    interval = bootstrap_mean(np.ones(10, dtype=bool), None, rng)
    assert (interval.estimate, interval.low, interval.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 50), (50, 50), (7, 20), (999, 1000)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_agrees_with_scipy(successes: int, trials: int, level: float) -> None:
    ours = wilson_interval(successes, trials, level)
    theirs = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.estimate == successes / trials
    assert 0 <= ours.low <= ours.estimate <= ours.high <= 1


@pytest.mark.parametrize(("successes", "trials", "level"), [(0, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_wilson_refuses_impossible_counts(successes: int, trials: int, level: float) -> None:
    with pytest.raises(ValueError, match="successes of"):
        wilson_interval(successes, trials, level)


@pytest.mark.parametrize(
    ("values", "groups", "options", "message"),
    [
        ([], None, {}, "no values"),
        ([1.0], None, {}, "one group"),
        ([1.0, 2.0], [5, 5], {}, "one group"),
        ([1.0, 2.0], [5], {}, r"groups of shape \(1,\)"),
        ([1.0, np.nan], None, {}, "not finite"),
        ([1.0, 2.0], None, {"resamples": 0}, "0 resamples"),
        ([1.0, 2.0], None, {"level": 0.0}, "level 0.0"),
        ([[1.0], [2.0]], None, {}, r"values of shape \(2, 1\)"),
    ],
)
def test_bootstrap_refuses_what_it_cannot_do(rng, values, groups, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap_mean(np.array(values), None if groups is None else np.array(groups), rng, **options)


def test_ratio_refuses_what_it_cannot_divide_by(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="nothing to divide by"):
        bootstrap_ratio(np.ones(3), np.array([0.0, 0.0, 1.0]), None, rng)
    with pytest.raises(ValueError, match="negative denominator"):
        bootstrap_ratio(np.ones(2), np.array([1.0, -1.0]), None, rng)
    with pytest.raises(ValueError, match="values of shape"):
        bootstrap_ratio(np.ones(2), np.ones(3), None, rng)


def test_statistic_refuses_groups_that_cross_strata(rng: np.random.Generator) -> None:
    groups = np.array([0, 0, 1, 1])
    with pytest.raises(ValueError, match="two strata"):
        bootstrap_statistic(lambda rows: 0.0, groups, rng, strata=np.array([True, False, True, True]))
    with pytest.raises(ValueError, match=r"strata of shape \(2,\)"):
        bootstrap_statistic(lambda rows: 0.0, groups, rng, strata=np.array([True, False]))
    with pytest.raises(ValueError, match="one group"):
        bootstrap_statistic(lambda rows: 0.0, np.array([1, 1]), rng)
