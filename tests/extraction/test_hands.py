import numpy as np
import pytest

from made.clips import made_clip, resting, waving
from signtalk.extraction.hands import RepairCounts, repair_hands
from signtalk.landmarks.clip import PARTS

LEFT, RIGHT = PARTS["left_hand"], PARTS["right_hand"]


def plain_clip(num_frames=40):
    return made_clip(waving(num_frames, "left"), waving(num_frames, "right"))


def test_a_good_clip_is_left_as_it_is():
    clip = plain_clip()
    repaired, counts = repair_hands(clip)
    assert counts == RepairCounts(0, 0, 0)
    assert np.array_equal(repaired.landmarks, clip.landmarks, equal_nan=True)


def test_one_hand_reported_as_both_stays_on_its_side():
    clip = plain_clip()
    before = clip.landmarks.copy()
    clip.landmarks[10:15, LEFT] = clip.landmarks[10:15, RIGHT] + 0.001
    repaired, counts = repair_hands(clip)
    assert counts == RepairCounts(5, 0, 0)
    assert np.isnan(repaired.landmarks[10:15, LEFT]).all()
    assert np.array_equal(repaired.landmarks[:, RIGHT], before[:, RIGHT])


def test_without_a_pose_the_double_nearer_to_its_last_place_stays():
    clip = plain_clip()
    clip.landmarks[10:12, LEFT] = clip.landmarks[10:12, RIGHT]
    clip.landmarks[10:12, PARTS["pose"]] = np.nan
    repaired, _ = repair_hands(clip)
    assert np.isnan(repaired.landmarks[10:12, LEFT]).all()
    assert not np.isnan(repaired.landmarks[10:12, RIGHT]).any()


def test_exchanged_sides_are_changed_back():
    clip = plain_clip()
    before = clip.landmarks.copy()
    clip.landmarks[5:9, LEFT], clip.landmarks[5:9, RIGHT] = before[5:9, RIGHT], before[5:9, LEFT]
    repaired, counts = repair_hands(clip)
    assert counts == RepairCounts(0, 4, 0)
    assert np.array_equal(repaired.landmarks, before, equal_nan=True)


def test_a_lone_hand_on_the_wrong_side_changes_it():
    clip = made_clip(resting(20, "left"), waving(20, "right"))
    hand = clip.landmarks[:, RIGHT].copy()
    clip.landmarks[:, LEFT], clip.landmarks[:, RIGHT] = hand, np.nan
    repaired, counts = repair_hands(clip)
    assert counts.swaps == 20
    assert np.array_equal(repaired.landmarks[:, RIGHT], hand) and np.isnan(repaired.landmarks[:, LEFT]).all()


def test_crossed_arms_are_no_exchange():
    # Each hand at its own pose wrist, beyond the other: the pose says so.
    clip = made_clip(waving(20, "right"), waving(20, "left"))
    assert repair_hands(clip)[1] == RepairCounts(0, 0, 0)


@pytest.mark.parametrize("length", [1, 2])
def test_a_hand_that_jumps_away_and_back_is_dropped(length):
    clip = plain_clip()
    clip.landmarks[20 : 20 + length, RIGHT, 1] += 0.4
    repaired, counts = repair_hands(clip)
    assert counts == RepairCounts(0, 0, length)
    missing = np.isnan(repaired.landmarks[:, RIGHT, 0]).all(axis=1)
    assert np.array_equal(np.flatnonzero(missing), np.arange(20, 20 + length))


def test_a_fast_movement_that_does_not_come_back_is_kept():
    right = np.concatenate([resting(10, "right"), waving(20, "right")])  # half an image height in one frame
    assert repair_hands(made_clip(resting(30, "left"), right))[1] == RepairCounts(0, 0, 0)


def test_a_hand_of_absurd_size_is_dropped():
    clip = plain_clip()
    wrist = clip.landmarks[7, RIGHT.start].copy()
    clip.landmarks[7, RIGHT] = wrist + 8 * (clip.landmarks[7, RIGHT] - wrist)
    repaired, counts = repair_hands(clip)
    assert counts.jumps == 1 and np.isnan(repaired.landmarks[7, RIGHT]).all()


def test_clips_without_hands_and_of_one_frame():
    assert repair_hands(made_clip(resting(5, "left"), resting(5, "right"), hands=False))[1] == RepairCounts(0, 0, 0)
    assert repair_hands(plain_clip(1))[1] == RepairCounts(0, 0, 0)


def test_the_input_is_kept():
    clip = plain_clip()
    clip.landmarks[10:15, LEFT] = clip.landmarks[10:15, RIGHT]
    before = clip.landmarks.copy()
    repair_hands(clip)
    assert np.array_equal(clip.landmarks, before, equal_nan=True)
