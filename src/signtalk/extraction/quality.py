"""How good the landmarks of a clip are, and which clips stand apart from the rest of their collection.

    LandmarkClip, Signing -> measure_quality -> ClipQuality
    all ClipQuality -> fit_fences -> QualityFences.reasons(quality): why a clip should be left out

A clip is compared with the collection that it belongs to, and stands apart there only where it is not plainly good
by itself: in a collection of one webcam every clip is like the next, and one that differs is no worse for it. What
needs no comparison is a clip in which nothing is signed, or no hand is ever seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from signtalk.extraction.hands import RepairCounts
from signtalk.extraction.trimming import Signing
from signtalk.landmarks.clip import HOLISTIC, PARTS, POSE_NAMES, LandmarkClip
from signtalk.landmarks.features import BODY_NAMES, motion_energy

MIN_CLIPS_FOR_FENCES = 12
"""Fewer clips than this tell too little of what is usual."""
_FENCE = 3.0
"""Tukey's outer fence, in quartile distances beyond the quartiles (Exploratory Data Analysis, 1977): "far out"."""
_MIN_SHARE_SPREAD = 0.05
"""Quartiles of a share that is 1.0 nearly everywhere coincide; one lost frame must not make a clip an outlier."""
_UPPER_BODY = [POSE_NAMES.index(name) for name in BODY_NAMES]


@dataclass(frozen=True)
class ClipQuality:
    """Figures of one clip; shares are 0-1 of its frames unless named otherwise.

    Attributes:
        num_frames: frames kept.
        duration_s: seconds kept.
        fps: mean frames a second.
        signing_s: seconds from the first to the last signing frame; 0.0 when nothing is signed.
        trimmed_start_s: seconds of rest cut off before.
        trimmed_end_s: seconds of rest cut off behind.
        pose: share of frames with a pose.
        left_hand: with the left hand.
        right_hand: with the right hand.
        face: with a face.
        hand_in_signing: of the hands that move or are held up, frame by frame, the share that was found; a hand that
            rests does not count. 0.0 when nothing is signed.
        visibility: mean score of the upper body.
        hand_speed: shoulder widths a second, see `features.motion_energy`; 0.0 without shoulders.
        cropped_hands: share of the signing frames in which a hand reaches beyond the image's edge.
        sharpness: median over frames of the variance of the image's Laplacian, in grey levels squared.
        brightness: median grey level, 0-255.
        num_people: most people seen at once.
        doubles: frames in which one hand had been reported as both.
        swaps: frames in which the hands' sides had been exchanged.
        jumps: hands dropped because they jumped away and back, or had an absurd size.
    """

    num_frames: int
    duration_s: float
    fps: float
    signing_s: float
    trimmed_start_s: float
    trimmed_end_s: float
    pose: float
    left_hand: float
    right_hand: float
    face: float
    hand_in_signing: float
    visibility: float
    hand_speed: float
    cropped_hands: float
    sharpness: float
    brightness: float
    num_people: int
    doubles: int
    swaps: int
    jumps: int


SHARES = ("pose", "hand_in_signing", "visibility", "cropped_hands")
_LOWER = ("pose", "hand_in_signing", "visibility", "hand_speed", "sharpness", "brightness", "duration_s", "fps")
"""Figures of which too little is bad."""
_UPPER = ("cropped_hands", "duration_s", "hand_speed")
"""Figures of which too much is bad."""
_OF_THE_PICTURE = ("pose", "visibility", "sharpness", "brightness", "fps")
"""Figures that say nothing about signing."""
_IN_LOGARITHMS = ("hand_speed", "sharpness", "duration_s", "fps")
"""Figures that vary by factors."""

_PLAINLY_ENOUGH = {
    "pose": 0.9, "hand_in_signing": 0.8, "visibility": 0.7, "hand_speed": 0.5, "sharpness": 100.0, "brightness": 60.0,
    "duration_s": 1.0, "fps": 12.0,
}  # fmt: skip
"""Of each figure what is good in any collection, so that no lower fence lies above it."""
_PLAINLY_NOT_TOO_MUCH = {"cropped_hands": 0.1, "duration_s": 15.0, "hand_speed": 6.0}
"""Likewise, so that no upper fence lies below it."""


@dataclass(frozen=True)
class ImageFigures:
    """What the pictures themselves told, before only landmarks were left."""

    sharpness: float
    brightness: float
    num_people: int


def measure_quality(
    whole: LandmarkClip, kept: LandmarkClip, signing: Signing, image: ImageFigures, repairs: RepairCounts
) -> ClipQuality:
    """The figures of a clip.

    Args:
        whole: the clip before its idle ends were cut off.
        kept: the clip as it is saved.
        signing: of the whole clip.
        image: figures of the pictures.
        repairs: what was put right.
    """
    presence = kept.part_presence()
    seen = whole.part_presence()
    hands = np.stack([seen["left_hand"], seen["right_hand"]], axis=1)
    shoulders = kept.landmarks[:, HOLISTIC.positions(("left_shoulder", "right_shoulder"))]
    times = whole.timestamps_s
    known = kept.visibility[:, _UPPER_BODY]
    return ClipQuality(
        num_frames=kept.num_frames,
        duration_s=kept.duration_s,
        fps=kept.fps,
        signing_s=float(times[signing.stop - 1] - times[signing.start]) if signing.is_any else 0.0,
        trimmed_start_s=float(kept.timestamps_s[0] - times[0]),
        trimmed_end_s=float(times[-1] - kept.timestamps_s[-1]),
        pose=float(presence["pose"].mean()),
        left_hand=float(presence["left_hand"].mean()),
        right_hand=float(presence["right_hand"].mean()),
        face=float(presence["face"].mean()),
        hand_in_signing=float(hands[signing.hands].mean()) if signing.is_any else 0.0,
        visibility=float(np.nan_to_num(known).mean()),
        hand_speed=motion_energy(kept) if not np.isnan(shoulders).any(axis=(1, 2)).all() else 0.0,
        cropped_hands=_cropped_share(whole, signing),
        sharpness=image.sharpness,
        brightness=image.brightness,
        num_people=image.num_people,
        doubles=repairs.doubles,
        swaps=repairs.swaps,
        jumps=repairs.jumps,
    )


def _cropped_share(clip: LandmarkClip, signing: Signing) -> float:
    if not signing.is_any:
        return 0.0
    hands = clip.landmarks[signing.active, PARTS["left_hand"].start : PARTS["right_hand"].stop, :2]
    with np.errstate(invalid="ignore"):
        outside = ((hands < 0) | (hands > 1)).any(axis=(1, 2))
    return float(outside.mean())


@dataclass(frozen=True)
class QualityFences:
    """Between which figures the clips of a collection lie, as its own quartiles tell.

    Attributes:
        low: by figure, what a clip must reach.
        high: by figure, what it must not exceed.
        num_clips: clips they were fitted on; under MIN_CLIPS_FOR_FENCES both are empty.
    """

    low: dict[str, float]
    high: dict[str, float]
    num_clips: int

    def reasons(self, quality: ClipQuality, is_idle: bool = False) -> tuple[str, ...]:
        """Why a clip should be left out, one phrase each; empty for a good one.

        Of a clip that is meant to show nothing signed only its picture is judged.
        """
        phrases = []
        if quality.signing_s == 0 and not is_idle:
            phrases.append("nothing is signed: no hand moves or is held up")
        if quality.left_hand == quality.right_hand == 0 and not is_idle:
            phrases.append("no hand is seen in any frame")
        judged = {*_OF_THE_PICTURE} if is_idle else {*_LOWER, *_UPPER}
        for name, limit in self.low.items():
            if name in judged and getattr(quality, name) < limit:
                phrases.append(f"{name} {getattr(quality, name):.3g}, under {limit:.3g}")
        for name, limit in self.high.items():
            if name in judged and getattr(quality, name) > limit:
                phrases.append(f"{name} {getattr(quality, name):.3g}, over {limit:.3g}")
        return tuple(phrases)


def fit_fences(qualities: Sequence[ClipQuality]) -> QualityFences:
    """Fit what is usual from a collection's own clips: Tukey's outer fences of each figure.

    None lies where a clip is plainly good by itself.

    Args:
        qualities: of all clips, good and bad; the quartiles are not moved by the bad ones while they are few.
    """
    if len(qualities) < MIN_CLIPS_FOR_FENCES:
        return QualityFences({}, {}, len(qualities))
    low, high = {}, {}
    for name in dict.fromkeys((*_LOWER, *_UPPER)):
        values = np.array([getattr(quality, name) for quality in qualities], dtype=np.float64)
        first, third = _fences(values, name)
        if name in _LOWER:
            low[name] = min(first, _PLAINLY_ENOUGH[name])
        if name in _UPPER:
            high[name] = max(third, _PLAINLY_NOT_TOO_MUCH[name])
    return QualityFences(low, high, len(qualities))


def _fences(values: npt.NDArray[np.float64], name: str) -> tuple[float, float]:
    if name in _IN_LOGARITHMS:
        values = np.log(np.maximum(values, 1e-6))
    lower, upper = np.percentile(values, [25, 75])
    least = _MIN_SHARE_SPREAD if name in SHARES else 0.1 if name in _IN_LOGARITHMS else 5.0
    spread = _FENCE * max(upper - lower, least)
    fences = np.array([lower - spread, upper + spread])
    if name in _IN_LOGARITHMS:
        fences = np.exp(fences)
    return float(fences[0]), float(fences[1])


def rank_clips(qualities: Sequence[ClipQuality]) -> list[int]:
    """Positions of the clips from best to worst: by their mean rank over the figures that tell good from bad."""
    if not qualities:
        return []
    better = {"pose": 1, "hand_in_signing": 1, "visibility": 1, "sharpness": 1, "cropped_hands": -1, "jumps": -1}
    ranks = np.zeros(len(qualities))
    for name, sign in better.items():
        values = np.array([sign * getattr(quality, name) for quality in qualities], dtype=np.float64)
        ranks += (values[:, None] < values[None]).sum(axis=1)  # how many are better
    ranks += len(qualities) * len(better) * np.array([quality.signing_s == 0 for quality in qualities])
    return [int(i) for i in np.argsort(ranks, kind="stable")]


def quality_names() -> tuple[str, ...]:
    """The figures' names, in the order of their columns."""
    return tuple(field.name for field in fields(ClipQuality))
