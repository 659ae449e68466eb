"""What a person before a camera cannot look like is told by the page's engine as Python tells it."""

from dataclasses import replace

import numpy as np

from made.points import made_clip
from made.web import Ask, needs_node
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip
from signtalk.landmarks.plausible import implausibilities


def odd_clips() -> dict[str, LandmarkClip]:
    usual = made_clip(num_frames=30)

    def changed(points: np.ndarray) -> LandmarkClip:
        return replace(usual, landmarks=points.astype(np.float32))

    points = usual.landmarks
    left, right = (points[:, PARTS[f"{side}_hand"]] for side in ("left", "right"))
    exchanged, away, elsewhere, headless = points.copy(), points.copy(), points.copy(), 1 - points
    exchanged[:, PARTS["left_hand"]], exchanged[:, PARTS["right_hand"]] = right, left
    away[:, PARTS["left_hand"], 1] += 0.6
    elsewhere[:, PARTS["left_hand"], 1] += 2
    headless[:, :11] = np.nan
    shoulderless = points.copy()
    shoulderless[:, HOLISTIC.index["left_shoulder"]] = np.nan
    return {
        "usual": usual,
        "upside down": changed(np.stack([points[..., 0], 1 - points[..., 1], points[..., 2]], axis=-1)),
        "upside down, by the hips": changed(headless),
        "on its side": changed(points[..., [1, 0, 2]] * [3 / 4, 4 / 3, 1]),
        "mirrored": changed(np.stack([1 - points[..., 0], points[..., 1], points[..., 2]], axis=-1)),
        "hands exchanged": changed(exchanged),
        "a hand apart": changed(away),
        "a hand elsewhere": changed(elsewhere),
        "no shoulders": changed(shoulderless),
    }


@needs_node
def test_the_engine_doubts_what_python_doubts(node: Ask) -> None:
    clips = odd_clips()
    expected = [[[doubt.kind, doubt.is_hopeless] for doubt in implausibilities(clip)] for clip in clips.values()]
    assert dict(zip(clips, node("plausible", tuple(clips.values())), strict=True)) == dict(
        zip(clips, expected, strict=True)
    )
    assert sum(map(bool, expected)) == len(clips) - 1
