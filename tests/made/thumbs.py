"""Made-up clips of a hand that holds its thumb up or down, as the page's landmarker would find it."""

from pathlib import Path

import numpy as np

from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import encode_clip

FINGERS = [[[-0.95, y], [-1.3, y], [-1.0, y + 0.12], [-0.75, y + 0.1]] for y in (-0.55, -0.35, -0.15, 0.05)]
FIST = np.array([[0, 0], [-0.1, -0.35], [-0.3, -0.62], [-0.33, -0.95], [-0.33, -1.25], *np.concatenate(FINGERS)])
"""(21, 2) in palms, from the wrist: a fist from its side, thumb up."""


def write_thumb(path: Path, held_s: float, *, down: bool = False) -> Path:
    """A second without a hand, then the thumb, then a second without a hand again."""
    times = np.arange(0, held_s + 2, 0.05)
    landmarks = np.full((len(times), 169, 3), np.nan, dtype=np.float32)
    is_held = (times >= 1) & (times < 1 + held_s)
    landmarks[is_held, 54:75] = 0
    landmarks[is_held, 54:75, :2] = 0.5 + 0.12 * (-FIST if down else FIST)
    path.write_bytes(encode_clip(LandmarkClip(landmarks, np.full((len(times), 33), np.nan, np.float32), times, 1.0)))
    return path
