"""How a hand is bent and turned: the angles of its joints, and where palm and fingers point.

(..., 21, 3) a hand --hand_angles--> (..., 19) radians; --palm_directions--> (..., 6)

Angles depend neither on the size of a hand nor on how it is turned, so that they are alike for people and cameras
where coordinates are not. Called by `features.derive`.
"""

from __future__ import annotations

import numpy as np

from signtalk.arrays import FloatArray

_FINGERS = np.array([[0, 4 * finger + 1, 4 * finger + 2, 4 * finger + 3, 4 * finger + 4] for finger in range(5)])
"""The points of each finger in MediaPipe's order, from the wrist to the tip."""
_WRIST, _INDEX, _MIDDLE, _PINKY = 0, 5, 9, 17
NUM_HAND_COLUMNS = 25
_SHORTEST = np.float32(1e-6)


def hand_columns(hand: FloatArray, is_left: bool) -> FloatArray:
    """Joint angles, then palm and fingers' directions.

    Args:
        hand: (..., 21, 3) float32 in MediaPipe's order, any unit; NaN = missing.
        is_left: the hand is a left one.

    Returns:
        (..., 25) float32, NaN where a point that a column needs is missing.
    """
    return np.concatenate([hand_angles(hand), palm_directions(hand, is_left)], axis=-1)


def hand_angles(hand: FloatArray) -> FloatArray:
    """(..., 19) radians: three joints of each finger from the thumb on, then between neighbouring fingers.

    A straight joint has 0. The four angles between fingers are those of the bones beyond the knuckles.

    Args:
        hand: (..., 21, 3) float32, any unit; NaN = missing.
    """
    bones = hand[..., _FINGERS[:, 1:], :] - hand[..., _FINGERS[:, :-1], :]
    joints = _angle(bones[..., :-1, :], bones[..., 1:, :])
    beyond_knuckles = bones[..., 1, :]
    spread = _angle(beyond_knuckles[..., :-1, :], beyond_knuckles[..., 1:, :])
    return np.concatenate([joints.reshape(*joints.shape[:-2], 15), spread], axis=-1)


def _angle(first: FloatArray, second: FloatArray) -> FloatArray:
    """(...) radians between vectors (..., 3); 0 where one has no length. Exact near 0 too, which a cosine is not."""
    across = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.arctan2(across, (first * second).sum(axis=-1)).astype(np.float32)


def palm_directions(hand: FloatArray, is_left: bool) -> FloatArray:
    """(..., 6) two unit vectors: out of the palm, and from the wrist to the middle finger's knuckle.

    Args:
        hand: (..., 21, 3) float32, any unit; NaN = missing.
        is_left: the hand is a left one, whose knuckles stand in the other order.
    """
    wrist = hand[..., _WRIST, :]
    across = np.cross(hand[..., _INDEX, :] - wrist, hand[..., _PINKY, :] - wrist)
    outward = _unit(-across if is_left else across)
    return np.concatenate([outward, _unit(hand[..., _MIDDLE, :] - wrist)], axis=-1)


def _unit(vectors: FloatArray) -> FloatArray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _SHORTEST)
