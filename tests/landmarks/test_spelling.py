"""Names of landmarks as other tools and people write them."""

import re
from pathlib import Path

import numpy as np
import pytest

from signtalk.errors import ClipError
from signtalk.landmarks.clip import (
    HAND_POINTS,
    HOLISTIC,
    LEFT_HAND_NAMES,
    POSE_NAMES,
    RIGHT_HAND_NAMES,
    load_clip,
    save_clip,
)
from signtalk.landmarks.spelling import match_names

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
MEDIAPIPE_HAND = tuple(
    name if name.startswith(("wrist", "thumb", "pinky")) else name.replace("_", "_finger_", 1) for name in HAND_POINTS
)


def positions(names):
    matched = match_names(names, HOLISTIC.names)
    return dict(matched.positions), matched.unknown


def test_our_own_names_are_found_where_they_stand():
    expected = {name: place for place, name in enumerate(HOLISTIC.names)}
    assert positions(HOLISTIC.names) == (expected, ())


@pytest.mark.parametrize(
    "spelled",
    [
        lambda side, name: f"{side}_hand_{name}",
        lambda side, name: f"{side}_hand_{name}".upper(),
        lambda side, name: f"{side.upper()}_HAND_LANDMARKS {name.upper()}",
        lambda side, name: side + "Hand" + "".join(map(str.capitalize, name.split("_"))),
    ],
    ids=["snake", "UPPER", "component", "camel"],
)
def test_mediapipes_names_of_both_hands_are_ours(spelled):
    names = [spelled(side, name) for side in ("left", "right") for name in MEDIAPIPE_HAND]
    found, unknown = positions(names)
    assert [name for name, _ in sorted(found.items(), key=lambda item: item[1])] == [
        *LEFT_HAND_NAMES,
        *RIGHT_HAND_NAMES,
    ]
    assert unknown == ()


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("LEFT_INDEX_FINGER_TIP", "left_hand_index_tip"),
        ("left_index_finger_tip", "left_hand_index_tip"),
        ("indexTip_left", "left_hand_index_tip"),
        ("left-little-tip", "left_hand_pinky_tip"),
        ("right_hand_8", "right_hand_index_tip"),
        ("wrist_right", "right_hand_wrist"),
        ("LEFT_SHOULDER", "left_shoulder"),
        ("pose_11", "left_shoulder"),
        ("pose_left_wrist", "left_wrist"),
        ("left_index", "left_index"),  # of the pose, as MediaPipe has it
        ("left_mouth", "mouth_left"),
        ("FACE_70", "face_70"),
    ],
)
def test_a_name_of_another_tool_is_ours(name, ours):
    assert positions([name]) == ({ours: 0}, ())


def test_points_of_the_mesh_that_are_not_kept_are_known_and_others_are_told():
    assert positions(["face_1", "face_477", "face_478", "INDEX_FINGER_TIP", "tail"]) == (
        {}, ("face_478", "INDEX_FINGER_TIP", "tail"),
    )  # fmt: skip


def test_of_two_wrists_of_one_name_the_second_is_the_hands():
    found, _ = positions(["left_wrist", "left_thumb", "left_wrist", "left_thumb_cmc"])
    assert (found["left_wrist"], found["left_hand_wrist"], found["left_thumb"]) == (0, 2, 1)


def test_a_single_wrist_before_the_hands_thumb_is_that_of_body_and_hand():
    found, _ = positions(["nose", *(f"left_{name}" for name in MEDIAPIPE_HAND)])
    assert (found["left_wrist"], found["left_hand_wrist"], found["left_hand_pinky_tip"]) == (1, 1, 21)
    assert "left_hand_wrist" not in positions(["left_wrist", "nose"])[0]


def test_two_names_of_one_landmark_are_refused():
    with pytest.raises(ValueError, match="same landmark twice: 'left_hand_index_tip' and 'LEFT_INDEX_FINGER_TIP'"):
        positions(["left_hand_index_tip", "LEFT_INDEX_FINGER_TIP"])


def container(path, names):
    points = np.random.default_rng(0).random((4, len(names), 3)).astype("f4")
    np.savez(path, format_version=np.int32(1), landmark_names=np.array(names), landmarks=points, fps=np.float64(25))
    return path


def test_a_file_with_mediapipes_names_loses_no_hand_point(tmp_path):
    body = ["left_shoulder", "right_shoulder", "nose"]
    names = [*body, *(f"{side}_{name}" for side in ("left", "right") for name in MEDIAPIPE_HAND)]
    clip = load_clip(container(tmp_path / "a.npz", names))
    assert not np.isnan(clip.landmarks[:, 33:75]).any() and clip.notes == ()
    save_clip(tmp_path / "b.npz", clip)
    assert load_clip(tmp_path / "b.npz").notes == ()


def test_unknown_names_are_told_and_mostly_unknown_hands_refused(tmp_path):
    known = [*POSE_NAMES, *LEFT_HAND_NAMES]
    clip = load_clip(container(tmp_path / "a.npz", [*known, "tail", "right_finger_one"]))
    assert "2 landmark names are not known and left aside: 'tail', 'right_finger_one'" in clip.notes[0]
    with pytest.raises(ClipError, match=r"a\.npz: 22 names that seem to be of hands.*'hand_a_0', and 21 are"):
        load_clip(container(tmp_path / "a.npz", [*known, *(f"hand_a_{i}" for i in range(22))]))


def test_the_page_lists_every_name():
    page = (DOCS / "data-format.md").read_text(encoding="utf-8")
    block = re.search(r"### Names of the landmarks\n.*?```\n(.*?)```", page, re.DOTALL)
    assert block is not None
    listed = re.findall(r"[a-z_]\w*", block[1])
    assert set(listed) == {*POSE_NAMES, *LEFT_HAND_NAMES, *RIGHT_HAND_NAMES}
