"""OpenPose's frames in JSON: one person among several, in pixels of a picture whose size nobody tells."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made.points import person
from signtalk.data.openpose_json import (
    is_openpose_folder,
    is_openpose_frame,
    openpose_files,
    openpose_frames,
    openpose_points,
)
from signtalk.data.pose_points import OPENPOSE_18, OPENPOSE_25, OPENPOSE_HAND, TARGETS
from signtalk.errors import ClipError
from signtalk.landmarks.clip import POSE_NAMES

SIZE = np.array([1280.0, 720.0])


def numbers(places: dict[str, np.ndarray], names: tuple[str, ...]) -> list[float]:
    """x, y, score of each name; zeros for one that is not there."""
    return [float(v) for name in names for v in ((*places[name], 0.8) if name in places else (0, 0, 0))]


def frame(
    shift: float = 0.0, body: tuple[str, ...] = OPENPOSE_25, people: int = 1, scale: Any = SIZE
) -> dict[str, Any]:
    """The person of `made.points` as OpenPose tells it, moved to the right by pixels."""
    points = person() * scale + [shift, 0]
    joints = TARGETS["pose_keypoints_2d"]
    places = {name: points[joints[name][0][1]] for name in body if name in joints}
    left, right = (dict(zip(OPENPOSE_HAND, points[start : start + 21], strict=True)) for start in (33, 54))
    own = {
        "pose_keypoints_2d": numbers(places, body),
        "face_keypoints_2d": [],
        "hand_left_keypoints_2d": numbers(left, OPENPOSE_HAND),
        "hand_right_keypoints_2d": numbers(right, OPENPOSE_HAND),
    }
    others = [{"pose_keypoints_2d": numbers({"Nose": np.array([5.0, 5.0])}, body)}] * (people - 1)
    return {"version": 1.3, "people": [*others, own]}


def test_frames_and_their_folders_are_known(tmp_path: Path) -> None:
    assert is_openpose_frame(frame()) and is_openpose_frame({"people": []})
    assert not is_openpose_frame({"people": 3}) and not is_openpose_frame([]) and not is_openpose_frame({"frames": []})
    assert not is_openpose_folder(tmp_path)
    with pytest.raises(ClipError, match=r"no frame in it; expected files whose names end in _keypoints\.json"):
        openpose_frames(tmp_path)
    for number in (10, 2, 1):
        (tmp_path / f"a_{number:012}_keypoints.json").write_text(json.dumps(frame(number)))
    (tmp_path / "._a_000000000001_keypoints.json").write_bytes(b"x")
    assert is_openpose_folder(tmp_path)
    assert [path.name[2:14] for path in openpose_files(tmp_path)] == [f"{n:012}" for n in (1, 2, 10)]
    assert list(openpose_frames(tmp_path).items()) == [(1, frame(1)), (2, frame(2)), (10, frame(10))]
    (tmp_path / "a_000000000003_keypoints.json").write_text("no JSON")
    with pytest.raises(ClipError, match="a_000000000003_keypoints"):
        openpose_frames(tmp_path)


def test_frames_are_put_in_the_order_of_their_numbers_and_those_of_two_clips_never_joined(tmp_path: Path) -> None:
    for number in (0, 2, 10):
        (tmp_path / f"a_{number}_keypoints.json").write_text(json.dumps(frame(number)))
    assert list(openpose_frames(tmp_path).values()) == [frame(0), frame(2), frame(10)]
    points, _ = openpose_points([frame()] * 3, 10, numbers=[0, 2, 10])
    np.testing.assert_allclose(points.timestamps_s, [0, 0.2, 1.0])
    (tmp_path / "b_3_keypoints.json").write_text(json.dumps(frame()))
    with pytest.raises(ClipError, match="frames of several names, a_, b_; one folder a recording"):
        openpose_frames(tmp_path)
    (tmp_path / "b_3_keypoints.json").rename(tmp_path / "last_keypoints.json")
    with pytest.raises(ClipError, match=r"last_keypoints\.json has no number before _keypoints\.json"):
        openpose_frames(tmp_path)


@pytest.mark.parametrize("body", [OPENPOSE_25, OPENPOSE_18])
def test_the_shape_of_a_person_is_kept_whatever_the_picture(body: tuple[str, ...]) -> None:
    points, note = openpose_points([frame(shift, body) for shift in (0, 10, 20)], 25)
    assert "mapped to MediaPipe's" in note and points.aspect == 1.0
    np.testing.assert_allclose(points.timestamps_s, [0, 0.04, 0.08])
    expected = person() * SIZE
    for name in ("left_shoulder", "right_wrist", "nose", "left_hip"):
        place = POSE_NAMES.index(name)
        unit = points.parts["pose"][0, POSE_NAMES.index("nose"), 1] / expected[POSE_NAMES.index("nose"), 1]
        np.testing.assert_allclose(points.parts["pose"][0, place, :2], expected[place] * unit, rtol=1e-5)
        assert points.visibility[0, place] == np.float32(0.8) and points.parts["pose"][0, place, 2] == 0
    np.testing.assert_allclose(points.parts["right_hand"][0, :, :2], expected[54:] * unit, rtol=1e-5)
    moved = points.parts["left_hand"][2] - points.parts["left_hand"][0]
    np.testing.assert_allclose(moved[:, 0], 20 * unit, rtol=1e-4)
    assert (
        np.isnan(points.parts["face"]).all() and np.isnan(points.parts["pose"][:, POSE_NAMES.index("left_pinky")]).all()
    )


def test_fractions_of_the_picture_stay_so() -> None:
    points, _ = openpose_points([frame(0, scale=1.0)], 25)
    assert points.aspect is None
    np.testing.assert_allclose(points.parts["left_hand"][0, :, :2], person()[33:54], rtol=1e-5)
    outside = frame(0, scale=1.0) | {"canvas_width": 1280, "canvas_height": 720}
    outside["people"][0]["pose_keypoints_2d"][3 * OPENPOSE_25.index("LHeel")] = 2.5
    points, _ = openpose_points([outside], 25)
    np.testing.assert_allclose(points.parts["left_hand"][0, :, :2], person()[33:54], rtol=1e-5)


def test_a_person_is_followed_where_people_change_places() -> None:
    frames = [frame(0, people=2), frame(3), frame(6, people=2)]
    points, _ = openpose_points(frames, 25)
    assert not np.isnan(points.parts["right_hand"]).any()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([{"people": []}, {"people": []}], "nobody in any of its 2 frames"),
        ([{"people": [{"pose_keypoints_2d": [1.0] * 51}]}], "17 points; expected 18 or 25"),
        ([frame(), {"people": [{"pose_keypoints_2d": ["a"] * 75}]}], "frame 1: pose_keypoints_2d is no list"),
        ([frame(), {"people": [{"pose_keypoints_2d": [1.0] * 60}]}], "frame 1: pose_keypoints_2d is no list"),
        ([frame(), {"people": [7]}, {"people": None}], ""),
        ([frame(), {"people": [{"pose_keypoints_2d": [1e308] * 75}]}], "frame 1: pose_keypoints_2d holds infinite"),
        ([frame(), {"people": [{"pose_keypoints_2d": [float("nan")] * 75}]}], "frame 1: .* infinite or absurd"),
        ([], "0 frames"),
        ([frame(), {"people": [{}] * 50_001}], "2 frames of up to 50001 people"),
    ],
)
def test_what_is_no_clip_is_one_line(frames: list[Any], message: str) -> None:
    if not message:
        assert np.isnan(openpose_points(frames, 25)[0].parts["pose"][1:]).all()
        return
    with pytest.raises(ClipError, match=message):
        openpose_points(frames, 25)


def test_the_size_of_the_canvas_is_used_where_it_is_told() -> None:
    canvas = {"canvas_width": 1280, "canvas_height": 720}
    square, _ = openpose_points([frame()] * 2, 25)
    for scale in (SIZE, np.ones(2)):
        points, _ = openpose_points([frame(scale=scale) | canvas] * 2, 25)
        assert points.aspect == pytest.approx(16 / 9)
        nose, expected = points.parts["pose"][0, 0, :2], person()[0]
        np.testing.assert_allclose(nose, expected, rtol=1e-5)
    assert square.aspect == 1.0
    odd, _ = openpose_points([frame() | {"canvas_width": "wide", "canvas_height": 0}] * 2, 25)
    assert odd.aspect == 1.0


def test_several_people_are_told() -> None:
    assert openpose_points([frame(people=2)] * 3, 25)[1].endswith("one is followed, so see that it is the signer")
    assert "several" not in openpose_points([frame()] * 3, 25)[1]
