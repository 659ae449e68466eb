"""The camera that films a made-up person, and the detector that finds the landmarks and errs.

points of `body` --project--> image --track--> landmarks, visibility of a LandmarkClip
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from signtalk.arrays import BoolArray, FloatArray
from signtalk.landmarks.clip import HOLISTIC, PARTS, POSE_NAMES
from signtalk.synthetic.body import Array, components, euler_matrices

TrackerKind = Literal["hands", "body"]
"""What a tracker finds: hands and body, or the joints of the body alone."""
_JOINTS = tuple(
    HOLISTIC.index[f"{side}_{joint}"]
    for side in ("left", "right")
    for joint in ("shoulder", "elbow", "wrist", "index", "hip")
)
_NOSE, _EARS = HOLISTIC.index["nose"], [HOLISTIC.index["left_ear"], HOLISTIC.index["right_ear"]]
_ALONG_FINGER = np.array([0.2, 0.6, 0.8, 1.0])
"""How much of a finger's sway each of its points has, from the knuckle to the tip."""


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and what image it takes.

    Attributes:
        yaw: radians around the signer, positive towards the signer's left.
        pitch: radians, positive looking down.
        roll: radians about the viewing axis.
        distance: shoulder widths from the chest; small means strong perspective.
        scale: shoulder width in image heights.
        centre: place of the mid-shoulder point, x in image widths, y in image heights.
        aspect: image width over height.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    distance: float = 5.0
    scale: float = 0.36
    centre: tuple[float, float] = (0.5, 0.55)
    aspect: float = 4 / 3


@dataclass(frozen=True)
class TrackerErrors:
    """How well the landmark detector sees this recording; all zero is a perfect detector.

    Attributes:
        jitter: shake of a landmark in shoulder widths.
        lost: how readily a hand is lost; 1 is an ordinary recording.
        swaps: chance a frame that left and right hand change names for a moment.
        jumps: chance a frame that a hand is found somewhere else.
        face_lost: chance a frame that the face is lost for a moment.
        hand_depth: how deep a hand is for the detector, 1 is as deep as it is; detectors flatten hands.
        finger_sway: by how much each finger as a whole is seen elsewhere in each frame, at its tip, in shoulder widths.
        gap_s: mean seconds for which a lost hand stays lost; at least a frame.
        is_skeleton: a depth camera's, which measures depth and finds the joints of the body alone: one point of each
            hand, and the middle of the head in place of the nose.
    """

    jitter: float = 0.006
    lost: float = 1.0
    swaps: float = 0.0008
    jumps: float = 0.003
    face_lost: float = 0.0005
    hand_depth: float = 1.0
    finger_sway: float = 0.0
    gap_s: float = 0.16
    is_skeleton: bool = False


def project(points: Array, camera: Camera) -> Array:
    """Film the body: perspective image coordinates in MediaPipe's convention.

    Args:
        points: (T, 169, 3) body frame.
        camera: where it stands.

    Returns:
        (T, 169, 3): x in image widths, y in image heights, z in image widths, smaller is nearer; z of the
        pose counts from the hips, of a hand from its wrist, of the face from the head's centre.
    """
    seen = points @ euler_matrices(camera.yaw, camera.pitch, camera.roll).T
    x, y, z = components(seen)
    factor = camera.distance / (camera.distance + np.maximum(z, 0.5 - camera.distance))
    image = np.empty_like(seen)
    image[..., 0] = camera.centre[0] + camera.scale / camera.aspect * x * factor
    image[..., 1] = camera.centre[1] + camera.scale * y * factor
    image[..., 2] = camera.scale / camera.aspect * z
    hips = image[:, 23:25, 2].mean(axis=1)[:, None]
    ears = image[:, 7:9, 2].mean(axis=1)[:, None]
    for name, origin in (("pose", hips), ("face", ears)):
        image[:, PARTS[name], 2] -= origin
    for name in ("left_hand", "right_hand"):
        image[:, PARTS[name], 2] -= image[:, PARTS[name], 2][:, :1]
    return image


def track(
    image: Array, camera: Camera, errors: TrackerErrors, fps: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """What a detector makes of the image: shaking points, lost and confused hands, a face gone for a moment.

    Args:
        image: (T, 169, 3) from `project`; not changed.
        camera: gives the unit of the shake and the image's shape.
        errors: how the detector errs.
        fps: frames a second; hands that move fast are lost more often.
        rng: the only source of chance.

    Returns:
        (T, 169, 3) float32 landmarks, a missing part NaN as a whole, and (T, 33) float32 visibility.
    """
    num_frames = len(image)
    landmarks = _shake(num_frames, camera, errors, rng)
    landmarks += image
    hands = [landmarks[:, PARTS[name]] for name in ("left_hand", "right_hand")]
    for hand in hands:
        hand[..., 2] *= errors.hand_depth
        jumped = rng.random(num_frames) < errors.jumps
        hand[jumped] += rng.normal(0, 0.15 * camera.scale, (int(jumped.sum()), 1, 3))
    swapped = _bursts(np.full(num_frames, errors.swaps), 2, rng)
    hands[0][swapped], hands[1][swapped] = hands[1][swapped], hands[0][swapped]
    gone = [_lost(image, name, camera, errors, fps, rng) for name in ("left_hand", "right_hand")]
    for hand, lost in zip(hands, gone, strict=True):
        hand[lost] = np.nan
    landmarks[_bursts(np.full(num_frames, errors.face_lost), 5, rng), PARTS["face"]] = np.nan
    visibility = _visibility(image, np.stack(gone, axis=1), rng)
    if errors.is_skeleton:
        landmarks = _skeleton(landmarks)
        visibility[np.isnan(landmarks[:, : len(POSE_NAMES), 0])] = 0
    return landmarks.astype(np.float32), visibility


def _skeleton(landmarks: Array) -> Array:
    """(T, 169, 3) of which a depth camera knows the joints alone; all else is NaN."""
    joints = np.full_like(landmarks, np.nan)
    joints[:, _JOINTS] = landmarks[:, _JOINTS]
    joints[:, _NOSE] = landmarks[:, _EARS].mean(axis=1)
    return joints


def _shake(num_frames: int, camera: Camera, errors: TrackerErrors, rng: np.random.Generator) -> Array:
    """Slow wander of each point, slower wander of each hand as a whole, and a little white noise."""
    size = errors.jitter * camera.scale
    shake = smooth_noise(rng, num_frames, (169, 3), 4)
    white = rng.standard_normal(shake.shape)
    white *= 0.3
    shake += white
    for name in ("left_hand", "right_hand"):
        shake[:, PARTS[name]] += 1.5 * smooth_noise(rng, num_frames, (1, 3), 5)
    shake[:, 17:23] *= 2.0  # the pose model's own guess of the fingers
    shake[:, 23:25] *= 4.0
    shake[..., 2] *= 1.0 if errors.is_skeleton else 2.5
    shake[..., 0] /= camera.aspect
    shake *= size
    if errors.finger_sway:
        for name in ("left_hand", "right_hand"):
            sway = camera.scale * errors.finger_sway * _sway(num_frames, rng)
            shake[:, PARTS[name]] += sway / np.array([camera.aspect, 1.0, camera.aspect])
    return shake


def _sway(num_frames: int, rng: np.random.Generator) -> Array:
    """(T, 21, 3) white noise of a hand: half of it of the hand as a whole, one of each finger from knuckle to tip."""
    hand = np.zeros((num_frames, 21, 3))
    hand[..., :2] = 0.5 * rng.standard_normal((num_frames, 1, 2))
    fingers = _ALONG_FINGER[:, None] * rng.standard_normal((num_frames, 5, 1, 3))
    hand[:, 1:] += fingers.reshape(num_frames, 20, 3)
    return hand


def smooth_noise(rng: np.random.Generator, num_frames: int, shape: tuple[int, ...], every: int) -> Array:
    """(T, *shape) noise of about unit size that is drawn anew each `every` frames and linear between.

    Args:
        rng: every chance.
        num_frames: T.
        shape: of each frame's noise.
        every: frames between two draws.
    """
    knots = rng.standard_normal((num_frames // every + 2, *shape))
    place = np.arange(num_frames) / every + rng.random()
    low = np.minimum(place.astype(np.int64), len(knots) - 2)
    weight = (place - low).clip(0, 1).reshape(-1, *[1] * len(shape))
    mixed: Array = knots.take(low, axis=0)
    mixed *= 1 - weight
    later = knots.take(low + 1, axis=0)
    later *= weight
    mixed += later
    return mixed


def _bursts(chance: Array, mean_length: float, rng: np.random.Generator) -> BoolArray:
    """(T,) bool: runs that start with the given chance a frame and last `mean_length` frames on average."""
    num_frames = len(chance)
    starts = np.flatnonzero(rng.random(num_frames) < chance)
    if not len(starts):
        return np.zeros(num_frames, dtype=np.bool_)
    ends = np.minimum(starts + rng.geometric(1 / mean_length, len(starts)), num_frames)
    change = np.bincount(starts, minlength=num_frames + 1) - np.bincount(ends, minlength=num_frames + 1)
    return np.cumsum(change)[:num_frames] > 0


def _lost(
    image: Array, name: str, camera: Camera, errors: TrackerErrors, fps: float, rng: np.random.Generator
) -> BoolArray:
    """(T,) bool: the hand is out of the image, or lost for a while: when fast, before the face, or by chance."""
    square = np.array([camera.aspect, 1.0]) / camera.scale
    middle = image[:, PARTS[name]][:, 9, :2]
    speed = np.linalg.norm(np.diff(middle * square, axis=0, prepend=middle[:1] * square), axis=-1) * fps
    near = np.exp(-((np.linalg.norm((middle - image[:, 0, :2]) * square, axis=-1) / 0.4) ** 2))
    chance = errors.lost * (0.15 + 0.12 * np.minimum(speed, 8) + 0.7 * near) / fps
    outside = ((middle < -0.02) | (middle > 1.02)).any(axis=-1)
    return outside | _bursts(chance, max(errors.gap_s * fps, 1.0), rng)


def _visibility(image: Array, gone: BoolArray, rng: np.random.Generator) -> FloatArray:
    """(T, 33): high for what is in the image, lower at a lost hand, near zero for the legs."""
    num_frames = len(image)
    score = np.full((num_frames, len(POSE_NAMES)), 0.999)
    score[:, 13:23] = 0.95
    score[:, 15:23] -= 0.45 * np.tile(gone, 4)
    out = ((image[:, :33, :2] < 0) | (image[:, :33, :2] > 1)).any(axis=-1)
    score[out] *= 0.15
    score[:, 23:25] *= 0.6
    score[:, 25:] = 0.002
    return np.clip(score * (1 - 0.04 * np.abs(smooth_noise(rng, num_frames, (33,), 6))), 0, 1).astype(np.float32)
