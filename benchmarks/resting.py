"""Idle clips for sets that have none: a signer's stillest seconds, played to and fro.

    SourceClips -> with_idle -> the same clips, then some in which nobody signs

Pose, camera and tracker errors are the signer's own; nothing is signed, because of all the signer's clips those are
taken whose wrists move least over a second. That second is played forwards and backwards, from a moment that the
clip's name decides, so that it has no seam and is as long as a sentence.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from raw_clips import SourceClip
from signtalk.landmarks.clip import HOLISTIC, LandmarkClip, regular_timestamps

_SHOULDERS = ("left_shoulder", "right_shoulder")
_WRISTS = ("left_wrist", "right_wrist")
IDLE_LABEL = "_rest"
_STILL_S = 1.0
_LENGTH_S = (2.0, 4.0)


def with_idle(clips: Iterable[SourceClip], each: int) -> Iterator[SourceClip]:
    """All clips, and after them `each` idle ones of every signer, of the clips with the stillest second."""
    seen = []
    for source in clips:
        seen.append(source)
        yield source
    taken: Counter[str] = Counter()
    for source in sorted(seen, key=lambda source: (_stillest(source.clip)[1], source.clip_id)):
        if taken[source.signer_id] < each and not source.is_idle:
            taken[source.signer_id] += 1
            clip_id = f"rest_{source.signer_id}_{taken[source.signer_id]}"
            clip = at_rest(source.clip, np.random.default_rng(zlib.crc32(clip_id.encode())))
            yield replace(source, clip_id=clip_id, sentence_id="0", label=IDLE_LABEL, clip=clip)


def at_rest(clip: LandmarkClip, rng: np.random.Generator) -> LandmarkClip:
    """The stillest second of a clip, to and fro, for 2 to 4 s; a shorter clip as a whole."""
    window = _window(clip)
    start = _stillest(clip)[0]
    period = np.concatenate([np.arange(window), np.arange(window - 2, 0, -1)])
    length = max(2, round(float(rng.uniform(*_LENGTH_S)) * clip.fps))
    frames = start + period[(int(rng.integers(len(period))) + np.arange(length)) % len(period)]
    return replace(
        clip,
        landmarks=clip.landmarks[frames],
        visibility=clip.visibility[frames],
        timestamps_s=regular_timestamps(length, clip.fps),
    )


def _window(clip: LandmarkClip) -> int:
    return min(clip.num_frames, max(2, round(_STILL_S * clip.fps)))


def _stillest(clip: LandmarkClip) -> tuple[int, float]:
    """First frame of the span in which the faster wrist moves least, and how far it moves a frame, shoulder widths.

    A wrist that is not seen does not move.
    """
    window = _window(clip)
    points: npt.NDArray[np.float32] = clip.landmarks[:, HOLISTIC.positions((*_SHOULDERS, *_WRISTS)), :2]
    width = np.nanmedian(np.linalg.norm(points[:, 0] - points[:, 1], axis=-1))
    steps = np.nan_to_num(np.linalg.norm(np.diff(points[:, 2:], axis=0), axis=-1)).max(axis=1) / max(width, 1e-6)
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    moved = sums[window - 1 :] - sums[: len(sums) - window + 1]
    return int(np.argmin(moved)), float(moved.min()) / max(window - 1, 1)
