"""Files of the prototype, both ways: raw clip to its 540 columns, and its columns back to a clip.

The prototype put every frame into the signer's torso frame with undetected parts as zeros, then smoothed
along time. Read naively, a missing hand is a ghost that drifts with the body and fades in and out. The
smoothing is a linear recursion, so it is undone exactly; after that all points of a ghost coincide and
can be told from a hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray
from signtalk.errors import ClipError
from signtalk.landmarks.clip import (
    DEFAULT_FPS,
    HOLISTIC,
    MAX_COORDINATE,
    PARTS,
    LandmarkClip,
    checked_landmarks,
    regular_timestamps,
)

PROTOTYPE_COLUMNS = 540
DEFAULT_SMOOTHING_ALPHA = 0.2
"""Weight of the new frame in the prototype's exponential average."""

_NUM_POSE = PARTS["pose"].stop
TORSO_NAMES = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_TORSO = HOLISTIC.positions(TORSO_NAMES)
MIN_TORSO = 1e-6
"""A frame whose torso lies nearer to the picture's corner shows none."""
MIN_SPAN = 1e-4
"""Shorter spans of the torso are no unit."""
_FLOAT32_STEP = float(np.finfo(np.float32).eps)
_ROUNDING = 8 * _FLOAT32_STEP
"""How far apart, relative to the largest coordinate, float32 smoothing can put points that coincide.

One step is two products, a sum and two constants: worked out, 4.3 float32 steps between two points at the
worst; this is twice that. Undoing the smoothing divides it by alpha.
"""
_SCORE_SLACK = 1e-3
_MIN_FADE = 0.02
"""A part whose shape shrinks less than this in a frame is taken for a still picture, not a fading ghost."""


@dataclass(frozen=True)
class SmoothingEvidence:
    """Whether rows were smoothed along time, as their ghosts tell.

    Attributes:
        verdict: "undecidable" when no part vanishes within the clip.
        alpha: estimated weight of the new frame, 1.0 for unsmoothed rows; None when undecidable.
        num_frames: frames (of one part each) that the estimate rests on.
    """

    verdict: Literal["smoothed", "unsmoothed", "undecidable"]
    alpha: float | None
    num_frames: int


def to_prototype_rows(clip: LandmarkClip, alpha: float = DEFAULT_SMOOTHING_ALPHA) -> FloatArray:
    """The rows that the prototype's preprocessing would have written, its faults included.

    Args:
        clip: a raw clip; not changed.
        alpha: weight of the new frame in the exponential average; 1.0 = no smoothing.

    Returns:
        (T, 540) float32, columns as in docs/data-format.md. The origin is the mean of shoulders and hips,
        the unit the median of shoulder span, hip span and torso height, both anew in each frame; a frame
        without a torso stays in image coordinates. Undetected parts are zeros before that shift.

    Source:
        docs/contract.md 1.1.
    """
    points = np.nan_to_num(clip.landmarks).astype(np.float32)
    torso = points[:, _TORSO]
    centre = torso.mean(axis=1)
    spans = np.stack(
        [
            np.linalg.norm(torso[:, 0] - torso[:, 1], axis=1),
            np.linalg.norm(torso[:, 2] - torso[:, 3], axis=1),
            np.linalg.norm(torso[:, :2].mean(axis=1) - torso[:, 2:].mean(axis=1), axis=1),
        ],
        axis=1,
    )
    usable = np.linalg.norm(torso.reshape(len(points), -1), axis=1) > MIN_TORSO
    points[usable] = (points[usable] - centre[usable, None]) / _units(spans[usable])[:, None, None]
    return _smoothed(_join_columns(points, np.nan_to_num(clip.visibility).astype(np.float32)), alpha)


def _units(spans: FloatArray) -> FloatArray:
    """(N,) float32: of (N, 3) spans the median of those long enough to measure by, 1 where none is."""
    clear = spans > MIN_SPAN
    ordered = np.sort(np.where(clear, spans, np.float32(np.inf)), axis=1)
    count, rows = clear.sum(axis=1), np.arange(len(spans))
    middle = (ordered[rows, (count - 1) // 2] + ordered[rows, count // 2]) / np.float32(2)
    return np.where(count > 0, middle, np.float32(1)).astype(np.float32)


def from_prototype_rows(
    rows: npt.NDArray[Any], fps: float = DEFAULT_FPS, smoothing_alpha: float = DEFAULT_SMOOTHING_ALPHA, where: str = ""
) -> LandmarkClip:
    """A clip from rows of the prototype, with smoothing undone and ghosts made missing.

    What cannot be recovered: a single undetected pose landmark while all other parts are present (nothing
    marks its place), and the hands of a frame without a torso, which the prototype left in image
    coordinates between frames of torso coordinates: such a frame becomes wholly missing.

    Args:
        rows: (T, 540) floats, finite, as in the file; not changed.
        fps: frames a second.
        smoothing_alpha: weight of the new frame in the exponential average that was applied; 1.0 = none.
        where: the file's name, for error messages.

    Returns:
        The clip, coordinates in the torso frame of each video frame; `prototype_rows` holds the rows.
        Ghost landmarks are NaN, and so is their visibility.

    Raises:
        ClipError: the array is not of this kind, not finite, empty, or shows nothing.
    """
    if not 0 < smoothing_alpha <= 1:
        raise ValueError(f"smoothing_alpha {smoothing_alpha}; expected more than 0, at most 1")
    stored = _checked_rows(rows, where)
    points, visibility = _split_columns(_unsmoothed(stored, smoothing_alpha))
    ghosts = _find_ghosts(points, visibility, _tolerance(stored) / smoothing_alpha)
    points[ghosts] = np.nan
    visibility = np.clip(visibility, 0, 1)
    visibility[ghosts[:, :_NUM_POSE]] = np.nan
    return LandmarkClip(
        landmarks=checked_landmarks(points, where or "clip"),
        visibility=visibility.astype(np.float32),
        timestamps_s=regular_timestamps(len(stored), fps),
        prototype_rows=stored,
    )


def smoothing_evidence(rows: npt.NDArray[Any], where: str = "") -> SmoothingEvidence:
    """Tell from fading parts whether rows were smoothed, and how strongly.

    While a part is undetected its shape (points minus their mean) shrinks by exactly 1 - alpha each frame:
    to nothing at once without smoothing. A real hand never shrinks that evenly.

    Args:
        rows: (T, 540) floats as in the file; not changed.
        where: the file's name, for error messages.

    Raises:
        ClipError: the array is not a clip of the prototype.
    """
    stored = _checked_rows(rows, where)
    points, _ = _split_columns(stored.astype(np.float64))
    tolerance = _tolerance(stored)[1:]
    fades = []
    for columns in PARTS.values():
        part = points[:, columns]
        shape = (part - part.mean(axis=1, keepdims=True)).reshape(len(part), -1)
        before, after = shape[:-1], shape[1:]
        size = np.abs(before).max(axis=1)
        fade = (before * after).sum(axis=1) / np.maximum((before**2).sum(axis=1), np.finfo(np.float64).tiny)
        misfit = np.abs(after - fade[:, None] * before).max(axis=1)
        # A shape a thousand times the rounding gives its fading factor to three digits.
        fades.append(fade[(size > 1000 * tolerance) & (misfit <= tolerance) & (fade < 1 - _MIN_FADE)])
    seen = np.concatenate(fades)
    if len(seen) == 0:
        return SmoothingEvidence("undecidable", None, 0)
    alpha = float(np.clip(1 - np.median(seen), 0, 1))
    return SmoothingEvidence("unsmoothed" if alpha > 0.99 else "smoothed", alpha, len(seen))


def prototype_rows_of(clip: LandmarkClip) -> FloatArray:
    """(T, 540) float32: the rows of the clip's own file, or those that the prototype would have written."""
    return to_prototype_rows(clip) if clip.prototype_rows is None else clip.prototype_rows


def frame_motion(rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """(T,) motion energy of each row: how far all coordinates moved since the row before, the first 0.

    Source:
        docs/contract.md 1.3: Euclidean norm over all columns but visibility.
    """
    points, _ = _split_columns(rows.astype(np.float64))
    flat = points.reshape(len(rows), -1)
    moved: npt.NDArray[np.float64] = np.linalg.norm(np.diff(flat, axis=0, prepend=flat[:1]), axis=1)
    return moved


def _checked_rows(rows: npt.NDArray[Any], where: str) -> FloatArray:
    """The rows as float32, or a ClipError that says what they are instead."""
    name = where or "clip"
    if rows.dtype.kind != "f" or rows.ndim != 2 or rows.shape[1] != PROTOTYPE_COLUMNS:
        raise ClipError(
            f"{name}: {rows.dtype} array of shape {rows.shape}; expected floats (T, {PROTOTYPE_COLUMNS}), or those of "
            "MP_Data (docs/data-format.md), frame by frame"
        )
    if len(rows) == 0:
        raise ClipError(f"{name}: no frame")
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, and is refused below
        stored = rows.astype(np.float32)
    if not np.isfinite(stored).all():
        frames = int((~np.isfinite(stored)).any(axis=1).sum())
        raise ClipError(f"{name}: NaN or infinite values in {frames} of {len(rows)} frames; extract this clip again")
    if bool((np.abs(stored) > MAX_COORDINATE).any()):
        raise ClipError(f"{name}: absurd coordinates (beyond {MAX_COORDINATE:g}); extract this clip again")
    scores = stored[:, 3 : 4 * _NUM_POSE : 4]
    if bool(((scores < -_SCORE_SLACK) | (scores > 1 + _SCORE_SLACK)).any()):
        raise ClipError(f"{name}: visibility columns hold values outside 0 to 1; are the columns in another order?")
    return stored


def _split_columns(rows: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """(T, 540) to points (T, 169, 3) and pose visibility (T, 33), both copies."""
    pose = rows[:, : 4 * _NUM_POSE].reshape(len(rows), _NUM_POSE, 4)
    others = rows[:, 4 * _NUM_POSE :].reshape(len(rows), -1, 3)
    return np.concatenate([pose[..., :3], others], axis=1), pose[..., 3].copy()


def _join_columns(points: FloatArray, visibility: FloatArray) -> FloatArray:
    """The inverse of `_split_columns`."""
    pose = np.concatenate([points[:, :_NUM_POSE], visibility[..., None]], axis=2)
    return np.concatenate([pose.reshape(len(points), -1), points[:, _NUM_POSE:].reshape(len(points), -1)], axis=1)


def _smoothed(rows: FloatArray, alpha: float) -> FloatArray:
    """The exponential average along time, in float32 like the prototype's."""
    average = rows.copy()
    new, old = np.float32(alpha), np.float32(1 - alpha)
    for t in range(1, len(rows)):
        average[t] = new * rows[t] + old * average[t - 1]
    return average


def _unsmoothed(rows: FloatArray, alpha: float) -> npt.NDArray[np.float64]:
    """What went into the exponential average, in float64."""
    average = rows.astype(np.float64)
    plain = average.copy()
    plain[1:] = (average[1:] - (1 - alpha) * average[:-1]) / alpha
    return plain


def _tolerance(rows: FloatArray) -> npt.NDArray[np.float64]:
    """(T,) how far apart rounding alone can put two coinciding points of a stored row."""
    points, _ = _split_columns(rows)
    size = np.abs(points).max(axis=(1, 2)).astype(np.float64)
    before = np.concatenate([size[:1], size[:-1]])
    return np.asarray(_ROUNDING * np.maximum(size, before), dtype=np.float64)


def _find_ghosts(
    points: npt.NDArray[np.float64], visibility: npt.NDArray[np.float64], tolerance: npt.NDArray[np.float64]
) -> BoolArray:
    """(T, 169) bool, True where a point is the shifted zero of something undetected."""
    limit = tolerance[:, None]
    ghosts = np.zeros(points.shape[:2], dtype=np.bool_)
    place = np.full((len(points), 3), np.nan)
    for columns in PARTS.values():
        whole = (np.ptp(points[:, columns], axis=1) <= limit).all(axis=1)
        ghosts[:, columns] = whole[:, None]
        place[whole] = points[whole, columns.start]
    pose = points[:, :_NUM_POSE]
    at_place = (np.abs(pose - place[:, None]) <= limit[..., None]).all(axis=2)  # False where nothing marks the place
    ghosts[:, :_NUM_POSE] |= at_place | _coinciding(pose, np.abs(visibility) <= limit, limit)
    no_torso = (np.abs(points[:, _TORSO]) <= limit[..., None]).all(axis=(1, 2))
    if not no_torso.all():
        ghosts[no_torso] = True
    return ghosts


def _coinciding(pose: npt.NDArray[np.float64], unseen: BoolArray, limit: npt.NDArray[np.float64]) -> BoolArray:
    """(T, 33) bool, True for pose landmarks in one place with others.

    Three real landmarks never share a place; two do not either, but then the detector must agree.
    """
    coincide = np.zeros(pose.shape[:2], dtype=np.bool_)
    # Only frames where two landmarks share their x need the comparison of all pairs: few in real clips.
    frames = np.flatnonzero((np.diff(np.sort(pose[..., 0], axis=1), axis=1) <= limit).any(axis=1))
    pose, unseen, limit = pose[frames], unseen[frames], limit[frames]
    for i in range(_NUM_POSE):
        same = (np.abs(pose - pose[:, i : i + 1]) <= limit[..., None]).all(axis=2)
        pair = ((same & unseen).sum(axis=1) >= 2) & unseen[:, i]
        coincide[frames, i] = (same.sum(axis=1) >= 3) | pair
    return coincide
