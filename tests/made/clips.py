"""Clips of a plain body for tests of extraction: wrists where the test wants them."""

import numpy as np

from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip

PALM = 0.06
BODY = {
    "left_shoulder": (0.6, 0.3), "right_shoulder": (0.4, 0.3), "left_hip": (0.58, 0.8), "right_hip": (0.42, 0.8),
}  # fmt: skip
HAND_SHAPE = np.stack([np.linspace(0, 0.02, 21), -np.linspace(0, 2 * PALM, 21), np.zeros(21)], axis=1)
# So that the middle finger's knuckle, point 9, is a palm from the wrist.
HAND_SHAPE *= PALM / np.linalg.norm(HAND_SHAPE[9])


def made_clip(left, right, fps=30.0, hands=True):
    """A clip with the pose's and, if asked, the hands' wrists at `left` and `right`, each (T, 2)."""
    left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    points = np.full((len(left), len(HOLISTIC.names), 3), np.nan, dtype=np.float32)
    points[:, PARTS["pose"]] = (0.5, 0.5, 0.0)
    points[:, :11, 1] = 0.15  # the head
    for name, place in BODY.items():
        points[:, HOLISTIC.index[name], :2] = place
    for side, way in {"left": left, "right": right}.items():
        points[:, HOLISTIC.index[f"{side}_wrist"], :2] = way
        if hands:
            points[:, PARTS[f"{side}_hand"]] = HAND_SHAPE
            points[:, PARTS[f"{side}_hand"], :2] += way[:, None]
    visibility = np.full((len(left), 33), 0.9, dtype=np.float32)
    return LandmarkClip(points, visibility, np.arange(len(left)) / fps, 1.0)


def resting(num_frames, side):
    """A hanging hand."""
    return np.tile([0.65 if side == "left" else 0.35, 0.75], (num_frames, 1))


def waving(num_frames, side, fps=30.0):
    """A hand before the chest that goes up and down once a second."""
    t = np.arange(num_frames) / fps
    x = 0.6 if side == "left" else 0.4
    return np.stack([np.full(num_frames, x), 0.45 + 0.1 * np.sin(2 * np.pi * t)], axis=1)
