"""Idle clips for sets that have none: the stillest second of a signer's clip, played to and fro.

    SourceClips -> with_idle -> the same clips, then some in which nobody signs

Pose, camera and tracker errors are the signer's own; nothing is signed, because the second is the one in which the
wrists move least. It is played forwards and backwards, from a moment that the clip's name decides, so that it has
no seam and is as long as a sentence.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from raw_clips import SourceClip
from signtalk.landmarks import HOLISTIC, LandmarkClip, regular_timestamps

IDLE_LABEL = "_rest"
_STILL_S = 1.0
_LENGTH_S = (2.0, 4.0)


def with_idle(clips: Iterable[SourceClip], each: int) -> Iterator[SourceClip]:
    """All clips, and after them `each` idle ones of every signer, of the clips whose names hash lowest."""
    seen = []
    for source in clips:
        seen.append(source)
        yield source
    taken: Counter[str] = Counter()
    for source in sorted(seen, key=lambda source: (zlib.crc32(source.clip_id.encode()), source.clip_id)):
        if taken[source.signer_id] < each and not source.is_idle:
            taken[source.signer_id] += 1
            clip_id = f"rest_{source.signer_id}_{taken[source.signer_id]}"
            clip = at_rest(source.clip, np.random.default_rng(zlib.crc32(clip_id.encode())))
            yield replace(source, clip_id=clip_id, sentence_id="0", label=IDLE_LABEL, clip=clip)


def at_rest(clip: LandmarkClip, rng: np.random.Generator) -> LandmarkClip:
    """The stillest second of a clip, to and fro, for 2 to 4 s; a shorter clip as a whole."""
    window = min(clip.num_frames, max(2, round(_STILL_S * clip.fps)))
    start = _stillest(clip, window)
    period = np.concatenate([np.arange(window), np.arange(window - 2, 0, -1)])
    length = max(2, round(float(rng.uniform(*_LENGTH_S)) * clip.fps))
    frames = start + period[(int(rng.integers(len(period))) + np.arange(length)) % len(period)]
    return replace(
        clip,
        landmarks=clip.landmarks[frames],
        visibility=clip.visibility[frames],
        timestamps_s=regular_timestamps(length, clip.fps),
    )


def _stillest(clip: LandmarkClip, window: int) -> int:
    """First frame of the span in which the faster wrist moves least; a wrist that is not seen does not move."""
    wrists: npt.NDArray[np.float32] = clip.landmarks[:, HOLISTIC.positions(("left_wrist", "right_wrist")), :2]
    steps = np.nan_to_num(np.linalg.norm(np.diff(wrists, axis=0), axis=-1)).max(axis=1)
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    return int(np.argmin(sums[window - 1 :] - sums[: len(sums) - window + 1]))
