"""`MP_Data/<label>/<repetition>/<frame>.npy`, the layout of many tutorials, both ways.

One file a frame holds 1,662 numbers: pose 33 x (x, y, z, visibility), face 468 x (x, y, z), left hand and
right hand 21 x (x, y, z). What was not detected is zeros there: a point at exactly (0, 0, 0) is read as NaN
and NaN is written as zeros. A visibility of exactly 0 is read as unknown, and unknown is written as 0.

Read besides are what people make of it: faces with irises or none, poses without visibility (LAYOUTS), frames named
`frame_0.npy`, and one file a repetition, (T, numbers) or (T, points, 3).
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import FloatArray
from signtalk.data.holistic import (
    MAX_CLIP_FRAMES,
    NUM_POINTS,
    NUMBERED_STEM,
    HolisticPoints,
    check_frame_count,
    checked_size,
    empty_points,
    files_by_number,
    frame_times,
    from_clip,
    to_clip,
    told_flat,
    zeros_to_missing,
)
from signtalk.errors import ArtifactError, ClipError
from signtalk.files import load_array, save_array
from signtalk.landmarks.clip import LandmarkClip

_ORDER = ("face", "left_hand", "right_hand")
_HANDS = (("left_hand", 21, 3), ("right_hand", 21, 3))
LAYOUTS: dict[int, tuple[tuple[str, int, int], ...]] = {
    1662: (("pose", 33, 4), ("face", 468, 3), *_HANDS),
    1692: (("pose", 33, 4), ("face", 478, 3), *_HANDS),
    1629: (("pose", 33, 3), ("face", 468, 3), *_HANDS),
    1659: (("pose", 33, 3), ("face", 478, 3), *_HANDS),
    258: (("pose", 33, 4), *_HANDS),
    225: (("pose", 33, 3), *_HANDS),
}
"""Parts, their points, and the numbers of each point, by how many numbers a frame has."""
_CONTEST_ORDER = (("face", 468, 3), ("left_hand", 21, 3), ("pose", 33, 3), ("right_hand", 21, 3))
"""Of 1,629 numbers, as arrays of Google's contest have them."""
_HANDS_ALONE = 126
_MAX_BYTES = 1 << 16
"""Above the largest honest file of a frame: 1,692 numbers of eight bytes and a header."""


def load_frames(path: Path, fps: float) -> LandmarkClip:
    """Read one repetition: a folder of `<frame>.npy`, in the order of the frames' numbers, or one file of all frames.

    A number that is left out leaves a gap in time. The aspect is not known.

    Raises:
        ClipError: no frame, a file that is damaged or of another length, or nothing detected in any.
    """
    try:
        if path.is_dir():
            files = frame_files(path)
            if not files:
                raise ClipError("no frame in it; expected 0.npy, 1.npy ... or frame_0.npy ...")
            numbers = np.array(sorted(files), dtype=np.int64)
            check_frame_count(len(numbers))
            rows = _stacked([files[int(number)] for number in numbers])
        else:
            rows = _whole_array(path)
            numbers = np.arange(len(rows))
        return told_flat(to_clip(_points_of(rows, numbers, fps), str(path)), str(path))
    except (ClipError, OverflowError) as error:
        raise ClipError(str(error) if str(path) in str(error) else f"{path}: {error}") from error


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


def frame_files(folder: Path) -> dict[int, Path]:
    """The frames in a folder by number: `3.npy`, or where there is none of that kind, `frame_3.npy`; else none.

    Raises:
        ClipError: two files of one number, or frames of several names.
    """
    arrays = _arrays_in(folder)
    plain = [path for path in arrays if path.stem.isdecimal()]
    return files_by_number(folder, {path: path.stem for path in plain or arrays})


def is_repetition(path: Path) -> bool:
    """Whether a folder holds the frames of one recording, or a file all of them, in one of the LAYOUTS."""
    if not path.is_dir():
        shape = _shape(path)
        return shape is not None and _width(shape) in {*LAYOUTS, _HANDS_ALONE}
    named = [path for path in _arrays_in(path) if NUMBERED_STEM.fullmatch(path.stem)]
    shape = _shape(named[0]) if named else None
    return bool(named) and (named[0].stem.isdecimal() if shape is None else _is_one_frame(shape))


def _is_one_frame(shape: tuple[int, ...]) -> bool:
    """Whether an array is one row of numbers, also as (1, 1662) or (1662, 1), which some save."""
    return len(shape) == 1 or (math.prod(shape) in {*LAYOUTS, _HANDS_ALONE} and max(shape) == math.prod(shape))


def find_repetitions(folder: Path) -> list[Path]:
    """All recordings under a folder, sorted: folders of frames, itself included, and files of whole recordings."""
    clips: list[Path] = []
    for place, subfolders, _ in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        clips += [Path(place)] if is_repetition(Path(place)) else _arrays_in(Path(place))
    return sorted(clips)


def _arrays_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() == ".npy" and not p.name.startswith("."))


def _shape(path: Path) -> tuple[int, ...] | None:
    """Of an array, by its header; None where it is none."""
    try:
        return load_array(path, memory_map=True).shape
    except ArtifactError:
        return None


def _width(shape: tuple[int, ...]) -> int:
    """Numbers a frame, 0 where the shape is that of no recording."""
    if len(shape) == 3 and shape[2] == 3:
        return shape[1] * 3
    return shape[-1] if len(shape) in (1, 2) else 0


def _read(path: Path, limit: int | None = None) -> npt.NDArray[Any]:
    """An array of numbers, on disk still; its header has been compared with the file's size."""
    checked_size(path, *(() if limit is None else (limit,)))
    try:
        values = load_array(path, memory_map=True)
    except ArtifactError as error:
        raise ClipError(str(error)) from error
    if values.dtype.kind not in "fiu":
        raise ClipError(f"{path}: {values.dtype} array of shape {values.shape}; expected numbers")
    return values


def _stacked(files: list[Path]) -> FloatArray:
    rows: list[FloatArray] = []
    for path in files:
        values = _read(path, _MAX_BYTES)
        if not _is_one_frame(values.shape):
            raise ClipError(f"{path}: array of shape {values.shape}; expected the numbers of one frame")
        values = values.ravel()
        _check_width(path, len(values))
        if rows and len(rows[0]) != len(values):
            raise ClipError(f"{path}: {len(values)} numbers, {len(rows[0])} in the frame before; expected one kind")
        rows.append(_floats(path, values))
    return np.stack(rows)


def _whole_array(path: Path) -> FloatArray:
    values = _read(path)
    width = _width(values.shape)
    if values.ndim == 1 and width in LAYOUTS:
        raise ClipError(f"{path}: one frame of a recording; give the folder of its frames")
    _check_width(path, width if values.ndim > 1 else 0, values.shape)
    check_frame_count(len(values))
    return _floats(path, values.reshape(len(values), -1))


def _check_width(path: Path, width: int, shape: tuple[int, ...] = ()) -> None:
    if width == _HANDS_ALONE:
        raise ClipError(
            f"{path}: 126 numbers a frame are two hands alone; hands are measured by the shoulders, so extract them "
            "again with the pose (258 or 1,662 numbers)"
        )
    if width not in LAYOUTS:
        sizes = ", ".join(map(str, sorted(LAYOUTS)))
        raise ClipError(
            f"{path}: {f'array of shape {shape}' if shape else f'{width} numbers'}; expected {sizes} a frame"
        )


def _floats(path: Path, values: npt.NDArray[Any]) -> FloatArray:
    if values.dtype.kind in "iu" and values.size and int(values.max()) <= 1 and int(values.min()) >= -1:
        raise ClipError(f"{path}: whole numbers of 0 and 1 alone; its fractions were cut off, save it as floats")
    with np.errstate(over="ignore"):  # infinite afterwards, and refused with the other absurd values
        return np.asarray(values, dtype=np.float32)


def _points_of(rows: FloatArray, numbers: npt.NDArray[np.int64], fps: float) -> HolisticPoints:
    points = empty_points(len(rows), frame_times(numbers, fps))
    start = 0
    for name, count, width in _layout_of(rows):
        stop = start + count * width
        values = rows[:, start:stop].reshape(len(rows), count, width)
        points.parts[name][:] = zeros_to_missing(values[:, : NUM_POINTS[name], :3])
        if width == 4:
            points.visibility[:] = np.where(values[..., 3] == 0, np.nan, values[..., 3])
        start = stop
    return points


def _layout_of(rows: FloatArray) -> tuple[tuple[str, int, int], ...]:
    """By the size; of the two orders of 1,629 numbers that in which the body is larger than its face."""
    layout = LAYOUTS[rows.shape[1]]
    if rows.shape[1] != 1629:
        return layout
    y = zeros_to_missing(rows.reshape(len(rows), -1, 3))[:MAX_CLIP_FRAMES, :, 1]
    first, rest = y[:, :33], y[:, 33:468]  # a whole body and most of its face, or a part of the face and the rest
    seen = ~(np.isnan(first).all(axis=1) | np.isnan(rest).all(axis=1))
    if not seen.any():
        return layout
    heights = [np.nanmax(part[seen], axis=1) - np.nanmin(part[seen], axis=1) for part in (first, rest)]
    return layout if np.median(heights[0]) > np.median(heights[1]) else _CONTEST_ORDER
