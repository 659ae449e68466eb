"""Boundary F1, sentences by overlap and false ones, against examples by hand and the best pairing of SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from signtalk.segmentation.metrics import TOLERANCES_S, matched, pooled, score_spans

TIMES = st.lists(st.integers(0, 400).map(lambda tenth: tenth / 20), max_size=12).map(sorted)


def spans(*pairs):
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def test_spans_that_agree_are_perfect() -> None:
    true = spans((1, 3), (5, 8))
    scores = score_spans(true, true, 10.0)
    assert [scores.boundary_f1(tolerance) for tolerance in TOLERANCES_S] == [1, 1, 1]
    assert (scores.found_share, scores.missed, scores.false, scores.false_per_hour) == (1, 0, 0, 0)
    assert scores.idle_s == 5


def test_figures_of_an_example_by_hand() -> None:
    true = spans((1, 3), (5, 8), (10, 12))
    predicted = spans((1.2, 3.4), (5.6, 8.9), (13, 14))  # good, late on both sides, false
    scores = score_spans(predicted, true, 20.0)
    assert scores.hits == (1, 2, 4)
    assert [scores.boundary_f1(tolerance) for tolerance in TOLERANCES_S] == [2 / 12, 4 / 12, 8 / 12]
    assert (scores.num_true, scores.num_found, scores.overlapping, scores.missed, scores.false) == (3, 3, 2, 1, 1)
    assert scores.false_per_hour == pytest.approx(3600 / 13)


def test_a_start_agrees_with_no_end() -> None:
    assert score_spans(spans((3, 4)), spans((1, 3)), 5.0).hits == (0, 0, 1)


def test_two_found_at_one_true_boundary_count_once() -> None:
    assert matched(np.array([0.9, 1.0, 1.1]), np.array([1.0]), 0.5) == 1


def test_one_that_spans_two_sentences_finds_neither_when_both_are_alike() -> None:
    scores = score_spans(spans((1, 6)), spans((1, 3), (4, 6)), 8.0)
    assert (scores.overlapping, scores.missed, scores.false) == (0, 2, 0)


def test_nothing_in_nothing_is_right_and_something_is_wrong() -> None:
    nothing = spans()
    right = score_spans(nothing, nothing, 60.0)
    assert (right.boundary_f1(0.5), right.found_share, right.false_per_hour) == (1, 1, 0)
    wrong = score_spans(spans((1, 2)), nothing, 60.0)
    assert (wrong.boundary_f1(0.5), wrong.false_per_hour) == (0, 60)
    assert pooled([]).boundary_f1(0.5) == 1
    assert score_spans(nothing, spans((0, 2)), 2.0).false_per_hour == 0


def test_streams_add_up() -> None:
    first = score_spans(spans((1, 3)), spans((1, 3), (5, 6)), 10.0)
    second = score_spans(spans((2, 3), (7, 8)), spans((2.4, 3.1)), 12.0)
    both = pooled([first, second])
    assert both.hits == tuple(a + b for a, b in zip(first.hits, second.hits, strict=True))
    for name in ("num_true", "num_found", "overlapping", "missed", "false", "idle_s"):
        assert getattr(both, name) == pytest.approx(getattr(first, name) + getattr(second, name))


@given(TIMES, TIMES, st.sampled_from(TOLERANCES_S))
def test_pairs_are_as_many_as_can_be(predicted, true, tolerance) -> None:
    predicted, true = np.array(predicted), np.array(true)
    near = (np.abs(predicted[:, None] - true[None, :]) <= tolerance + 1e-9).astype(float)
    rows, columns = linear_sum_assignment(-near)
    assert matched(predicted, true, tolerance) == near[rows, columns].sum()
    assert matched(true, predicted, tolerance) == matched(predicted, true, tolerance)
