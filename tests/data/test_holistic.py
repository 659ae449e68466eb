"""543 points to 169 and back; what is refused before memory is taken."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.points import assert_same_points, holistic_values, kept, made_clip
from signtalk.data.holistic import (
    MAX_CLIP_FRAMES,
    checked_size,
    empty_points,
    frame_times,
    from_clip,
    regular_times,
    to_clip,
    told_flat,
    zeros_to_missing,
)
from signtalk.errors import ClipError
from signtalk.files import POINTER


def test_a_clip_comes_back_and_lacks_the_face_points_between() -> None:
    clip = made_clip()
    points = from_clip(clip)
    assert_same_points(to_clip(points, "x"), clip)
    np.testing.assert_array_equal(to_clip(points, "x").visibility, clip.visibility)
    face = points.parts["face"][0]
    assert not np.isnan(face[::5]).any() and np.isnan(np.delete(face, np.arange(0, 468, 5), axis=0)).all()


def test_every_fifth_point_of_a_full_face_is_kept() -> None:
    values = holistic_values()
    points = replace(empty_points(3, regular_times(3, 30)), parts=values)
    np.testing.assert_array_equal(to_clip(points, "x").landmarks, kept(values))


def test_a_point_at_zero_is_missing_and_one_on_an_edge_is_not() -> None:
    points = np.array([[0, 0, 0], [0, 0.5, 0], [0, 0, 1e-9]], dtype=np.float32)
    assert np.isnan(zeros_to_missing(points)).all(axis=1).tolist() == [True, False, False]
    assert points[0, 0] == 0  # the input is kept


def test_a_left_out_frame_is_a_gap_in_time() -> None:
    np.testing.assert_allclose(frame_times(np.array([20, 21, 25]), 10), [0, 0.1, 0.5])


@pytest.mark.parametrize("frames", [0, MAX_CLIP_FRAMES + 1, 10**12])
def test_absurd_lengths_are_refused(frames: int) -> None:
    with pytest.raises(ClipError, match="frames; expected"):
        regular_times(frames, 30)


@pytest.mark.parametrize("fps", [0.0, float("nan"), 5000.0])
def test_absurd_frame_rates_are_refused(fps: float) -> None:
    with pytest.raises(ClipError, match="frames a second"):
        regular_times(3, fps)


def test_files_are_measured_before_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "empty").touch()
    assert checked_size(tmp_path / "a", 5) == 5
    for path, limit in ((tmp_path / "a", 4), (tmp_path / "empty", 4), (tmp_path / "none", 4), (tmp_path, 10**6)):
        with pytest.raises(ClipError):
            checked_size(path, limit)


def test_a_clip_of_the_prototype_has_no_image_coordinates() -> None:
    clip = replace(made_clip(), prototype_rows=np.zeros((5, 540), dtype=np.float32))
    with pytest.raises(ClipError, match="no image coordinates"):
        from_clip(clip)


def test_visibility_of_another_range_is_refused() -> None:
    points = from_clip(made_clip())
    points.visibility[0, 0] = 7
    with pytest.raises(ClipError, match="visibility"):
        to_clip(points, "x")


def test_a_part_whose_points_are_all_in_one_place_was_not_detected_and_that_is_told() -> None:
    points = replace(empty_points(3, regular_times(3, 30)), parts=holistic_values())
    points.parts["left_hand"][1] = (0, 0, 1e-3)
    points.parts["right_hand"][:2] = 999
    clip = to_clip(points, "x")
    presence = clip.part_presence()
    assert presence["left_hand"].tolist() == [True, False, True]
    assert presence["right_hand"].tolist() == [False, False, True]
    assert clip.notes == (
        "x: in 1 of 3 frames all points of the left hand lie in one place; taken as not detected",
        "x: in 2 of 3 frames all points of the right hand lie in one place; taken as not detected",
    )


def test_a_point_at_minus_one_is_missing() -> None:
    points = np.array([[-1, -1, -1], [-1, -1, 0]], dtype=np.float32)
    assert np.isnan(zeros_to_missing(points)).all(axis=1).tolist() == [True, False]


def test_a_clip_without_depth_is_told() -> None:
    clip = made_clip()
    assert told_flat(clip, "x") is clip
    flat = replace(clip, landmarks=clip.landmarks * np.array([1, 1, 0], dtype=np.float32))
    assert told_flat(flat, "x").notes == ("x: it has no depth, z is 0 throughout; that is less to go by",)


def test_a_pointer_in_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "a.pose").write_bytes(POINTER + b".github.com/spec/v1\n")
    with pytest.raises(ClipError, match=r"a\.pose: a pointer of Git LFS"):
        checked_size(tmp_path / "a.pose")
