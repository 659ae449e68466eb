import numpy as np
import pytest

from signtalk.extraction.smoothing import OneEuroFilter, SmoothingConfig, smooth

TIMES = np.arange(200) / 30


def track(values):
    return np.stack([values, np.zeros_like(values)], axis=-1)[:, None].astype(np.float32)


def test_causal_is_the_live_filter_step_by_step():
    points = np.random.default_rng(0).normal(size=(50, 4, 3)).astype(np.float32)
    points[10:12, 1] = np.nan
    live = OneEuroFilter()
    steps = np.stack([live.step(row, time) for row, time in zip(points, TIMES[:50], strict=True)])
    assert np.array_equal(steps, smooth(points, TIMES[:50], causal=True), equal_nan=True)


def test_the_filter_follows_the_published_recursion():
    config = SmoothingConfig(min_cutoff_hz=1.5, beta=0.7, speed_cutoff_hz=1.0)
    values = np.cumsum(np.random.default_rng(1).normal(size=40))

    def weight(cutoff):
        return 1 / (1 + 1 / (2 * np.pi * cutoff) * 30)

    expected, speed = [values[0]], 0.0
    for new in values[1:]:
        speed += weight(1.0) * ((new - expected[-1]) * 30 - speed)
        w = weight(1.5 + 0.7 * abs(speed))
        expected.append(w * new + (1 - w) * expected[-1])
    assert np.allclose(smooth(track(values), TIMES[:40], config, causal=True)[:, 0, 0], expected, atol=1e-5)


def test_whole_clips_are_smoothed_without_delay():
    wave = np.sin(2 * np.pi * 0.7 * TIMES) * 0.2
    noisy = wave + np.random.default_rng(2).normal(size=200) * 0.01
    config = SmoothingConfig(beta=2)

    def delay(smoothed):
        shifts = range(-8, 9)
        error = [np.square(smoothed[20:-20] - np.roll(wave, s)[20:-20]).mean() for s in shifts]
        return shifts[int(np.argmin(error))]

    whole = smooth(track(noisy), TIMES, config)[:, 0, 0]
    live = smooth(track(noisy), TIMES, config, causal=True)[:, 0, 0]
    assert delay(whole) == 0 and delay(live) >= 1
    assert np.abs(np.diff(whole, 2)).mean() < 0.5 * np.abs(np.diff(noisy, 2)).mean()


@pytest.mark.parametrize("causal", [True, False])
def test_missing_stays_missing_and_nothing_leaks_over_a_long_gap(causal):
    values = np.r_[np.zeros(50), np.full(20, np.nan), np.ones(50)]
    smoothed = smooth(track(values), TIMES[:120], causal=causal)[:, 0, 0]
    assert np.array_equal(np.isnan(smoothed), np.isnan(values))
    assert np.allclose(smoothed[:50], 0) and np.allclose(smoothed[70:], 1)


def test_a_still_clip_and_an_empty_one_are_unchanged():
    still = np.full((10, 3, 3), 0.4, dtype=np.float32)
    assert np.allclose(smooth(still, TIMES[:10]), still)
    assert smooth(still[:0], TIMES[:0]).shape == (0, 3, 3)


def test_the_input_is_kept():
    points = np.random.default_rng(3).normal(size=(20, 2, 3)).astype(np.float32)
    before = points.copy()
    smooth(points, TIMES[:20])
    assert np.array_equal(points, before)
