"""Columns that are made of normalised landmarks, and do not depend on what differs between people and cameras.

(B, T, L, C) -> `hand_local`, `bone_directions`, `centred` -> `features.derive`
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from signtalk.arrays import FloatArray
from signtalk.landmarks.clip import Layout

MIN_PALM, MIN_BONE = 0.05, 1e-3
"""Shoulder widths: shorter ones are a tracker's fault, and no unit to measure in."""


def hand_local(hand: FloatArray) -> FloatArray:
    """(B, T, 21, C) relative to the wrist, in the clip's mean palm length; NaN stays NaN."""
    local = hand - hand[:, :, :1]
    palm = np.linalg.norm(local[:, :, 9], axis=-1)  # wrist to the middle finger's knuckle
    seen = ~np.isnan(palm)
    mean_palm = np.where(seen, palm, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return local / np.maximum(mean_palm, np.float32(MIN_PALM))[:, None, None, None]


def bone_directions(points: FloatArray, layout: Layout) -> FloatArray:
    """(B, T, J, C) unit vector along each bone of the arms; NaN where an end is missing, zeros where both coincide."""
    bones = np.array([layout.positions(ends) for side in ("left", "right") for ends in _bones(side)])
    bones = bones[(bones >= 0).all(axis=1)]
    along = points[:, :, bones[:, 1]] - points[:, :, bones[:, 0]]
    return along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), np.float32(MIN_BONE))


def centred(points: FloatArray) -> FloatArray:
    """(B, T, L, C) less the mean of each landmark over the frames that show it; NaN stays NaN."""
    seen = ~np.isnan(points)
    sums = np.where(seen, points, 0).sum(axis=1, keepdims=True)
    return points - sums / np.maximum(seen.sum(axis=1, keepdims=True), 1).astype(np.float32)


def _bones(side: str) -> tuple[tuple[str, str], ...]:
    joints = tuple(f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist", "index"))
    return tuple(pairwise(joints))
