"""Files of pose-format (`.pose`), both ways, through its own library.

The format keeps pixels, a confidence for each point (0 = missing) and one frame rate. Components and points
are matched by MediaPipe's names, so that files with a reduced face or without world landmarks are read too. The
points of OpenPose and COCO WholeBody are mapped to MediaPipe's (`signtalk.data.pose_points`).
"""

from __future__ import annotations

import io
import re
import struct
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.arrays import FloatArray
from signtalk.data.holistic import (
    NUM_POINTS,
    HolisticPoints,
    check_frame_count,
    checked_size,
    empty_points,
    from_clip,
    regular_times,
    to_clip,
)
from signtalk.data.pose_points import TARGETS, Targets
from signtalk.data.slots import followed_slots, told_of_several
from signtalk.errors import ClipError, MissingExtraError
from signtalk.files import DAMAGE, atomic_path
from signtalk.landmarks.clip import DEFAULT_FPS, HAND_POINTS, POSE_NAMES, LandmarkClip
from signtalk.landmarks.plausible import FASTEST_CAMERA, in_fractions

_HAND_NAMES = tuple(
    name.upper() if name.startswith(("wrist", "thumb", "pinky")) else name.upper().replace("_", "_FINGER_", 1)
    for name in HAND_POINTS
)
COMPONENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "POSE_LANDMARKS": ("pose", tuple(name.upper() for name in POSE_NAMES)),
    "FACE_LANDMARKS": ("face", tuple(str(i) for i in range(NUM_POINTS["face"]))),
    "LEFT_HAND_LANDMARKS": ("left_hand", _HAND_NAMES),
    "RIGHT_HAND_LANDMARKS": ("right_hand", _HAND_NAMES),
}
"""pose-format's components of MediaPipe Holistic, in their order, with our part and the names of the points."""
_MEDIAPIPE: dict[str, Targets] = {
    component: {name: ((part, number),) for number, name in enumerate(names)}
    for component, (part, names) in COMPONENTS.items()
}
_ALPHAPOSE = re.compile("_13[36]$")
"""What AlphaPose appends to the names of COCO WholeBody's components."""
VERSIONS = (0.0, 0.1, 0.2)
_MAX_POINTS = 1 << 26
"""Of all frames and people of a version 0.0, whose size its own bytes do not bound."""
_LEAST_CONFIDENCE = 1e-6
"""Written for a detected landmark whose visibility is 0, because confidence 0 means missing."""
_PICTURE_SIDE = 1000
_LEAST_SIDE = 16
"""Pixels; a smaller picture shows nobody, and its header tells a unit."""
_FRACTIONS = 1.5
"""Pictures up to which a median coordinate is a part of one: most points of a person lie in it."""
_LEFT_OF_PICTURE = 0.2
"""Part of the points that may lie left of a picture; of a person about (0, 0) it is half."""
_LIMBS = {
    "POSE_LANDMARKS": ((11, 12), (11, 13), (13, 15), (12, 14), (14, 16), (11, 23), (12, 24), (23, 24)),
    "LEFT_HAND_LANDMARKS": tuple((0 if i % 4 == 1 else i - 1, i) for i in range(1, 21)),
    "RIGHT_HAND_LANDMARKS": tuple((0 if i % 4 == 1 else i - 1, i) for i in range(1, 21)),
}


def load_pose(path: Path, fps: float = DEFAULT_FPS) -> LandmarkClip:
    """Read one `.pose` file of MediaPipe Holistic, OpenPose or COCO WholeBody.

    Points that are parts of the picture already stay so, whatever size the header tells. A point whose confidence is 0
    becomes NaN. Of several people the one with the most confidence is taken, and followed into other slots. What has no
    depth lies in one plane, z = 0. Times are regular at the file's frame rate; the aspect is that of its picture size.
    What was put right stands in the clip's `notes`.

    Args:
        path: of the file.
        fps: frames a second where the file says more than any camera gives, as recordings of browsers do.

    Raises:
        ClipError: the file is damaged, of another version or detector, without picture size, or shows nothing.
        MissingExtraError: pose-format is not installed.
    """
    try:
        pose = _parsed(path)
        points, notes = _points_of(pose, fps)
        size = pose.header.dimensions
        clip = in_fractions(to_clip(points, str(path)), size.width, size.height, str(path))
        own = tuple(f"{path}: {note}" for note in notes)
        return replace(clip, notes=(*_notes(pose, str(path)), *own, *clip.notes))
    except ClipError as error:
        raise ClipError(str(error) if str(path) in str(error) else f"{path}: {error}") from error


def save_pose(path: Path, clip: LandmarkClip) -> None:
    """Write a clip as `.pose`, version 0.2, atomically.

    Pixels are those of a picture about a thousand high with the clip's aspect (square where it is unknown).
    Confidence is the visibility of a pose landmark, 1 where that is unknown, and 1 for all other points that
    were detected; missing points are zeros with confidence 0.

    Raises:
        ClipError: the clip is too long or of the prototype's kind.
        MissingExtraError: pose-format is not installed.
    """
    library = _library()
    points = from_clip(clip)
    width, height = _picture_size(clip.aspect)
    data = np.concatenate([points.parts[part] for part, _ in COMPONENTS.values()], axis=1)
    detected = ~np.isnan(data[..., 0])
    confidence = detected.astype(np.float32)
    pose_score = np.maximum(np.nan_to_num(points.visibility, nan=1.0), _LEAST_CONFIDENCE)
    confidence[:, : NUM_POINTS["pose"]] *= pose_score
    pixels = np.nan_to_num(data * np.array([width, height, 1], dtype=np.float32))
    header = library.pose_header
    components = [
        header.PoseHeaderComponent(name, list(names), list(_LIMBS.get(name, ())), [(255, 255, 255)], "XYZC")
        for name, (_, names) in COMPONENTS.items()
    ]
    body = library.NumPyPoseBody(clip.fps, pixels[:, None], confidence[:, None])
    dimensions = header.PoseHeaderDimensions(width, height, 0)
    written = io.BytesIO()
    library.Pose(header.PoseHeader(header.VERSION, dimensions, components), body).write(written)
    with atomic_path(path) as temporary:
        temporary.write_bytes(written.getvalue())


class _Library:
    """What is used of pose-format, in one place."""

    def __init__(self) -> None:
        from pose_format import Pose, pose_header
        from pose_format.numpy import NumPyPoseBody
        from pose_format.utils.reader import BufferReader

        self.Pose, self.NumPyPoseBody, self.pose_header = Pose, NumPyPoseBody, pose_header
        self.BufferReader = BufferReader


def _library() -> Any:
    try:
        return _Library()
    except ImportError as error:
        raise MissingExtraError(".pose files need pose-format: pip install 'signtalk[interchange]'") from error


def _parsed(path: Path) -> Any:
    """The library's object; only versions whose size follows from the file's own bytes are given to it to read."""
    library = _library()
    checked_size(path)
    try:
        data = path.read_bytes()
        version = round(struct.unpack_from("<f", data)[0], 3)
        if version not in VERSIONS:
            raise ClipError(f"{path}: .pose version {version:g}; expected 0.0, 0.1 or 0.2, write it anew")
        return library.Pose.read(data) if version else _version_0(library, data)
    except (*DAMAGE, struct.error, ZeroDivisionError, IndexError, AttributeError) as error:
        raise ClipError(f"{path}: not a readable .pose file ({' '.join(str(error).split())})") from error


def _version_0(library: Any, data: bytes) -> Any:
    """The first version: for each frame how many people, and of each its number and all points of all components.

    Raises:
        ClipError: more frames and people than a clip has.
    """
    reader = library.BufferReader(data)
    header = library.pose_header.PoseHeader.read(reader)
    fps, num_frames = struct.unpack_from("<HH", data, reader.read_offset)
    check_frame_count(num_frames)
    sizes = [(len(component.points), len(component.format)) for component in header.components]
    person_bytes = 2 + 4 * sum(points * width for points, width in sizes)
    frames, place = [], reader.read_offset + 4
    for _ in range(num_frames):
        (people,) = struct.unpack_from("<H", data, place)
        frames.append([place + 2 + person * person_bytes for person in range(people)])
        place += 2 + people * person_bytes
    most, num_points = max(1, *map(len, frames)), sum(points for points, _ in sizes)
    if place > len(data) or num_frames * most * num_points > _MAX_POINTS:
        raise ClipError(f"{num_frames} frames of up to {most} people; it ends before, or is no clip")
    values = np.zeros((num_frames, most, num_points, 4), dtype=np.float32)
    for t, starts in enumerate(frames):
        for person, start in enumerate(starts):
            numbers = np.frombuffer(data, "<f4", (person_bytes - 2) // 4, start + 2)
            point = offset = 0
            for points, width in sizes:
                part = numbers[offset : offset + points * width].reshape(points, width)
                values[t, person, point : point + points, : min(width - 1, 3)] = part[:, :-1][:, :3]
                values[t, person, point : point + points, 3] = part[:, -1]
                point, offset = point + points, offset + points * width
    return library.Pose(header, library.NumPyPoseBody(fps, values[..., :3], values[..., 3]))


def _targets_of(component: str) -> Targets:
    """Where the points of a component go, by their names; nothing for one that is not known."""
    return _MEDIAPIPE.get(component) or TARGETS.get(_ALPHAPOSE.sub("", component), {})


def _points_of(pose: Any, fps: float) -> tuple[HolisticPoints, list[str]]:
    """By name, from pixels to image widths and heights; and what was put right."""
    width, height = pose.header.dimensions.width, pose.header.dimensions.height
    if not (width and height):
        raise ClipError("no picture size in its header, so pixels cannot be told from other units")
    people, scores = _people_of(pose)
    rate, notes = _rate(float(pose.body.fps), fps)
    if min(width, height) < _LEAST_SIDE or not _are_fractions(people):
        people /= np.array([width, height, 1], dtype=np.float32)
    else:
        notes.append(f"its coordinates are parts of the picture already, and not pixels of its {width} x {height}")
    slots, every = followed_slots(people[..., :2], np.nan_to_num(scores)), np.arange(len(people))
    xyz, score = people[every, slots], scores[every, slots]
    if num_moved := int((slots != np.bincount(slots).argmax()).sum()):
        notes.append(f"the person stands in another slot in {num_moved} of {len(slots)} frames, and was followed there")
    notes += told_of_several(np.nan_to_num(scores))
    points = empty_points(len(xyz), regular_times(len(xyz), rate), width / height)
    start, matched, strange_hand = 0, Counter[str](), 0
    for component in pose.header.components:
        targets = _targets_of(component.name)
        is_hand = any(part.endswith("hand") for pairs in targets.values() for part, _ in pairs)
        for place, name in enumerate(component.points, start):
            strange_hand += is_hand and name not in targets and len(component.points) <= NUM_POINTS["left_hand"]
            for part, position in targets.get(name, ()):
                points.parts[part][:, position] = xyz[:, place]
                if part == "pose":
                    points.visibility[:, position] = np.clip(score[:, place], 0, 1)
                matched[part] += 1
        start += len(component.points)
    names = ", ".join(component.name[:40] for component in pose.header.components[:5])
    if not matched.total():
        raise ClipError(
            f"components {names or 'none'}; expected those of MediaPipe Holistic (POSE_LANDMARKS ...), OpenPose or "
            "COCO WholeBody"
        )
    if strange_hand > matched["left_hand"] + matched["right_hand"]:
        raise ClipError(f"{strange_hand} points of its hands have names that are not known; expected MediaPipe's")
    return points, notes


def _people_of(pose: Any) -> tuple[FloatArray, FloatArray]:
    """(T, P, K, 3) points of all people as the file has them, NaN = missing; and (T, P, K) how sure each is."""
    data, confidence = pose.body.data.data, np.asarray(pose.body.confidence)
    check_frame_count(len(data))
    if data.ndim != 4 or data.shape[1] < 1 or data.shape[3] < 2:
        raise ClipError(f"coordinates of shape {data.shape}; expected (frames, people, points, x y or x y z)")
    people = np.zeros((*data.shape[:3], 3), dtype=np.float32)
    people[..., : data.shape[3]] = data[..., :3]
    scores = confidence.astype(np.float32)
    people[~(scores > 0)] = np.nan
    return people, scores


def _are_fractions(people: FloatArray) -> bool:
    """Whether points are parts of a picture, and neither pixels nor widths of shoulders about the chest.

    Args:
        people: (..., 3) x, y, z, NaN = missing; what lies at (0, 0) is nowhere and does not count.
    """
    x, y = people[..., 0], people[..., 1]
    seen = np.abs(x) + np.abs(y) > 0
    if not seen.any():
        return False
    size = float(np.median(np.maximum(np.abs(x[seen]), np.abs(y[seen]))))
    return size <= _FRACTIONS and float((x[seen] < 0).mean()) < _LEFT_OF_PICTURE


def _rate(told: float, otherwise: float) -> tuple[float, list[str]]:
    """Frames a second to believe, and a note where that is not what the file says."""
    if not told > FASTEST_CAMERA:
        return told, []
    return otherwise, [f"it says {told:g} frames a second, which no camera gives; read at {otherwise:g} (--fps)"]


def _notes(pose: Any, where: str) -> tuple[str, ...]:
    """What is said of a clip of another detector than MediaPipe."""
    names = [component.name for component in pose.header.components]
    if any(name in COMPONENTS for name in names):
        return ()
    flat = "" if pose.body.data.shape[-1] > 2 else "; it has no depth"
    return (f"{where}: the points of {', '.join(names[:4])} are mapped to MediaPipe's, of the face but ten{flat}",)


def _picture_size(aspect: float | None) -> tuple[int, int]:
    """Whole pixels with exactly this aspect when it is a ratio of small numbers, as those of cameras are."""
    ratio = Fraction(1 if aspect is None else aspect).limit_denominator(_PICTURE_SIDE)
    times = max(1, _PICTURE_SIDE // ratio.denominator)
    return ratio.numerator * times, ratio.denominator * times
