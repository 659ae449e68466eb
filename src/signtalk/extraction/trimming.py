"""Where in a clip the person signs: the idle ends are found, the frames between are all kept.

    LandmarkClip -> find_signing -> Signing (active frames, first and last frame to keep) -> trim_clip

Judged by the pose's wrists, which the tracker gives in nearly every frame, so that a hand it loses is not taken
for rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray
from signtalk.landmarks.clip import HOLISTIC, LandmarkClip
from signtalk.landmarks.features import bridge_gaps

_SHOULDERS = HOLISTIC.positions(("left_shoulder", "right_shoulder"))
_WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
_COMPARED_S = 0.1
_MOVING_SPEED = 0.7
"""Shoulder widths a second over a tenth of a second: resting wrists stay under half of it, signing ones exceed it."""
_SUSTAINED_S = 0.15
_RAISED = 1.1
"""A wrist less than this many shoulder widths below the shoulders is held up: a still hand there may be a sign."""
_MIN_SIGNING_S = 0.3


@dataclass(frozen=True)
class Signing:
    """When the person signs.

    Attributes:
        hands: (T, 2) bool: the left, the right wrist moves or is held up. All False when nothing is signed.
        start: first frame of the signing.
        stop: one past its last frame.
    """

    hands: BoolArray
    start: int
    stop: int

    @property
    def active(self) -> BoolArray:
        """(T,) bool: the person signs, with either hand."""
        return np.asarray(self.hands.any(axis=1))

    @property
    def is_any(self) -> bool:
        """Whether anything is signed at all."""
        return bool(self.active.any())


def find_signing(clip: LandmarkClip) -> Signing:
    """Find the idle ends: wrists low or out of view, and still.

    Returns:
        The whole clip, inactive, when no frame shows both shoulders or the person never signs; otherwise the
        frames from the first to the last activity that lasts.
    """
    nothing = Signing(np.zeros((clip.num_frames, 2), dtype=np.bool_), 0, clip.num_frames)
    points = clip.landmarks[..., :2].astype(np.float64)
    points[..., 0] *= clip.aspect or 1.0
    shoulders = bridge_gaps(points[:, _SHOULDERS], len(points))
    width = np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1)
    if np.isnan(width).all() or np.nanmedian(width) < 1e-3:
        return nothing
    wrists = (points[:, _WRISTS] - shoulders.mean(axis=1)[:, None]) / float(np.nanmedian(width))
    moving = _moving(wrists, clip.timestamps_s)
    raised = np.nan_to_num(wrists[..., 1], nan=np.inf) < _RAISED
    busy = np.asarray(moving | raised)
    active = _sustained(np.asarray(busy.any(axis=1)), clip.timestamps_s)
    frames = np.flatnonzero(active)
    if len(frames) == 0 or clip.timestamps_s[frames[-1]] - clip.timestamps_s[frames[0]] < _MIN_SIGNING_S:
        return nothing
    return Signing(busy & active[:, None], int(frames[0]), int(frames[-1]) + 1)


def trim_clip(clip: LandmarkClip, signing: Signing, margin_s: float) -> tuple[LandmarkClip, int]:
    """Cut the idle ends off.

    Args:
        clip: not changed.
        signing: of this clip.
        margin_s: seconds of rest to leave at either end.

    Returns:
        The clip from the first to the last frame of the signing and its margins, with the times that it had; and the
        number of its first frame. A clip in which nothing is signed comes back whole.
    """
    if not signing.is_any:
        return clip, 0
    times = clip.timestamps_s
    start = int(np.searchsorted(times, times[signing.start] - margin_s - 1e-9))
    stop = int(np.searchsorted(times, times[signing.stop - 1] + margin_s + 1e-9, side="right"))
    kept = slice(start, stop)
    landmarks, visibility = clip.landmarks[kept].copy(), clip.visibility[kept].copy()
    return replace(clip, landmarks=landmarks, visibility=visibility, timestamps_s=times[kept].copy()), start


def _moving(wrists: npt.NDArray[np.float64], times: npt.NDArray[np.float64]) -> BoolArray:
    """(T, 2) whether each wrist moved in the tenth of a second around a frame, at any frame rate."""
    last = len(times) - 1
    before = np.searchsorted(times, times - _COMPARED_S / 2, side="right").clip(1) - 1
    after = np.minimum(np.searchsorted(times, times + _COMPARED_S / 2), last)
    elapsed = np.maximum(times[after] - times[before], _COMPARED_S)[:, None]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.linalg.norm(wrists[after] - wrists[before], axis=-1) / elapsed > _MOVING_SPEED)


def _sustained(active: BoolArray, times: npt.NDArray[np.float64]) -> BoolArray:
    """Without runs shorter than _SUSTAINED_S, which are trembling or a lost tracker."""
    kept = active.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        if times[stop - 1] - times[start] < _SUSTAINED_S:
            kept[start:stop] = False
    return kept
