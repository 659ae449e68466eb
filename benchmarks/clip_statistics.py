"""What a clip looks like in figures: how fast hands move, how often they are seen, how large they are, how they shake.

    LandmarkClip -> tremble -> power by frequency, of fingertips and of wrists
                 -> clip_statistics -> a number for each of STATISTICS

Lengths are in shoulder widths in the picture, in which x and z are brought to the unit of y where the clip knows its
picture's shape. What a clip cannot tell is NaN. Called by `realism`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import periodogram

from signtalk.arrays import BoolArray, Float64Array
from signtalk.errors import ClipError
from signtalk.extraction.trimming import find_signing
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip
from signtalk.landmarks.features import MOTION_RATE, motion_energy
from signtalk.landmarks.hand_angles import hand_angles
from signtalk.landmarks.transforms import MIN_WIDTH, in_one_unit, shoulder_middle, shoulder_width

FREQUENCIES = np.arange(1.0, 30.01, 0.5)
"""Hz, of a spectrum."""
_WRIST, _MIDDLE_KNUCKLE = 0, 9
_TIPS = np.array([4, 8, 12, 16, 20])
_NOSE = HOLISTIC.index["nose"]
_BODY_WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
_MOVING = 0.5
"""Shoulder widths a second: a resting wrist trembles more slowly."""
_LEAST_RUN = 12
"""Frames in a row that a spectrum needs."""
_LEAST_FRAMES = 3
"""Frames that a median over some of a clip's frames needs."""
_UPRIGHT = np.radians(30)
"""A palm so near to the vertical is upright, and so near to the horizontal it lies."""
_NUM_JOINTS = 15
_EPSILON = 1e-9


@dataclass(frozen=True)
class Statistic:
    """One figure of a clip.

    Attributes:
        title: what it is, with its unit.
        group: of figures that are shown together.
        is_nominal: the recorded sets do not tell it, so that it is compared with nothing.
    """

    title: str
    group: str
    is_nominal: bool = False


STATISTICS: dict[str, Statistic] = {
    "hand_speed": Statistic("speed of the faster hand, shoulder widths/s", "movement"),
    "other_speed": Statistic("speed of the slower hand, shoulder widths/s", "movement"),
    "fast_speed": Statistic("fastest tenth of its speeds, shoulder widths/s", "movement"),
    "motion": Statistic("motion as the gate measures it, shoulder widths/s", "movement"),
    "height": Statistic("higher wrist below the shoulders, shoulder widths", "movement"),
    "both_busy": Statistic("both hands busy, share of the signing", "movement"),
    "duration": Statistic("length, s", "time"),
    "still_before": Statistic("stillness before the first movement, s", "time"),
    "still_after": Statistic("stillness after the last movement, s", "time"),
    "fps": Statistic("frames/s", "time", is_nominal=True),
    "seen_more": Statistic("hand seen more, share of frames", "sight"),
    "seen_less": Statistic("hand seen less, share of frames", "sight"),
    "gap_length": Statistic("median gap of a hand, s", "sight"),
    "gap_rate": Statistic("gaps of a hand a second", "sight"),
    "palm": Statistic("palm, shoulder widths", "shape"),
    "palm_upright": Statistic("upright palm, shoulder widths", "shape"),
    "palm_lying": Statistic("lying palm, shoulder widths", "shape"),
    "hand_depth": Statistic("depth of a hand over its width", "shape"),
    "finger_bend": Statistic("mean bend of the finger joints, rad", "shape"),
    "nose_height": Statistic("nose above the shoulders, shoulder widths", "shape"),
    "shoulders": Statistic("shoulders, share of the picture's width", "shape"),
    "finger_speed": Statistic("bending of the finger joints, rad/s", "trembling"),
    "tip_shake": Statistic("fingertip off its neighbours' middle, palms", "trembling"),
    "angle_shake": Statistic("joint off its neighbours' middle, rad", "trembling"),
    "tip_3_6": Statistic("fingertip, 3 to 6 Hz, palms", "trembling"),
    "tip_6_9": Statistic("fingertip, 6 to 9 Hz, palms", "trembling"),
    "wrist_6_9": Statistic("wrist, 6 to 9 Hz, shoulder widths", "trembling"),
}


@dataclass(frozen=True, eq=False)
class Tremble:
    """Power spectral density at FREQUENCIES, (F,) each; NaN from half the frame rate on.

    Attributes:
        tips: of the fingertips about their wrist, squared palms per Hz.
        wrists: of the hands' wrists, squared shoulder widths per Hz.
    """

    tips: Float64Array
    wrists: Float64Array


@dataclass(frozen=True, eq=False)
class _Seen:
    """A clip's landmarks in shoulder widths from the middle of the shoulders.

    Attributes:
        points: (T, 169, 3).
        hands: left and right, (T, 21, 3) each.
        palms: (2, T) from the wrist to the middle finger's knuckle in the picture.
        palm: the clip's palm length, what nine tenths of its frames do not exceed: shorter ones point at the camera.
    """

    points: Float64Array
    hands: tuple[Float64Array, Float64Array]
    palms: Float64Array
    palm: float


def clip_statistics(clip: LandmarkClip, power: Tremble) -> dict[str, float]:
    """Each of STATISTICS; all NaN where no frame shows both shoulders.

    `power` is what `tremble` gave of the clip.
    """
    seen = _in_shoulder_widths(clip)
    if seen is None:
        return dict.fromkeys(STATISTICS, float("nan"))
    return {
        **_movement(clip, seen), **_time(clip, seen), **_sight(clip, seen), **_shape(clip, seen),
        **_trembling(clip, seen, power),
    }  # fmt: skip


def tremble(clip: LandmarkClip) -> Tremble:
    """How a clip's fingertips and wrists tremble; all NaN where no hand is seen for long enough."""
    seen = _in_shoulder_widths(clip)
    if seen is None:
        nothing = np.full(len(FREQUENCIES), np.nan)
        return Tremble(nothing, nothing)
    tips = [spectrum(tip, clip.fps) for hand in seen.hands for tip in np.moveaxis(_tips(hand, seen.palm), 1, 0)]
    wrists = [spectrum(hand[:, _WRIST, :2], clip.fps) for hand in seen.hands]
    return Tremble(_mean(np.stack(tips)), _mean(np.stack(wrists)))


def spectrum(way: Float64Array, fps: float) -> Float64Array:
    """Power spectral density of a point's way, summed over coordinates: a mean over its runs without a gap.

    Each run is freed of its straight course and faded at its ends (Hann), so that the slow movement of a sign does
    not leak into the fast trembling.

    Args:
        way: (T, C); NaN = missing.
        fps: frames a second.

    Returns:
        (F,) at FREQUENCIES, squared units per Hz; NaN from half the frame rate on, and without a long run.
    """
    total, weight = np.zeros(len(FREQUENCIES)), 0
    for start, stop in runs(~np.isnan(way).any(axis=1)):
        if stop - start < _LEAST_RUN:
            continue
        hertz, power = periodogram(way[start:stop], fps, window="hann", detrend="linear", axis=0)
        total += (stop - start) * np.interp(FREQUENCIES, hertz, power.sum(axis=1))
        weight += stop - start
    if not weight:
        return np.full(len(FREQUENCIES), np.nan)
    return np.where(fps / 2 - _EPSILON > FREQUENCIES, total / weight, np.nan)


def in_band(density: Float64Array, low: float, high: float) -> float:
    """Root mean square within a band of a spectrum; NaN where the spectrum does not reach so far.

    Args:
        density: (F,) at FREQUENCIES.
        low: Hz.
        high: Hz.
    """
    inside = (low <= FREQUENCIES) & (high >= FREQUENCIES)
    return float(np.sqrt(np.trapezoid(density[inside], FREQUENCIES[inside])))


def runs(flags: BoolArray) -> Iterator[tuple[int, int]]:
    """First and past-the-last place of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    yield from ((int(start), int(stop)) for start, stop in edges.reshape(-1, 2))


def _in_shoulder_widths(clip: LandmarkClip) -> _Seen | None:
    points, _ = in_one_unit(clip)
    width = shoulder_width(points)
    if width < MIN_WIDTH:
        return None
    points = (points - shoulder_middle(points) * [1, 1, 0]) / width
    hands = points[:, PARTS["left_hand"]], points[:, PARTS["right_hand"]]
    palms = np.stack([np.linalg.norm(_along_palm(hand), axis=-1) for hand in hands])
    known = palms[~np.isnan(palms)]
    return _Seen(points, hands, palms, float(np.percentile(known, 90)) if len(known) else float("nan"))


def _movement(clip: LandmarkClip, seen: _Seen) -> dict[str, float]:
    speeds = [_speeds(hand[:, _WRIST, :2], clip.fps) for hand in seen.hands]
    medians = sorted((_median(each) for each in speeds), key=lambda speed: (np.isnan(speed), -speed))
    fast = [np.percentile(each, 90) for each in speeds if len(each)]
    signing = find_signing(clip)
    wrists = np.stack([hand[:, _WRIST, 1] for hand in seen.hands])
    shown = ~np.isnan(wrists).all(axis=0)
    try:
        motion = motion_energy(clip)
    except ClipError:
        motion = float("nan")
    return {
        "hand_speed": medians[0],
        "other_speed": medians[1],
        "fast_speed": float(max(fast)) if fast else float("nan"),
        "motion": motion,
        "height": _median(np.nanmin(wrists[:, shown], axis=0)),
        "both_busy": float(signing.hands.all(axis=1)[signing.active].mean()) if signing.is_any else float("nan"),
    }


def _time(clip: LandmarkClip, seen: _Seen) -> dict[str, float]:
    """Stillness by the body's wrists, which trackers give in nearly every frame."""
    step = _compared(clip.fps)
    ways = seen.points[:, _BODY_WRISTS, :2]
    with np.errstate(invalid="ignore"):
        moving = (np.linalg.norm(ways[step:] - ways[:-step], axis=-1) * clip.fps / step > _MOVING).any(axis=1)
    frames = np.flatnonzero(moving)
    return {
        "duration": clip.duration_s,
        "still_before": frames[0] / clip.fps if len(frames) else float("nan"),
        "still_after": (len(moving) - 1 - frames[-1]) / clip.fps if len(frames) else float("nan"),
        "fps": clip.fps,
    }


def _sight(clip: LandmarkClip, seen: _Seen) -> dict[str, float]:
    """Of hands; a gap lies between two frames that show the hand."""
    shown = [~np.isnan(palm) for palm in seen.palms]
    shares = sorted(float(each.mean()) for each in shown)
    lengths, seconds = [], 0.0
    for each in shown:
        frames = np.flatnonzero(each)
        if len(frames):
            lengths += [stop - start for start, stop in runs(~each[frames[0] : frames[-1] + 1])]
            seconds += (frames[-1] + 1 - frames[0]) / clip.fps
    return {
        "seen_more": shares[1],
        "seen_less": shares[0],
        "gap_length": float(np.median(lengths)) / clip.fps if lengths else float("nan"),
        "gap_rate": len(lengths) / seconds if seconds else float("nan"),
    }


def _shape(clip: LandmarkClip, seen: _Seen) -> dict[str, float]:
    along = np.abs(np.concatenate([_along_palm(hand) for hand in seen.hands]))
    angle, lengths = np.arctan2(along[:, 1], along[:, 0]), np.concatenate(list(seen.palms))
    hands = np.concatenate(seen.hands)
    box = hands.max(axis=1) - hands.min(axis=1)
    bends = np.concatenate([hand_angles(hand.astype(np.float32))[:, :_NUM_JOINTS] for hand in seen.hands])
    width = shoulder_width(clip.landmarks)
    return {
        "palm": seen.palm,
        "palm_upright": _longest(lengths[angle > np.pi / 2 - _UPRIGHT]),
        "palm_lying": _longest(lengths[angle < _UPRIGHT]),
        "hand_depth": _median(box[:, 2] / np.maximum(box[:, :2].max(axis=1), _EPSILON)),
        "finger_bend": _median(bends.mean(axis=1)),
        "nose_height": -_median(seen.points[:, _NOSE, 1]),
        "shoulders": width,
    }


def _trembling(clip: LandmarkClip, seen: _Seen, power: Tremble) -> dict[str, float]:
    angles = [hand_angles(hand.astype(np.float32))[:, :_NUM_JOINTS].astype(np.float64) for hand in seen.hands]
    bending = np.concatenate([_speeds(each, clip.fps) for each in angles]) / np.sqrt(_NUM_JOINTS)
    tips = [_off_middle(_tips(hand, seen.palm)) for hand in seen.hands]
    return {
        "finger_speed": _median(bending),
        "tip_shake": _median(np.concatenate([np.linalg.norm(each, axis=-1).mean(axis=1) for each in tips])),
        "angle_shake": _median(np.concatenate([np.abs(_off_middle(each)).mean(axis=1) for each in angles])),
        "tip_3_6": in_band(power.tips, 3, 6),
        "tip_6_9": in_band(power.tips, 6, 9),
        "wrist_6_9": in_band(power.wrists, 6, 9),
    }


def _along_palm(hand: Float64Array) -> Float64Array:
    """(T, 2) from the wrist to the middle finger's knuckle in the picture."""
    return np.asarray(hand[:, _MIDDLE_KNUCKLE, :2] - hand[:, _WRIST, :2])


def _tips(hand: Float64Array, palm: float) -> Float64Array:
    """(T, 5, 2) fingertips about the wrist, in palm lengths."""
    return np.asarray((hand[:, _TIPS, :2] - hand[:, [_WRIST], :2]) / palm)


def _speeds(way: Float64Array, fps: float) -> Float64Array:
    """Units a second over about a tenth of a second, of the frames that show both ends; of a way (T, C)."""
    step = _compared(fps)
    moved = np.linalg.norm(way[step:] - way[:-step], axis=-1) * fps / step
    return np.asarray(moved[~np.isnan(moved)])


def _compared(fps: float) -> int:
    """Frames in about a tenth of a second."""
    return max(1, round(fps / MOTION_RATE))


def _off_middle(way: Float64Array) -> Float64Array:
    """(T - 2, ...) how far each frame is from the middle between the one before and the one after."""
    return np.asarray(way[1:-1] - (way[:-2] + way[2:]) / 2)


def _median(values: npt.NDArray[np.floating]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _longest(lengths: Float64Array) -> float:
    """What nine tenths of some lengths do not exceed; NaN of too few."""
    return float(np.percentile(lengths, 90)) if len(lengths) >= _LEAST_FRAMES else float("nan")


def _mean(rows: Float64Array) -> Float64Array:
    """(F,) of the rows (R, F) that are known."""
    known = rows[~np.isnan(rows).all(axis=1)]
    return np.asarray(known.mean(axis=0)) if len(known) else np.full(rows.shape[1], np.nan)
