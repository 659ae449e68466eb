import numpy as np
import pytest

from signtalk.calibration.translation import fit_translation_rule


def made_figures(num: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    right = np.arange(num) % 2 == 0
    return rng.standard_normal((num, 4)) + 3.0 * right[:, None], right


def test_a_fitted_rule_shows_what_is_right_and_keeps_its_precision() -> None:
    rule, report = fit_translation_rule(*made_figures(200, 0), precision=0.95)
    assert rule.fitted
    assert rule.precision_reached
    fresh, right = made_figures(2000, 1)
    shown = np.array([rule.shows(c) for c in rule.logistic.confidences(fresh)])
    assert right[shown].mean() > 0.93
    assert shown[right].mean() > 0.5
    assert report.fallback is None


@pytest.mark.parametrize("right", [[True] * 30, [False] * 30, [True, False] * 4])
def test_a_rule_that_cannot_be_fitted_shows_nothing(right: list[bool]) -> None:
    rule, report = fit_translation_rule(np.zeros((len(right), 4)), np.array(right), precision=0.95)
    assert not rule.fitted
    assert not rule.shows(1.0)
    assert "too few of one kind" in report.fallback


def test_a_precision_that_fewer_than_ten_texts_show_is_chance() -> None:
    figures, right = made_figures(80, 3)
    right = right & (np.arange(80) < 14)  # 7 right ones, all above all others
    figures[right] += 9.0
    rule, report = fit_translation_rule(figures, right, precision=0.95)
    assert rule.fitted
    assert report.shown is not None
    assert report.shown.num_shown < 10
    assert not report.shown.target_reached
    assert not rule.precision_reached
    assert not rule.shows(1.0)


def test_a_rule_that_never_reached_its_precision_shows_nothing() -> None:
    figures, right = made_figures(200, 4)
    rule, _ = fit_translation_rule(np.random.default_rng(0).permutation(figures), right, precision=0.99)
    assert rule.fitted
    assert not rule.precision_reached
    assert not rule.shows(1.0)


def test_clips_without_a_text_take_no_part() -> None:
    figures, right = made_figures(60, 2)
    figures[:40:2] = np.nan  # right ones all of them
    _, report = fit_translation_rule(figures, right, precision=0.95)
    assert report.num_texts == 40
    assert report.num_right == 10
