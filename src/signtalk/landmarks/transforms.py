"""Changes of one clip that several rooms make: other frames, another rate or tempo, mirrored, moved.

    LandmarkClip -> one of these functions -> LandmarkClip

Pure functions: the input stays as it is. Whole batches of normalised points are varied by `signtalk.landmarks.augment`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from signtalk.arrays import FloatArray
from signtalk.landmarks.clip import HOLISTIC, POSE_NAMES, LandmarkClip, regular_timestamps
from signtalk.landmarks.features import resample
from signtalk.landmarks.legacy_rows import to_prototype_rows

_SHOULDERS = HOLISTIC.positions(("left_shoulder", "right_shoulder"))
MIN_WIDTH = 1e-6
"""A shoulder width under this is none: nothing is divided by it."""

Points = npt.NDArray[np.floating]
"""(T, 169, 3) landmarks in HOLISTIC order."""


def at_speed(clip: LandmarkClip, factor: float) -> LandmarkClip:
    """Signed `factor` times as fast before the same camera: 1 / factor times the frames, same frame rate."""
    num_frames = max(1, round(clip.num_frames / factor))
    return read_at(clip, np.linspace(0, clip.num_frames - 1, num_frames), clip.fps)


def at_frame_rate(clip: LandmarkClip, fps: float) -> LandmarkClip:
    """Taken by a camera of another frame rate: as long in seconds, other moments seen."""
    step = clip.fps / fps
    num_frames = 1 + int(np.floor((clip.num_frames - 1) / step + 1e-9))
    return read_at(clip, np.minimum(np.arange(num_frames) * step, clip.num_frames - 1), fps)


def mirrored(clip: LandmarkClip) -> LandmarkClip:
    """As a detector sees the clip in a camera that mirrors: x becomes 1 - x, and left is called right.

    Points of the face whose partner the files do not keep cannot change names; they keep theirs, at 1 - x.
    Done twice it gives the clip back.
    """
    partner = np.where(HOLISTIC.mirror < 0, np.arange(len(HOLISTIC.names)), HOLISTIC.mirror)
    landmarks = clip.landmarks[:, partner].copy()
    landmarks[..., 0] = 1 - landmarks[..., 0]
    return with_points(clip, landmarks, clip.visibility[:, partner[: len(POSE_NAMES)]])


def in_one_unit(clip: LandmarkClip) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(T, 169, 3) landmarks with x and z in the unit of y, and what to divide by to go back."""
    stretch = np.array([clip.aspect or 1.0, 1.0, clip.aspect or 1.0])
    return clip.landmarks * stretch, stretch


def shoulder_width(points: Points) -> float:
    """Median distance of the shoulders in the picture; 0.0 when they were never seen."""
    shoulders = points[:, _SHOULDERS, :2]
    widths = np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1)
    return float(np.median(widths[np.isfinite(widths)])) if np.isfinite(widths).any() else 0.0


def shoulder_middle(points: Points) -> npt.NDArray[np.float64]:
    """(3,) median place of the middle of the shoulders; zeros when they were never seen."""
    middle = points[:, _SHOULDERS].mean(axis=1)
    seen = ~np.isnan(middle[:, 0])
    return np.asarray(np.median(middle[seen], axis=0) if seen.any() else np.zeros(3), dtype=np.float64)


def placed_like(clip: LandmarkClip, model: LandmarkClip) -> LandmarkClip:
    """The clip with its signer as large as that of `model`, in the same place, in the same picture."""
    points, _ = in_one_unit(clip)
    wanted, back = in_one_unit(model)
    size = max(shoulder_width(wanted), MIN_WIDTH) / max(shoulder_width(points), MIN_WIDTH)
    shift = (shoulder_middle(wanted) - size * shoulder_middle(points)) * [1, 1, 0]
    return replace(with_points(clip, (size * points + shift) / back), aspect=model.aspect)


def read_at(clip: LandmarkClip, positions: npt.NDArray[np.float64], fps: float) -> LandmarkClip:
    """The clip at fractional frame positions, taken at a constant frame rate.

    Args:
        clip: not changed.
        positions: (T',) places between 0 and the last frame; between two frames values are mixed, beside a missing one
            the nearer frame decides.
        fps: the rate that the result is said to have.
    """
    start = np.zeros(1, dtype=np.int64)
    return with_points(
        clip,
        resample(clip.landmarks, start, positions[None])[0],
        resample(clip.visibility[..., None], start, positions[None])[0, ..., 0],
        regular_timestamps(len(positions), fps),
    )


def selected(clip: LandmarkClip, frames: npt.NDArray[np.integer]) -> LandmarkClip:
    """The clip of these frames alone, which keep their times."""
    return with_points(clip, clip.landmarks[frames], clip.visibility[frames], clip.timestamps_s[frames])


def with_points(
    clip: LandmarkClip,
    landmarks: Points,
    visibility: FloatArray | None = None,
    timestamps_s: npt.NDArray[np.float64] | None = None,
) -> LandmarkClip:
    """The clip with other points; a clip of a prototype's file gets the rows that the prototype would have written.

    But for the ghosts of undetected parts: their place in the picture is not known any more, they lie at the origin.

    Args:
        clip: gives what is not given here.
        landmarks: (T, 169, 3), NaN = missing.
        visibility: (T, 33); None = the clip's.
        timestamps_s: (T,) seconds; None = the clip's.
    """
    changed = replace(
        clip,
        landmarks=landmarks.astype(np.float32),
        visibility=clip.visibility if visibility is None else visibility,
        timestamps_s=clip.timestamps_s if timestamps_s is None else timestamps_s,
        prototype_rows=None,
    )
    if clip.prototype_rows is None or not changed.num_frames:
        return changed
    return replace(changed, prototype_rows=to_prototype_rows(changed))
