"""OpenPose's JSON: one file a frame in a folder a clip, as How2Sign and many others come; or a list of such frames.

    frames {"people": [{"pose_keypoints_2d": [x, y, score, ...], ...}]} -> openpose_points -> HolisticPoints

Coordinates are pixels, and OpenPose does not tell the size of the picture. That matters little: pixels are square, so
that the picture is taken for a square one that holds all points. Others tell it as `canvas_width` and `canvas_height`.
The points are mapped as those of OpenPose's `.pose` files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.arrays import FloatArray
from signtalk.data.holistic import HolisticPoints, check_frame_count, empty_points, files_by_number, frame_times
from signtalk.data.pose_points import OPENPOSE_18, OPENPOSE_25, OPENPOSE_FACE, OPENPOSE_HAND, TARGETS
from signtalk.data.slots import followed_slots, told_of_several
from signtalk.errors import ArtifactError, ClipError
from signtalk.files import read_json

ENDING = "_keypoints.json"
"""How OpenPose ends the name of each frame's file."""
_BODIES = {len(names): names for names in (OPENPOSE_25, OPENPOSE_18)}
_PARTS = {
    "face_keypoints_2d": OPENPOSE_FACE,
    "hand_left_keypoints_2d": OPENPOSE_HAND,
    "hand_right_keypoints_2d": OPENPOSE_HAND,
}
_MOST_PIXELS = 1e5
_MOST_PEOPLE = 100_000
"""Of all frames; a few bytes of a file may claim as many as they like."""
_FRACTIONS = 1.5
"""A median coordinate up to here is a fraction of the picture already, as OpenPose writes them on demand."""


def is_openpose_frame(value: Any) -> bool:
    """Whether a JSON value is one frame of OpenPose."""
    return isinstance(value, dict) and isinstance(value.get("people"), list) and "frames" not in value


def is_openpose_folder(folder: Path) -> bool:
    """Whether a folder holds the frames of one clip."""
    return bool(openpose_files(folder))


def openpose_files(folder: Path) -> list[Path]:
    """The frames' files in a folder, in the order of their names."""
    return sorted(path for path in folder.glob(f"*{ENDING}") if not path.name.startswith("."))


def openpose_frames(folder: Path) -> dict[int, Any]:
    """The frames in a folder by their numbers, in that order.

    Raises:
        ClipError: none, too many, those of several clips, one without a number, or one that is no JSON.
    """
    files = openpose_files(folder)
    if not files:
        raise ClipError(f"no frame in it; expected files whose names end in {ENDING}")
    check_frame_count(len(files))
    by_number = files_by_number(folder, {path: path.name.removesuffix(ENDING) for path in files})
    if len(by_number) < len(files):
        other = next(path for path in files if path not in by_number.values())
        raise ClipError(f"{folder}: {other.name} has no number before {ENDING}, which would tell its place")
    try:
        return {number: read_json(by_number[number]) for number in sorted(by_number)}
    except ArtifactError as error:
        raise ClipError(str(error)) from error


def openpose_points(
    frames: Sequence[Mapping[str, Any]], fps: float, numbers: Sequence[int] | None = None
) -> tuple[HolisticPoints, str]:
    """The points of one person, followed where people change places in the lists, and a note about them.

    Args:
        frames: as OpenPose writes them.
        fps: frames a second, which they do not tell.
        numbers: of the frames, increasing; one that is left out leaves a gap in time. None = none is left out.

    Raises:
        ClipError: nobody in any frame, or lists of other lengths.
    """
    check_frame_count(len(frames))
    most = max((len(frame.get("people") or ()) for frame in frames), default=0)
    if most == 0:
        raise ClipError(f"nobody in any of its {len(frames)} frames")
    if most * len(frames) > _MOST_PEOPLE:
        raise ClipError(f"{len(frames)} frames of up to {most} people; cut it into clips that show the signer")
    names = _names_of(frames)
    values = np.zeros((len(frames), most, sum(map(len, names.values())), 3), dtype=np.float32)
    for t, frame in enumerate(frames):
        for slot, person in enumerate(frame.get("people") or ()):
            values[t, slot] = np.concatenate([_part(person, name, len(points), t) for name, points in names.items()])
    values[..., :2][values[..., 2] <= 0] = np.nan
    size, aspect = _picture(frames[0], values)
    slots = followed_slots(values[..., :2] / size, values[..., 2])
    own = values[np.arange(len(values)), slots]
    times = frame_times(np.array(range(len(frames)) if numbers is None else numbers, dtype=np.int64), fps)
    points = empty_points(len(frames), times, aspect)
    place = 0
    for component, point_names in names.items():
        for name in point_names:
            for part, position in TARGETS[component].get(name, ()):
                points.parts[part][:, position, :2] = own[:, place, :2] / size
                points.parts[part][:, position, 2] = 0 * own[:, place, 0]  # missing where the point is
                if part == "pose":
                    points.visibility[:, position] = np.clip(own[:, place, 2], 0, 1)
            place += 1
    mapped = "the points of OpenPose are mapped to MediaPipe's, of the face but ten; it has no depth"
    return points, "; ".join([mapped, *told_of_several(values[..., 2])])


def _picture(frame: Mapping[str, Any], values: FloatArray) -> tuple[FloatArray, float | None]:
    """(2,) width and height by which coordinates become parts of the picture, and its aspect; None = not known."""
    told = [frame.get(f"canvas_{side}") for side in ("width", "height")]
    width, height = (float(side) if isinstance(side, int | float) and 0 < side < _MOST_PIXELS else 0.0 for side in told)
    aspect = width / height if width and height else None
    if not (values[..., 2] > 0).any() or np.nanmedian(np.abs(values[..., :2])) <= _FRACTIONS:
        return np.ones(2, dtype=np.float32), aspect
    largest = float(np.nanmax(values[..., :2]))
    sides = (width, height) if aspect else (largest, largest)
    return np.array(sides, dtype=np.float32), aspect or 1.0


def _names_of(frames: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[str]]:
    """The names of the points of each list, by the length of the first body."""
    people = (person for frame in frames for person in frame.get("people") or () if isinstance(person, dict))
    bodies = (person.get("pose_keypoints_2d") or () for person in people)
    count = next((len(body) // 3 for body in bodies if body), 0)
    if count not in _BODIES:
        sizes = " or ".join(map(str, sorted(_BODIES)))
        raise ClipError(f"pose_keypoints_2d of {count} points; expected {sizes} of x, y, score")
    return {"pose_keypoints_2d": _BODIES[count], **_PARTS}


def _part(person: Any, name: str, count: int, t: int) -> FloatArray:
    """(count, 3) x, y, score of a list; zeros where it is absent or empty."""
    numbers = (person.get(name) if isinstance(person, dict) else None) or [0.0] * (3 * count)
    try:
        with np.errstate(over="ignore"):  # infinite afterwards, and refused below
            part = np.array(numbers, dtype=np.float32).reshape(count, 3)
    except (ValueError, TypeError, OverflowError) as error:
        raise ClipError(f"frame {t}: {name} is no list of {3 * count} numbers") from error
    if not (np.abs(part) < _MOST_PIXELS).all():  # False for NaN too
        raise ClipError(f"frame {t}: {name} holds infinite or absurd numbers (beyond {_MOST_PIXELS:g})")
    return part
