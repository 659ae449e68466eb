"""MediaPipe's results as JSON in the shapes that people dump, both ways."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made.points import assert_same_points, holistic_values, kept, made_clip
from signtalk.data.mediapipe_json import find_json_clips, load_json_clip, save_json_clip
from signtalk.errors import ClipError
from signtalk.landmarks.clip import LandmarkClip


def points(values: np.ndarray, scores: bool = False) -> list[dict[str, float]]:
    return [{"x": x, "y": y, "z": z} | ({"visibility": 0.5} if scores else {}) for x, y, z in values.tolist()]


def read(tmp_path: Path, value: Any, fps: float = 30) -> Any:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return load_json_clip(path, fps)


def test_round_trip_is_exact(tmp_path: Path) -> None:
    clip = made_clip(aspect=None)
    save_json_clip(tmp_path / "a.json", clip)
    loaded = load_json_clip(tmp_path / "a.json", 1)
    assert_same_points(loaded, clip)
    np.testing.assert_array_equal(loaded.visibility, clip.visibility)
    assert loaded.aspect is None
    frames = json.loads((tmp_path / "a.json").read_text())["frames"]
    assert frames[0]["left_hand_landmarks"] is None and frames[3]["pose_landmarks"][15] is None
    assert frames[0]["face_landmarks"][1] is None and frames[0]["face_landmarks"][5]


@pytest.mark.parametrize(
    ("key", "wrap"),
    [
        ("{}_landmarks", points),
        ("{}_landmarks", lambda values: values.tolist()),
        ("{}_landmarks", lambda values: {"landmark": points(values)}),
        ("{}_landmarks", lambda values: [points(values), points(values * 0)]),
        ("{}_landmarks", lambda values: [values.tolist()]),
        ("{}", points),
        ("camel", points),
    ],
)
def test_every_shape_of_a_part_is_read(key: str, wrap: Any, tmp_path: Path) -> None:
    camel = {"pose": "poseLandmarks", "left_hand": "leftHandLandmarks", "right_hand": "rightHandLandmarks",
             "face": "faceLandmarks"}  # fmt: skip
    values = holistic_values()
    frames = [
        {(camel[name] if key == "camel" else key.format(name)): wrap(part[t]) for name, part in values.items()}
        for t in range(3)
    ]
    np.testing.assert_array_equal(read(tmp_path, frames).landmarks, kept(values))


def test_points_in_capitals_are_read_and_those_of_other_keys_told(tmp_path: Path) -> None:
    values = holistic_values()
    frames = [
        {
            name: [{key.upper(): number for key, number in point.items()} for point in points(part[t], scores=True)]
            for name, part in values.items()
        }
        for t in range(3)
    ]
    clip = read(tmp_path, frames)
    np.testing.assert_array_equal(clip.landmarks, kept(values))
    assert (clip.visibility == 0.5).all()
    with pytest.raises(ClipError, match="frame 0: pose holds a point of lat, lon; expected x, y and z"):
        read(tmp_path, [{"pose": [{"lat": 1, "lon": 2}] * 33}])
    left_out = [{"visibility": 0.5}, *points(values["pose"][0])[1:]]  # as protocol buffers write zeros
    assert np.isnan(read(tmp_path, [{"pose": left_out}]).landmarks[0, :2, 0]).tolist() == [True, False]


def test_absent_null_and_empty_parts_are_missing_and_irises_are_dropped(tmp_path: Path) -> None:
    values = holistic_values()
    face = np.concatenate([values["face"][0], values["face"][0, :10]])
    frame = {"pose_landmarks": points(values["pose"][0], True), "left_hand_landmarks": [], "right_hand_landmarks": None}
    clip = read(tmp_path, {"frames": [frame | {"face_landmarks": points(face)}, {"face_landmarks": [[]]}]})
    presence = clip.part_presence()
    assert {name: seen.tolist() for name, seen in presence.items()} == {
        "pose": [True, False], "left_hand": [False, False], "right_hand": [False, False], "face": [True, False],
    }  # fmt: skip
    assert clip.visibility[0, 0] == 0.5 and np.isnan(clip.visibility[1]).all()


def test_times_and_aspect(tmp_path: Path) -> None:
    frames = [{"pose": points(holistic_values()["pose"][0])} for _ in range(2)]
    clip = read(tmp_path, {"fps": 10, "width": 640, "height": 480, "frames": frames})
    assert clip.timestamps_s.tolist() == [0, 0.1] and clip.aspect == 640 / 480
    stamped = [frame | {"timestamp_ms": t} for frame, t in zip(frames, (500, 540.5), strict=True)]
    np.testing.assert_allclose(read(tmp_path, stamped).timestamps_s, [0, 0.0405])
    assert read(tmp_path, frames, fps=20).timestamps_s.tolist() == [0, 0.05]


GOOD = [[0.1, 0.2, 0.3]] * 33


@pytest.mark.parametrize(
    "value",
    [
        7, {}, [], [7], [{}], [{"hands": []}], [{"pose": GOOD[:5]}], [{"pose": [*GOOD[:32], "x"]}], {"frames": [{}]},
        [{"pose": [*GOOD[:32], [True, 0, 0]]}], [{"pose": [None] * 33}], [{"pose": [[1e300] * 3] * 33}],
        {"fps": 0, "frames": [{"pose": GOOD}]}, {"fps": "fast", "frames": [{"pose": GOOD}]},
        [{"pose": [*GOOD[:32], [10**400] * 3]}],
        [{"pose": GOOD, "timestamp_ms": 5}, {"pose": GOOD}], [{"pose": GOOD, "timestamp_ms": 5}] * 2,
        {"aspect": 99, "frames": [{"pose": GOOD}]}, [{"pose": 3}],
        [{"pose": {"points": 3}}, {"pose": [{"x": {}}] * 33}],
    ],
)  # fmt: skip
def test_what_is_no_clip_is_one_clear_error(value: Any, tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"a\.json"):
        read(tmp_path, value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 10_000])
def test_what_is_no_json_is_one_clear_error(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(ClipError, match=r"a\.json"):
        load_json_clip(tmp_path / "a.json", 30)


def two_frames(**frame: object) -> dict[str, object]:
    return {"pose": [[0.5, 0.5, 0.0]] * 33, **frame}


def read_json_text(path: Path, value: object, encoding: str = "utf-8") -> LandmarkClip:
    path.write_bytes(json.dumps(value).encode(encoding))
    return load_json_clip(path, 30)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_does_not_matter(tmp_path: Path, encoding: str) -> None:
    assert read_json_text(tmp_path / "a.json", {"fps": 25, "frames": [two_frames()] * 4}, encoding).num_frames == 4


@pytest.mark.parametrize(
    ("head", "fps"),
    [({"fps": "25"}, 25), ({"fps": "29,97"}, 29.97), ({"fps": "30000/1001"}, 29.97), ({"frame_rate": "24 fps"}, 24),
     ({"frameRate": 50}, 50), ({"fps": ""}, 30)],
)  # fmt: skip
def test_a_rate_may_be_text(tmp_path: Path, head: dict[str, object], fps: float) -> None:
    clip = read_json_text(tmp_path / "a.json", {**head, "frames": [two_frames()] * 4})
    assert clip.fps == pytest.approx(fps, rel=1e-3)


@pytest.mark.parametrize("unit", [1, 1e3, 1e6, 1e9], ids=["s", "ms", "us", "ns"])
def test_the_unit_of_a_timestamp_is_told_by_the_frames(tmp_path: Path, unit: float) -> None:
    frames = [two_frames(timestamp=1000 * unit + t * unit / 20) for t in range(4)]
    np.testing.assert_allclose(read_json_text(tmp_path / "a.json", frames).timestamps_s, np.arange(4) / 20, atol=1e-6)


def test_timestamps_may_be_text_or_dates(tmp_path: Path) -> None:
    frames = [two_frames(timestamp=str(t * 40)) for t in range(4)]
    assert read_json_text(tmp_path / "a.json", frames).fps == pytest.approx(25)
    frames = [two_frames(timestamp=f"2026-03-01T10:00:00.{t}00Z") for t in range(4)]
    assert read_json_text(tmp_path / "a.json", frames).fps == pytest.approx(10)
    with pytest.raises(ClipError, match="timestamp is 'soon'; expected a number"):
        read_json_text(tmp_path / "a.json", [two_frames(timestamp="soon")] * 2)


def test_pixels_beside_the_size_of_the_picture_are_put_right(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    save_json_clip(path, made_clip(aspect=1280 / 720))
    document = json.loads(path.read_text())
    for frame in document["frames"]:
        for part in frame.values():
            for point in part if isinstance(part, list) else ():
                if point is not None:
                    point["x"], point["y"] = 1280 * point["x"], 720 * point["y"]
    path.write_text(json.dumps(document | {"width": 1280, "height": 720}))
    clip = load_json_clip(path, 30.0)
    assert_same_points(clip, made_clip(aspect=1280 / 720), tolerance=1e-4)
    assert clip.notes == (f"{path}: its coordinates are pixels of a picture of 1280 x 720; taken as parts of it",)


def test_fractions_beside_the_size_of_the_picture_stay_so(tmp_path: Path) -> None:
    values = holistic_values()
    frames = [{name: points(part[t]) for name, part in values.items()} for t in range(3)]
    frames[0]["pose"][31]["y"] = 2.5  # a foot below the picture
    values["pose"][0, 31, 1] = 2.5
    clip = read(tmp_path, {"width": 640, "height": 480, "fps": 25, "frames": frames})
    np.testing.assert_allclose(clip.landmarks, kept(values))
    assert clip.notes == () and clip.aspect == 640 / 480


def test_the_frames_own_times_are_believed_rather_than_a_false_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    save_json_clip(path, made_clip(num_frames=30, fps=25.0))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fps": 1000}))
    assert load_json_clip(path, 30.0).fps == pytest.approx(25)


def a_frame(left: str = "leftHandLandmarks") -> dict[str, Any]:
    values = holistic_values(1)
    return {"poseLandmarks": points(values["pose"][0]), left: points(values["left_hand"][0])}


@pytest.mark.parametrize("key", ["left_hand_landmarks", "LeftHand", "left-hand", "lh", "hand_left"])
def test_keys_are_known_without_case_and_punctuation(tmp_path: Path, key: str) -> None:
    clip = read(tmp_path, [a_frame(key)] * 2)
    assert clip.part_presence()["left_hand"].all() and clip.notes == ()


def test_keys_that_are_not_known_are_told_and_those_of_mediapipe_besides_are_not(tmp_path: Path) -> None:
    besides = {"poseWorldLandmarks": [], "faceBlendshapes": [], "timestamp_ms": 0, "frame_id": 3, "image_width": 1}
    clip = read(tmp_path, [a_frame("manoIzquierda") | besides | {"side_points": [], "id": 7}])
    assert clip.notes == (
        f"{tmp_path / 'a.json'}: keys of its frames that are not known and left aside: 'manoIzquierda', 'side_points'",
    )
    with pytest.raises(ClipError, match=r"no frame has pose_landmarks, .*; they have landmarks, handedness"):
        read(tmp_path, [{"landmarks": [], "handedness": []}])


@pytest.mark.parametrize(
    "head",
    [
        {"metadata": {"fps": 50, "width": 1920, "height": 1080}},
        {"FPS": 50, "Width": 1920, "Height": 1080},
        {"video": {"frame-rate": "50"}, "image_width": 1920, "image_height": 1080},
        {"video_fps": 50, "info": {"canvas_width": 1920, "canvas_height": 1080, "rate": None}},
    ],
)
def test_rate_and_size_are_found_by_other_names_and_in_objects_of_their_own(tmp_path: Path, head: Any) -> None:
    clip = read(tmp_path, head | {"frames": [a_frame()] * 3})
    assert clip.fps == pytest.approx(50) and clip.aspect == pytest.approx(16 / 9)


def test_the_size_may_stand_in_each_frame(tmp_path: Path) -> None:
    assert read(tmp_path, [a_frame() | {"image_width": 640, "image_height": 480}] * 3).aspect == pytest.approx(4 / 3)


def test_a_rate_or_size_that_is_not_understood_is_told(tmp_path: Path) -> None:
    clip = read(tmp_path, {"capture_fps": 50, "resolution": [1, 2], "title": "a", "frames": [a_frame()] * 3})
    assert clip.notes == (
        f"{tmp_path / 'a.json'}: keys of the file that are not known and left aside: 'capturefps', 'resolution'",
    )


def test_times_by_other_names_are_read_and_those_that_are_not_understood_are_told(tmp_path: Path) -> None:
    for name, unit in (("timeSec", 1), ("time_in_seconds", 1), ("timestamp_us", 1e6), ("timestamp_s", 1)):
        clip = read(tmp_path, [a_frame() | {name: number * unit / 10} for number in range(3)])
        np.testing.assert_allclose(clip.timestamps_s, [0, 0.1, 0.2])
        assert clip.notes == ()
    odd = [a_frame() | {"frame_clock_time": number} for number in range(3)]
    assert "not known and left aside: 'frame_clock_time'" in read(tmp_path, odd).notes[0]
    assert read(tmp_path, {"fps": 30, "frames": odd}).notes == ()  # nothing had to be guessed


def test_of_several_people_in_a_frame_the_first_is_taken_and_told(tmp_path: Path) -> None:
    first = a_frame()
    both = {name: [part, part] for name, part in first.items()}
    clip = read(tmp_path, [both, first, both])
    np.testing.assert_array_equal(clip.landmarks, read(tmp_path, [first] * 3).landmarks)
    assert clip.notes[0].endswith(
        "2 of 3 frames show several people; the first of each is taken, so see that it is one"
    )
    assert read(tmp_path, [{name: [part, []] for name, part in first.items()}] * 3).notes == ()


def test_points_by_number_are_read_and_other_objects_refused_rather_than_missed(tmp_path: Path) -> None:
    frame = a_frame()
    by_number = {
        name: {str(number): point for number, point in reversed(list(enumerate(part))) if number != 5}
        for name, part in frame.items()
    }
    expected = read(tmp_path, [frame] * 2).landmarks
    clip = read(tmp_path, [by_number] * 2)
    seen = ~np.isnan(clip.landmarks[..., 0])
    np.testing.assert_array_equal(clip.landmarks[seen], expected[seen])
    assert seen.sum() == (~np.isnan(expected[..., 0])).sum() - 2 * len(frame)  # one point of each part
    name = next(iter(frame))
    for odd in ({"nose": frame[name][0]}, {"x": [1], "y": [2]}, {"0": frame[name][0], "99999": None}):
        with pytest.raises(ClipError, match=r"frame 0: \w+ is an object of .*; expected a list of \d+ points"):
            read(tmp_path, [frame | {name: odd}])


def test_frames_by_number_and_lines_of_frames_are_read(tmp_path: Path) -> None:
    frames = [a_frame(), a_frame() | {"poseLandmarks": None}, a_frame()]
    expected = read(tmp_path, frames).landmarks
    by_number = {str(number): frame for number, frame in ((10, frames[2]), (2, frames[1]), (1, frames[0]))}
    np.testing.assert_array_equal(read(tmp_path, by_number).landmarks, expected)
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, frames)) + "\n", encoding="utf-8")
    np.testing.assert_array_equal(load_json_clip(tmp_path / "a.jsonl", 30).landmarks, expected)
    assert find_json_clips(tmp_path) == [tmp_path / "a.json", tmp_path / "a.jsonl"]


def test_a_frame_number_that_is_left_out_leaves_a_gap_in_time(tmp_path: Path) -> None:
    apart = [0, 0.1, 0.5]
    by_number = {str(number): a_frame() for number in (7, 8, 12)}
    np.testing.assert_allclose(read(tmp_path, by_number, fps=10).timestamps_s, apart)
    np.testing.assert_allclose(read(tmp_path, {"fps": 10, "frames": by_number}).timestamps_s, apart)
    told = [a_frame() | {"frame": number} for number in (7, 8, 12)]
    np.testing.assert_allclose(read(tmp_path, told, fps=10).timestamps_s, apart)
    timed = [frame | {"time_s": time_s} for frame, time_s in zip(told, (0, 1, 2), strict=True)]
    np.testing.assert_allclose(read(tmp_path, timed, fps=10).timestamps_s, [0, 1, 2])
    for numbers in ((0, 0, 0), ("a.jpg", "b.jpg", "c.jpg")):  # of people, or of pictures
        other = [a_frame() | {"frame": number} for number in numbers]
        np.testing.assert_allclose(read(tmp_path, other, fps=10).timestamps_s, [0, 0.1, 0.2])
    with pytest.raises(ClipError, match=r"a\.json"):
        read(tmp_path, {"1": a_frame(), "9" * 30: a_frame()})


@pytest.mark.parametrize("frame", [[0.5] * 225, [[0.5, 0.5, 0]] * 75])
def test_frames_without_names_are_no_clips_but_told(tmp_path: Path, frame: list[Any]) -> None:
    with pytest.raises(ClipError, match=rf"frames that are lists of {len(frame)} values without names; save them as"):
        read(tmp_path, [frame] * 3)


def test_frames_of_openpose_are_read_from_a_file_or_a_folder(tmp_path: Path) -> None:
    hand = [number for point in range(21) for number in (600 + point, 400 - 9 * point, 0.9)]
    body = [number for point in range(25) for number in (500 + 10 * point, 300, 0.8)]
    frames = [{"people": [{"pose_keypoints_2d": body, "hand_left_keypoints_2d": hand}]}] * 3
    clip = read(tmp_path, frames, fps=15)
    assert clip.part_presence()["left_hand"].all() and clip.fps == pytest.approx(15)
    assert "mapped to MediaPipe's" in clip.notes[0]
    for number, frame in enumerate(frames):
        path = tmp_path / "clip" / f"v_{number:012}_keypoints.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(frame), encoding="utf-8")
    np.testing.assert_array_equal(load_json_clip(tmp_path / "clip", 15).landmarks, clip.landmarks)
    assert find_json_clips(tmp_path) == [tmp_path / "a.json", tmp_path / "clip"]
