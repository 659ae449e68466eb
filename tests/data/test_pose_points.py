"""The tables of other detectors' points: every target is there, once."""

import pytest

from signtalk.data.holistic import NUM_POINTS
from signtalk.data.pose_points import TARGETS
from signtalk.landmarks.clip import FACE_INDICES


@pytest.mark.parametrize("component", TARGETS)
def test_every_target_is_a_point_that_is_kept(component):
    for targets in TARGETS[component].values():
        for part, position in targets:
            assert 0 <= position < NUM_POINTS[part]
            assert part != "face" or position in FACE_INDICES


def test_hands_are_mapped_whole_and_in_order():
    for component, part in (
        ("hand_left_keypoints_2d", "left_hand"), ("hand_right_keypoints_2d", "right_hand"), ("LEFT_HAND", "left_hand"),
        ("RIGHT_HAND", "right_hand"),
    ):  # fmt: skip
        assert list(TARGETS[component].values()) == [((part, i),) for i in range(21)]
    both = {target for targets in TARGETS["BODY_135"].values() for target in targets}
    assert {(f"{side}_hand", i) for side in ("left", "right") for i in range(21)} <= both


def test_left_stays_left():
    assert TARGETS["pose_keypoints_2d"]["LShoulder"] == TARGETS["BODY"]["left_shoulder"] == (("pose", 11),)
    assert TARGETS["BODY_135"]["RWrist"] == (("pose", 16), ("right_hand", 0))
