"""Rests for people of whom none was recorded: arms that hang, hands that lie before the body; and one-handed signs.

    clip --hanging_rest--> both arms hang, no hand is tracked
    clip --lying_rest--> hands in the lap, on a table or in each other, tracked as the clip's own hands are
    clip + rest --with_a_resting_hand--> the same signs with one hand, while the other rests

All points are those of the person's own clip; the rest is where the arms are put, and a little trembling.
"""

from __future__ import annotations

import numpy as np

from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip, regular_timestamps
from signtalk.landmarks.features import bridge_gaps
from signtalk.synthetic.body import Array

SHOULDERS = HOLISTIC.positions(("left_shoulder", "right_shoulder"))
_SIDES = ("left", "right")
_ARMS = tuple(
    HOLISTIC.positions(tuple(f"{side}_{name}" for name in ("elbow", "wrist", "pinky", "index", "thumb")))
    for side in _SIDES
)
_WRIST = 1
"""Its place in an arm."""
_HANGING = np.array([[0.15, 1.05], [0.12, 1.85], [0.1, 2.15], [0.08, 2.2], [0.05, 2.1]])
"""Elbow, wrist and the pose's fingers of a hanging arm, from the shoulder outwards and down, in shoulder widths."""
_LYING = np.array([[0.2, 0.95], [0.0, 0.0], [-0.28, 0.08], [-0.3, 0.02], [-0.22, -0.04]])
"""Likewise of a forearm that lies inwards: the elbow from the shoulder, the others from the wrist."""
_INWARDS, _DOWN = (0.1, 0.55), (1.25, 1.8)
"""Shoulder widths from the shoulder to a wrist that lies before the body, least and most."""
_TREMBLING = 0.012
"""Shoulder widths by which a tracker shakes a made rest, as it does recorded ones."""


def hanging_rest(like: LandmarkClip, duration_s: float, rng: np.random.Generator) -> LandmarkClip:
    """A rest for a person of whom none was recorded: the first frame with both arms hanging, a little trembling.

    Args:
        like: a clip of the person; its frame rate is kept.
        duration_s: how long.
        rng: the only source of chance.
    """
    return _rest(like, duration_s, rng, (_HANGING, _HANGING), [None, None])


def lying_rest(like: LandmarkClip, duration_s: float, rng: np.random.Generator) -> LandmarkClip:
    """As `hanging_rest`, but with both hands before the body: in the lap, on a table, or one in the other.

    A hand that the clip shows is tracked at rest, too, in the shape that it has in the clip's middle.

    Args:
        like: a clip of the person; its frame rate is kept.
        duration_s: how long.
        rng: the only source of chance.
    """
    inwards, down = rng.uniform(*_INWARDS), rng.uniform(*_DOWN)
    arms = []
    for _ in _SIDES:
        arm = _LYING.copy()
        arm[_WRIST:] += [-inwards - rng.uniform(-0.1, 0.1), down + rng.uniform(-0.1, 0.1)]
        arms.append(arm)
    return _rest(like, duration_s, rng, (arms[0], arms[1]), [_shape_of(like, side) for side in _SIDES])


def _rest(
    like: LandmarkClip,
    duration_s: float,
    rng: np.random.Generator,
    arms: tuple[Array, Array],
    shapes: list[Array | None],
) -> LandmarkClip:
    num_frames = max(2, round(duration_s * like.fps))
    first = bridge_gaps(like.landmarks, like.num_frames)[0].astype(np.float64)
    aspect = like.aspect or 1.0
    shoulders = first[SHOULDERS]
    across = (shoulders[0, :2] - shoulders[1, :2]) * [aspect, 1]
    width = float(np.hypot(*across))
    for side, (arm, offsets, shape) in enumerate(zip(_ARMS, arms, shapes, strict=True)):
        outwards = np.sign(across[0]) * (1 if side == 0 else -1)
        first[arm, :2] = shoulders[side, :2] + offsets * width * [outwards / aspect, 1]
        first[arm, 2] = shoulders[side, 2]
        first[PARTS[f"{_SIDES[side]}_hand"]] = np.nan if shape is None else shape + first[arm[_WRIST]]
    landmarks = np.repeat(first[None], num_frames, axis=0)
    landmarks[..., :2] += _TREMBLING * width * rng.standard_normal((*landmarks.shape[:2], 2)) / [aspect, 1]
    visibility = np.repeat(like.visibility[:1], num_frames, axis=0)
    return LandmarkClip(landmarks.astype(np.float32), visibility, regular_timestamps(num_frames, like.fps), like.aspect)


def _shape_of(clip: LandmarkClip, side: str) -> Array | None:
    """(21, 3) a tracked hand from its wrist, in the middle of the frames that show it; None where none does."""
    hands = clip.landmarks[:, PARTS[f"{side}_hand"]].astype(np.float64)
    tracked = np.flatnonzero(np.isfinite(hands).all(axis=(1, 2)))
    if not len(tracked):
        return None
    shape = hands[tracked[len(tracked) // 2]]
    return np.asarray(shape - shape[0])


def with_a_resting_hand(clip: LandmarkClip, rest: LandmarkClip) -> LandmarkClip:
    """The clip with one hand: the one whose wrist moves less stays where it is in the rest's first frame.

    Args:
        clip: signed with either hand or both.
        rest: of the same person.
    """
    points, resting = clip.landmarks.copy(), rest.landmarks[0]
    wrists = clip.landmarks[:, [arm[_WRIST] for arm in _ARMS], :2]
    moved = np.nan_to_num(np.abs(np.diff(wrists, axis=0))).sum(axis=(0, 2))
    side = int(np.argmin(moved))
    widths = [np.linalg.norm(each[..., SHOULDERS[0], :2] - each[..., SHOULDERS[1], :2], axis=-1)
              for each in (points, resting)]  # fmt: skip
    scale = np.nanmedian(widths[0]) / max(float(widths[1]), 1e-6)
    moving = [*_ARMS[side], *range(len(HOLISTIC.names))[PARTS[f"{_SIDES[side]}_hand"]]]
    points[:, moving] = points[:, SHOULDERS[side], None] + (resting[moving] - resting[SHOULDERS[side]]) * scale
    return LandmarkClip(points.astype(np.float32), clip.visibility, clip.timestamps_s, clip.aspect)
