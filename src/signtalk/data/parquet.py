"""Parquet in the layout of Google's isolated sign contest, both ways, through pyarrow.

One row a landmark and frame: `frame`, `row_id` ("20-face-0"), `type` (face, left_hand, pose, right_hand),
`landmark_index`, `x`, `y`, `z`; 543 rows a frame. Missing is null or NaN. There is no visibility, frame rate or aspect.

Read besides is the layout of Google's fingerspelling contest: one row a frame, `x_face_0` ... `z_right_hand_20`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.data.holistic import (
    MAX_CLIP_FRAMES,
    NUM_POINTS,
    HolisticPoints,
    check_frame_count,
    checked_size,
    empty_points,
    frame_times,
    from_clip,
    to_clip,
    told_flat,
)
from signtalk.errors import ClipError, MissingExtraError, one_line
from signtalk.files import atomic_path
from signtalk.landmarks.clip import LandmarkClip

TYPES = ("face", "left_hand", "pose", "right_hand")
"""The contest's order of the parts within a frame."""
POINTS_A_FRAME = sum(NUM_POINTS.values())
_COLUMNS = ("frame", "type", "landmark_index", "x", "y", "z")
_WIDE = re.compile(rf"[xyz]_({'|'.join(NUM_POINTS)})_\d+")
_FRAME = "frame"
_SEQUENCE = "sequence_id"
"""Some tables have this column; where it holds more than one value, the file holds more than one clip."""
_ONE_A_FILE = "write each into a file of its own, which `signtalk import --format parquet` reads folder by folder"
MAX_BYTES_READ = 1 << 30
"""Largest size of the columns once unpacked, told by the file's footer."""


def load_parquet(path: Path, fps: float) -> LandmarkClip:
    """Read one sequence; a frame number that is left out leaves a gap in time.

    Raises:
        ClipError: the file is damaged, too large, lacks a column, holds several sequences, or shows nothing.
        MissingExtraError: pyarrow is not installed.
    """
    checked_size(path)
    try:
        points = _wide_points(path, fps) if _is_wide(path) else _points_of(_columns(path), fps)
        return told_flat(to_clip(points, str(path)), str(path))
    except ClipError as error:
        raise ClipError(str(error) if str(path) in str(error) else f"{path}: {error}") from error


def save_parquet(path: Path, clip: LandmarkClip) -> None:
    """Write one sequence, frames numbered from 0, rows in the contest's order, atomically.

    Raises:
        ClipError: the clip is too long or of the prototype's kind.
        MissingExtraError: pyarrow is not installed.
    """
    pa, pq = _library()
    points = from_clip(clip)
    xyz = np.concatenate([points.parts[name] for name in TYPES], axis=1).astype(np.float64).reshape(-1, 3)
    types = np.repeat(TYPES, [NUM_POINTS[name] for name in TYPES])
    indices = np.concatenate([np.arange(NUM_POINTS[name], dtype=np.int16) for name in TYPES])
    frames = np.repeat(np.arange(clip.num_frames, dtype=np.int16), POINTS_A_FRAME)
    all_types, all_indices = np.tile(types, clip.num_frames), np.tile(indices, clip.num_frames)
    row_ids = [f"{frame}-{kind}-{i}" for frame, kind, i in zip(frames, all_types, all_indices, strict=True)]
    columns = {"frame": frames, "row_id": row_ids, "type": all_types, "landmark_index": all_indices}
    table = pa.table(columns | {name: xyz[:, i] for i, name in enumerate("xyz")})
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)


def _library() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("Parquet files need pyarrow: pip install 'signtalk[interchange]'") from error
    return pyarrow, pyarrow.parquet


def _columns(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The needed columns as arrays: whole numbers, part positions in TYPES, and floats."""
    pa, pq = _library()
    try:
        _check_footer(pq.read_metadata(path))
        with pq.ParquetFile(path, read_dictionary=["type"]) as file:
            _check_one_sequence(file)
            table = file.read(columns=list(_COLUMNS), use_threads=False)
        columns = {name: _numbers(pa, table.column(name), name) for name in ("frame", "landmark_index", *"xyz")}
        columns["type"] = _type_positions(pa, table.column("type").combine_chunks())
    except (pa.ArrowException, OSError, MemoryError, OverflowError, TypeError, ValueError, KeyError) as error:
        raise ClipError(f"{path}: not a readable Parquet file ({' '.join(str(error).split())})") from error
    return columns


def _is_wide(path: Path) -> bool:
    """Whether a file has one row a frame; False for one that cannot be read, which is told later."""
    pa, pq = _library()
    try:
        return "x_pose_0" in pq.read_schema(path).names
    except (pa.ArrowException, OSError, MemoryError, OverflowError, TypeError, ValueError, KeyError):
        return False


def _wide_points(path: Path, fps: float) -> HolisticPoints:
    """The points of a file of one row a frame; a landmark without columns is missing."""
    pa, pq = _library()
    try:
        footer = pq.read_metadata(path)
        _check_size(footer, 1)
        with pq.ParquetFile(path) as file:
            _check_one_sequence(file)
            names = {name for name in file.schema_arrow.names if _WIDE.fullmatch(name)}
            frames = [_FRAME] if _FRAME in file.schema_arrow.names else []
            table = file.read(columns=[*sorted(names), *frames], use_threads=False)
        numbers = _numbers(pa, table.column(_FRAME), _FRAME) if frames else np.arange(len(table))
        if bool((np.diff(numbers) <= 0).any()):
            raise ClipError(f"its frames are not in order, as in a file of several clips; {_ONE_A_FILE}")
        points = empty_points(len(table), frame_times(numbers, fps))
        for part, count in NUM_POINTS.items():
            for number in range(count):
                for axis, letter in enumerate("xyz"):
                    if (name := f"{letter}_{part}_{number}") in names:
                        points.parts[part][:, number, axis] = _numbers(pa, table.column(name), name)
    except (pa.ArrowException, OSError, MemoryError, OverflowError, TypeError, ValueError, KeyError) as error:
        raise ClipError(f"{path}: not a readable Parquet file ({' '.join(str(error).split())})") from error
    return points


def _check_footer(footer: Any) -> None:
    """Refuse what the footer says to be no clip, before anything is unpacked."""
    names = footer.schema.to_arrow_schema().names
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise ClipError(
            f"no column {', '.join(missing)}; expected {', '.join(_COLUMNS)}, or a row a frame with x_face_0 ...; it "
            f"has {one_line(', '.join(names), 100)}"
        )
    _check_size(footer, POINTS_A_FRAME)


def _check_size(footer: Any, rows_a_frame: int) -> None:
    if not 0 < footer.num_rows <= MAX_CLIP_FRAMES * rows_a_frame:
        raise ClipError(f"{footer.num_rows} rows; expected {rows_a_frame} a frame and at most {MAX_CLIP_FRAMES} frames")
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    unpacked = sum(group.total_byte_size for group in groups)
    if unpacked > MAX_BYTES_READ:
        raise ClipError(f"{unpacked} bytes once unpacked; expected at most {MAX_BYTES_READ}")


def _check_one_sequence(file: Any) -> None:
    if _SEQUENCE in file.schema_arrow.names:
        count = len(file.read(columns=[_SEQUENCE], use_threads=False).column(_SEQUENCE).unique())
        if count > 1:
            raise ClipError(f"{count} clips in one file, by its column {_SEQUENCE}; {_ONE_A_FILE}")


def _numbers(pa: Any, column: Any, name: str) -> npt.NDArray[Any]:
    whole = name in ("frame", "landmark_index")
    if not (pa.types.is_integer(column.type) or (pa.types.is_floating(column.type) and not whole)):
        raise ClipError(f"column {name} is {column.type}; expected {'whole ' if whole else ''}numbers")
    if whole and column.null_count:
        raise ClipError(f"column {name} has {column.null_count} empty cells")
    with np.errstate(over="ignore"):  # infinite afterwards, and refused with the other absurd values
        return np.asarray(column.to_numpy(), dtype=np.int64 if whole else np.float32)


def _type_positions(pa: Any, column: Any) -> npt.NDArray[np.int64]:
    """Position in TYPES of each row's part."""
    if not pa.types.is_dictionary(column.type):
        raise ClipError(f"column type is {column.type}; expected text")
    names = column.dictionary.to_pylist()
    unknown = [str(name)[:40] for name in names if name not in TYPES]
    if unknown or column.null_count:
        raise ClipError(f"type '{', '.join(unknown[:3])}'; expected {', '.join(TYPES)}")
    places = np.array([TYPES.index(name) for name in names], dtype=np.int64)
    return places[column.indices.to_numpy()]


def _points_of(columns: dict[str, npt.NDArray[Any]], fps: float) -> HolisticPoints:
    numbers, frame = np.unique(columns["frame"], return_inverse=True)
    check_frame_count(len(numbers))
    sizes = np.array([NUM_POINTS[name] for name in TYPES])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    kind, index = columns["type"], columns["landmark_index"]
    if bool(((index < 0) | (index >= sizes[kind])).any()):
        raise ClipError("a landmark_index beyond its part (face 468, hands 21, pose 33)")
    place = frame * POINTS_A_FRAME + starts[kind] + index
    if len(np.unique(place)) != len(place):
        raise ClipError(f"a landmark stands twice in one frame, as in a file of several clips; {_ONE_A_FILE}")
    points = empty_points(len(numbers), frame_times(numbers, fps))
    xyz = np.full((len(numbers) * POINTS_A_FRAME, 3), np.nan, dtype=np.float32)
    xyz[place] = np.stack([columns[name] for name in "xyz"], axis=1)
    split = np.split(xyz.reshape(len(numbers), POINTS_A_FRAME, 3), starts[1:], axis=1)
    for name, values in zip(TYPES, split, strict=True):
        points.parts[name][:] = values
    return points
