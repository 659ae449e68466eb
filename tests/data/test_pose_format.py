"""`.pose` both ways, beside the library's own reading; damaged and hostile files."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.points import assert_same_points, holistic_values, kept, made_clip
from signtalk.data.pose_format import COMPONENTS, load_pose, save_pose
from signtalk.errors import ClipError
from signtalk.landmarks.clip import HOLISTIC

pose_format = pytest.importorskip("pose_format")
from pose_format.numpy import NumPyPoseBody  # noqa: E402
from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions  # noqa: E402


def write_by_library(path: Path, values: dict[str, np.ndarray], people: int = 1, width: int = 640, **names) -> None:
    """A file as pose-format's own detector writes it: pixels, confidence 1, world landmarks behind."""
    components, columns = [], []
    for name, (part, points) in COMPONENTS.items():
        columns.append(values[part] * np.array([width, 480, 1], dtype=np.float32))
        components.append(PoseHeaderComponent(names.get(name, name), list(points), [], [], "XYZC"))
    components.append(PoseHeaderComponent("POSE_WORLD_LANDMARKS", ["NOSE"], [], [], "XYZC"))
    data = np.concatenate([*columns, np.full((len(columns[0]), 1, 3), 7, np.float32)], axis=1)
    data = np.stack([np.zeros_like(data)] * (people - 1) + [data], axis=1)
    confidence = np.ones(data.shape[:3], dtype=np.float32)
    confidence[:, :-1] = 0.1
    header = PoseHeader(0.2, PoseHeaderDimensions(width, 480, 0), components)
    with path.open("wb") as file:
        pose_format.Pose(header, NumPyPoseBody(30, data, confidence)).write(file)


def test_round_trip(tmp_path: Path) -> None:
    clip = made_clip(aspect=640 / 720)
    save_pose(tmp_path / "a.pose", clip)
    read = load_pose(tmp_path / "a.pose")
    assert_same_points(read, clip, tolerance=2e-7)
    np.testing.assert_allclose(read.visibility, clip.visibility, atol=1e-7)
    assert read.aspect == clip.aspect


def test_unknown_visibility_becomes_full_confidence_and_none_stays_a_detected_point(tmp_path: Path) -> None:
    clip = made_clip()
    unknown, none = np.full_like(clip.visibility, np.nan), np.zeros_like(clip.visibility)
    save_pose(tmp_path / "a.pose", replace(clip, visibility=unknown))
    assert np.nanmin(load_pose(tmp_path / "a.pose").visibility) == 1
    save_pose(tmp_path / "b.pose", replace(clip, visibility=none))
    read = load_pose(tmp_path / "b.pose")
    assert_same_points(read, clip, tolerance=2e-7)
    assert np.nanmax(read.visibility) < 1e-5


def test_what_we_write_the_library_reads(tmp_path: Path) -> None:
    clip = made_clip()
    save_pose(tmp_path / "a.pose", clip)
    pose = pose_format.Pose.read((tmp_path / "a.pose").read_bytes())
    assert [component.name for component in pose.header.components] == list(COMPONENTS)
    assert pose.body.fps == pytest.approx(25)
    tip = pose.header.get_point_index("RIGHT_HAND_LANDMARKS", "INDEX_FINGER_TIP")
    wrist = pose.header.get_point_index("LEFT_HAND_LANDMARKS", "WRIST")
    size = np.array([pose.header.dimensions.width, pose.header.dimensions.height, 1])
    np.testing.assert_allclose(pose.body.data[1, 0, tip], clip.landmarks[1, 54 + 8] * size, rtol=1e-5)
    assert pose.body.data.mask[0, 0, wrist].all() and not pose.body.data.mask[1, 0, wrist].any()


def test_the_library_takes_our_files_for_mediapipes(tmp_path: Path) -> None:
    from pose_format.utils.generic import detect_known_pose_format, pose_hide_legs, pose_normalization_info

    save_pose(tmp_path / "a.pose", made_clip())
    pose = pose_format.Pose.read((tmp_path / "a.pose").read_bytes())
    assert detect_known_pose_format(pose) == "holistic"
    assert (pose_normalization_info(pose.header).p1, pose_normalization_info(pose.header).p2) == (12, 11)
    assert pose_hide_legs(pose, remove=True).body.data.shape[2] < 543
    # MediaPipe's own names, which files of other tools carry
    hand = COMPONENTS["RIGHT_HAND_LANDMARKS"][1]
    assert [hand[i] for i in (0, 1, 4, 5, 8, 12, 13, 17, 20)] == [
        "WRIST", "THUMB_CMC", "THUMB_TIP", "INDEX_FINGER_MCP", "INDEX_FINGER_TIP", "MIDDLE_FINGER_TIP",
        "RING_FINGER_MCP", "PINKY_MCP", "PINKY_TIP",
    ]  # fmt: skip
    assert COMPONENTS["POSE_LANDMARKS"][1][9:13] == ("MOUTH_LEFT", "MOUTH_RIGHT", "LEFT_SHOULDER", "RIGHT_SHOULDER")


def test_what_the_library_writes_we_read(tmp_path: Path) -> None:
    values = holistic_values()
    write_by_library(tmp_path / "a.pose", values, people=2)
    clip = load_pose(tmp_path / "a.pose")
    np.testing.assert_allclose(clip.landmarks, kept(values), atol=2e-7)
    assert (clip.aspect, clip.fps) == (640 / 480, pytest.approx(30))


def test_version_0_1_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pose"
    save_pose(path, made_clip())
    data = path.read_bytes()
    body = len(data) - (543 * 4 * 4 * 5 + 10)
    path.write_bytes(struct.pack("<f", 0.1) + data[4:body] + struct.pack("<HHH", 25, 5, 1) + data[body + 10 :])
    assert_same_points(load_pose(path), made_clip(), tolerance=2e-7)


def test_other_detectors_and_missing_sizes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pose"
    write_by_library(path, holistic_values(), **{name: f"OTHER_{name}" for name in COMPONENTS})
    with pytest.raises(ClipError, match="OTHER_POSE"):
        load_pose(path)
    write_by_library(path, holistic_values(), width=0)
    with pytest.raises(ClipError, match="picture size"):
        load_pose(path)


def test_damage_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "a.pose"
    save_pose(path, made_clip())
    good = path.read_bytes()
    body = len(good) - (543 * 4 * 4 * 5 + 10)
    many = good[: body + 4] + struct.pack("<I", 4_000_000_000) + good[body + 8 :]
    nobody = good[: body + 8] + struct.pack("<H", 0) + good[body + 10 :]
    old = struct.pack("<f", 0.0) + good[4:]
    for data in (b"", b"no", good[:50], good[:-9], many, nobody, old, b"\xff" * 100):
        path.write_bytes(data)
        with pytest.raises(ClipError, match=r"a\.pose"):
            load_pose(path)


def test_any_single_flipped_byte_of_the_head_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pose"
    save_pose(path, made_clip())
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.integers(0, 4000, 150):
        data = bytearray(good)
        data[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(data))
        try:
            load_pose(path)
        except ClipError:
            refused += 1
    assert refused > 0


def points_of(part: str, position: int) -> np.ndarray:
    return holistic_values()[part][:, position, :2]


def write_other(path: Path, components: list[tuple[str, list[str]]], version: float = 0.2) -> None:
    """A file of a detector without depth: each named point lies where `TARGETS` puts it in `holistic_values`."""
    from signtalk.data.pose_format import _targets_of

    size, columns, scores = np.array([640, 480], dtype=np.float32), [], []
    for name, points in components:
        targets = _targets_of(name)
        for point in points:
            part, position = targets.get(point, (("pose", 0),))[0]
            columns.append(points_of(part, position) * size)
            scores.append(1.2 if point in targets else 0.0)  # some detectors' scores exceed 1
    data = np.stack(columns, axis=1)[:, None].astype(np.float32)
    confidence = np.broadcast_to(np.array(scores, np.float32), data.shape[:3]).copy()
    parts = [PoseHeaderComponent(name, points, [], [], "XYC") for name, points in components]
    with path.open("wb") as file:
        pose_format.Pose(PoseHeader(0.2, PoseHeaderDimensions(640, 480, 0), parts),
                         NumPyPoseBody(25, data, confidence)).write(file)  # fmt: skip


def openpose() -> list[tuple[str, list[str]]]:
    from pose_format.utils.openpose import OpenPose_Components

    return [(component.name, component.points) for component in OpenPose_Components]


def body_135() -> list[tuple[str, list[str]]]:
    from pose_format.utils.openpose_135 import BODY_135_POINTS

    return [("BODY_135", BODY_135_POINTS)]


def coco() -> list[tuple[str, list[str]]]:
    from pose_format.utils.cocowholebody133_header import cocowholebody_components

    return [(component.name, component.points) for component in cocowholebody_components()]


def alphapose() -> list[tuple[str, list[str]]]:
    return [(f"{name}_133", points) for name, points in coco()]


@pytest.mark.parametrize("components", [openpose, body_135, coco, alphapose])
def test_points_of_other_detectors_are_mapped(tmp_path: Path, components) -> None:
    path = tmp_path / "a.pose"
    write_other(path, components())
    clip, expected = load_pose(path), kept(holistic_values())
    for name in ("nose", "left_shoulder", "right_elbow", "left_wrist", "right_hip"):
        place = HOLISTIC.index[name]
        np.testing.assert_allclose(clip.landmarks[:, place, :2], expected[:, place, :2], atol=1e-6)
    seen = ~np.isnan(clip.landmarks[..., 0]).all(axis=0)
    fingers = slice(34, 54) if components is body_135 else slice(33, 54)  # its wrist is the body's
    np.testing.assert_allclose(clip.landmarks[:, fingers, :2], expected[:, fingers, :2], atol=1e-6)
    assert seen[33:75].all() and seen[75:].sum() == 10 and (clip.landmarks[:, seen, 2] == 0).all()
    assert np.nanmax(clip.visibility) == 1
    assert "are mapped to MediaPipe's" in clip.notes[0] and "no depth" in clip.notes[0]


def test_hands_of_unknown_names_are_refused(tmp_path: Path) -> None:
    body = next(points for name, points in openpose() if name == "pose_keypoints_2d")
    hands = [(name, [f"P{i}" for i in range(21)]) for name in ("hand_left_keypoints_2d", "hand_right_keypoints_2d")]
    write_other(tmp_path / "a.pose", [("pose_keypoints_2d", body), *hands])
    with pytest.raises(ClipError, match="42 points of its hands have names that are not known"):
        load_pose(tmp_path / "a.pose")


def version_0(path: Path, people: list[int]) -> None:
    """The first version's bytes from a file of the last, with as many people in each frame; one alone is seen."""
    save_pose(path, made_clip(num_frames=len(people)))
    data = path.read_bytes()
    head = len(data) - (543 * 4 * 4 * len(people) + 10)
    pose = pose_format.Pose.read(data)
    frames = []
    for t, count in enumerate(people):
        frames.append(struct.pack("<H", count))
        for person in range(count):
            xyz = pose.body.data.data[t, 0]
            seen = pose.body.confidence[t, 0][:, None] * (person == count - 1)
            frames.append(struct.pack("<h", person) + np.concatenate([xyz, seen], axis=1).astype("<f4").tobytes())
    path.write_bytes(struct.pack("<f", 0.0) + data[4:head] + struct.pack("<HH", 25, len(people)) + b"".join(frames))


def test_the_first_version_is_read(tmp_path: Path) -> None:
    version_0(tmp_path / "a.pose", [1] * 5)
    assert_same_points(load_pose(tmp_path / "a.pose"), made_clip(), tolerance=2e-7)
    version_0(tmp_path / "b.pose", [2, 2, 0, 2, 2])  # nobody in a frame, and the second is the one who is seen
    clip, expected = load_pose(tmp_path / "b.pose"), made_clip().landmarks
    assert np.isnan(clip.landmarks[2]).all()
    np.testing.assert_allclose(clip.landmarks[[0, 1, 3, 4]], expected[[0, 1, 3, 4]], atol=2e-7)


def test_damage_of_the_first_version_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.pose"
    version_0(path, [1] * 5)
    good = path.read_bytes()
    body = len(good) - 5 * (2 + 2 + 543 * 16)
    crowd = good[:body] + struct.pack("<H", 65535) + good[body + 2 :]
    long = good[: body - 2] + struct.pack("<H", 65535) + good[body:]
    for data in (good[:-9], crowd, long, good[:body], good[: body - 3]):
        path.write_bytes(data)
        with pytest.raises(ClipError, match=r"a\.pose"):
            load_pose(path)


def rewritten(path: Path, change) -> Path:
    """The file of a usual clip with its header and body changed by the library."""
    save_pose(path, made_clip(num_frames=30))
    pose = pose_format.Pose.read(path.read_bytes())
    data, confidence, fps = change(pose, np.asarray(pose.body.data.data), np.asarray(pose.body.confidence))
    with path.open("wb") as file:
        pose_format.Pose(pose.header, NumPyPoseBody(fps, data, confidence)).write(file)
    return path


def test_a_rate_that_no_camera_gives_is_not_believed(tmp_path: Path) -> None:
    path = rewritten(tmp_path / "a.pose", lambda _, data, confidence: (data, confidence, 1000))
    assert load_pose(path).fps == pytest.approx(30)
    clip = load_pose(path, 25.0)
    assert clip.fps == pytest.approx(25)
    assert clip.notes == (f"{path}: it says 1000 frames a second, which no camera gives; read at 25 (--fps)",)
    usual = rewritten(tmp_path / "b.pose", lambda _, data, confidence: (data, confidence, 50))
    assert (load_pose(usual, 25.0).fps, load_pose(usual).notes) == (pytest.approx(50), ())


def test_a_person_who_changes_slots_loses_no_frame(tmp_path: Path) -> None:
    def changed(_, data, confidence):
        twice = [np.concatenate([each, np.zeros_like(each)], axis=1) for each in (data, confidence)]
        for each in twice:
            each[14:] = each[14:, ::-1]
        return (*twice, 25)

    clip = load_pose(rewritten(tmp_path / "a.pose", changed))
    assert_same_points(clip, made_clip(num_frames=30), tolerance=2e-7)
    assert "stands in another slot in 14 of 30 frames, and was followed there" in clip.notes[0]


def test_depths_in_pixels_are_put_right(tmp_path: Path) -> None:
    def deep(pose, data, confidence):
        return data * [1, 1, pose.header.dimensions.width], confidence, 25

    clip = load_pose(rewritten(tmp_path / "a.pose", deep))
    assert_same_points(clip, made_clip(num_frames=30), tolerance=1e-5)
    assert "its depths are pixels too" in clip.notes[0]


@pytest.mark.parametrize("parts", [slice(0, 543), slice(0, 33), slice(0, 75)], ids=["all", "body", "no face"])
def test_points_that_are_fractions_already_stay_so_whatever_size_the_header_tells(tmp_path: Path, parts) -> None:
    def in_parts(pose, data, confidence):
        size = pose.header.dimensions
        seen = np.zeros_like(confidence)
        order = np.r_[0:33, 501:543, 33:501]
        seen[..., order[parts]] = confidence[..., order[parts]]
        return data / [size.width, size.height, 1], seen, 25

    path = rewritten(tmp_path / "a.pose", in_parts)
    clip, expected = load_pose(path), made_clip(num_frames=30)
    there = ~np.isnan(clip.landmarks[..., 0])
    np.testing.assert_allclose(clip.landmarks[there], expected.landmarks[there], atol=2e-7)
    assert there.mean() > 0.15 and clip.aspect == expected.aspect
    assert clip.notes == (
        f"{path}: its coordinates are parts of the picture already, and not pixels of its 1332 x 999",
    )  # fmt: skip


def test_a_person_in_shoulder_widths_keeps_its_shape(tmp_path: Path) -> None:
    def normalised(_, data, confidence):
        shoulders = data[3, 0, 11:13, :2]
        chest, width = shoulders.mean(axis=0), np.linalg.norm(shoulders[0] - shoulders[1])
        return (data - [*chest, 0]) / width, confidence, 25

    clip, pixels = load_pose(rewritten(tmp_path / "a.pose", normalised)), made_clip(num_frames=30)
    flat, expected = (each.landmarks[4, :75, :2] * [4 / 3, 1] for each in (clip, pixels))
    ratio = np.linalg.norm(flat[40] - flat[0]) / np.linalg.norm(expected[40] - expected[0])
    np.testing.assert_allclose(flat - flat[0], (expected - expected[0]) * ratio, atol=1e-6)
