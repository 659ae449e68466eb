"""What can happen to a clip between two recordings of the same signing, each as a pure function.

    LandmarkClip -> PERTURBATIONS[name] -> LandmarkClip

`perturbed` writes each kind as a signer of its own: leaving these signers out of training asks perturbed clips
against recorded ones, and recognition by signer is the table by perturbation.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from raw_clips import SourceClip
from signtalk.features import resample
from signtalk.landmarks import HOLISTIC, PARTS, POSE_NAMES, LandmarkClip, regular_timestamps

Perturbation = Callable[[LandmarkClip, np.random.Generator], LandmarkClip]

VALIDATION_NAME = "mixed"
"""Signer of the clips that a model is chosen and calibrated on; no test perturbation is of its strength."""


def at_speed(clip: LandmarkClip, factor: float) -> LandmarkClip:
    """Signed `factor` times as fast before the same camera: 1 / factor times the frames, same frame rate."""
    num_frames = max(1, round(clip.num_frames / factor))
    return _read_at(clip, np.linspace(0, clip.num_frames - 1, num_frames), clip.fps)


def at_frame_rate(clip: LandmarkClip, fps: float) -> LandmarkClip:
    """Taken by a camera of another frame rate: as long in seconds, other moments seen."""
    step = clip.fps / fps
    num_frames = 1 + int(np.floor((clip.num_frames - 1) / step + 1e-9))
    return _read_at(clip, np.minimum(np.arange(num_frames) * step, clip.num_frames - 1), fps)


def without_frames(clip: LandmarkClip, share: float, rng: np.random.Generator) -> LandmarkClip:
    """Frames lost here and there, the others keep their times; the first frame stays."""
    num_lost = min(round(share * clip.num_frames), clip.num_frames - 1)
    lost = 1 + rng.permutation(clip.num_frames - 1)[:num_lost]
    return _select(clip, np.setdiff1d(np.arange(clip.num_frames), lost))


def without_hand(clip: LandmarkClip, share: float, rng: np.random.Generator) -> LandmarkClip:
    """The 21 points of one hand, left or right by chance, not detected over one span of `share` of the clip."""
    hand = PARTS[("left_hand", "right_hand")[rng.integers(2)]]
    length = round(share * clip.num_frames)
    start = int(rng.integers(clip.num_frames - length + 1))
    landmarks = clip.landmarks.copy()
    landmarks[start : start + length, hand] = np.nan
    return replace(clip, landmarks=landmarks)


def mirrored(clip: LandmarkClip) -> LandmarkClip:
    """As a detector sees the clip in a camera that mirrors: x becomes 1 - x, and left is called right.

    Points of the face whose partner the files do not keep cannot change names; they keep theirs, at 1 - x.
    Done twice it gives the clip back.
    """
    partner = np.where(HOLISTIC.mirror < 0, np.arange(len(HOLISTIC.names)), HOLISTIC.mirror)
    landmarks = clip.landmarks[:, partner].copy()
    landmarks[..., 0] = 1 - landmarks[..., 0]
    return replace(clip, landmarks=landmarks, visibility=clip.visibility[:, partner[: len(POSE_NAMES)]])


def with_noise(clip: LandmarkClip, share: float, rng: np.random.Generator) -> LandmarkClip:
    """Every point shaken in every frame, with a standard deviation of `share` of the median shoulder width."""
    shoulders = clip.landmarks[:, HOLISTIC.positions(("left_shoulder", "right_shoulder")), :2]
    widths = np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1)
    unit = float(np.median(widths[np.isfinite(widths)])) if np.isfinite(widths).any() else 0.0
    shaken = clip.landmarks + rng.normal(0, share * unit, clip.landmarks.shape)
    return replace(clip, landmarks=shaken.astype(np.float32))


def without_ends(clip: LandmarkClip, share: float) -> LandmarkClip:
    """`share` of the frames missing at either end, as when a recording starts late and stops early."""
    cut = round(share * clip.num_frames) if clip.num_frames > 2 else 0
    return _select(clip, np.arange(cut, clip.num_frames - cut))


def mixed(clip: LandmarkClip, rng: np.random.Generator) -> LandmarkClip:
    """A little of much: speed 0.85 or 1.2, 15% of the frames lost, 1% noise, 5% off the ends; for validation."""
    changed = at_speed(without_ends(clip, 0.05), (0.85, 1.2)[rng.integers(2)])
    return with_noise(without_frames(changed, 0.15, rng), 0.01, rng)


PERTURBATIONS: dict[str, Perturbation] = {
    "speed_0.7": lambda clip, rng: at_speed(clip, 0.7),  # noqa: ARG005
    "speed_1.4": lambda clip, rng: at_speed(clip, 1.4),  # noqa: ARG005
    "dropped_30": lambda clip, rng: without_frames(clip, 0.3, rng),
    "lost_hand": lambda clip, rng: without_hand(clip, 0.5, rng),
    "mirrored": lambda clip, rng: mirrored(clip),  # noqa: ARG005
    "noise_2": lambda clip, rng: with_noise(clip, 0.02, rng),
    "cropped_10": lambda clip, rng: without_ends(clip, 0.1),  # noqa: ARG005
    "fps_12": lambda clip, rng: at_frame_rate(clip, 12.0),  # noqa: ARG005
}


def perturbed(clips: Iterable[SourceClip]) -> Iterator[SourceClip]:
    """Each clip as it was recorded, then once by each made-up signer; the same for the same clip id."""
    kinds = PERTURBATIONS | {VALIDATION_NAME: mixed}
    for source in clips:
        yield source
        for name, change in kinds.items():
            clip_id = source.clip_id.replace(f"_{source.signer_id}_", f"_{name}_")
            rng = np.random.default_rng(zlib.crc32(clip_id.encode()))
            yield replace(source, clip_id=clip_id, signer_id=name, clip=change(source.clip, rng))


def _read_at(clip: LandmarkClip, positions: npt.NDArray[np.float64], fps: float) -> LandmarkClip:
    """The clip at fractional frame positions, taken at a constant frame rate."""
    start = np.zeros(1, dtype=np.int64)
    return replace(
        clip,
        landmarks=resample(clip.landmarks, start, positions[None])[0],
        visibility=resample(clip.visibility[..., None], start, positions[None])[0, ..., 0],
        timestamps_s=regular_timestamps(len(positions), fps),
    )


def _select(clip: LandmarkClip, frames: npt.NDArray[np.integer]) -> LandmarkClip:
    return replace(
        clip,
        landmarks=clip.landmarks[frames],
        visibility=clip.visibility[frames],
        timestamps_s=clip.timestamps_s[frames],
    )
