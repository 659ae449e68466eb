"""Does the person sign in this frame? A small learned model over how hands move and where they are.

    frame (169, 3) at a time --ActivityFeatures--> (16,) --ActivityModel--> probability that somebody signs

Causal and with constant work a frame: all memory is exponential averages whose weights follow from the time between
two frames, so that any frame rate gives about the same. Docs: docs/segmentation.md has every formula, for ports.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from signtalk.arrays import Float64Array
from signtalk.landmarks.clip import HOLISTIC, LandmarkClip
from signtalk.landmarks.features import MIN_SHOULDER_WIDTH, TIP_NAMES

FEATURE_NAMES = (
    "higher_y", "lower_y", "larger_rise", "smaller_rise", "quick_speed", "quick_speed_other", "long_speed",
    "long_speed_other", "higher_vertical", "finger_speed", "seen", "seen_other", "wrist_distance", "higher_aside",
    "raised_s", "shape_change",
)  # fmt: skip
"""What the model reads of a frame, in this order."""
HIGHER_Y = FEATURE_NAMES.index("higher_y")

Point = tuple[float, float]
_USED = HOLISTIC.positions((
    "left_shoulder", "right_shoulder", "left_wrist", "right_wrist", "left_hand_wrist", "right_hand_wrist",
    *(f"{side}_hand_{tip}" for side in ("left", "right") for tip in TIP_NAMES),
))  # fmt: skip
"""What is read of a frame, in this order."""
_NO_TIPS: list[Point] = [(math.nan, math.nan)] * len(TIP_NAMES)

# Seconds. The two averages of a position lag by their time constants, so that their difference is the velocity.
FAST_S, SLOW_S = 0.08, 0.30
QUICK_S, LONG_S, SEEN_S, WIDTH_S = 0.2, 1.0, 0.3, 1.0
REST_S, LOWER_REST_S = 4.0, 0.5
HELD_S = 0.5
"""So long a lost wrist stays where it was; then it is taken to rest."""
STILL_SPEED = 0.5
LOWEST = 2.3
"""Shoulder widths below the shoulders; no arm hangs lower, but trackers guess so of one that is out of view."""
RAISED, LONGEST_RAISED_S = 0.4, 4.0
"""A hand this many shoulder widths from its rest is raised; longer than this is just long."""
RESTING: tuple[Point, Point] = ((0.4, 2.0), (-0.4, 2.0))
"""Where hands that were never seen are taken to be, left and right."""
LIMIT = 4.0

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Spread = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ActivityModel(BaseModel, frozen=True, extra="forbid"):
    """A network of one hidden layer: logit = output . tanh(hidden x standardised features + bias) + output bias.

    Attributes:
        feature_names: what it reads; must be FEATURE_NAMES.
        mean: (16,) of each feature over the frames of the fit.
        spread: (16,) standard deviation likewise.
        hidden: (H, 16) weights.
        hidden_bias: (H,).
        output: (H,) weights.
        output_bias: of the logit.
    """

    feature_names: tuple[str, ...] = FEATURE_NAMES
    mean: tuple[_Finite, ...]
    spread: tuple[_Spread, ...]
    hidden: tuple[tuple[_Finite, ...], ...]
    hidden_bias: tuple[_Finite, ...]
    output: tuple[_Finite, ...]
    output_bias: _Finite

    @model_validator(mode="after")
    def _check(self) -> ActivityModel:
        size = len(FEATURE_NAMES)
        if self.feature_names != FEATURE_NAMES:
            raise ValueError(f"feature_names {self.feature_names}; this SignTalk computes {FEATURE_NAMES}")
        if not len(self.mean) == len(self.spread) == size or any(len(row) != size for row in self.hidden):
            raise ValueError(f"mean, spread and each row of hidden need {size} numbers")
        if not len(self.hidden) == len(self.hidden_bias) == len(self.output) > 0:
            raise ValueError("hidden, hidden_bias and output need one entry a hidden unit")
        return self


class _Hand:
    """One hand through the stream; positions in shoulder widths from the chest, missing ones NaN.

    Plain numbers, not arrays: for two coordinates an array operation takes longer than the arithmetic, and a service
    follows many people at once.
    """

    def __init__(self, resting: tuple[float, float]) -> None:
        self._resting = resting  # where a hand that was never seen is taken to be
        self._fast = self._slow = self._rest = (math.nan, math.nan)
        self._unseen_s = math.inf
        self._tips_fast = self._tips_slow = self._tips_rest = _NO_TIPS
        self.velocity_y = self.quick = self.long = self.fingers = self.seen = self.shape = 0.0

    @property
    def never_seen(self) -> bool:
        """Whether no frame has shown it yet."""
        return math.isnan(self._fast[0])

    @property
    def place(self) -> tuple[float, float]:
        """Where it is."""
        return self._resting if self.never_seen else self._fast

    @property
    def rise(self) -> float:
        """How far it is from where it rests."""
        return _number(math.hypot(self._fast[0] - self._rest[0], self._fast[1] - self._rest[1]))

    def follow(self, wrist: Point, tips: list[Point] | None, elapsed: float) -> None:
        """Take a frame's wrist, and the fingertips about it, None where the hand is not tracked."""
        speed = self._follow_wrist(wrist, elapsed)
        self._follow_fingers(tips, elapsed)
        self.quick += _weight(elapsed, QUICK_S) * (speed - self.quick)
        self.long += _weight(elapsed, LONG_S) * (speed - self.long)
        self.seen += _weight(elapsed, SEEN_S) * ((tips is not None) - self.seen)

    def _follow_wrist(self, wrist: Point, elapsed: float) -> float:
        """Its speed in shoulder widths a second; a lost wrist is held, then rests."""
        seen = wrist[0] == wrist[0] and wrist[1] == wrist[1]
        if seen and self._unseen_s > HELD_S:
            self._fast = self._slow = wrist
            if math.isnan(self._rest[0]):
                self._rest = wrist
        self._unseen_s = 0.0 if seen else self._unseen_s + elapsed
        gone = self._unseen_s > HELD_S
        towards = wrist if seen else self._rest if gone else self._fast
        self._fast = _nearer(self._fast, towards, _weight(elapsed, FAST_S))
        self._slow = _nearer(self._slow, self._fast if gone else towards, _weight(elapsed, SLOW_S))
        x, self.velocity_y = (_number((self._fast[i] - self._slow[i]) / (SLOW_S - FAST_S)) for i in (0, 1))
        speed = math.hypot(x, self.velocity_y)
        still = min(max(1 - speed / STILL_SPEED, 0.0), 1.0)
        lower = self._fast[1] > self._rest[1]
        self._rest = _nearer(self._rest, self._fast, still * _weight(elapsed, LOWER_REST_S if lower else REST_S))
        return speed

    def _follow_fingers(self, tips: list[Point] | None, elapsed: float) -> None:
        """The mean speed of the fingertips about their own wrist, and how far the hand's shape is from its rest."""
        if tips is None:
            self._tips_fast = self._tips_slow = _NO_TIPS
            self.fingers += _weight(elapsed, SEEN_S) * (0.0 - self.fingers)
            self.shape = 0.0
            return
        fast, slow = _weight(elapsed, FAST_S), _weight(elapsed, SLOW_S)
        if math.isnan(self._tips_fast[0][0]):
            self._tips_fast = self._tips_slow = tips
        self._tips_fast = [_nearer(at, tip, fast) for at, tip in zip(self._tips_fast, tips, strict=True)]
        self._tips_slow = [_nearer(at, tip, slow) for at, tip in zip(self._tips_slow, tips, strict=True)]
        speed = _mean_distance(self._tips_fast, self._tips_slow) / (SLOW_S - FAST_S)
        self.fingers += _weight(elapsed, SEEN_S) * (speed - self.fingers)
        if math.isnan(self._tips_rest[0][0]):
            self._tips_rest = tips
        still = min(max(1 - (speed + self.quick) / STILL_SPEED, 0.0), 1.0) * _weight(elapsed, REST_S)
        self._tips_rest = [_nearer(at, tip, still) for at, tip in zip(self._tips_rest, self._tips_fast, strict=True)]
        self.shape = _mean_distance(self._tips_fast, self._tips_rest)


class ActivityFeatures:
    """Features of a stream, frame by frame; constant memory.

    Args:
        aspect: image width over height.
    """

    def __init__(self, aspect: float = 1.0) -> None:
        self._aspect = aspect
        self._time = self._width = math.nan
        self._centre = (0.0, 0.0)
        self._hands = _Hand(RESTING[0]), _Hand(RESTING[1])
        self._raised_s = 0.0

    def push(self, landmarks: npt.NDArray[np.floating], timestamp_s: float) -> Float64Array | None:
        """Take a frame.

        Args:
            landmarks: (169, 2 or more) in HOLISTIC order, x in image widths, y in image heights; NaN = missing, and
                infinite likewise, for an average would never forget it.
            timestamp_s: later than the frame before.

        Returns:
            (16,) features; None until a frame has shown both shoulders.

        Raises:
            ValueError: the shape is another, or the time does not increase.
        """
        if landmarks.ndim != 2 or len(landmarks) != len(HOLISTIC.names) or landmarks.shape[1] < 2:
            raise ValueError(f"a frame of shape {landmarks.shape}; expected ({len(HOLISTIC.names)}, 3)")
        if not math.isfinite(timestamp_s) or timestamp_s <= self._time:
            raise ValueError(f"a frame at {timestamp_s} s after one at {self._time} s; times must increase")
        elapsed = 0.0 if math.isnan(self._time) else timestamp_s - self._time
        self._time = timestamp_s
        points: list[Point] = [
            (x * self._aspect, y) if math.isfinite(x) and math.isfinite(y) else (math.nan, math.nan)
            for x, y in landmarks[_USED, :2].tolist()
        ]
        self._measure(points[0], points[1], elapsed)
        if math.isnan(self._width):
            return None
        for number, hand in enumerate(self._hands):
            of_pose, wrist = points[2 + number], points[4 + number]
            tips = points[6 + 5 * number : 11 + 5 * number]
            hand.follow(
                self._from_chest(wrist if math.isnan(of_pose[0]) else of_pose), self._about(wrist, tips), elapsed
            )
        return self._gather(elapsed)

    def _measure(self, left: Point, right: Point, elapsed: float) -> None:
        """Where the chest is and how wide the shoulders are, the latter as an average over a second."""
        width = math.hypot(left[0] - right[0], left[1] - right[1])
        if not width > MIN_SHOULDER_WIDTH:  # NaN as well
            return
        self._centre = (left[0] + right[0]) / 2, (left[1] + right[1]) / 2
        self._width = (
            width if math.isnan(self._width) else self._width + _weight(elapsed, WIDTH_S) * (width - self._width)
        )

    def _from_chest(self, point: Point) -> Point:
        """In shoulder widths, within what an arm reaches; NaN stays."""
        if math.isnan(point[0]):
            return point
        x, y = (point[0] - self._centre[0]) / self._width, (point[1] - self._centre[1]) / self._width
        return min(max(x, -LOWEST), LOWEST), min(max(y, -LOWEST), LOWEST)

    def _about(self, wrist: Point, tips: list[Point]) -> list[Point] | None:
        """Fingertips from the wrist in shoulder widths; None where one of them is missing."""
        moved = [((x - wrist[0]) / self._width, (y - wrist[1]) / self._width) for x, y in tips]
        return None if any(math.isnan(x) for x, _ in moved) else moved

    def _gather(self, elapsed: float) -> Float64Array:
        """The features in the order of FEATURE_NAMES; a hand that was never seen rests."""
        one, other = self._hands
        rises = one.rise, other.rise
        self._raised_s = min(self._raised_s + elapsed, LONGEST_RAISED_S) if max(rises) > RAISED else 0.0
        if other.place[1] < one.place[1]:
            one, other = other, one
        high, low = one.place, other.place
        return np.array([
            high[1], low[1], max(rises), min(rises),
            math.log1p(max(one.quick, other.quick)), math.log1p(min(one.quick, other.quick)),
            math.log1p(max(one.long, other.long)), math.log1p(min(one.long, other.long)),
            one.velocity_y, math.log1p(max(one.fingers, other.fingers)),
            max(one.seen, other.seen), min(one.seen, other.seen),
            math.hypot(high[0] - low[0], high[1] - low[1]), abs(high[0]), self._raised_s, max(one.shape, other.shape),
        ])  # fmt: skip


def _nearer(at: Point, towards: Point, weight: float) -> Point:
    return at[0] + weight * (towards[0] - at[0]), at[1] + weight * (towards[1] - at[1])


def _mean_distance(points: list[Point], others: list[Point]) -> float:
    total = sum(math.hypot(x - u, y - v) for (x, y), (u, v) in zip(points, others, strict=True))
    return total / len(points)


def _number(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _weight(elapsed: float, constant: float) -> float:
    """Of the newest value in an exponential average over `constant` seconds."""
    return -math.expm1(-elapsed / constant)


class _Network:
    """A model's numbers as arrays, made once."""

    def __init__(self, model: ActivityModel) -> None:
        self._mean, self._spread = np.array(model.mean), np.array(model.spread)
        self._hidden, self._hidden_bias = np.array(model.hidden).T.copy(), np.array(model.hidden_bias)
        self._output, self._output_bias = np.array(model.output), model.output_bias

    def __call__(self, features: Float64Array) -> Float64Array:
        """As `probabilities`."""
        # minimum and maximum are a third of np.clip's time, which is felt frame by frame.
        standard = np.minimum(np.maximum((features - self._mean) / self._spread, -LIMIT), LIMIT)
        logits = np.tanh(standard @ self._hidden + self._hidden_bias) @ self._output + self._output_bias
        return np.asarray(1 / (1 + np.exp(-np.minimum(np.maximum(logits, -60), 60))))


def probabilities(model: ActivityModel, features: Float64Array) -> Float64Array:
    """(T,) probability that somebody signs, from (T, 16) features."""
    return _Network(model)(features)


class ActivityTracker:
    """Probability that the person signs, frame by frame.

    Args:
        model: the weights.
        aspect: image width over height.

    Attributes:
        below: shoulder widths from the shoulders down to the higher hand in the last frame.
    """

    def __init__(self, model: ActivityModel, aspect: float = 1.0) -> None:
        self._network = _Network(model)
        self._features = ActivityFeatures(aspect)
        self.below = 0.0

    def push(self, landmarks: npt.NDArray[np.floating], timestamp_s: float) -> float:
        """As `ActivityFeatures.push`; 0.0 until a frame has shown both shoulders."""
        features = self._features.push(landmarks, timestamp_s)
        if features is None:
            return 0.0
        self.below = float(features[HIGHER_Y])
        return float(self._network(features[None])[0])


def clip_features(clip: LandmarkClip) -> Float64Array:
    """(T, 16) features of each frame, frame by frame as in a stream; zeros before the shoulders are seen."""
    tracker = ActivityFeatures(clip.aspect or 1.0)
    rows = [tracker.push(frame, float(time)) for frame, time in zip(clip.landmarks, clip.timestamps_s, strict=True)]
    nothing = np.zeros(len(FEATURE_NAMES))
    return np.stack([nothing if row is None else row for row in rows]) if rows else np.zeros((0, len(FEATURE_NAMES)))


@dataclass(frozen=True)
class ClipActivity:
    """How much of a clip is signing.

    Attributes:
        seconds: that the model takes for signing.
        share: of the clip's duration, 0-1.
        mean: mean probability over time, 0-1; what a threshold is best put on.
    """

    seconds: float
    share: float
    mean: float


def clip_activity(clip: LandmarkClip, model: ActivityModel) -> ClipActivity:
    """How much of a clip is signing: what can stand in the place of a floor of mean hand speed.

    Returns:
        All zeros for a clip without a frame, or in which no frame shows both shoulders.
    """
    tracker = ActivityTracker(model, clip.aspect or 1.0)
    signing = np.array([tracker.push(f, float(t)) for f, t in zip(clip.landmarks, clip.timestamps_s, strict=True)])
    return activity_of(clip, signing)


def activity_of(clip: LandmarkClip, signing: Float64Array) -> ClipActivity:
    """How much of a clip is signing, from the (T,) probabilities of its frames; all zeros without a frame."""
    if not len(signing):
        return ClipActivity(0.0, 0.0, 0.0)
    lasts = np.append(np.diff(clip.timestamps_s), clip.duration_s / clip.num_frames)
    total = float(lasts.sum())
    seconds = float(lasts[signing >= 0.5].sum())
    return ClipActivity(seconds, seconds / total, float((signing * lasts).sum() / total))
