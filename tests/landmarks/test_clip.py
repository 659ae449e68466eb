from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made.real import REAL_DATA
from signtalk.errors import ClipError
from signtalk.files import load_arrays, save_arrays
from signtalk.landmarks.clip import (
    FACE_MIDLINE,
    FACE_NAMES,
    FACE_PAIRS,
    HOLISTIC,
    LEFT_HAND_NAMES,
    MAX_COORDINATE,
    PARTS,
    POSE_NAMES,
    RIGHT_HAND_NAMES,
    LandmarkClip,
    Layout,
    checked_landmarks,
    load_clip,
    load_provenance,
    mirror_name,
    regular_timestamps,
    save_clip,
)


def make_clip(num_frames: int = 4, seed: int = 0, **changes: object) -> LandmarkClip:
    rng = np.random.default_rng(seed)
    fields: dict = {
        "landmarks": rng.random((num_frames, 169, 3), dtype=np.float32),
        "visibility": rng.random((num_frames, 33), dtype=np.float32),
        "timestamps_s": regular_timestamps(num_frames, 25.0),
        "aspect": 16 / 9,
    }
    return LandmarkClip(**(fields | changes))


def stored(path: Path, **changes: object) -> Path:
    """A container on disk with some arrays replaced, or left out when None."""
    save_clip(path, make_clip())
    arrays = load_arrays(path) | changes
    save_arrays(path, {name: np.asarray(array) for name, array in arrays.items() if array is not None})
    return path


def test_the_layout_is_the_one_of_the_files():
    assert len(POSE_NAMES) == 33 and len(LEFT_HAND_NAMES) == len(RIGHT_HAND_NAMES) == 21 and len(FACE_NAMES) == 94
    assert HOLISTIC.names == POSE_NAMES + LEFT_HAND_NAMES + RIGHT_HAND_NAMES + FACE_NAMES
    assert [(part.start, part.stop) for part in PARTS.values()] == [(0, 33), (33, 54), (54, 75), (75, 169)]
    assert [POSE_NAMES.index(f"{side}_{part}") for part in ("shoulder", "hip") for side in ("left", "right")] == [
        11, 12, 23, 24,
    ]  # fmt: skip
    assert FACE_NAMES[-1] == "face_465"


def test_positions_are_by_name():
    layout = Layout(("nose", "left_wrist"))
    assert layout.positions(("left_wrist", "absent", "nose")).tolist() == [1, -1, 0]
    assert layout.index == {"nose": 0, "left_wrist": 1}
    with pytest.raises(ValueError, match="twice"):
        Layout(("nose", "nose"))


def test_mirroring_twice_is_the_identity():
    mirror = HOLISTIC.mirror
    known = mirror >= 0
    assert (mirror[mirror[known]] == np.flatnonzero(known)).all()
    assert known[: PARTS["face"].start].all()
    assert known[PARTS["face"]].sum() == 2 * len(FACE_PAIRS) + len(FACE_MIDLINE)


@pytest.mark.parametrize(
    ("name", "partner"),
    [
        ("nose", "nose"),
        ("left_hip", "right_hip"),
        ("right_hand_thumb_tip", "left_hand_thumb_tip"),
        ("mouth_left", "mouth_right"),
        ("face_300", "face_70"),
        ("face_10", "face_10"),
    ],
)
def test_mirror_names(name: str, partner: str):
    assert mirror_name(name) == partner
    assert mirror_name(partner) == name


def test_a_face_point_without_partner_has_none():
    assert mirror_name("face_15") not in HOLISTIC.index
    assert HOLISTIC.mirror[HOLISTIC.index["face_15"]] == -1


def test_part_presence_counts_any_landmark_of_the_part():
    landmarks = np.full((3, 169, 3), np.nan, dtype=np.float32)
    landmarks[1, PARTS["left_hand"].start + 4] = 0.5
    landmarks[2] = 0.5
    presence = make_clip(3, landmarks=landmarks).part_presence()
    assert {part: seen.tolist() for part, seen in presence.items()} == {
        "pose": [False, False, True],
        "left_hand": [False, True, True],
        "right_hand": [False, False, True],
        "face": [False, False, True],
    }


@pytest.mark.parametrize(("num_frames", "duration"), [(0, 0.0), (1, 1 / 30), (2, 0.08), (50, 2.0)])
def test_duration_counts_the_last_frame(num_frames: int, duration: float):
    clip = make_clip(num_frames)
    assert clip.duration_s == pytest.approx(duration)
    assert clip.fps == pytest.approx({0: 30, 1: 30}.get(num_frames, 25))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"landmarks": np.zeros((4, 168, 3), np.float32)}, r"landmarks of shape \(4, 168, 3\)"),
        ({"visibility": np.zeros((3, 33), np.float32)}, "visibility of shape"),
        ({"timestamps_s": np.zeros(5)}, "timestamps of shape"),
        ({"timestamps_s": np.array([0.0, 0.1, 0.1, 0.2])}, "do not increase"),
        ({"timestamps_s": np.array([0.0, np.nan, 0.1, 0.2])}, "do not increase"),
        ({"aspect": 0.0}, "aspect"),
        ({"aspect": float("inf")}, "aspect"),
    ],
)
def test_a_clip_that_contradicts_itself_is_refused(changes: dict, message: str):
    with pytest.raises(ClipError, match=message):
        make_clip(4, **changes)


def test_checked_landmarks_makes_half_missing_points_missing_and_keeps_its_input():
    points = np.zeros((2, 3, 3))
    points[0, 1, 2] = np.nan
    checked = checked_landmarks(points, "a clip")
    assert checked.dtype == np.float32
    assert np.isnan(checked[0, 1]).all() and np.isfinite(np.delete(checked.reshape(6, 3), 1, axis=0)).all()
    assert np.isnan(points).sum() == 1


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300, 2 * MAX_COORDINATE])
def test_absurd_coordinates_are_refused(value: float):
    points = np.zeros((1, 2, 3))
    points[0, 0, 0] = value
    with pytest.raises(ClipError, match="a clip: infinite or absurd"):
        checked_landmarks(points, "a clip")


def test_a_clip_that_shows_nothing_is_refused():
    with pytest.raises(ClipError, match="nothing was detected in any of its 3 frames"):
        checked_landmarks(np.full((3, 2, 3), np.nan), "a clip")
    with pytest.raises(ClipError, match="no frame"):
        checked_landmarks(np.zeros((0, 2, 3)), "a clip")


@settings(max_examples=25, deadline=None)
@given(num_frames=st.integers(1, 6), seed=st.integers(0, 999), aspect=st.sampled_from([None, 0.75, 1.0]))
def test_a_saved_clip_loads_as_it_was(tmp_path_factory: pytest.TempPathFactory, num_frames, seed, aspect):
    clip = make_clip(num_frames, seed, aspect=aspect)
    hidden = np.random.default_rng(seed).random((num_frames, 169)) < 0.5
    hidden[0, 0] = False
    clip.landmarks[hidden] = np.nan
    clip.visibility[hidden[:, :33]] = np.nan
    path = tmp_path_factory.mktemp("clip") / "a.npz"
    save_clip(path, clip)
    loaded = load_clip(path)
    for name in ("landmarks", "visibility", "timestamps_s"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(clip, name))
        assert getattr(loaded, name).dtype == getattr(clip, name).dtype
    assert loaded.aspect == clip.aspect and loaded.prototype_rows is None


def test_landmarks_are_matched_by_name(tmp_path: Path):
    names = np.array(["extra", "nose", "face_465"])
    points = np.arange(18, dtype=np.float64).reshape(2, 3, 3)
    path = stored(
        tmp_path / "a.npz", landmark_names=names, landmarks=points, visibility=None, timestamps_s=None, fps=10
    )
    clip = load_clip(path)
    np.testing.assert_array_equal(clip.landmarks[:, 0], points[:, 1])
    np.testing.assert_array_equal(clip.landmarks[:, -1], points[:, 2])
    assert np.isnan(clip.landmarks[:, 1:-1]).all() and np.isnan(clip.visibility).all()
    assert clip.timestamps_s.tolist() == [0.0, 0.1]


def test_an_absent_rate_is_thirty(tmp_path: Path):
    assert load_clip(stored(tmp_path / "a.npz", timestamps_s=None)).fps == pytest.approx(30)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "clip format 2; this SignTalk reads 1"),
        ({"format_version": [1, 1]}, "clip format"),
        ({"format_version": "1"}, "clip format"),
        ({"format_version": None}, "no array format_version"),
        ({"landmarks": None, "landmark_names": None}, "no array landmark_names, landmarks"),
        ({"landmarks": np.zeros((4, 169, 2), np.float32)}, "expected floats"),
        ({"landmarks": np.zeros((4, 169, 3), np.int32)}, "expected floats"),
        ({"landmarks": np.zeros((0, 169, 3), np.float32), "visibility": None, "timestamps_s": None}, "no frame"),
        ({"landmarks": np.full((4, 169, 3), np.nan, np.float32)}, "nothing was detected"),
        ({"landmarks": np.full((4, 169, 3), np.inf, np.float32)}, "infinite"),
        ({"landmarks": np.full((4, 169, 3), 1e300)}, "infinite"),
        ({"landmark_names": np.array(["nose"] * 169)}, "same landmark twice"),
        ({"landmark_names": np.array(["a", "b"])}, "expected floats"),
        ({"visibility": np.full((4, 33), 2, np.float32)}, "visibility"),
        ({"visibility": np.full((4, 33), np.inf, np.float32)}, "visibility"),
        ({"visibility": np.full((4, 33), "x")}, "visibility"),
        ({"visibility": np.zeros((4, 32), np.float32)}, "visibility of shape"),
        ({"timestamps_s": np.array([0, np.nan, 2, 3])}, "not finite"),
        ({"timestamps_s": np.array(["a", "b", "c", "d"])}, "not finite"),
        ({"timestamps_s": np.zeros(4)}, "do not increase"),
        ({"timestamps_s": None, "fps": 0.0}, "frames a second"),
        ({"timestamps_s": None, "fps": np.nan}, "frames a second"),
        ({"timestamps_s": None, "fps": [25.0, 25.0]}, "expected one number"),
        ({"aspect": "wide"}, "expected one number"),
        ({"aspect": 100.0}, "aspect"),
    ],
)
def test_each_damaged_container_is_a_clip_error_naming_the_file(tmp_path: Path, changes: dict, message: str):
    path = stored(tmp_path / "a.npz", **changes)
    with pytest.raises(ClipError, match=message) as caught:
        load_clip(path)
    assert str(caught.value).startswith(str(path))


def test_a_truncated_or_missing_container_is_a_clip_error(tmp_path: Path):
    path = stored(tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ClipError, match="not a readable"):
        load_clip(path)
    with pytest.raises(ClipError, match="no such file"):
        load_clip(tmp_path / "b.npz")


@pytest.mark.real
def test_face_pairs_lie_on_either_side_of_the_midline_of_real_faces():
    source = REAL_DATA / "asl_words_17signers.npz"
    if not source.is_file():
        pytest.skip(f"{source} is not there; set SIGNTALK_DATA")
    with np.load(source) as archive:
        rows = archive["landmarks"][::50, 258:540].astype(np.float64) / archive["scale"]
    faces = rows.reshape(len(rows), 94, 3)[np.abs(rows).any(axis=1)]
    at = {int(name.removeprefix("face_")): i for i, name in enumerate(FACE_NAMES)}
    middle = faces[:, [at[m] for m in FACE_MIDLINE], :2]
    width = np.ptp(faces[..., 0], axis=1)
    # The face's own axes: down from brow to chin, and across at a right angle.
    down = faces[:, at[200], :2] - faces[:, at[10], :2]
    down /= np.linalg.norm(down, axis=1, keepdims=True)
    across = np.stack([-down[:, 1], down[:, 0]], axis=1)
    centre = middle.mean(axis=1)
    offset = np.einsum("tpc,tc->tp", faces[..., :2] - centre[:, None], across) / width[:, None]
    height = np.einsum("tpc,tc->tp", faces[..., :2] - centre[:, None], down) / width[:, None]
    assert len(faces) > 400
    for a, b in FACE_PAIRS:
        assert np.median(np.abs(offset[:, at[a]] + offset[:, at[b]])) < 0.1
        assert np.median(np.abs(height[:, at[a]] - height[:, at[b]])) < 0.04
        assert np.median(np.abs(offset[:, at[a]])) > 0.03
    for m in FACE_MIDLINE:
        assert np.median(np.abs(offset[:, at[m]])) < 0.05


def test_provenance_travels_with_the_clip_and_other_readers_ignore_it(tmp_path: Path) -> None:
    clip = LandmarkClip(
        np.zeros((3, 169, 3), dtype=np.float32), np.ones((3, 33), dtype=np.float32), regular_timestamps(3, 30.0)
    )
    path = tmp_path / "a.npz"
    save_clip(path, clip, {"landmarker": "made up 1", "config": {"trim": True}})
    assert load_provenance(path) == {"landmarker": "made up 1", "config": {"trim": True}}
    assert load_clip(path).num_frames == 3
    save_clip(path, clip)
    assert load_provenance(path) == {}


@pytest.mark.parametrize("text", ["no json", "[1]", '"a"'])
def test_a_damaged_provenance_is_told(tmp_path: Path, text: str) -> None:
    save_arrays(tmp_path / "a.npz", {"provenance": np.array(text)})
    with pytest.raises(ClipError, match="provenance is"):
        load_provenance(tmp_path / "a.npz")
