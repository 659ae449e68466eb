import numpy as np
import pytest

from signtalk.calibration.logistic import fit_logistic, precision_threshold


def test_the_confidence_is_the_share_that_is_right() -> None:
    rng = np.random.default_rng(0)
    right = rng.random(3000) < 0.8
    figures = rng.standard_normal((3000, 2)) + right[:, None]
    found = fit_logistic(figures, right).confidences(figures)
    assert found.mean() == pytest.approx(0.8, abs=0.01)
    for low, high in ((0.4, 0.7), (0.7, 0.9), (0.9, 1.0)):
        part = (found >= low) & (found < high)
        assert right[part].mean() == pytest.approx(found[part].mean(), abs=0.06)


def test_the_threshold_is_the_lowest_that_keeps_the_precision() -> None:
    found = np.linspace(0.99, 0.5, 50)
    right = np.ones(50, dtype=np.bool_)
    right[[30, 40]] = False
    threshold, reached = precision_threshold(found, right, 0.97, expected=False)
    assert reached
    assert (found >= threshold).sum() == 40  # 39 of 40 right; the next would make it 39 of 41
    threshold, reached = precision_threshold(found, right, 0.99, expected=False)
    assert reached
    assert (found >= threshold).sum() == 30


def test_without_proof_the_threshold_lies_above_every_wrong_answer() -> None:
    found = np.linspace(0.99, 0.5, 50)
    right = np.arange(50) % 2 == 0
    threshold, reached = precision_threshold(found, right, 0.98, expected=False)
    assert not reached
    assert right[found >= threshold].all()
    assert (found >= threshold).sum() == 1
    assert precision_threshold(np.ones(20), right[:20], 0.98, expected=False) == (1.0, False)


def test_what_is_more_probably_wrong_than_right_is_never_accepted() -> None:
    threshold, reached = precision_threshold(np.full(30, 0.4), np.ones(30, dtype=np.bool_), 0.9)
    assert (threshold >= 0.5, reached) == (True, False)


def test_a_lucky_count_is_no_promise_where_the_confidences_do_not_make_it() -> None:
    found = np.linspace(0.99, 0.5, 50)
    right = np.ones(50, dtype=np.bool_)
    threshold, reached = precision_threshold(found, right, 0.9)
    accepted = found >= threshold
    assert reached
    assert found[accepted].mean() >= 0.9 > found[: accepted.sum() + 1].mean()
    assert precision_threshold(found, right, 0.9, expected=False)[0] == 0.5
    assert precision_threshold(found - 0.2, right, 0.9) == (pytest.approx(np.nextafter(0.5, 2)), False)


def test_counts_weigh_the_precision() -> None:
    found = np.linspace(0.99, 0.5, 50)
    right = np.arange(50) < 30
    heavy = np.where(right, 1.0, 5.0)
    shares = [precision_threshold(found, right, 0.8, counts, expected=False)[0] for counts in (None, heavy)]
    assert [int((found >= share).sum()) for share in shares] == [37, 31]  # 30 of 37; 30 of 30 + 5
