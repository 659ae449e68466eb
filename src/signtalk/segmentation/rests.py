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
_APART_S, _WAY_S, _STAY_S = (0.3, 5.0), (0.2, 0.6), (0.0, 1.0)
"""Seconds between two fidgets, of a hand's way up or down, and for which it stays up; least and most."""
_FIDGET_DOWN, _FIDGET_INWARDS = (0.6, 1.6), (-0.3, 0.6)
"""Shoulder widths from the shoulder to the wrist of a fidgeting hand, least and most: belly, belt, pocket."""
_RUB, _RUB_HZ = 0.06, 2.5
"""What a hand that is up does in half of the fidgets: shoulder widths, and how often a second."""
_BOTH_HANDS = 0.2
"""Part of the fidgets."""


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


def with_fidgets(rest: LandmarkClip, like: LandmarkClip, rng: np.random.Generator) -> LandmarkClip:
    """The rest with a hand that now and then goes to belly, belt or pocket and comes back.

    Half of the hands that are not tracked at rest are tracked while they are up, in the shape that `like` has.

    Args:
        rest: with arms that hang or lie.
        like: the clip that the rest was made for.
        rng: the only source of chance.
    """
    points, times = rest.landmarks.copy(), rest.timestamps_s - rest.timestamps_s[0]
    aspect = rest.aspect or 1.0
    shoulders = points[0, SHOULDERS, :2].astype(np.float64)
    across = (shoulders[0] - shoulders[1]) * [aspect, 1]
    width = float(np.hypot(*across))
    clock = float(rng.uniform(*_APART_S))
    while clock < times[-1]:
        up_s, stay_s, down_s = rng.uniform(*_WAY_S), rng.uniform(*_STAY_S), rng.uniform(*_WAY_S)
        first = int(rng.integers(2))
        rubs, tracked = rng.random() < 0.5, rng.random() < 0.5
        for side in (0, 1) if rng.random() < _BOTH_HANDS else (first,):
            outwards = np.sign(across[0]) * (1 if side == 0 else -1)
            target = np.array([-rng.uniform(*_FIDGET_INWARDS) * outwards / aspect, rng.uniform(*_FIDGET_DOWN)]) * width
            way = np.interp(times - clock, np.cumsum([0.0, up_s, stay_s, down_s]), [0.0, 1.0, 1.0, 0.0])
            way = way * way * (3 - 2 * way)
            arm, hand = _ARMS[side], PARTS[f"{_SIDES[side]}_hand"]
            moved = way[:, None] * (shoulders[side] + target - points[0, arm[_WRIST], :2])
            if rubs:
                moved[:, 1] += _RUB * width * (way >= 1) * np.sin(2 * np.pi * _RUB_HZ * (times - clock))
            shape = _shape_of(like, _SIDES[side]) if tracked else None
            points[:, arm[_WRIST:], :2] += moved[:, None]
            points[:, arm[0], :2] += moved / 2
            points[:, hand, :2] += moved[:, None]
            if shape is not None:
                shown = (way > 0.5) & np.isnan(points[:, hand]).any(axis=(1, 2))
                points[shown, hand] = shape + points[shown, arm[_WRIST]][:, None]
        clock += up_s + stay_s + down_s + float(rng.uniform(*_APART_S))
    return LandmarkClip(points, rest.visibility, rest.timestamps_s, rest.aspect)


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
