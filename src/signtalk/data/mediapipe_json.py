"""MediaPipe's results as JSON, both ways.

MediaPipe itself defines no such file; people dump its results in a few shapes, and all of them are read:

* a list of frames, or an object with `frames` and perhaps `fps` (or `frame_rate`), `aspect` or `width` and `height`;
* what is said of all frames may also stand in an object of its own (`metadata`), and rate and size have several names;
* a frame has `pose_landmarks`, `left_hand_landmarks`, `right_hand_landmarks`, `face_landmarks` (also in camel
  case, or short: `pose`, `left_hand` ...), and perhaps `timestamp_ms`, `time_s`, or `timestamp` in any unit, which
  the distance of the frames tells; a number may be text;
* a part is a list of points, `{"landmark": [...]}`, an object of points by their numbers, or a list of one such list a
  person (the first is taken, and told); a face has all 468 or 478 points, or the 94 of them that SignTalk keeps;
* a point is `{"x": ..., "y": ..., "z": ..., "visibility": ...}`, also in capitals, or `[x, y, z, visibility]`;
* the frames may be lines of JSON, or an object of frames by their numbers; a number that is left out, there or in the
  frames' own `frame`, leaves a gap in time.

Frames of OpenPose are known and read too (`signtalk.data.openpose_json`). A part that is absent, null or empty was not
detected, and so was a point that is null or lacks a number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import FloatArray
from signtalk.data.holistic import (
    NUM_POINTS,
    HolisticPoints,
    check_frame_count,
    checked_size,
    empty_points,
    frame_times,
    from_clip,
    regular_times,
    to_clip,
    told_flat,
)
from signtalk.data.openpose_json import ENDING, is_openpose_frame, openpose_frames, openpose_points
from signtalk.errors import ArtifactError, ClipError, one_line
from signtalk.files import read_json_lines, write_text
from signtalk.landmarks.clip import DEFAULT_FPS, FACE_INDICES, LandmarkClip
from signtalk.landmarks.plausible import in_fractions

_KEYS = {
    "pose": ("poselandmarks", "pose", "body"),
    "left_hand": ("lefthandlandmarks", "lefthand", "lhand", "lh", "handleft"),
    "right_hand": ("righthandlandmarks", "righthand", "rhand", "rh", "handright"),
    "face": ("facelandmarks", "face"),
}
"""How the parts of a frame may be called, without case and punctuation; the first that is there is taken."""
_OTHER_KEYS = re.compile(
    r".*(world|blendshapes|segmentation|mask|image|index|number|frame|time|stamp|width|height|label|name).*|.*id"
)
"""What else a frame may hold without a word being said."""
_TIME_KEYS = re.compile(r".*(time|stamp).*")
"""Keys of a frame that are told after all where none of them is understood, for a rate is assumed then."""
_HEAD_KEYS = re.compile(
    r".*(fps|framerate|samplingrate|aspect|width|height|resolution).*|rate|hz|((image|video|frame|picture)?size)"
)
"""Keys of what is said of all frames that matter, so that one which is not understood is told."""
_POINT = ("x", "y", "z", "visibility")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
_EXTRA_FACE_POINTS = 10
_SIDES = ("width", "height")
_RATES = ("fps", "framerate", "framespersecond", "videofps", "videoframerate")
_WIDTHS, _HEIGHTS = (
    tuple(f"{whose}{side}" for whose in ("", "image", "video", "frame", "picture", "canvas")) for side in _SIDES
)
_ASPECTS = ("aspect", "aspectratio")
_STAMPS = (
    ("timestampms", 1e3), ("times", 1), ("timems", 1e3), ("timestamps", 1), ("timesec", 1), ("timeseconds", 1),
    ("timeinseconds", 1), ("timestampsec", 1), ("timestampseconds", 1), ("timestampus", 1e6), ("timestampusec", 1e6),
    ("timestampns", 1e9), ("timestamp", None), ("time", None),
)  # fmt: skip
"""Names of a frame's time, and how many of its units a second has; None = the distance of the frames tells."""
_NUMBERS = ("frame", "framenumber", "frameindex", "frameid", "frameidx", "framenum", "frameno")
"""Names of a frame's number, which counts where no time is told. All names here are without case and punctuation."""
_UNITS = (1, 1e3, 1e6, 1e9)
_SLOWEST_S = 1.5
"""Frames lie at most so far apart, and at least a thousandth of it: so a unit is told from the next."""


def find_json_clips(folder: Path) -> list[Path]:
    """The JSON files in a folder; of OpenPose's, which are one a frame, the folders that hold them."""
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in JSON_SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    return sorted({path.parent if path.name.endswith(ENDING) else path for path in files})


def load_json_clip(path: Path, fps: float) -> LandmarkClip:
    """Read one clip; `fps` holds where the file tells neither its rate nor its frames' times.

    Args:
        path: a file, or a folder of OpenPose's frames.
        fps: frames a second.

    Raises:
        ClipError: the file is damaged, too large, of another shape, holds several clips, or shows nothing.
    """
    if path.is_dir():
        try:
            frames = openpose_frames(path)
            return _of_openpose(list(frames.values()), str(path), fps, list(frames))
        except (ClipError, OverflowError) as error:
            raise ClipError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    checked_size(path)
    try:
        value = read_json_lines(path)
    except ArtifactError as error:
        raise ClipError(str(error)) from error
    if isinstance(value, list) and value and all(map(_is_whole_clip, value)):
        raise ClipError(
            f"{path}: {len(value)} clips in one file; write each into a file of its own, which "
            "`signtalk import --format json` reads folder by folder"
        )
    return clip_from_json(value, str(path), fps)


def clip_from_json(value: Any, where: str, fps: float = DEFAULT_FPS) -> LandmarkClip:
    """A clip from a JSON value of one of the shapes above.

    Args:
        value: what a JSON document holds.
        where: its name, for error messages.
        fps: holds where the value tells neither its rate nor its frames' times.

    Raises:
        ClipError: of another shape, too long, or it shows nothing.
    """
    try:
        if is_openpose_frame(value) or (isinstance(value, list) and value and all(map(is_openpose_frame, value))):
            return _of_openpose(value if isinstance(value, list) else [value], where, fps)
        frames = _frames_of(value)
        head = _head_of(value, frames)
        points, notes = _points_of(frames, head, fps)
        clip = told_flat(to_clip(points, where), where)
        clip = replace(clip, notes=(*clip.notes, *(f"{where}: {note}" for note in notes)))
        width, height = _picture_size(head)
        return in_fractions(clip, width, height, where) if width and height else clip
    except (ClipError, ValueError, TypeError, OverflowError) as error:
        raise ClipError(str(error) if where in str(error) else f"{where}: {error}") from error


def save_json_clip(path: Path, clip: LandmarkClip) -> None:
    """Write one clip: an object with `fps`, `aspect` and `frames`; a point that is missing in a present part is null.

    Raises:
        ClipError: the clip is too long or of the prototype's kind.
    """
    points = from_clip(clip)
    parts = {name: _short_decimals(values) for name, values in points.parts.items()}
    scores = _short_decimals(points.visibility)
    frames = []
    for t, time in enumerate(points.timestamps_s):
        frame: dict[str, Any] = {"timestamp_ms": float(time) * 1000}
        for name, values in parts.items():
            frame[f"{name}_landmarks"] = _written_part(values[t], scores[t] if name == "pose" else None)
        frames.append(frame)
    value = {"fps": clip.fps, "aspect": clip.aspect, "frames": frames}
    write_text(path, json.dumps(value, allow_nan=False, separators=(",", ":")) + "\n")


def _of_openpose(frames: list[Any], where: str, fps: float, numbers: Sequence[int] | None = None) -> LandmarkClip:
    points, note = openpose_points(frames, fps, numbers)
    clip = to_clip(points, where)
    return replace(clip, notes=(*clip.notes, f"{where}: {note}"))


def _folded(key: str) -> str:
    """A key without case and punctuation."""
    return re.sub(r"[\W_]+", "", key).casefold()


def _head_of(value: Any, frames: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a file says of all frames, by folded key: beside them, in an object of its own, or of size in each."""
    sizes = {_folded(key): each for frame in frames[:1] for key, each in frame.items()}
    head = {key: sizes[key] for key in (*_WIDTHS, *_HEIGHTS) if key in sizes}
    outer = value if isinstance(value, dict) and "frames" in value else {}
    inner = [each for key, each in outer.items() if isinstance(each, dict) and key != "frames"]
    for part in (*inner, outer):
        head |= {_folded(str(key)): each for key, each in part.items()}
    return head


def _points_of(frames: list[dict[str, Any]], head: Mapping[str, Any], fps: float) -> tuple[HolisticPoints, list[str]]:
    """The points, and what is said about the file."""
    check_frame_count(len(frames))
    keys = {key: _folded(key) for frame in frames for key in frame}
    rate = _first_number(head, _RATES)
    times, has_times = _times([{keys[key]: each for key, each in f.items()} for f in frames], fps, rate)
    points = empty_points(len(frames), times, _aspect(head))
    named = {name: [key for alias in aliases for key in keys if keys[key] == alias] for name, aliases in _KEYS.items()}
    crowds = dict.fromkeys(named, 0)
    for t, frame in enumerate(frames):
        for name, spelled in named.items():
            key = next((key for key in spelled if key in frame), None)
            part = None if key is None else _part(frame[key], name, t)
            if key is not None and part is not None:
                points.parts[name][t] = part[:, :3]
                crowds[name] += _is_list_of_people(frame[key]) and sum(map(bool, frame[key])) > 1
                if name == "pose":
                    points.visibility[t] = part[:, 3]
    known = {key for spelled in named.values() for key in spelled}
    if not known:
        raise ClipError(
            "no frame has pose_landmarks, left_hand_landmarks, right_hand_landmarks or face_landmarks; they have "
            f"{one_line(', '.join(keys), 100) or 'nothing'}"
        )
    strange = [
        key
        for key, spelled in keys.items()
        if key not in known
        and not (_OTHER_KEYS.fullmatch(spelled) and (has_times or not _TIME_KEYS.fullmatch(spelled)))
    ]
    return points, [*_key_notes(strange, head), *_crowd_notes(crowds, len(frames))]


def _key_notes(strange: Sequence[str], head: Mapping[str, Any]) -> list[str]:
    """What is said of keys that are not understood and may matter."""
    understood = {*_RATES, *_WIDTHS, *_HEIGHTS, *_ASPECTS}
    beside = [key for key in head if key not in understood and _HEAD_KEYS.fullmatch(key)]
    return [
        f"keys of {whose} that are not known and left aside: "
        f"{', '.join(repr(one_line(name, 40)) for name in names[:8])}"
        for whose, names in (("its frames", strange), ("the file", beside))
        if names
    ]


def _crowd_notes(crowds: Mapping[str, int], num_frames: int) -> list[str]:
    """What is said where frames list several people, of whom one is taken."""
    most = max(crowds.values(), default=0)
    if not most:
        return []
    return [f"{most} of {num_frames} frames show several people; the first of each is taken, so see that it is one"]


def _frames_of(value: Any) -> list[dict[str, Any]]:
    """The frames of one of the shapes above, in order.

    Raises:
        ClipError: another shape.
    """
    frames = value.get("frames", value) if isinstance(value, dict) else value
    if isinstance(frames, dict) and frames and all(key.isdecimal() for key in frames):
        frames = [_with_number(frames[key], int(key)) for key in sorted(frames, key=int)]
    if isinstance(frames, list) and frames and all(map(_is_numbers, frames)):
        raise ClipError(
            f"frames that are lists of {len(frames[0])} values without names; save them as .npy, as MP_Data has them, "
            "or name their parts (pose_landmarks ...)"
        )
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise ClipError("expected a list of frames, or an object with one under 'frames'")
    return frames


def _with_number(frame: Any, number: int) -> Any:
    """A frame that tells its number; what is no frame as it is."""
    return frame | {_NUMBERS[0]: number} if isinstance(frame, dict) else frame


def _is_numbers(value: Any) -> bool:
    """A list of numbers, or of lists of numbers: a frame whose parts have no names."""
    return isinstance(value, list) and bool(value) and (_is_number(value[0]) or _is_bare_point(value[0]))


def _is_bare_point(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and _is_number(value[0])


def _part(value: Any, name: str, t: int) -> FloatArray | None:
    """(n, 4) x, y, z, visibility of one part in one frame, or None when it was not detected."""
    expected = NUM_POINTS[name]
    if isinstance(value, dict) and value:
        value = _listed(value, name, t)
    if value is None or value in ([], {}):
        return None
    if _is_list_of_people(value):
        value = value[0]
    faces = {expected + _EXTRA_FACE_POINTS, len(FACE_INDICES)}
    if not isinstance(value, list) or len(value) not in {0, expected} | (faces if name == "face" else set()):
        kind = f"{len(value)} points" if isinstance(value, list) else type(value).__name__
        raise ClipError(f"frame {t}: {name} is {kind}; expected a list of {expected}")
    if not value:
        return None
    with np.errstate(over="ignore"):  # infinite afterwards, and refused with the other absurd values
        points = np.array([_point(point, name, t) for point in value[:expected]], dtype=np.float32)
    if len(points) == expected:
        return points
    whole = np.full((expected, points.shape[1]), np.nan, dtype=np.float32)
    whole[list(FACE_INDICES)] = points
    return whole


def _listed(part: Mapping[str, Any], name: str, t: int) -> Any:
    """The points of a part that is an object: a list in it, or points by their numbers.

    Raises:
        ClipError: an object of another kind, such as points by their names.
    """
    for key in ("landmark", "landmarks"):
        if key in part:
            return part[key]
    by_number = {int(key): point for key, point in part.items() if key.isdecimal()}
    count = NUM_POINTS[name]
    if len(by_number) < len(part) or max(by_number) >= count + _EXTRA_FACE_POINTS:
        keys = one_line(", ".join(part), 60)
        raise ClipError(f"frame {t}: {name} is an object of {keys}; expected a list of {count} points")
    return [by_number.get(number) for number in range(max(count, max(by_number) + 1))]


def _is_whole_clip(value: Any) -> bool:
    """A list of frames, or an object that holds one; a frame is neither."""
    frames = value if isinstance(value, list) else value.get("frames") if isinstance(value, dict) else None
    return isinstance(frames, list) and not (frames and (_is_number(frames[0]) or _is_bare_point(frames[0])))


def _is_list_of_people(value: Any) -> bool:
    """A list of lists of points, and no list of points that are lists of numbers."""
    if not isinstance(value, list) or not value or not isinstance(value[0], list):
        return False
    return not value[0] or isinstance(value[0][0], dict | list)


def _point(value: Any, name: str, t: int) -> tuple[float, float, float, float]:
    if isinstance(value, dict):
        value = _numbers_of(value, name, t)
    elif value is None:
        value = []
    if not isinstance(value, list) or not all(number is None or _is_number(number) for number in value):
        raise ClipError(f"frame {t}: {name} holds a point that is neither x, y, z numbers nor null")
    x, y, z, score = [np.nan if number is None else float(number) for number in [*value, *[None] * 4][:4]]
    return x, y, z, score


def _numbers_of(point: Mapping[str, Any], name: str, t: int) -> list[Any]:
    """x, y, z and visibility of a point that is an object, whose keys may be in capitals."""
    by_key = point if "x" in point else {key.casefold(): number for key, number in point.items()}
    if by_key and not by_key.keys() & {*_POINT, "presence"}:
        keys = one_line(", ".join(point), 60)
        raise ClipError(f"frame {t}: {name} holds a point of {keys}; expected x, y and z")
    return [by_key.get(key) for key in _POINT]


def _times(frames: Sequence[Mapping[str, Any]], fps: float, told: float | None) -> tuple[npt.NDArray[np.float64], bool]:
    """Seconds from the frames' own times when every frame has one, from their numbers, or else at a constant rate.

    Args:
        frames: with folded keys.
        fps: the rate.
        told: the rate as the file tells it; 0 is refused where it counts.

    Returns:
        The seconds, and whether a rate had not to be guessed.
    """
    fps = fps if told is None else told
    for name, unit in _STAMPS:
        stamps = [_number(frame, name) for frame in frames]
        known = [stamp for stamp in stamps if stamp is not None]
        if known and len(known) == len(frames):
            seconds = np.array(known, dtype=np.float64) - known[0]
            return seconds / (_unit(seconds) if unit is None else unit), True
        if known:
            raise ClipError(f"{name} in {len(known)} of {len(frames)} frames; expected it in all or in none")
    for name in _NUMBERS:
        numbers = [number for frame in frames if isinstance(number := frame.get(name), int)]
        if len(numbers) == len(frames) and all(earlier < later for earlier, later in pairwise(numbers)):
            return frame_times(np.array(numbers, dtype=np.int64), fps), told is not None
    return regular_times(len(frames), fps), told is not None


def _unit(stamps: npt.NDArray[np.float64]) -> float:
    """How many units of these times a second has: seconds, or thousandths, millionths, billionths of it."""
    if len(stamps) < 2:
        return 1
    step = float(np.median(np.diff(stamps)))
    return next((unit for unit in _UNITS if step <= _SLOWEST_S * unit), _UNITS[-1])


def _aspect(head: Mapping[str, Any]) -> float | None:
    width, height = _picture_size(head)
    if width is not None and height:
        return width / height
    return _first_number(head, _ASPECTS)


def _picture_size(head: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return _first_number(head, _WIDTHS), _first_number(head, _HEIGHTS)


def _first_number(head: Mapping[str, Any], names: Sequence[str]) -> float | None:
    return next((number for name in names if (number := _number(head, name)) is not None), None)


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value: Any = values.get(name)
    if isinstance(value, str):
        value = _number_in(value)
    if value is None:
        return None
    if not _is_number(value) or not np.isfinite(float(value)):
        raise ClipError(f"{name} is {str(value)[:40]!r}; expected a number")
    return float(value)


def _number_in(text: str) -> float | str | None:
    """The number of a text like "25", "29,97" or "30000/1001"; a date in seconds; else the text itself."""
    over, _, under = text.strip().removesuffix("fps").strip().replace(",", ".").partition("/")
    with suppress(ValueError, ZeroDivisionError):
        return float(over) / float(under or 1) if over else None
    with suppress(ValueError, OverflowError):
        return datetime.fromisoformat(text.strip()).timestamp()
    return text


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short_decimals(values: FloatArray) -> npt.NDArray[np.float64]:
    """The same float32 values as the shortest decimals that read back to them, which makes files half as long."""
    return values.astype(np.str_).astype(np.float64)


def _written_part(values: npt.NDArray[np.float64], scores: npt.NDArray[np.float64] | None) -> list[Any] | None:
    if np.isnan(values[:, 0]).all():
        return None
    points: list[Any] = []
    for i, (x, y, z) in enumerate(values.tolist()):
        point: dict[str, float] | None = None if x != x else {"x": x, "y": y, "z": z}
        if point is not None and scores is not None and not np.isnan(scores[i]):
            point["visibility"] = float(scores[i])
        points.append(point)
    return points
