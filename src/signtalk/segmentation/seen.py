"""The sentences of a whole clip, and what was seen of the person: the reason where no sentence was found.

clip --sentences_of--> Sentences: the spans, and a Seen that says why there are no more of them
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip
from signtalk.segmentation.activity import ClipActivity, activity_of
from signtalk.segmentation.segmenter import Segmenter, SegmenterConfig, SegmenterSettings, Span

_WRISTS = HOLISTIC.positions(("left_wrist", "right_wrist"))
_SHOULDERS = HOLISTIC.positions(("left_shoulder", "right_shoulder"))
_HANDS = (PARTS["left_hand"], PARTS["right_hand"])
_FEW = 0.5
"""Hands that are tracked in a smaller part of the frames are told as a cause."""
_LOW = 1.1
"""Shoulder widths below the shoulders; hands that never come higher are in the lap, or the camera shows too little."""
_WHOLE = "If the clip is one sentence from beginning to end, `signtalk recognize` takes it as it is"
_OTHERWISE = "numbers fitted on such people (`signtalk fit-segmenter`) may find more"


@dataclass(frozen=True)
class Seen:
    """What a segmenter saw of a clip.

    Attributes:
        duration_s: seconds.
        num_frames: in it.
        person_share: of the frames, 0-1, that show both shoulders; without them nothing can be told.
        hands_share: of the frames in which a hand is tracked.
        highest_hand: of a wrist, in shoulder widths above the shoulders, so mostly negative; None when none was seen.
        activity: how much of the clip is signing.
        highest_activity: the highest probability of signing in any frame.
        start_threshold: the probability that starts a sentence ...
        confirm_s: ... when it lasts so long.
        dropped: what began like a sentence and was none, with its cause: "too short", "too faint" or "too low".
    """

    duration_s: float
    num_frames: int
    person_share: float
    hands_share: float
    highest_hand: float | None
    activity: ClipActivity
    highest_activity: float
    start_threshold: float
    confirm_s: float
    dropped: tuple[Span, ...]

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """As a person reads it: how often hands were seen, how high they came, how sure it was that they sign."""
        if not self.num_frames:
            return "no frame"
        if not self.person_share:
            return f"both shoulders in none of {self.num_frames} frames"
        parts = [f"hands tracked in {self.hands_share:.0%} of {self.num_frames} frames"]
        if self.highest_hand is not None:
            side = "above" if self.highest_hand > 0 else "below"
            parts.append(f"the higher wrist at most {abs(self.highest_hand):.1f} shoulder widths {side} the shoulders")
        reached = f"highest activity {self.highest_activity:.2f}"
        parts.append(f"{reached} where {self.start_threshold:.2f} for {self.confirm_s:g} s starts a sentence")
        parts += [f"{span} looked like signing but was {span.cause}" for span in self.dropped]
        return ", ".join(parts)

    @property
    def advice(self) -> str:
        """What a person can do who knows that somebody signs there."""
        if not self.num_frames:
            return "Give a clip with frames."
        if not self.person_share or self.highest_hand is None:
            return "Film head, both shoulders and the hands of one person, from the front."
        if self.highest_hand < -_LOW:
            return "The hands stay low or out of the picture: film down to the waist, and sign before the chest."
        if self.hands_share < _FEW and self.highest_activity < self.start_threshold:
            return f"Hands are rarely tracked: more light, or a nearer camera. {_WHOLE}."
        return f"{_WHOLE}; {_OTHERWISE}."


class Sentences(tuple[Span, ...]):
    """The spans of a clip in order of time, a tuple, and what was seen.

    Attributes:
        seen: of the person and the hands.
    """

    seen: Seen

    def __new__(cls, spans: Iterable[Span], seen: Seen) -> Self:
        """The spans with what was seen."""
        made = super().__new__(cls, spans)
        made.seen = seen
        return made

    @property
    def nothing_found(self) -> str:
        """Why there is no sentence, and what to do; "" where there is one."""
        if self:
            return ""
        return f"no signing found in {self.seen.duration_s:.1f} s: {self.seen}. {self.seen.advice}"

    def __str__(self) -> str:
        """As a person reads it: a span a line, or why there is none."""
        return "\n".join(map(str, self)) or self.nothing_found


def sentences_of(clip: LandmarkClip, settings: SegmenterSettings | None = None) -> Sentences:
    """The sentences in a long clip, pushed frame by frame through a `Segmenter`, and what was seen.

    Args:
        clip: of any length.
        settings: weights and thresholds; the shipped ones by default.
    """
    segmenter = Segmenter(settings, clip.aspect)
    events, signing = [], []
    for frame, time, visible in zip(clip.landmarks, clip.timestamps_s, clip.visibility, strict=True):
        events += segmenter.push(frame, float(time), visible)
        signing.append(segmenter.probability)
    events += segmenter.finish()
    dropped = tuple(event.span for event in events if event.kind == "cancel")
    seen = _seen(clip, np.array(signing), segmenter.settings.config, dropped)
    return Sentences((event.span for event in events if event.kind == "end"), seen)


def _seen(
    clip: LandmarkClip, signing: npt.NDArray[np.float64], config: SegmenterConfig, dropped: tuple[Span, ...]
) -> Seen:
    person = _known(clip.landmarks[:, _SHOULDERS])
    hands = _known(clip.landmarks[:, _HANDS[0]]) | _known(clip.landmarks[:, _HANDS[1]])
    return Seen(
        duration_s=clip.duration_s,
        num_frames=clip.num_frames,
        person_share=_mean(person),
        hands_share=_mean(hands),
        highest_hand=_highest_hand(clip.landmarks[person, :, :2].astype(np.float64), clip.aspect or 1.0),
        activity=activity_of(clip, signing),
        highest_activity=float(signing.max(initial=0.0)),
        start_threshold=config.start_threshold,
        confirm_s=config.confirm_s,
        dropped=dropped,
    )


def _known(points: npt.NDArray[np.float32]) -> BoolArray:
    """(T,) whether all of these landmarks are there."""
    return np.asarray(np.isfinite(points[..., :2]).all(axis=(1, 2)))


def _mean(flags: BoolArray) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def _highest_hand(points: npt.NDArray[np.float64], aspect: float) -> float | None:
    """Of the higher wrist in the frames that show both shoulders; None where no wrist is seen."""
    shoulders, wrists = points[:, _SHOULDERS], points[:, _WRISTS, 1]
    if not np.isfinite(wrists).any():
        return None
    across = (shoulders[:, 0] - shoulders[:, 1]) * [aspect, 1]
    width = max(float(np.median(np.hypot(across[:, 0], across[:, 1]))), 1e-6)
    return float(np.nanmax(shoulders[..., 1].mean(axis=1)[:, None] - wrists) / width)
