"""A clip of every kind of value, for the wire."""

import numpy as np

from signtalk.landmarks.clip import LandmarkClip


def made_clip(num_frames: int = 3, seed: int = 0, aspect: float | None = 1.5) -> LandmarkClip:
    rng = np.random.default_rng(seed)
    landmarks = rng.random((num_frames, 169, 3)).astype(np.float32)
    landmarks[:, 33:54] = np.nan
    visibility = rng.random((num_frames, 33)).astype(np.float32)
    visibility[0, 3] = np.nan
    return LandmarkClip(landmarks, visibility, np.arange(num_frames) / 25, aspect)
