"""One person before a camera: frames in, and what is to be said and asked out; no network and no clock of its own.

    frames --LiveSession.push--> notes: state, activity, a segment to be recognised, or none after all
    answer to a segment --LiveSession.answered--> notes

The segments are found by `segmenter`, or begun and ended by a button.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from signtalk.errors import ClipError
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import FrameArray
from signtalk.segmentation.segmenter import Event, Segmenter, SegmenterSettings, Span

Mode = Literal["auto", "button"]
LiveState = Literal["idle", "signing", "thinking", "answer"]
ACTIVITY_EVERY_S = 0.2
_LONGEST_GAP_S = 5.0
"""Without a frame for so long the person may be another; what was open is given up."""


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of the stream to be recognised.

    Attributes:
        number: counts through the session.
        clip: its frames.
        start_s: in the stream's time.
        end_s: likewise.
        cause: why it ended; "button" where a person ended it.
    """

    number: int
    clip: LandmarkClip
    start_s: float
    end_s: float
    cause: str

    def described(self) -> dict[str, Any]:
        """What stands beside its answer."""
        return {"segment": self.number, "start_s": self.start_s, "end_s": self.end_s, "cause": self.cause}


Note = dict[str, Any] | Segment
"""A message for the person, as JSON, or a segment to be recognised."""


class LiveSession:
    """States of one stream.

    Args:
        aspect: image width over height; None when it is not known.
        mode: whether signing is found by itself or begins and ends with a button.
        settings: of the segmenter; the shipped ones by default.

    Attributes:
        state: what the person is shown.
    """

    def __init__(
        self, aspect: float | None = None, mode: Mode = "auto", settings: SegmenterSettings | None = None
    ) -> None:
        self.mode = mode
        self.state: LiveState = "idle"
        self._segmenter = Segmenter(settings, aspect)
        self._num_segments = self._num_forgotten = 0
        self._forget_stream()

    def _forget_stream(self) -> None:
        self._segmenter.reset()
        self._time_s: float | None = None
        self._num_frames = 0
        self._told_s = -1e12
        self._pressed = False
        self._began: tuple[int, float] | None = None  # first frame of what a button began, and its time

    def push(self, frames: FrameArray) -> list[Note]:
        """Take frames, whose values `wire.decode_frames` has checked.

        Raises:
            ClipError: their times do not increase.
        """
        notes: list[Note] = []
        for frame in frames:
            notes += self._push_one(frame)
        return notes

    def _push_one(self, frame: Any) -> list[Note]:
        time_s = float(frame["time_s"])
        notes: list[Note] = []
        if self._time_s is not None:
            if time_s <= self._time_s:
                raise ClipError(f"a frame at {time_s} s after one at {self._time_s} s; times must increase")
            if time_s - self._time_s > _LONGEST_GAP_S:
                notes += self._after_gap()
        events = self._segmenter.push(frame["landmarks"], time_s, frame["visibility"])
        self._time_s, self._num_frames = time_s, self._num_frames + 1
        if self.mode == "auto":
            for event in events:
                notes += self._follow(event)
        elif self._pressed:
            self._began = self._began or (self._num_frames - 1, time_s)
            notes += self._bounded(time_s - self._began[1])
        if time_s - self._told_s >= ACTIVITY_EVERY_S - 1e-6:
            self._told_s = time_s
            probability = round(self._segmenter.probability, 3)
            notes.append({"type": "activity", "time_s": time_s, "probability": probability})
        return notes

    def _follow(self, event: Event) -> list[Note]:
        if event.kind == "start":
            return [self._now("signing")]
        if event.kind == "cancel":
            cancelled: Note = {"type": "cancel", "segment": self._num_segments, "cause": event.span.cause}
            return [cancelled, self._now("idle")]
        return self._ended(event.span)

    def _ended(self, span: Span, cause: str = "") -> list[Note]:
        try:
            clip = self._segmenter.clip(span)
        except ValueError:  # its frames are out of memory: a span without a frame
            return [{"type": "cancel", "segment": self._num_segments, "cause": "too short"}, self._now("idle")]
        segment = Segment(self._num_segments, clip, span.start_s, span.end_s, cause or span.cause)
        self._num_segments += 1
        return [self._now("thinking"), segment]

    def start(self) -> list[Note]:
        """The button is pressed: signing begins; another press begins anew."""
        self.mode = "button"
        self._pressed, self._began = True, None
        return [self._now("signing")]

    def stop(self) -> list[Note]:
        """The button is pressed again: signing has ended; nothing where it had not begun."""
        if not self._pressed:
            return []
        first, start_s = self._began or (self._num_frames, 0.0)
        self._pressed, self._began = False, None
        return self._ended(Span(start_s, self._time_s or start_s, first, self._num_frames, 0.0), "button")

    def _bounded(self, lasted_s: float) -> list[Note]:
        """What a button began and never ended is cut where a sentence found by itself would be."""
        return self.stop() if lasted_s >= self._segmenter.settings.config.longest_s else []

    def _after_gap(self) -> list[Note]:
        """Forget the frames, but a button that was pressed within the gap stays pressed."""
        if not self._pressed or self._began is not None:
            return self._rest()
        self._forget_stream()
        self._pressed = True
        return []

    def reset(self) -> list[Note]:
        """Forget all frames, and the segments whose answers are still to come: another person stands there."""
        self._num_forgotten = self._num_segments
        return self._rest()

    def _rest(self) -> list[Note]:
        self._forget_stream()
        return [] if self.state == "idle" else [self._now("idle")]

    def answered(self, segment: Segment, answer: dict[str, Any], signer_sentences: int = 0) -> list[Note]:
        """The answer to a segment is there; who signs on meanwhile keeps that state.

        Nothing is told to another person than the one who signed.

        Args:
            segment: what was asked.
            answer: as JSON values.
            signer_sentences: from how many sentences the person was known to whoever answered.
        """
        if segment.number < self._num_forgotten:
            return []
        said: Note = {"type": "answer", **segment.described(), "signer_sentences": signer_sentences, "answer": answer}
        return [said] if self.state == "signing" else [said, self._now("answer")]

    def failed(self, segment: Segment, error: dict[str, Any]) -> list[Note]:
        """There is no answer to a segment; nobody thinks any longer."""
        if segment.number < self._num_forgotten:
            return []
        refusal: Note = {"type": "error", **segment.described(), **error}
        return [refusal, self._now("idle")] if self.state == "thinking" else [refusal]

    def _now(self, state: LiveState) -> dict[str, Any]:
        self.state = state
        return {"type": "state", "state": state, "time_s": self._time_s}
