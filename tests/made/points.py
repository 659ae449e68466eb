"""Small made-up clips for tests of file formats and pictures: every kind of missing point, no body that moves."""

import numpy as np

from signtalk.landmarks.clip import FACE_INDICES, PARTS, LandmarkClip, regular_timestamps


def person() -> np.ndarray:
    """(75, 2): somebody who stands upright, and two flat hands at the wrists."""
    body = np.zeros((33, 2))
    body[:11] = (0.5, 0.2)
    body[11:17] = [(0.65, 0.4), (0.35, 0.4), (0.7, 0.6), (0.3, 0.6), (0.65, 0.7), (0.35, 0.7)]
    body[17:23] = body[[15, 16] * 3]
    body[23:] = [(0.6 if point % 2 else 0.4, 0.9 + 0.1 * (point - 23) // 2) for point in range(23, 33)]
    finger, joint = np.divmod(np.arange(20), 4)
    fingers = np.stack([0.04 * (finger - 2), -0.15 - 0.03 * joint], axis=1)
    hand = np.concatenate([np.zeros((1, 2)), fingers])
    return np.concatenate([body, body[15] + hand, body[16] + hand])


def made_clip(num_frames: int = 5, fps: float = 25.0, aspect: float | None = 4 / 3, seed: int = 0) -> LandmarkClip:
    """Random points of a person who could be; no left hand in frame 0, no face in frame 1, nothing in frame 2, one pose
    landmark missing."""
    rng = np.random.default_rng(seed)
    landmarks = rng.uniform(-0.2, 1.2, (num_frames, 169, 3)).astype(np.float32)
    landmarks[:, :75, 2] *= 0.03
    landmarks[:, :75, :2] = person() + rng.uniform(-0.015, 0.015, (num_frames, 75, 2))
    visibility = rng.uniform(0.01, 1, (num_frames, 33)).astype(np.float32)
    for frame, part in ((0, "left_hand"), (1, "face"), *((2, name) for name in PARTS)):
        landmarks[frame, PARTS[part]] = np.nan
    landmarks[3, 15] = np.nan
    visibility[np.isnan(landmarks[:, :33, 0])] = np.nan
    return LandmarkClip(landmarks, visibility, regular_timestamps(num_frames, fps), aspect)


def assert_same_points(clip: LandmarkClip, expected: LandmarkClip, tolerance: float = 0.0) -> None:
    assert clip.num_frames == expected.num_frames
    np.testing.assert_array_equal(np.isnan(clip.landmarks), np.isnan(expected.landmarks))
    np.testing.assert_allclose(clip.landmarks, expected.landmarks, rtol=0, atol=tolerance)
    np.testing.assert_allclose(clip.timestamps_s, expected.timestamps_s, rtol=0, atol=1e-6)


def holistic_values(num_frames: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    """All 543 points of each frame, as MediaPipe gives them, for files that tests write by hand."""
    rng = np.random.default_rng(seed)
    sizes = {"pose": 33, "left_hand": 21, "right_hand": 21, "face": 468}
    return {name: rng.uniform(0.1, 0.9, (num_frames, size, 3)).astype(np.float32) for name, size in sizes.items()}


def kept(values: dict[str, np.ndarray]) -> np.ndarray:
    """(T, 169, 3): what SignTalk keeps of `holistic_values`, in its own order."""
    face = values["face"][:, list(FACE_INDICES)]
    return np.concatenate([values["pose"], values["left_hand"], values["right_hand"], face], axis=1)
