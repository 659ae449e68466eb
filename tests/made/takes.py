"""Single signs that nobody trained on, as files that a browser test plays before the page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import encode_clip
from signtalk.synthetic.endless import EndlessConfig, draw_group, draw_signs

CAMERA_ASPECT = 640 / 480


def as_the_camera_sees(clip: LandmarkClip) -> LandmarkClip:
    """The same places in a picture of the camera's shape."""
    wider = (clip.aspect or 1.0) / CAMERA_ASPECT
    landmarks = clip.landmarks.copy()
    landmarks[..., 0] = 0.5 + (landmarks[..., 0] - 0.5) * wider
    landmarks[..., 2] *= wider
    return replace(clip, landmarks=landmarks.astype(np.float32), aspect=CAMERA_ASPECT)


def made_up_takes(folder: Path, seed: int, num_words: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """For each word a clip of one made-up person and one of another, of single signs that nobody trained on."""
    config = EndlessConfig(seed=seed, people=2)
    numbers = (number for number in range(0, 1000, 2) if len(draw_signs(seed, number)) == 1)
    takes: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for _ in range(num_words):
        for person, drawn in enumerate(draw_group(config, next(numbers))):
            path = folder / f"{len(takes[person])}-{person}.clip"
            path.write_bytes(encode_clip(as_the_camera_sees(drawn.clip)))
            takes[person].append({"clip": str(path)})
    return takes
