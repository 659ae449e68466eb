"""Clips and frames as bytes, as clients of the service send them; docs/protocol.md has the layout.

bytes --decode_clip--> LandmarkClip, and back by encode_clip
bytes of a stream --decode_frames--> frames, checked one by one
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.errors import ClipError
from signtalk.landmarks.clip import HOLISTIC, POSE_NAMES, LandmarkClip, checked_landmarks, checked_points

CLIP_MEDIA_TYPE = "application/vnd.signtalk.clip"
FRAME = np.dtype([
    ("time_s", "<f8"), ("landmarks", "<f4", (len(HOLISTIC.names), 3)), ("visibility", "<f4", (len(POSE_NAMES),)),
])  # fmt: skip
"""One frame: seconds, the points in HOLISTIC order (NaN = missing), visibility of the pose (NaN = not known)."""
FRAME_BYTES = FRAME.itemsize
MAGIC = b"SGT1"
HEADER = struct.Struct("<4sIf")
_LATEST_S = 1e9
"""Times count from somewhere near; later than this a double no longer tells frames apart well."""

FrameArray = npt.NDArray[np.void]


def encode_clip(clip: LandmarkClip) -> bytes:
    """A clip as bytes; `prototype_rows` are not kept."""
    frames = np.zeros(clip.num_frames, dtype=FRAME)
    frames["time_s"], frames["landmarks"], frames["visibility"] = clip.timestamps_s, clip.landmarks, clip.visibility
    return HEADER.pack(MAGIC, clip.num_frames, math.nan if clip.aspect is None else clip.aspect) + frames.tobytes()


def decode_clip(data: bytes, where: str = "clip", max_frames: int | None = None) -> LandmarkClip:
    """Read a clip.

    Args:
        data: the layout of docs/protocol.md.
        where: what errors call the clip.
        max_frames: a longer clip is refused; None = no limit.

    Raises:
        ClipError: of another layout, too long, absurd values, times that do not increase, or it shows nothing.
    """
    if len(data) < HEADER.size or data[:4] != MAGIC:
        raise ClipError(f"{where}: does not begin with {MAGIC.decode()}; expected the layout of docs/protocol.md")
    _, num_frames, aspect = HEADER.unpack_from(data)
    # Before anything is read: what is announced need not be there.
    if max_frames is not None and num_frames > max_frames:
        raise ClipError(f"{where}: {num_frames} frames; at most {max_frames}")
    if len(data) != HEADER.size + num_frames * FRAME_BYTES:
        raise ClipError(f"{where}: {len(data)} bytes; expected {HEADER.size} + {num_frames} x {FRAME_BYTES}")
    frames = np.frombuffer(data, dtype=FRAME, offset=HEADER.size)
    return clip_of_frames(frames, None if math.isnan(aspect) else aspect, where)


def clip_of_frames(frames: FrameArray, aspect: float | None, where: str = "clip") -> LandmarkClip:
    """One clip of (T,) frames.

    Args:
        frames: (T,) of dtype FRAME.
        aspect: image width over height; None when it is not known.
        where: what errors call the clip.

    Raises:
        ClipError: absurd values, times that do not increase, or it shows nothing.
    """
    times = _checked_times(frames, where)
    landmarks = checked_landmarks(frames["landmarks"], where)
    try:
        return LandmarkClip(landmarks, _checked_visibility(frames), times - times[0], aspect)
    except ClipError as error:
        raise ClipError(f"{where}: {error}") from error


def decode_frames(data: bytes, where: str = "message") -> FrameArray:
    """(T,) frames of a stream, at least one, their values checked; whether times increase is the stream's matter.

    Raises:
        ClipError: no whole number of frames, or absurd values.
    """
    if not data or len(data) % FRAME_BYTES:
        raise ClipError(f"{where}: {len(data)} bytes; expected one or more frames of {FRAME_BYTES}")
    frames: FrameArray = np.frombuffer(data, dtype=FRAME).copy()
    _checked_times(frames, where)
    frames["landmarks"] = checked_points(frames["landmarks"], where)
    frames["visibility"] = _checked_visibility(frames)
    return frames


def _checked_times(frames: FrameArray, where: str) -> npt.NDArray[np.float64]:
    times = frames["time_s"].astype(np.float64)
    if not bool((np.abs(times) < _LATEST_S).all()):  # NaN as well
        raise ClipError(f"{where}: a time that is no number of seconds, or beyond {_LATEST_S:g}")
    return times


def _checked_visibility(frames: FrameArray) -> npt.NDArray[Any]:
    """As given, but within 0 to 1; detectors overshoot a little, and the rest is not worth a refusal."""
    return np.clip(frames["visibility"], 0, 1).astype(np.float32)
