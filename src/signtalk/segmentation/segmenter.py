"""Finds sentences in a stream of landmarks, frame by frame: when somebody begins to sign, and when they have ended.

    frame, time --ActivityTracker--> probability --Hysteresis--> events --Segmenter--> the sentence's frames as a clip

A whole clip goes through the very same class (`spans_of`). The shipped weights and settings are numbers in
`segmenter.json`; `fit` makes others from a data folder.
"""

from __future__ import annotations

import math
import os
from collections import deque
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, ValidationError, model_validator

from signtalk.errors import ArtifactError
from signtalk.files import read_json, write_json
from signtalk.landmarks.clip import HOLISTIC, POSE_NAMES, LandmarkClip
from signtalk.segmentation.activity import ActivityModel, ActivityTracker

SHIPPED = Path(__file__).with_name("segmenter.json")
MOST_FPS = 60
"""Memory is for so many frames a second; at a faster stream the longest sentence is shorter."""

State = Literal["idle", "signing"]
EventKind = Literal["start", "end", "cancel"]
Cause = Literal["", "rest", "longest", "end of stream", "too short", "too faint", "too low"]


class SegmenterConfig(BaseModel, frozen=True, extra="forbid"):
    """When signing starts and stops; seconds, probabilities, and one height.

    Attributes:
        start_threshold: signing starts when the probability stays at or above this ...
        confirm_s: ... for so long.
        stop_threshold: it stops when the probability stays below this ...
        hold_s: ... for so long; a shorter drop is a held or hidden hand.
        rise_threshold: the start is put back to where the probability rose above this, for it takes a while until a
            raised hand is surely no scratching one ...
        lookback_s: ... at most by so much.
        start_shift_s: subtracted from a start, for the model sees a movement only after it has begun.
        end_shift_s: likewise from an end.
        shortest_s: what lasts less was no sentence.
        least_mean: nor what has a lower mean probability.
        lowest_hand: nor that in which the higher hand lies on average further below the shoulders, in shoulder widths:
            arms that hang stir, and trackers guess where hands are that they do not see. The default lets all pass.
        longest_s: after this a sentence is cut.
    """

    start_threshold: float = Field(default=0.7, gt=0, lt=1)
    confirm_s: float = Field(default=0.2, ge=0, le=5)
    stop_threshold: float = Field(default=0.4, gt=0, lt=1)
    hold_s: float = Field(default=0.5, ge=0, le=10)
    rise_threshold: float = Field(default=0.3, gt=0, lt=1)
    lookback_s: float = Field(default=2.0, ge=0, le=5)
    start_shift_s: float = Field(default=0.0, ge=-1, le=1)
    end_shift_s: float = Field(default=0.0, ge=-1, le=1)
    shortest_s: float = Field(default=0.6, ge=0, le=10)
    least_mean: float = Field(default=0.0, ge=0, lt=1)
    lowest_hand: float = Field(default=3.0, ge=-3, le=3)
    longest_s: float = Field(default=30.0, ge=1, le=300)

    @model_validator(mode="after")
    def _check(self) -> SegmenterConfig:
        if max(self.stop_threshold, self.rise_threshold) > self.start_threshold:
            raise ValueError("stop_threshold and rise_threshold must not lie above start_threshold")
        if self.shortest_s >= self.longest_s:
            raise ValueError("shortest_s must be less than longest_s")
        return self


@dataclass(frozen=True)
class Change:
    """What `Hysteresis` reports.

    Attributes:
        kind: of the change.
        start_s: when the sentence began.
        end_s: when it ended; the present for a "start".
        mean: its mean probability so far.
        below: by how many shoulder widths its higher hand lay below the shoulders, on average so far.
        cause: why it ended; "" for a "start".
    """

    kind: EventKind
    start_s: float
    end_s: float
    mean: float
    below: float
    cause: Cause = ""


class Hysteresis:
    """Start and stop from probabilities and the height of a hand; constant memory and work a frame."""

    def __init__(self, config: SegmenterConfig) -> None:
        self.config = config
        self.state: State = "idle"
        self._time = math.nan
        self._rose_s = math.nan  # since when the probability is at or above rise_threshold
        self._high_s = math.nan  # since when it is at or above start_threshold
        self._low_s = math.nan  # while signing: since when it is below stop_threshold
        self._start_s = math.nan
        self._free_from_s = math.nan  # the stream began there, or the last sentence ended
        # Since the rise: probability times seconds, shoulder widths times seconds, and seconds.
        self._sum = self._low_sum = self._lasted = 0.0
        self._before_drop = (0.0, 0.0, 0.0)

    def push(self, probability: float, timestamp_s: float, below: float = 0.0) -> list[Change]:
        """Take a frame; what changed with it.

        Args:
            probability: that somebody signs.
            timestamp_s: later than the frame before.
            below: shoulder widths from the shoulders down to the higher hand.
        """
        if math.isnan(self._time):
            self._time = self._free_from_s = timestamp_s
        elapsed = timestamp_s - self._time
        self._time = timestamp_s
        if self.state == "idle":
            return self._while_idle(probability, below, elapsed)
        return self._while_signing(probability, below, elapsed)

    def finish(self, cause: Cause = "end of stream") -> list[Change]:
        """End a sentence that is open: the stream is over, or the memory for its frames is."""
        if self.state == "idle":
            return []
        return [self._close(self._time if math.isnan(self._low_s) else self._low_s, cause)]

    def _while_idle(self, probability: float, below: float, elapsed: float) -> list[Change]:
        config, now = self.config, self._time
        if probability < config.rise_threshold:
            self._rose_s = self._high_s = math.nan
            return []
        if math.isnan(self._rose_s):
            self._rose_s = now
            self._sum = self._low_sum = self._lasted = 0.0
        self._count(probability, below, elapsed)
        if probability < config.start_threshold:
            self._high_s = math.nan
            return []
        if math.isnan(self._high_s):
            self._high_s = now
        if now - self._high_s < config.confirm_s - 1e-9:
            return []
        self.state, self._low_s = "signing", math.nan
        began = max(self._rose_s, now - config.confirm_s - config.lookback_s) - config.start_shift_s
        self._start_s = min(max(began, self._free_from_s), now)
        return [Change("start", self._start_s, now, *self._means())]

    def _while_signing(self, probability: float, below: float, elapsed: float) -> list[Change]:
        config, now = self.config, self._time
        if probability >= config.stop_threshold:
            self._low_s = math.nan
        elif math.isnan(self._low_s):
            self._low_s, self._before_drop = now, (self._sum, self._low_sum, self._lasted)
        self._count(probability, below, elapsed)
        if now - self._low_s >= config.hold_s - 1e-9:
            self._sum, self._low_sum, self._lasted = self._before_drop
            return [self._close(self._low_s, "rest")]
        if now - self._start_s >= config.longest_s:
            return [self._close(now, "longest")]
        return []

    def _close(self, end_s: float, cause: Cause) -> Change:
        end_s = min(max(end_s - self.config.end_shift_s, self._start_s), self._time)
        self.state, self._rose_s, self._high_s, self._free_from_s = "idle", math.nan, math.nan, end_s
        mean, below = self._means()
        kind: EventKind = "cancel"
        if end_s - self._start_s < self.config.shortest_s:
            cause = "too short"
        elif mean < self.config.least_mean:
            cause = "too faint"
        elif below > self.config.lowest_hand:
            cause = "too low"
        else:
            kind = "end"
        return Change(kind, self._start_s, end_s, mean, below, cause)

    def _count(self, probability: float, below: float, elapsed: float) -> None:
        self._sum += probability * elapsed
        self._low_sum += below * elapsed
        self._lasted += elapsed

    def _means(self) -> tuple[float, float]:
        return (self._sum / self._lasted, self._low_sum / self._lasted) if self._lasted else (0.0, 0.0)


@dataclass(frozen=True)
class Span:
    """A stretch of a stream.

    Attributes:
        start_s: when it begins, in the stream's time.
        end_s: when it ends.
        first: number of its first frame, the stream's first being 0.
        stop: one past its last frame.
        activity: mean probability of signing.
        cause: why it ended; "" while it goes on.
    """

    start_s: float
    end_s: float
    first: int
    stop: int
    activity: float
    cause: Cause = ""

    def __str__(self) -> str:
        """As a person reads it: `1.20-3.84 s`."""
        return f"{self.start_s:.2f}-{self.end_s:.2f} s"

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, ready for JSON."""
        return asdict(self)

    def cut(self, clip: LandmarkClip) -> LandmarkClip:
        """These frames of the clip that was segmented, with the times they had."""
        kept = slice(self.first, self.stop)
        landmarks, visibility = clip.landmarks[kept].copy(), clip.visibility[kept].copy()
        return LandmarkClip(landmarks, visibility, clip.timestamps_s[kept].copy(), clip.aspect)


@dataclass(frozen=True)
class Event:
    """Somebody began to sign ("start"), a sentence is complete ("end"), or it was none after all ("cancel")."""

    kind: EventKind
    span: Span


@dataclass(frozen=True)
class _Frame:
    number: int
    time_s: float
    landmarks: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.float32]


class SegmenterSettings(BaseModel, frozen=True, extra="forbid"):
    """All numbers of a segmenter, as they stand in a file.

    Attributes:
        format_version: of the file.
        model: the activity model.
        config: the hysteresis.
        signing_mean: mean probability of a whole clip at and above which somebody signs in it; see `clip_activity`.
        fitted_by: the command and its data.
    """

    format_version: Literal[1] = 1
    model: ActivityModel
    config: SegmenterConfig
    signing_mean: float = Field(default=0.3, ge=0, le=1)
    fitted_by: str = ""

    @classmethod
    def load(cls, path: Path) -> SegmenterSettings:
        """Read a file of `save`.

        Raises:
            ArtifactError: it is missing, damaged or of another version.
        """
        try:
            return cls.model_validate(read_json(path))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the file"
            raise ArtifactError(
                f"{path}: no settings of a segmenter ({place}: {first['msg']}); fit them anew"
            ) from error

    @classmethod
    def of(cls, settings: SegmenterSettings | str | os.PathLike[str] | None) -> SegmenterSettings | None:
        """Settings as they are, or read from a file that is named; None = the shipped ones."""
        return cls.load(Path(settings)) if isinstance(settings, str | os.PathLike) else settings

    def save(self, path: Path) -> None:
        """Write them as JSON, atomically."""
        write_json(path, self.model_dump(mode="json"))


@cache
def shipped_settings() -> SegmenterSettings:
    """The settings that come with SignTalk, fitted on made-up people and on three real sets of signs."""
    return SegmenterSettings.load(SHIPPED)


class Segmenter:
    """Sentences of one person's stream; a ring of frames bounds the memory.

    Args:
        settings: weights and thresholds; the shipped ones by default.
        aspect: image width over height; None when it is not known (taken for square).
    """

    def __init__(self, settings: SegmenterSettings | None = None, aspect: float | None = None) -> None:
        self.settings = settings or shipped_settings()
        self.aspect = aspect
        config = self.settings.config
        self._kept_s = config.longest_s + config.confirm_s + config.lookback_s + config.hold_s + 2
        self._frames: deque[_Frame] = deque(maxlen=math.ceil(self._kept_s * MOST_FPS))
        self.reset()

    @property
    def state(self) -> State:
        """What the person does."""
        return self._hysteresis.state

    def reset(self) -> None:
        """Forget the stream, as for another person."""
        self.probability = 0.0
        self._tracker = ActivityTracker(self.settings.model, self.aspect or 1.0)
        self._hysteresis = Hysteresis(self.settings.config)
        self._frames.clear()
        self._num_frames = 0
        self._start_s = math.nan

    def push(
        self,
        landmarks: npt.NDArray[np.floating],
        timestamp_s: float,
        visibility: npt.NDArray[np.floating] | None = None,
    ) -> list[Event]:
        """Take a frame; what changed with it, mostly nothing.

        Args:
            landmarks: (169, 3) as a row of `LandmarkClip.landmarks`; NaN = missing.
            timestamp_s: later than the frame before; frames may come at any rate.
            visibility: (33,) of the pose; None = not known.

        Raises:
            ValueError: wrong shape, or the time does not increase.
        """
        seen = np.full(len(POSE_NAMES), np.nan) if visibility is None else visibility
        if landmarks.shape != (len(HOLISTIC.names), 3) or seen.shape != (len(POSE_NAMES),):
            expected = f"({len(HOLISTIC.names)}, 3) and ({len(POSE_NAMES)},)"
            raise ValueError(f"landmarks {landmarks.shape}, visibility {seen.shape}; expected {expected}")
        self.probability = self._tracker.push(landmarks, timestamp_s)
        changes = []
        full = len(self._frames) >= (self._frames.maxlen or 0) - 1
        if full and self.state == "signing" and self._frames[1].time_s >= self._start_s:
            changes += self._hysteresis.finish("longest")  # the next frame would push its first one out of the memory
        events = [self._event(change) for change in changes]
        frame = _Frame(self._num_frames, timestamp_s, landmarks.astype(np.float32), seen.astype(np.float32))
        self._frames.append(frame)
        while self._frames[0].time_s < timestamp_s - self._kept_s:
            self._frames.popleft()  # no sentence reaches back so far
        self._num_frames += 1
        pushed = self._hysteresis.push(self.probability, timestamp_s, self._tracker.below)
        return events + [self._event(change) for change in pushed]

    def finish(self) -> list[Event]:
        """The stream is over: end the sentence that is open."""
        return [self._event(change) for change in self._hysteresis.finish()]

    def clip(self, span: Span) -> LandmarkClip:
        """The frames of a span that an event of the last `push` or `finish` holds, with the times they had.

        Raises:
            ValueError: they are no longer in memory.
        """
        oldest = self._frames[0].number if self._frames else 0
        if not oldest <= span.first < span.stop <= self._num_frames:
            raise ValueError(f"frames {span.first} to {span.stop}; {oldest} to {self._num_frames} are in memory")
        frames = [self._frames[number - oldest] for number in range(span.first, span.stop)]
        return LandmarkClip(
            np.stack([frame.landmarks for frame in frames]),
            np.stack([frame.visibility for frame in frames]),
            np.array([frame.time_s for frame in frames]),
            self.aspect,
        )

    def _event(self, change: Change) -> Event:
        self._start_s = change.start_s if change.kind == "start" else math.nan
        inside = [
            frame.number for frame in self._frames if change.start_s - 1e-9 <= frame.time_s <= change.end_s + 1e-9
        ]
        first, stop = (inside[0], inside[-1] + 1) if inside else (self._num_frames, self._num_frames)
        return Event(change.kind, Span(change.start_s, change.end_s, first, stop, change.mean, change.cause))


def spans_of(clip: LandmarkClip, settings: SegmenterSettings | None = None) -> tuple[Span, ...]:
    """The sentences in a long clip, pushed frame by frame through a `Segmenter`."""
    segmenter = Segmenter(settings, clip.aspect)
    events = []
    for frame, time, seen in zip(clip.landmarks, clip.timestamps_s, clip.visibility, strict=True):
        events += segmenter.push(frame, float(time), seen)
    return tuple(event.span for event in [*events, *segmenter.finish()] if event.kind == "end")
