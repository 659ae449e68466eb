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

from signtalk.files import BoolArray
from signtalk.landmarks import HOLISTIC, LandmarkClip

Float64Array = npt.NDArray[np.float64]

FEATURE_NAMES = (
    "higher_y", "lower_y", "larger_rise", "smaller_rise", "quick_speed", "quick_speed_other", "long_speed",
    "long_speed_other", "higher_vertical", "finger_speed", "seen", "seen_other", "wrist_distance", "higher_aside",
    "raised_s", "shape_change",
)  # fmt: skip
"""What the model reads of a frame, in this order."""

_SHOULDERS = HOLISTIC.positions(("left_shoulder", "right_shoulder"))
_WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
_HAND_WRISTS = HOLISTIC.positions(("left_hand_wrist", "right_hand_wrist"))
_TIP_NAMES = ("thumb_tip", "index_tip", "middle_tip", "ring_tip", "pinky_tip")
_TIPS = np.stack([HOLISTIC.positions(tuple(f"{side}_hand_{tip}" for tip in _TIP_NAMES)) for side in ("left", "right")])

# Seconds. The two averages of a position lag by their time constants, so that their difference is the velocity.
_FAST_S, _SLOW_S = 0.08, 0.30
_QUICK_S, _LONG_S, _SEEN_S, _WIDTH_S = 0.2, 1.0, 0.3, 1.0
_REST_S, _LOWER_REST_S = 4.0, 0.5
_HELD_S = 0.5
"""So long a lost wrist stays where it was; then it is taken to rest."""
_STILL_SPEED = 0.5
_LOWEST = 2.3
"""Shoulder widths below the shoulders; no arm hangs lower, but trackers guess so of one that is out of view."""
_RAISED, _LONGEST_RAISED_S = 0.4, 4.0
"""A hand this many shoulder widths from its rest is raised; longer than this is just long."""
_MIN_WIDTH = 1e-3
_LIMIT = 4.0

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


class ActivityFeatures:
    """Features of a stream, frame by frame; constant memory.

    Args:
        aspect: image width over height.
    """

    def __init__(self, aspect: float = 1.0) -> None:
        self._square = np.array([aspect, 1.0])
        self._time = math.nan
        self._width = math.nan
        self._centre = np.zeros(2)
        self._fast = np.full((2, 2), np.nan)  # hand, coordinate
        self._slow = np.full((2, 2), np.nan)
        self._rest = np.full((2, 2), np.nan)
        self._unseen_s = np.full(2, np.inf)
        self._tips_fast = np.full((2, 5, 2), np.nan)
        self._tips_slow = np.full((2, 5, 2), np.nan)
        self._tips_rest = np.full((2, 5, 2), np.nan)
        self._quick, self._long, self._fingers, self._seen, self._shape = (np.zeros(2) for _ in range(5))
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
        points = landmarks[:, :2] * self._square
        points[~np.isfinite(points).all(axis=1)] = np.nan
        self._measure(points[_SHOULDERS], elapsed)
        if math.isnan(self._width):
            return None
        wrists = np.where(np.isnan(points[_WRISTS]), points[_HAND_WRISTS], points[_WRISTS])
        wrists = np.clip((wrists - self._centre) / self._width, -_LOWEST, _LOWEST)
        speed, velocity = self._follow_wrists(wrists, elapsed)
        tracked = self._follow_fingers((points[_TIPS] - points[_HAND_WRISTS][:, None]) / self._width, elapsed)
        self._quick += _weight(elapsed, _QUICK_S) * (speed - self._quick)
        self._long += _weight(elapsed, _LONG_S) * (speed - self._long)
        self._seen += _weight(elapsed, _SEEN_S) * (tracked - self._seen)
        return self._gather(velocity, elapsed)

    def _measure(self, shoulders: Float64Array, elapsed: float) -> None:
        """Where the chest is and how wide the shoulders are, the latter as an average over a second."""
        width = float(np.hypot(*(shoulders[0] - shoulders[1])))
        if not width > _MIN_WIDTH:  # NaN as well
            return
        self._centre = shoulders.mean(axis=0)
        self._width = (
            width if math.isnan(self._width) else self._width + _weight(elapsed, _WIDTH_S) * (width - self._width)
        )

    def _follow_wrists(self, wrists: Float64Array, elapsed: float) -> tuple[Float64Array, Float64Array]:
        """(2,) speeds and (2, 2) velocities in shoulder widths a second; a lost wrist is held, then rests."""
        seen = np.asarray(~np.isnan(wrists).any(axis=1))
        back = seen & (self._unseen_s > _HELD_S)
        self._fast[back], self._slow[back] = wrists[back], wrists[back]
        new = back & np.isnan(self._rest[:, 0])
        self._rest[new] = wrists[new]
        self._unseen_s = np.where(seen, 0.0, self._unseen_s + elapsed)
        gone = self._unseen_s > _HELD_S
        towards = np.where(seen[:, None], wrists, np.where(gone[:, None], self._rest, self._fast))
        self._fast += _weight(elapsed, _FAST_S) * (towards - self._fast)
        self._slow += _weight(elapsed, _SLOW_S) * (np.where(gone[:, None], self._fast, towards) - self._slow)
        velocity = np.nan_to_num((self._fast - self._slow) / (_SLOW_S - _FAST_S))
        speed = np.hypot(velocity[:, 0], velocity[:, 1])
        still = np.clip(1 - speed / _STILL_SPEED, 0, 1)
        lower = self._fast[:, 1] > self._rest[:, 1]
        weight = still * np.where(lower, _weight(elapsed, _LOWER_REST_S), _weight(elapsed, _REST_S))
        self._rest += weight[:, None] * (self._fast - self._rest)
        return speed, velocity

    def _follow_fingers(self, tips: Float64Array, elapsed: float) -> BoolArray:
        """(2,) whether each hand is tracked; keeps the mean speed of its fingertips about its own wrist."""
        tracked = np.asarray(~np.isnan(tips).any(axis=(1, 2)))
        back = tracked & np.isnan(self._tips_fast[:, 0, 0])
        self._tips_fast[back], self._tips_slow[back] = tips[back], tips[back]
        self._tips_fast[~tracked] = np.nan
        self._tips_fast += _weight(elapsed, _FAST_S) * (tips - self._tips_fast)
        self._tips_slow += _weight(elapsed, _SLOW_S) * (tips - self._tips_slow)
        moved = (self._tips_fast - self._tips_slow) / (_SLOW_S - _FAST_S)
        speed = np.nan_to_num(np.hypot(moved[..., 0], moved[..., 1])).mean(axis=1)
        self._fingers += _weight(elapsed, _SEEN_S) * (speed - self._fingers)
        new = tracked & np.isnan(self._tips_rest[:, 0, 0])
        self._tips_rest[new] = tips[new]
        weight = np.clip(1 - (speed + self._quick) / _STILL_SPEED, 0, 1) * _weight(elapsed, _REST_S) * tracked
        self._tips_rest += weight[:, None, None] * np.nan_to_num(self._tips_fast - self._tips_rest)
        changed = np.nan_to_num(self._tips_fast - self._tips_rest)
        self._shape = np.hypot(changed[..., 0], changed[..., 1]).mean(axis=1)
        return tracked

    def _gather(self, velocity: Float64Array, elapsed: float) -> Float64Array:
        """The features in the order of FEATURE_NAMES; a hand that was never seen rests."""
        never = np.isnan(self._fast[:, 0])
        places = np.where(never[:, None], np.array([[0.4, 2.0], [-0.4, 2.0]]), self._fast)
        rise = np.where(never, 0.0, np.nan_to_num(np.hypot(*(self._fast - self._rest).T)))
        self._raised_s = min(self._raised_s + elapsed, _LONGEST_RAISED_S) if rise.max() > _RAISED else 0.0
        higher = int(places[1, 1] < places[0, 1])
        apart = float(np.hypot(*(places[0] - places[1])))
        return np.array([
            places[higher, 1], places[1 - higher, 1], rise.max(), rise.min(),
            math.log1p(self._quick.max()), math.log1p(self._quick.min()),
            math.log1p(self._long.max()), math.log1p(self._long.min()),
            velocity[higher, 1], math.log1p(self._fingers.max()), self._seen.max(), self._seen.min(),
            apart, abs(places[higher, 0]), self._raised_s, self._shape.max(),
        ])  # fmt: skip


def _weight(elapsed: float, constant: float) -> float:
    """Of the newest value in an exponential average over `constant` seconds."""
    return -math.expm1(-elapsed / constant)


def probabilities(model: ActivityModel, features: Float64Array) -> Float64Array:
    """(T,) probability that somebody signs, from (T, 16) features."""
    standard = np.clip((features - np.array(model.mean)) / np.array(model.spread), -_LIMIT, _LIMIT)
    hidden = np.tanh(standard @ np.array(model.hidden).T + np.array(model.hidden_bias))
    logits = np.clip(hidden @ np.array(model.output) + model.output_bias, -60, 60)
    return np.asarray(1 / (1 + np.exp(-logits)))


class ActivityTracker:
    """Probability that the person signs, frame by frame.

    Args:
        model: the weights.
        aspect: image width over height.
    """

    def __init__(self, model: ActivityModel, aspect: float = 1.0) -> None:
        self._model = model
        self._features = ActivityFeatures(aspect)

    def push(self, landmarks: npt.NDArray[np.floating], timestamp_s: float) -> float:
        """As `ActivityFeatures.push`; 0.0 until a frame has shown both shoulders."""
        features = self._features.push(landmarks, timestamp_s)
        return 0.0 if features is None else float(probabilities(self._model, features[None])[0])


def clip_features(clip: LandmarkClip) -> Float64Array:
    """(T, 16) features of each frame, frame by frame as in a stream; zeros before the shoulders are seen."""
    tracker = ActivityFeatures(clip.aspect or 1.0)
    found = [tracker.push(frame, float(time)) for frame, time in zip(clip.landmarks, clip.timestamps_s, strict=True)]
    nothing = np.zeros(len(FEATURE_NAMES))
    return np.stack([nothing if row is None else row for row in found]) if found else np.zeros((0, len(FEATURE_NAMES)))


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
    found = np.array([tracker.push(f, float(t)) for f, t in zip(clip.landmarks, clip.timestamps_s, strict=True)])
    if not len(found):
        return ClipActivity(0.0, 0.0, 0.0)
    lasts = np.append(np.diff(clip.timestamps_s), clip.duration_s / clip.num_frames)
    total = float(lasts.sum())
    seconds = float(lasts[found >= 0.5].sum())
    return ClipActivity(seconds, seconds / total, float((found * lasts).sum() / total))
