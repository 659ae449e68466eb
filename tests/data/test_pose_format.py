"""`.pose` both ways, beside the library's own reading; damaged and hostile files."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.points import assert_same_points, holistic_values, kept, made_clip
from signtalk.data.pose_format import COMPONENTS, load_pose, save_pose
from signtalk.errors import ClipError

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
