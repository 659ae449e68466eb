"""What trackers get wrong about hands, put right: one hand reported as both, sides exchanged, and jumps.

    LandmarkClip as detected -> repair_hands -> LandmarkClip, RepairCounts

Wrong points become missing, never guessed; short gaps are bridged later, by the features, in one place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip

_POSE_WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
_HANDS = (PARTS["left_hand"], PARTS["right_hand"])
_MIDDLE_KNUCKLE = 9
_DOUBLE_SHARE = 0.5
"""Two hands whose points differ by less than this share of a palm, on average, are one hand."""
_CLEARLY = 1.5
"""Another side must be this many palms nearer, in all, before sides are changed: pose wrists err by half a palm."""
_MAX_SPEED = 30.0
"""Palms a second that no wrist exceeds: about three metres a second, faster than signing."""
_MAX_JUMP_S = 0.15
"""A hand that is away for longer than this has moved, whatever the speed says."""
_MAX_GROWTH = 2.5
"""A palm this many times the clip's median, or less than its inverse, is no hand."""


@dataclass(frozen=True)
class RepairCounts:
    """Frames in which something was put right: doubled hands, exchanged sides, jumps and absurd sizes."""

    doubles: int
    swaps: int
    jumps: int


def repair_hands(clip: LandmarkClip) -> tuple[LandmarkClip, RepairCounts]:
    """Resolve doubled and exchanged hands by the pose's wrists, and drop hands that jump away and back.

    Args:
        clip: as detected; not changed.

    Returns:
        The clip with these hands exchanged or missing, and how many frames were touched.
    """
    scale = np.array([clip.aspect or 1.0, 1.0])
    hands = [np.array(clip.landmarks[:, part]) for part in _HANDS]
    wrists = clip.landmarks[:, _POSE_WRISTS, :2] * scale
    palm = _palm(hands, scale)
    swapped = _exchanged(hands, wrists, palm, scale)
    for t in np.flatnonzero(swapped):
        hands[0][t], hands[1][t] = hands[1][t].copy(), hands[0][t].copy()
    doubled = _doubled(hands, palm, scale)
    for t in np.flatnonzero(doubled):
        hands[_farther(hands, wrists, int(t), scale)][t] = np.nan
    num_jumps = 0
    for hand in hands:
        wrong = _wrong_size(hand, palm, scale) | _jumps(hand, clip.timestamps_s, palm, scale)
        hand[wrong] = np.nan
        num_jumps += int(wrong.sum())
    landmarks = clip.landmarks.copy()
    for part, hand in zip(_HANDS, hands, strict=True):
        landmarks[:, part] = hand
    counts = RepairCounts(int(doubled.sum()), int(swapped.sum()), num_jumps)
    return replace(clip, landmarks=landmarks), counts


def _palm(hands: list[FloatArray], scale: npt.NDArray[np.float64]) -> float:
    """The clip's median way from wrist to middle knuckle, in image heights; 1.0 when no hand was seen."""
    sizes = np.concatenate([_palms(hand, scale) for hand in hands])
    sizes = sizes[~np.isnan(sizes)]
    return max(float(np.median(sizes)), 1e-4) if len(sizes) else 1.0


def _palms(hand: FloatArray, scale: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    palm: npt.NDArray[np.float64] = np.linalg.norm((hand[:, _MIDDLE_KNUCKLE, :2] - hand[:, 0, :2]) * scale, axis=-1)
    return palm


def _exchanged(
    hands: list[FloatArray], wrists: npt.NDArray[np.float64], palm: float, scale: npt.NDArray[np.float64]
) -> BoolArray:
    """(T,) True where each hand that is seen lies clearly nearer to the other side's pose wrist."""
    places = [hand[:, 0, :2] * scale for hand in hands]
    own = [np.linalg.norm(places[side] - wrists[:, side], axis=-1) for side in (0, 1)]
    other = [np.linalg.norm(places[side] - wrists[:, 1 - side], axis=-1) for side in (0, 1)]
    gain = [np.nan_to_num(own[side] - other[side], nan=0.0) for side in (0, 1)]
    seen = [~np.isnan(hand[:, 0, 0]) for hand in hands]
    nobody_loses = ((gain[0] > 0) | ~seen[0]) & ((gain[1] > 0) | ~seen[1])
    return np.asarray(nobody_loses & (gain[0] + gain[1] > _CLEARLY * palm))


def _doubled(hands: list[FloatArray], palm: float, scale: npt.NDArray[np.float64]) -> BoolArray:
    """(T,) True where both sides report the same hand."""
    apart = np.linalg.norm((hands[0][..., :2] - hands[1][..., :2]) * scale, axis=-1).mean(axis=1)
    return np.asarray(np.nan_to_num(apart, nan=np.inf) < _DOUBLE_SHARE * palm)


def _farther(hands: list[FloatArray], wrists: npt.NDArray[np.float64], t: int, scale: npt.NDArray[np.float64]) -> int:
    """Which of two equal hands to drop: the one farther from its own pose wrist, else from where it last was."""
    ways = np.array([np.linalg.norm(hands[side][t, 0, :2] * scale - wrists[t, side]) for side in (0, 1)])
    if np.isnan(ways).any() or ways[0] == ways[1]:
        earlier = [np.flatnonzero(~np.isnan(hand[:t, 0, 0])) for hand in hands]
        ways = np.array([
            np.linalg.norm((hands[side][t, 0, :2] - hands[side][earlier[side][-1], 0, :2]) * scale)
            if len(earlier[side]) else np.inf for side in (0, 1)
        ])  # fmt: skip
    return int(np.argmax(ways))


def _wrong_size(hand: FloatArray, palm: float, scale: npt.NDArray[np.float64]) -> BoolArray:
    """(T,) True where the hand's whole extent is absurd against the clip's palm."""
    extent = np.linalg.norm((hand[..., :2] - hand[:, :1, :2]) * scale, axis=-1).max(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((extent > 2 * _MAX_GROWTH * palm) | (extent < palm / _MAX_GROWTH))


def _jumps(
    hand: FloatArray, timestamps_s: npt.NDArray[np.float64], palm: float, scale: npt.NDArray[np.float64]
) -> BoolArray:
    """(T,) True for short runs of frames in which the wrist is away and then back where it was."""
    wrong = np.zeros(len(hand), dtype=np.bool_)
    seen = np.flatnonzero(~np.isnan(hand[:, 0, 0]))
    if len(seen) < 3:
        return wrong
    places, times = hand[seen, 0, :2] * scale / palm, timestamps_s[seen]
    steps = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    too_fast = steps > _MAX_SPEED * np.diff(times) + 1
    start = 0
    for leap in np.flatnonzero(too_fast):
        if leap < start:
            continue
        # Frames leap+1 ... back-1 are away when the wrist returns near its place before the leap.
        for back in range(leap + 2, len(seen)):
            elapsed = times[back] - times[leap]
            if elapsed > _MAX_JUMP_S:
                break
            if too_fast[back - 1] and np.linalg.norm(places[back] - places[leap]) <= _MAX_SPEED / 3 * elapsed + 0.5:
                wrong[seen[leap + 1 : back]] = True
                start = back
                break
    return wrong
