"""All 543 points that MediaPipe Holistic gives, as other tools store them, and SignTalk's 169 of them.

    file of another tool -> HolisticPoints -> to_clip -> LandmarkClip
    LandmarkClip -> from_clip -> HolisticPoints -> file of another tool

SignTalk keeps every fifth point of the face (`landmarks.FACE_INDICES`); on the way out the others are
missing. Each format says in its own module how it writes "missing". Sizes are checked here for all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray
from signtalk.errors import ArtifactError, ClipError
from signtalk.files import refuse_pointer
from signtalk.landmarks.clip import (
    DEFAULT_FPS,
    FACE_INDICES,
    PARTS,
    POSE_NAMES,
    LandmarkClip,
    checked_landmarks,
    regular_timestamps,
)

NUM_POINTS = {"pose": 33, "left_hand": 21, "right_hand": 21, "face": 468}
"""Points of each part as MediaPipe numbers them; a face of 478 has ten points of the irises after these."""
MAX_CLIP_FRAMES = 20_000
"""Eleven minutes at 30 a second; more is no clip of a sentence, and refused before memory is taken for it."""
MAX_FILE_BYTES = 1 << 28
"""Largest file that is opened."""
NUMBERED_STEM = re.compile(r"(.*?)(\d+)", re.DOTALL)
"""Name of a recording and number of a frame, as files of one frame each are called."""


@dataclass(frozen=True)
class HolisticPoints:
    """The points of one clip by part, all of them.

    Attributes:
        parts: for each name of NUM_POINTS (T, n, 3) float32: x in image widths, y in image heights, z in the
            detector's unit; NaN = not detected.
        visibility: (T, 33) float32, 0-1, NaN = unknown.
        timestamps_s: (T,) float64 seconds, strictly increasing.
        aspect: image width over height; None = not known.
    """

    parts: dict[str, FloatArray]
    visibility: FloatArray
    timestamps_s: npt.NDArray[np.float64]
    aspect: float | None = None


def empty_points(num_frames: int, timestamps_s: npt.NDArray[np.float64], aspect: float | None = None) -> HolisticPoints:
    """`num_frames` frames without any point, for a reader to fill in.

    Args:
        num_frames: how many.
        timestamps_s: (T,) seconds, strictly increasing.
        aspect: image width over height; None when it is not known.

    Raises:
        ClipError: no frame, or more than MAX_CLIP_FRAMES.
    """
    check_frame_count(num_frames)
    parts = {name: np.full((num_frames, n, 3), np.nan, dtype=np.float32) for name, n in NUM_POINTS.items()}
    return HolisticPoints(parts, np.full((num_frames, len(POSE_NAMES)), np.nan, np.float32), timestamps_s, aspect)


def check_frame_count(num_frames: int) -> None:
    """Refuse a clip of no frame or of absurdly many, before memory is taken for it.

    Raises:
        ClipError: no frame, or more than MAX_CLIP_FRAMES.
    """
    if not 1 <= num_frames <= MAX_CLIP_FRAMES:
        raise ClipError(f"{num_frames} frames; expected 1 to {MAX_CLIP_FRAMES}, cut longer recordings into clips")


def check_fps(fps: float) -> None:
    """Refuse a frame rate that no camera has.

    Raises:
        ClipError: not between 1 and 1000.
    """
    if not 1 <= fps <= 1000:  # False for NaN too
        raise ClipError(f"{fps:g} frames a second; expected 1 to 1000")


def frame_times(numbers: npt.NDArray[np.integer], fps: float) -> npt.NDArray[np.float64]:
    """(T,) seconds of numbered frames, the first at 0: a number that is left out leaves a gap in time.

    Raises:
        ClipError: the frame rate is out of range.
    """
    check_fps(fps)
    return (numbers - numbers[0]).astype(np.float64) / fps


def files_by_number(folder: Path, stems: Mapping[Path, str]) -> dict[int, Path]:
    """The files of one recording's frames by the number at the end of each stem; what has none is left out.

    Args:
        folder: that holds them, for messages.
        stems: of each file's name, the part that ends in its number.

    Raises:
        ClipError: two files of one number, or frames of several names, which are several recordings.
    """
    matches = ((NUMBERED_STEM.fullmatch(stem), path) for path, stem in stems.items())
    named = [(match[1], int(match[2]), path) for match, path in matches if match]
    names = Counter(name for name, _, _ in named)
    if len(names) > 1:
        raise ClipError(f"{folder}: frames of several names, {', '.join(sorted(names)[:4])}; one folder a recording")
    if len({number for _, number, _ in named}) != len(named):
        raise ClipError(f"{folder}: two files of one frame number; remove one")
    return {number: path for _, number, path in named}


def zeros_to_missing(points: FloatArray) -> FloatArray:
    """A copy in which points at exactly (0, 0, 0) are NaN: how formats without NaN write "not detected".

    Some write (-1, -1, -1). A detector's coordinates are never equal in that way, so that nothing detected is lost by
    it.

    Args:
        points: (..., 3) float32; not changed.
    """
    read = points.copy()
    read[(points == 0).all(axis=-1) | (points == -1).all(axis=-1)] = np.nan
    return read


def to_clip(points: HolisticPoints, where: str) -> LandmarkClip:
    """SignTalk's landmarks of a clip: every fifth point of the face, the other parts whole.

    A hand whose points all lie in one place, such as (0, 0, 1) or (999, 999, 999), was not detected; a note tells so.

    Raises:
        ClipError: wrong shapes, absurd values, times that do not increase, or nothing detected.
    """
    face = points.parts["face"][:, list(FACE_INDICES)]
    parts = {name: points.parts[name] if name != "face" else face for name in PARTS}
    collapsed = {name: frames for name in ("left_hand", "right_hand") if (frames := _in_one_place(parts[name])).any()}
    joined = [
        np.where(collapsed[name][:, None, None], np.nan, part) if name in collapsed else part
        for name, part in parts.items()
    ]
    notes = tuple(
        f"{where}: in {int(frames.sum())} of {len(frames)} frames all points of the {name.replace('_', ' ')} lie in "
        "one place; taken as not detected"
        for name, frames in collapsed.items()
    )
    score = points.visibility
    if bool(((score < -1e-3) | (score > 1.001)).any()):
        raise ClipError(f"{where}: visibility outside 0 to 1; is the file of another kind?")
    try:
        landmarks = checked_landmarks(np.concatenate(joined, axis=1), where)
        score = np.where(np.isnan(landmarks[:, PARTS["pose"], 0]), np.nan, np.clip(score, 0, 1)).astype(np.float32)
        return LandmarkClip(landmarks, score, points.timestamps_s, points.aspect, notes=notes)
    except ClipError as error:
        raise ClipError(_named(where, error)) from error


def told_flat(clip: LandmarkClip, where: str) -> LandmarkClip:
    """The clip, with a note where all of its points have z = 0: what it was made from has no depth."""
    z = clip.landmarks[..., 2]
    if (np.nan_to_num(z) != 0).any():
        return clip
    return replace(clip, notes=(*clip.notes, f"{where}: it has no depth, z is 0 throughout; that is less to go by"))


def _in_one_place(part: FloatArray) -> BoolArray:
    """(T,) whether all points of a part, (T, n, 3), are there and equal."""
    return np.asarray((part == part[:, :1]).all(axis=(1, 2)))


def from_clip(clip: LandmarkClip) -> HolisticPoints:
    """All 543 points of a clip, those that SignTalk does not keep being NaN.

    Raises:
        ClipError: the clip is too long, or of the prototype's kind, whose coordinates are not those of an image.
    """
    if clip.prototype_rows is not None:
        raise ClipError("a file of the prototype holds no image coordinates; export clips in the .npz container")
    points = empty_points(clip.num_frames, clip.timestamps_s, clip.aspect)
    for name, columns in PARTS.items():
        kept = list(FACE_INDICES) if name == "face" else slice(None)
        points.parts[name][:, kept] = clip.landmarks[:, columns]
    points.visibility[:] = clip.visibility
    return points


def regular_times(num_frames: int, fps: float | None) -> npt.NDArray[np.float64]:
    """(T,) seconds at a constant rate, DEFAULT_FPS where it is not known.

    Raises:
        ClipError: the frame rate is out of range, or the number of frames.
    """
    check_frame_count(num_frames)
    check_fps(DEFAULT_FPS if fps is None else fps)
    return regular_timestamps(num_frames, DEFAULT_FPS if fps is None else fps)


def checked_size(path: Path, limit: int = MAX_FILE_BYTES) -> int:
    """Bytes of a file that may be read whole.

    Raises:
        ClipError: it is missing, no plain file, empty, larger than `limit` or a pointer of Git LFS.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ClipError(f"{path}: cannot be read ({error.strerror})") from error
    if not path.is_file():
        raise ClipError(f"{path}: not a file")
    try:
        refuse_pointer(path)
    except ArtifactError as error:
        raise ClipError(str(error)) from error
    if not 0 < size <= limit:
        raise ClipError(f"{path}: {size} bytes; expected 1 to {limit}")
    return size


def _named(where: str, error: ClipError) -> str:
    text = str(error)
    return text if text.startswith(where) else f"{where}: {text}"
