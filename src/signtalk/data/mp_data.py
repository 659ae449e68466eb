"""`MP_Data/<label>/<repetition>/<frame>.npy`, the layout of many tutorials, both ways.

One file a frame holds 1,662 numbers: pose 33 x (x, y, z, visibility), face 468 x (x, y, z), left hand and
right hand 21 x (x, y, z). What was not detected is zeros there: a point at exactly (0, 0, 0) is read as NaN
and NaN is written as zeros. A visibility of exactly 0 is read as unknown, and unknown is written as 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from signtalk.arrays import FloatArray
from signtalk.data.holistic import (
    NUM_POINTS,
    HolisticPoints,
    check_frame_count,
    checked_size,
    empty_points,
    frame_times,
    from_clip,
    to_clip,
    zeros_to_missing,
)
from signtalk.errors import ArtifactError, ClipError
from signtalk.files import load_array, save_array
from signtalk.landmarks.clip import LandmarkClip

FRAME_VALUES = 1662
_ORDER = ("face", "left_hand", "right_hand")
_MAX_BYTES = 1 << 16
"""Above the largest honest file: 1,662 numbers of eight bytes and a header."""


def load_frames(folder: Path, fps: float) -> LandmarkClip:
    """Read one repetition: a folder of `<frame>.npy`, in the order of the frames' numbers.

    A number that is left out leaves a gap in time. The aspect is not known.

    Raises:
        ClipError: no frame, a file that is damaged or of another length, or nothing detected in any.
    """
    numbers = sorted(int(path.stem) for path in folder.glob("*.npy") if path.stem.isdecimal())
    if len(set(numbers)) != len(numbers):
        raise ClipError(f"{folder}: two files of one frame number; remove one")
    try:
        check_frame_count(len(numbers))
        names = {int(path.stem): path for path in folder.glob("*.npy") if path.stem.isdecimal()}
        rows = np.stack([_frame(names[number]) for number in numbers])
        return to_clip(_points_of(rows, np.array(numbers, dtype=np.int64), fps), str(folder))
    except (ClipError, OverflowError) as error:
        raise ClipError(str(error) if str(folder) in str(error) else f"{folder}: {error}") from error


def save_frames(folder: Path, clip: LandmarkClip) -> None:
    """Write one repetition, `0.npy`, `1.npy` ..., float32 of 1,662 values each.

    Raises:
        ClipError: the clip is too long or of the prototype's kind.
    """
    points = from_clip(clip)
    pose = np.concatenate([points.parts["pose"], points.visibility[..., None]], axis=2)
    parts = [pose, *(points.parts[name] for name in _ORDER)]
    rows = np.nan_to_num(np.concatenate([part.reshape(clip.num_frames, -1) for part in parts], axis=1))
    for number, row in enumerate(rows):
        save_array(folder / f"{number}.npy", row)


def _frame(path: Path) -> FloatArray:
    checked_size(path, _MAX_BYTES)
    try:
        values = load_array(path, memory_map=True)  # compares the header's size with the file's before it reads
    except ArtifactError as error:
        raise ClipError(str(error)) from error
    if values.shape != (FRAME_VALUES,) or values.dtype.kind not in "fi":
        raise ClipError(f"{path}: {values.dtype} array of shape {values.shape}; expected {FRAME_VALUES} floats")
    with np.errstate(over="ignore"):  # infinite afterwards, and refused with the other absurd values
        return np.asarray(values, dtype=np.float32)


def _points_of(rows: FloatArray, numbers: np.ndarray[tuple[int], np.dtype[np.int64]], fps: float) -> HolisticPoints:
    points = empty_points(len(rows), frame_times(numbers, fps))
    start = 4 * NUM_POINTS["pose"]
    pose = rows[:, :start].reshape(len(rows), -1, 4)
    points.parts["pose"][:] = zeros_to_missing(pose[..., :3])
    points.visibility[:] = np.where(pose[..., 3] == 0, np.nan, pose[..., 3])
    for name in _ORDER:
        stop = start + 3 * NUM_POINTS[name]
        points.parts[name][:] = zeros_to_missing(rows[:, start:stop].reshape(len(rows), -1, 3))
        start = stop
    return points
