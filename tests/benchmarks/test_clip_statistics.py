"""Statistics of clips whose speed, gaps, trembling and shape are known."""

from dataclasses import replace

import numpy as np
import pytest

from clip_statistics import FREQUENCIES, STATISTICS, clip_statistics, in_band, runs, spectrum, tremble
from made.clips import PALM, made_clip, resting
from signtalk.landmarks.clip import PARTS
from signtalk.landmarks.transforms import mirrored

WIDTH = 0.2
"""Of the made clips' shoulders, in picture widths."""


def moving(num_frames, fps, speed):
    """A left hand before the chest that goes aside, in shoulder widths a second."""
    way = 0.3 + speed * WIDTH * np.arange(num_frames) / fps
    return np.stack([way, np.full(num_frames, 0.4)], axis=1)


def without(clip, part, frames):
    """The clip with a part missing in some frames."""
    landmarks = clip.landmarks.copy()
    landmarks[frames, PARTS[part]] = np.nan
    return replace(clip, landmarks=landmarks)


def figures_of(clip):
    return clip_statistics(clip, tremble(clip))


def test_every_clip_has_every_statistic() -> None:
    assert list(figures_of(made_clip(resting(20, "left"), resting(20, "right")))) == list(STATISTICS)


@pytest.mark.parametrize("fps", [8.0, 30.0])
def test_a_speed_is_the_same_at_any_frame_rate(fps: float) -> None:
    num_frames = round(2 * fps)
    clip = made_clip(moving(num_frames, fps, 0.8), resting(num_frames, "right"), fps)
    figures = figures_of(clip)
    assert figures["hand_speed"] == pytest.approx(0.8, rel=1e-3)
    assert figures["fast_speed"] == pytest.approx(0.8, rel=1e-3)
    assert figures["other_speed"] == pytest.approx(0, abs=1e-6)
    assert figures["height"] == pytest.approx((0.4 - 0.3) / WIDTH, rel=1e-3)
    assert figures_of(mirrored(clip))["hand_speed"] == pytest.approx(0.8, rel=1e-3)


def test_frames_without_a_hand_have_no_speed() -> None:
    clip = made_clip(moving(40, 20.0, 0.8), resting(40, "right"), 20.0)
    figures = figures_of(without(clip, "left_hand", slice(10, 30)))
    assert figures["hand_speed"] == pytest.approx(0.8, rel=1e-3)
    lonely = figures_of(without(clip, "right_hand", slice(None)))
    assert np.isnan(lonely["other_speed"])


def test_gaps_lie_between_frames_that_show_the_hand() -> None:
    clip = made_clip(resting(60, "left"), resting(60, "right"), 20.0)
    lost = [*range(5), *range(20, 26), *range(40, 44), *range(50, 60)]  # two gaps between, two ends
    figures = figures_of(without(clip, "left_hand", lost))
    assert figures["gap_length"] == pytest.approx((6 + 4) / 2 / 20)
    assert figures["gap_rate"] == pytest.approx(2 / ((45 + 60) / 20))  # both hands' seconds from first to last sight
    assert figures["seen_less"] == pytest.approx(35 / 60)
    assert figures["seen_more"] == 1
    whole = figures_of(clip)
    assert np.isnan(whole["gap_length"])
    assert whole["gap_rate"] == 0


def test_stillness_is_told_from_the_movement_between() -> None:
    way = resting(60, "left")
    way[20:41, 1] = np.linspace(0.75, 0.35, 21)
    way[41:] = way[40]
    figures = figures_of(made_clip(way, resting(60, "right"), 20.0))
    assert figures["still_before"] == pytest.approx(1.0, abs=0.11)
    assert figures["still_after"] == pytest.approx(1.0, abs=0.11)
    assert figures["duration"] == pytest.approx(3.0)
    assert np.isnan(figures_of(made_clip(resting(60, "left"), resting(60, "right")))["still_before"])


def test_the_shape_of_a_hand_is_measured_in_shoulder_widths() -> None:
    clip = made_clip(resting(20, "left"), resting(20, "right"))
    clip.landmarks[:, 33:75, 2] = np.tile(np.linspace(0, 0.03, 21), 2)
    figures = figures_of(clip)
    tall = np.ptp(clip.landmarks[0, PARTS["left_hand"], 1])
    assert figures["palm"] == pytest.approx(PALM / WIDTH, rel=1e-3)
    assert figures["palm_upright"] == pytest.approx(PALM / WIDTH, rel=1e-3)
    assert np.isnan(figures["palm_lying"])
    assert figures["hand_depth"] == pytest.approx(0.03 / tall, rel=1e-3)
    assert figures["finger_bend"] < 0.2
    assert figures["nose_height"] == pytest.approx((0.3 - 0.15) / WIDTH, rel=1e-3)
    assert figures["shoulders"] == pytest.approx(WIDTH, rel=1e-3)


def test_a_picture_of_unknown_shape_is_read_as_a_square() -> None:
    known = replace(made_clip(resting(20, "left"), resting(20, "right")), aspect=16 / 9)
    unknown = figures_of(replace(known, aspect=None))
    assert unknown["nose_height"] == pytest.approx(16 / 9 * figures_of(known)["nose_height"], rel=1e-3)


def test_the_power_of_a_sine_lies_at_its_frequency() -> None:
    for fps in (20.0, 50.0):
        times = np.arange(round(3 * fps)) / fps
        way = np.stack([0.02 * np.sin(2 * np.pi * 7 * times), 0.5 * times], axis=1)
        density = spectrum(way, fps)
        assert FREQUENCIES[np.nanargmax(density)] == pytest.approx(7, abs=0.5)
        assert in_band(density, 6, 9) == pytest.approx(0.02 / np.sqrt(2), rel=0.15)
        assert in_band(density, 3, 5) < 0.001  # the straight course leaks into nothing
        assert np.isnan(density[fps / 2 <= FREQUENCIES]).all()
    assert np.isnan(in_band(spectrum(way[::5], 10.0), 6, 9))


def test_white_noise_has_the_same_power_at_any_frequency_and_in_pieces() -> None:
    way = 0.03 * np.random.default_rng(0).standard_normal((8000, 1))
    way[::40] = np.nan
    density = spectrum(way, 20.0)
    np.testing.assert_allclose(density[(FREQUENCIES > 1) & (FREQUENCIES < 10)], 0.03**2 / 10, rtol=0.25)
    way[::8] = np.nan
    assert np.isnan(spectrum(way, 20.0)).all()


def test_a_trembling_fingertip_is_told_in_palms() -> None:
    clip = made_clip(moving(60, 20.0, 0.3), resting(60, "right"), 20.0)
    still = figures_of(clip)
    offset = 0.1 * PALM * np.where(np.arange(60) % 2, 1, -1)  # every frame to the other side
    clip.landmarks[:, [33 + tip for tip in (4, 8, 12, 16, 20)], 0] += offset[:, None]
    clip.landmarks[:, [54 + tip for tip in (4, 8, 12, 16, 20)], 0] += offset[:, None]
    shaking = figures_of(clip)
    assert still["tip_shake"] == pytest.approx(0, abs=1e-4)
    assert shaking["tip_shake"] == pytest.approx(0.2, rel=0.01)
    assert shaking["angle_shake"] > 10 * still["angle_shake"]
    assert FREQUENCIES[np.nanargmax(tremble(clip).tips)] == 9.5


def test_a_clip_without_shoulders_or_hands_tells_nothing_of_them() -> None:
    clip = made_clip(resting(20, "left"), resting(20, "right"), hands=False)
    figures = figures_of(clip)
    assert (figures["seen_more"], figures["motion"]) == (0, pytest.approx(0, abs=1e-6))
    assert np.isnan([figures[name] for name in ("hand_speed", "palm", "tip_6_9", "gap_rate", "height")]).all()
    clip.landmarks[:, 11:13] = np.nan
    assert np.isnan(list(figures_of(clip).values())).all()
    assert np.isnan(tremble(clip).tips).all()


def test_runs_of_true() -> None:
    assert list(runs(np.array([True, True, False, True]))) == [(0, 2), (3, 4)]
    assert list(runs(np.zeros(3, dtype=np.bool_))) == []
