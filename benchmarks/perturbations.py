"""What can happen to a clip between two recordings of the same signing, by `signtalk.evaluation.perturbations`.

    LandmarkClip -> PERTURBATIONS[name] -> LandmarkClip

`perturbed` writes each kind as a signer of its own: leaving these signers out of training asks perturbed clips
against recorded ones, and recognition by signer is the table by perturbation.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from raw_clips import SourceClip
from signtalk.evaluation.perturbations import with_noise, without_ends, without_frames, without_hand
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.transforms import at_frame_rate, at_speed, mirrored

Perturbation = Callable[[LandmarkClip, np.random.Generator], LandmarkClip]

VALIDATION_NAME = "mixed"
"""Signer of the clips that a model is chosen and calibrated on; no test perturbation is of its strength."""


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
