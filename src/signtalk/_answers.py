"""What a model gives back: the answers to several clips, and those to the sentences of a stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from signtalk.arrays import FloatArray
from signtalk.data.manifest import Problem
from signtalk.landmarks.clip import LandmarkClip
from signtalk.recognition.answer import Answer
from signtalk.segmentation.segmenter import Segmenter, SegmenterSettings, Span


@dataclass(frozen=True)
class Answers(Sequence["Answer | None"]):
    """The answers to several clips, in their order; a clip that could not be used has None.

    Attributes:
        clips: what was asked: paths as they were given, or "clip 1", "clip 2" for clips in memory.
        answers: one a clip.
        left_out: clips that could not be used, and why; empty under `strict`, which stops at the first.
        notes: what is odd about the clips' files, such as landmark names that are not known; a sentence each.
    """

    clips: tuple[str, ...]
    answers: tuple[Answer | None, ...]
    left_out: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.answers)

    def __getitem__(self, which: Any) -> Any:
        return self.answers[which]

    def __str__(self) -> str:
        pairs = zip(self.clips, self.answers, strict=True)
        return "\n".join(f"{clip}: {'left out' if answer is None else answer}" for clip, answer in pairs)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dictionary a clip that was answered, its name under "clip": what `pandas.DataFrame` takes."""
        pairs = zip(self.clips, self.answers, strict=True)
        return [{"clip": clip, **answer.to_dict()} for clip, answer in pairs if answer is not None]


class Stream:
    """Sentences of one person before a camera, answered as they end. Made by `Model.stream`.

    Args:
        recognize: answers the clip of one sentence.
        settings: of the segmenter; the shipped ones by default.
        aspect: image width over height; None when it is not known (taken for square).
    """

    def __init__(
        self,
        recognize: Callable[[LandmarkClip], Answer],
        settings: SegmenterSettings | None = None,
        aspect: float | None = None,
    ) -> None:
        self._recognize, self._segmenter = recognize, Segmenter(settings, aspect)
        self.span: Span | None = None  # where the sentence that was answered last lies

    def __repr__(self) -> str:
        return f"<signtalk.Stream {self.state}>"

    @property
    def state(self) -> str:
        """What the person does now: "idle" or "signing"."""
        return self._segmenter.state

    def push(
        self, landmarks: FloatArray, timestamp_s: float, visibility: FloatArray | None = None
    ) -> tuple[Answer, ...]:
        """Take a frame; the answers to sentences that ended with it, mostly none.

        Args:
            landmarks: (169, 3) as a row of `Clip.landmarks`; NaN = missing.
            timestamp_s: later than that of the frame before, at any rate.
            visibility: (33,) of the pose; None = not known.

        Raises:
            ValueError: wrong shape, or the time does not increase.
        """
        return self._answered(self._segmenter.push(landmarks, timestamp_s, visibility))

    def finish(self) -> tuple[Answer, ...]:
        """The stream is over: the answer to the sentence that is open, if there is one."""
        return self._answered(self._segmenter.finish())

    def _answered(self, events: Sequence[Any]) -> tuple[Answer, ...]:
        answers = []
        for event in events:
            if event.kind == "end":
                self.span = event.span
                answers.append(self._recognize(self._segmenter.clip(event.span)))
        return tuple(answers)
