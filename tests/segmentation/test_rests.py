"""Made rests: where the hands lie, how they are tracked, and signs of which one hand does not take part."""

import numpy as np
import pytest

from made.clips import made_clip, resting, waving
from signtalk.landmarks.clip import HOLISTIC, PARTS
from signtalk.segmentation.activity import clip_activity
from signtalk.segmentation.rests import hanging_rest, lying_rest, with_a_resting_hand, with_fidgets
from signtalk.segmentation.segmenter import shipped_settings

WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
MODEL = shipped_settings().model
WIDTH = 0.2  # of the made body, image heights


def signing(num_frames=50, hands=True):
    fps = 25.0
    return made_clip(waving(num_frames, "left", fps), waving(num_frames, "right", fps), fps, hands=hands)


def test_hanging_arms_rest() -> None:
    clip = signing()
    rest = hanging_rest(clip, 3.0, np.random.default_rng(0))
    assert rest.duration_s == pytest.approx(3.0, abs=0.05)
    assert np.isnan(rest.landmarks[:, PARTS["left_hand"]]).all()
    below = (rest.landmarks[:, WRISTS, 1] - 0.3) / WIDTH
    assert below.mean() == pytest.approx(1.85, abs=0.02)
    assert rest.landmarks[:, WRISTS[0], 0].mean() > rest.landmarks[:, WRISTS[1], 0].mean()  # on their own sides
    assert clip_activity(rest, MODEL).mean < 0.1


def test_lying_hands_are_before_the_body_and_tracked_as_the_clips_are() -> None:
    for seed in range(5):
        rest = lying_rest(signing(), 2.0, np.random.default_rng(seed))
        below = (rest.landmarks[:, WRISTS, 1] - 0.3) / WIDTH
        assert (below > 1.0).all()
        assert (below < 2.0).all()
        assert np.abs(rest.landmarks[:, WRISTS, 0] - 0.5).max() < 0.5 * WIDTH + 0.1 * WIDTH
        for side, name in enumerate(("left_hand", "right_hand")):
            hand = rest.landmarks[:, PARTS[name]]
            assert np.isfinite(hand).all()
            assert np.linalg.norm(hand[:, 0, :2] - rest.landmarks[:, WRISTS[side], :2], axis=-1).max() < 0.1 * WIDTH
    assert np.isnan(
        lying_rest(signing(hands=False), 2.0, np.random.default_rng(0)).landmarks[:, PARTS["left_hand"]]
    ).all()


def test_lying_hands_are_no_signing() -> None:
    means = [clip_activity(lying_rest(signing(), 4.0, np.random.default_rng(seed)), MODEL).mean for seed in range(8)]
    assert max(means) < 0.3


def test_the_hand_that_moves_less_is_the_one_that_rests() -> None:
    fps = 25.0
    clip = made_clip(waving(50, "left", fps) * 0.5 + 0.2, waving(50, "right", fps), fps)
    rest = hanging_rest(clip, 0.1, np.random.default_rng(0))
    one = with_a_resting_hand(clip, rest)
    right = [WRISTS[1], *range(*PARTS["right_hand"].indices(169))]
    np.testing.assert_array_equal(one.landmarks[:, right], clip.landmarks[:, right])
    assert np.isnan(one.landmarks[:, PARTS["left_hand"]]).all()
    np.testing.assert_allclose(one.landmarks[:, WRISTS[0]], np.tile(rest.landmarks[0, WRISTS[0]], (50, 1)), atol=0.01)
    still = made_clip(resting(50, "left"), waving(50, "right", fps), fps)
    np.testing.assert_array_equal(with_a_resting_hand(still, rest).landmarks[:, right], still.landmarks[:, right])


def test_the_clip_that_was_given_is_not_changed() -> None:
    clip = signing()
    before = clip.landmarks.copy()
    with_a_resting_hand(clip, lying_rest(clip, 1.0, np.random.default_rng(0)))
    np.testing.assert_array_equal(clip.landmarks, before)


def test_a_fidgeting_hand_comes_up_to_the_belly_and_goes_back() -> None:
    clip = signing()
    still = hanging_rest(clip, 20.0, np.random.default_rng(0))
    for seed in range(5):
        rest = with_fidgets(still, clip, np.random.default_rng(seed))
        moved = np.abs(rest.landmarks[:, WRISTS, :2] - still.landmarks[:, WRISTS, :2]).max(axis=-1) > 1e-6
        assert 0.05 < moved.any(axis=1).mean() < 0.8
        below = (rest.landmarks[:, WRISTS, 1] - 0.3) / WIDTH
        assert below.min() < 1.6
        assert below.min() > 0.6 - 0.2  # a hand that is up rubs, and a tracker shakes
        np.testing.assert_array_equal(
            rest.landmarks[:, : WRISTS[0] - 2], still.landmarks[:, : WRISTS[0] - 2]
        )  # no more than the arms
        tracked = np.isfinite(rest.landmarks[:, PARTS["left_hand"]]).all(axis=(1, 2))
        assert moved[tracked, 0].all()


def test_fidgeting_hands_that_lie_stay_tracked_at_their_wrists() -> None:
    clip = signing()
    rest = with_fidgets(lying_rest(clip, 10.0, np.random.default_rng(0)), clip, np.random.default_rng(1))
    for side, name in enumerate(("left_hand", "right_hand")):
        away = rest.landmarks[:, PARTS[name]][:, 0, :2] - rest.landmarks[:, WRISTS[side], :2]
        assert np.linalg.norm(away, axis=-1).max() < 0.1 * WIDTH
