"""Every measure against scikit-learn or the plainest loop that defines it."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score, roc_curve

from signtalk.evaluation.retrieval import (
    accuracy_at_coverage,
    aurc,
    auroc,
    expected_calibration_error,
    fpr_at_tpr,
    mean_reciprocal_rank,
    recall_at_k,
    reliability_bins,
    risk_coverage,
    view_alignment,
)

INF = float("inf")
# Few distinct values, so that ties are the rule.
coarse = st.integers(0, 6).map(lambda i: i / 6)
scored = st.integers(1, 40).flatmap(
    lambda n: st.tuples(arrays(np.float64, n, elements=coarse), arrays(np.bool_, n, elements=st.booleans()))
)
both_kinds = scored.filter(lambda pair: pair[1].any() and not pair[1].all())


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    vectors = rng.normal(size=shape)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


# Retrieval


def test_recall_and_reciprocal_rank_of_known_ranks() -> None:
    ranks = np.array([1.0, 2.0, 5.0, 5.5, INF])
    assert [recall_at_k(ranks, k) for k in (1, 2, 5, 6)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert mean_reciprocal_rank(ranks) == pytest.approx((1 + 1 / 2 + 1 / 5 + 1 / 5.5 + 0) / 5)


@pytest.mark.parametrize("ranks", [[], [0.0], [1.0, np.nan], [[1.0]]])
def test_recall_and_reciprocal_rank_refuse_what_is_no_rank(ranks: list) -> None:
    with pytest.raises(ValueError, match="ranks of shape"):
        recall_at_k(np.array(ranks), 1)
    with pytest.raises(ValueError, match="ranks of shape"):
        mean_reciprocal_rank(np.array(ranks))


def test_recall_at_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="k 0"):
        recall_at_k(np.array([1.0]), 0)


# Alignment and retrieval among clips


@pytest.mark.parametrize("num_clips", [2, 30, 1500])
def test_view_alignment_agrees_with_a_loop(num_clips: int) -> None:
    rng = np.random.default_rng(num_clips)
    first = unit(rng, num_clips, 8)
    noisy = first + 0.5 * unit(rng, num_clips, 8)
    second = noisy / np.linalg.norm(noisy, axis=1, keepdims=True)
    hits, positive, hardest = [], [], []
    for i in range(num_clips):
        similarity = second @ first[i]
        own = similarity[i]
        others = np.delete(similarity, i)
        hits.append(own > others.max())
        positive.append(own)
        hardest.append(others.max())
    ours = view_alignment(first, second)
    assert ours.inst_at_1 == pytest.approx(np.mean(hits))
    assert ours.positive_similarity == pytest.approx(np.mean(positive), abs=1e-5)
    assert ours.hardest_negative_similarity == pytest.approx(np.mean(hardest), abs=1e-5)


def test_a_collapsed_encoder_has_no_instance_hit() -> None:
    same = np.tile(np.eye(1, 4, dtype=np.float32), (6, 1))
    assert view_alignment(same, same).inst_at_1 == 0.0


@pytest.mark.parametrize(("first", "second"), [((1, 4), (1, 4)), ((3, 4), (4, 4)), ((0, 4), (0, 4))])
def test_view_alignment_refuses_what_does_not_pair(first: tuple, second: tuple) -> None:
    with pytest.raises(ValueError, match="N > 1"):
        view_alignment(np.zeros(first, dtype=np.float32), np.zeros(second, dtype=np.float32))


# Known against unknown


@given(both_kinds)
@settings(deadline=None)
def test_auroc_agrees_with_scikit_learn_and_with_all_pairs(pair: tuple[np.ndarray, np.ndarray]) -> None:
    scores, known = pair
    assert auroc(scores, known) == pytest.approx(roc_auc_score(known, scores), abs=1e-12)
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p in scores[known] for n in scores[~known]]
    assert auroc(scores, known) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert auroc(-scores, known) == pytest.approx(1 - auroc(scores, known), abs=1e-12)


@given(pair=both_kinds, tpr=st.sampled_from([0.05, 0.5, 0.95, 1.0]))
@settings(deadline=None)
def test_fpr_at_tpr_agrees_with_scikit_learn(pair: tuple[np.ndarray, np.ndarray], tpr: float) -> None:
    scores, known = pair
    fprs, tprs, _ = roc_curve(known, scores, drop_intermediate=False)
    assert fpr_at_tpr(scores, known, tpr) == pytest.approx(fprs[tprs >= tpr - 1e-9].min(), abs=1e-12)


def test_fpr_at_tpr_asks_for_no_clip_too_many() -> None:
    # 0.95 of 60 is 57; in binary it is a little more, and the 58th clip lies below every unknown one.
    scores = np.concatenate([np.full(57, 1.0), np.zeros(3), np.full(10, 0.5)])
    assert fpr_at_tpr(scores, np.arange(70) < 60, 0.95) == 0.0
    assert fpr_at_tpr(scores, np.arange(70) < 60, 0.96) == 1.0


def test_all_ties_are_chance() -> None:
    known = np.array([True, False, False])
    assert auroc(np.ones(3), known) == 0.5
    assert fpr_at_tpr(np.ones(3), known) == 1.0


@pytest.mark.parametrize(
    ("scores", "known"),
    [([], []), ([0.1, 0.2], [True, True]), ([0.1, 0.2], [False, False]), ([0.1], [True, False]), ([np.nan, 1], [1, 0])],
)
def test_open_set_measures_refuse_one_kind_or_none(scores: list, known: list) -> None:
    for measure in (auroc, fpr_at_tpr):
        with pytest.raises(ValueError, match="known"):
            measure(np.array(scores, dtype=float), np.array(known, dtype=bool))


def test_marks_that_are_no_booleans_are_refused() -> None:
    # 0 and 1 as integers would select rows 0 and 1 instead of masking.
    with pytest.raises(ValueError, match="int64"):
        auroc(np.array([0.1, 0.2]), np.array([0, 1]))
    with pytest.raises(ValueError, match="int64"):
        aurc(np.array([0.1, 0.2]), np.array([0, 1]))


@pytest.mark.parametrize("tpr", [0.0, 1.1])
def test_fpr_at_an_impossible_tpr_is_refused(tpr: float) -> None:
    with pytest.raises(ValueError, match="tpr"):
        fpr_at_tpr(np.array([0.1, 0.2]), np.array([True, False]), tpr)


# Risk and coverage


@given(scored)
@settings(deadline=None)
def test_risk_coverage_agrees_with_a_loop_over_thresholds(pair: tuple[np.ndarray, np.ndarray]) -> None:
    confidence, correct = pair
    curve = risk_coverage(confidence, correct)
    assert curve.thresholds.tolist() == sorted(set(confidence.tolist()), reverse=True)
    for threshold, coverage, risk in zip(curve.thresholds, curve.coverage, curve.risk, strict=True):
        answered = confidence >= threshold
        assert coverage == pytest.approx(answered.mean())
        assert risk == pytest.approx((~correct[answered]).mean())


@given(
    confidence=arrays(np.float64, 5, elements=st.integers(0, 2).map(float)),
    correct=arrays(np.bool_, 5, elements=st.booleans()),
)
@settings(max_examples=40, deadline=None)
def test_ties_count_as_the_mean_over_all_orders(confidence: np.ndarray, correct: np.ndarray) -> None:
    orders = [order for order in permutations(range(5)) if all(np.diff(confidence[list(order)]) <= 0)]
    risks = np.array([np.cumsum(~correct[list(order)]) / np.arange(1, 6) for order in orders])
    assert aurc(confidence, correct) == pytest.approx(risks.mean())
    for i, coverage in enumerate((0.2, 0.4, 0.6, 0.8, 1.0)):
        assert accuracy_at_coverage(confidence, correct, coverage) == pytest.approx(1 - risks[:, i].mean())


def test_accuracy_at_coverage_rounds_up_to_whole_clips() -> None:
    confidence, correct = np.array([0.9, 0.8, 0.7]), np.array([True, False, False])
    assert accuracy_at_coverage(confidence, correct, 0.1) == 1.0
    assert accuracy_at_coverage(confidence, correct, 0.34) == pytest.approx(1 / 2)
    assert accuracy_at_coverage(confidence, correct, 1.0) == pytest.approx(1 / 3)


def test_a_perfect_order_of_confidence_has_the_least_risk() -> None:
    correct = np.array([True] * 8 + [False] * 2)
    best = aurc(np.arange(10)[::-1].astype(float), correct)
    assert best == pytest.approx((1 / 9 + 2 / 10) / 10)
    assert aurc(np.arange(10).astype(float), correct) > aurc(np.zeros(10), correct) > best


@pytest.mark.parametrize("coverage", [0.0, 1.01])
def test_accuracy_at_an_impossible_coverage_is_refused(coverage: float) -> None:
    with pytest.raises(ValueError, match="coverage"):
        accuracy_at_coverage(np.array([0.5]), np.array([True]), coverage)


@pytest.mark.parametrize("measure", [risk_coverage, accuracy_at_coverage, aurc, reliability_bins])
def test_confidence_measures_refuse_what_does_not_fit(measure) -> None:
    with pytest.raises(ValueError, match="Q > 0"):
        measure(np.array([]), np.array([], dtype=bool))
    with pytest.raises(ValueError, match="Q > 0"):
        measure(np.array([0.5, 0.5]), np.array([True]))
    with pytest.raises(ValueError, match="NaN"):
        measure(np.array([np.nan]), np.array([True]))


# Calibration


@given(pair=scored, num_bins=st.integers(1, 12))
@settings(deadline=None)
def test_equal_width_bins_agree_with_a_loop(pair: tuple[np.ndarray, np.ndarray], num_bins: int) -> None:
    confidence, correct = pair
    confidence = confidence * 0.99  # off the edges, where rounding alone decides
    total, gaps = 0, 0.0
    for i in range(num_bins):
        inside = (confidence >= i / num_bins) & (confidence < (i + 1) / num_bins)
        total += inside.sum()
        if inside.any():
            gaps += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    assert total == len(confidence)
    bins = reliability_bins(confidence, correct, num_bins)
    assert expected_calibration_error(bins) == pytest.approx(gaps, abs=1e-12)
    assert bins.count.sum() == len(confidence)
    assert (bins.count > 0).all()


def test_the_last_bin_holds_certainty() -> None:
    bins = reliability_bins(np.array([0.0, 0.1, 0.95, 1.0]), np.array([False, False, True, True]), 10)
    assert bins.count.tolist() == [1, 1, 2]
    assert bins.confidence.tolist() == pytest.approx([0.0, 0.1, 0.975])
    assert bins.accuracy.tolist() == [0.0, 0.0, 1.0]


def test_calibration_error_of_known_cases() -> None:
    sure = np.ones(10)
    assert expected_calibration_error(reliability_bins(sure, np.ones(10, dtype=bool))) == 0.0
    assert expected_calibration_error(reliability_bins(sure, np.zeros(10, dtype=bool))) == 1.0
    half = np.arange(10) < 5
    assert expected_calibration_error(reliability_bins(np.full(10, 0.7), half)) == pytest.approx(0.2)


@pytest.mark.parametrize(("confidence", "num_bins"), [([1.1], 5), ([-0.1], 5), ([0.5], 0)])
def test_reliability_refuses_what_is_no_probability(confidence: list, num_bins: int) -> None:
    with pytest.raises(ValueError, match="bins, confidence"):
        reliability_bins(np.array(confidence), np.array([True]), num_bins)


def test_single_precision_scores_are_taken_as_they_are() -> None:
    rng = np.random.default_rng(1)
    scores, known = rng.random(200).astype(np.float32), rng.random(200) < 0.5
    assert auroc(scores, known) == pytest.approx(roc_auc_score(known, scores), abs=1e-12)
    assert aurc(scores, known) == pytest.approx(aurc(scores.astype(np.float64), known))
