"""What a clip might have looked like: other tempo, camera, body, hand and tracker. Training only.

Everything works on whole batches of normalised landmarks, between `features.resample` and
`features.derive`, on detected points only: what is missing stays missing, so no ghost can arise.
Mirroring can change a meaning in some languages; whether it helps is decided on validation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.arrays import BoolArray, FloatArray
from signtalk.landmarks.clip import LEFT_HAND_NAMES, RIGHT_HAND_NAMES, Layout
from signtalk.landmarks.features import POSE_HAND_NAMES, FeatureConfig
from signtalk.landmarks.legacy_rows import PROTOTYPE_COLUMNS

_HANDS = (("left_wrist", *LEFT_HAND_NAMES), ("right_wrist", *RIGHT_HAND_NAMES))
_POSE_HANDS = (POSE_HAND_NAMES[:3], POSE_HAND_NAMES[3:])


class AugmentConfig(BaseModel, frozen=True, extra="forbid"):
    """How strongly, and how often, clips are varied. Every figure at zero means: no augmentation.

    Attributes:
        time_warp: a clip's tempo changes by up to this share, unevenly along the clip.
        time_warp_probability: share of clips that are warped.
        trim: up to this share of the clip is cut from either end.
        temporal_shift: the clip starts up to this many frames earlier or later (prototype: 4).
        frame_dropout: share of frames that are lost from a clip (their landmarks go missing).
        frame_dropout_probability: share of clips that lose frames.
        time_mask: one span of up to this share of the clip goes missing.
        time_mask_probability: share of clips with such a span.
        noise: standard deviation of tracker noise, shoulder widths.
        noise_probability: share of clips with noise.
        yaw_degrees: rotation about the vertical axis, up to.
        yaw_probability: share of clips that are turned.
        mirror_probability: share of clips in which left and right are exchanged.
        affine_probability: share of clips that are scaled, sheared, rotated and moved in the image.
        scale: change of size, up to this share, each axis by itself.
        shear: shear, up to.
        rotation_degrees: rotation in the image plane, up to.
        shift: move, shoulder widths, up to.
        hand_shift: each hand by itself is moved by a constant of this standard deviation, shoulder widths.
        hand_scale: each hand by itself changes size about its wrist by up to this share.
        hand_dropout: share of clips in which a hand is lost over a span.
        finger_dropout: share of clips in which one finger is lost.
    """

    time_warp: float = Field(default=0.3, ge=0, lt=1)
    time_warp_probability: float = Field(default=0.8, ge=0, le=1)
    trim: float = Field(default=0.08, ge=0, lt=0.5)
    temporal_shift: int = Field(default=0, ge=0)
    frame_dropout: float = Field(default=0.1, ge=0, lt=1)
    frame_dropout_probability: float = Field(default=0.3, ge=0, le=1)
    time_mask: float = Field(default=0.2, ge=0, lt=1)
    time_mask_probability: float = Field(default=0.3, ge=0, le=1)
    noise: float = Field(default=0.01, ge=0)
    noise_probability: float = Field(default=0.5, ge=0, le=1)
    yaw_degrees: float = Field(default=15.0, ge=0, le=60)
    yaw_probability: float = Field(default=0.5, ge=0, le=1)
    mirror_probability: float = Field(default=0.5, ge=0, le=1)
    affine_probability: float = Field(default=0.8, ge=0, le=1)
    scale: float = Field(default=0.2, ge=0, lt=1)
    shear: float = Field(default=0.1, ge=0)
    rotation_degrees: float = Field(default=10.0, ge=0, le=180)
    shift: float = Field(default=0.15, ge=0)
    hand_shift: float = Field(default=0.08, ge=0)
    hand_scale: float = Field(default=0.15, ge=0, lt=1)
    hand_dropout: float = Field(default=0.15, ge=0, le=1)
    finger_dropout: float = Field(default=0.2, ge=0, le=1)

    @classmethod
    def none(cls) -> AugmentConfig:
        """No augmentation at all."""
        return cls(**dict.fromkeys(cls.model_fields, 0))

    @classmethod
    def prototype(cls) -> AugmentConfig:
        """The prototype's figures (docs/contract.md 1.4); both views drawn from them all (docs/contract.md 2.10)."""
        figures: dict[str, float] = dict.fromkeys(cls.model_fields, 0)
        figures |= {"time_warp": 0.15, "time_warp_probability": 0.6, "temporal_shift": 4}
        figures |= {"frame_dropout": 0.12, "frame_dropout_probability": 0.5, "noise": 0.012, "noise_probability": 0.5}
        figures |= {"yaw_degrees": 15.0, "yaw_probability": 0.8}
        return cls.model_validate(figures)


def warp_positions(
    positions: npt.NDArray[np.float64],
    num_frames: npt.NDArray[np.integer],
    config: AugmentConfig,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Move the moments at which clips are read: other tempo, other start and end. Order is kept.

    Args:
        positions: (B, T') frame positions from `features.frame_positions`; not changed.
        num_frames: (B,) frames of each clip.
        config: time_warp, trim and temporal_shift act here.
        rng: source of randomness.

    Returns:
        (B, T') float64 within each clip.
    """
    batch = len(positions)
    last = (num_frames.astype(np.float64) - 1)[:, None]
    phase = positions / np.maximum(last, 1)
    if config.time_warp > 0:
        warped = _uneven_tempo(phase, config.time_warp, rng)
        phase = np.where(rng.random((batch, 1)) < config.time_warp_probability, warped, phase)
    start, end = rng.uniform(0, 1, (2, batch, 1)) * config.trim
    moved = (start + phase * (1 - start - end)) * last
    moved += rng.integers(-config.temporal_shift, config.temporal_shift + 1, (batch, 1))
    return np.clip(moved, 0, last)


def _uneven_tempo(phase: npt.NDArray[np.float64], strength: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Map [0, 1] onto itself by a piecewise linear tempo with four random speeds within 1 +- strength."""
    knots = 4
    speeds = rng.uniform(1 - strength, 1 + strength, (len(phase), knots))
    reached = np.concatenate([np.zeros((len(phase), 1)), np.cumsum(speeds, axis=1)], axis=1)
    reached /= reached[:, -1:]
    place = np.clip(phase, 0, 1) * knots
    piece = np.minimum(place.astype(np.int64), knots - 1)
    low = np.take_along_axis(reached, piece, axis=1)
    return low + (np.take_along_axis(reached, piece + 1, axis=1) - low) * (place - piece)


def augment_points(
    points: FloatArray, features: FeatureConfig, config: AugmentConfig, rng: np.random.Generator
) -> FloatArray:
    """Vary a batch of normalised clips in space and drop detections.

    Args:
        points: (B, T, L, C) float32 in shoulder widths, NaN = missing; not changed.
        features: names axis 2, or tells that the rows are the prototype's 540 columns.
        config: how much.
        rng: source of randomness.

    Returns:
        (B, T, L, C) float32. A missing point stays missing; further points may go missing.
    """
    if features.preset == "prototype":
        return _augment_prototype_rows(points, config, rng)
    layout = features.layout
    batch, frames = points.shape[:2]
    moved = _mirror(points, layout, np.asarray(rng.random(batch) < config.mirror_probability))
    moved = _hands_apart(moved, layout, config, rng)
    matrix, shift = _image_transform(batch, points.shape[-1], config, rng)
    moved = moved @ matrix[:, None] + shift[:, None, None]
    noisy = rng.random((batch, 1, 1, 1)) < config.noise_probability
    moved = moved + rng.standard_normal(points.shape, dtype=np.float32) * np.float32(config.noise) * noisy
    lost = _lost_frames(batch, frames, config, rng)[:, :, None] | _lost_hands(batch, frames, layout, config, rng)
    moved[lost] = np.nan
    return moved.astype(np.float32)


def _mirror(points: FloatArray, layout: Layout, chosen: BoolArray) -> FloatArray:
    """Exchange left and right, landmarks and x, in the chosen clips."""
    flipped = points[chosen][:, :, layout.mirror]
    flipped[..., 0] *= -1
    mirrored = points.copy()
    mirrored[chosen] = flipped
    return mirrored


def _hands_apart(points: FloatArray, layout: Layout, config: AugmentConfig, rng: np.random.Generator) -> FloatArray:
    """Move and resize each hand by itself: people sign the same sign at other places, with other hands."""
    batch, coordinates = len(points), points.shape[-1]
    for names, pose_names in zip(_HANDS, _POSE_HANDS, strict=True):
        shift = rng.normal(0, config.hand_shift, (batch, 1, 1, coordinates)).astype(np.float32)
        size = (1 + rng.uniform(-config.hand_scale, config.hand_scale, (batch, 1, 1, 1))).astype(np.float32)
        columns = layout.positions(names)
        columns = columns[columns >= 0]
        hand = points[:, :, columns]
        if len(columns) > 1:  # column 0 is the body's wrist, column 1 the hand's own
            wrist = np.nan_to_num(hand[:, :, 1:2])
            seen_size = np.where(
                np.isnan(hand[:, :, 1:2]), np.float32(1), size
            )  # without its wrist a hand keeps its size
            hand = wrist + (hand - wrist) * seen_size
            hand[:, :, 0] = points[:, :, columns[0]]
        points[:, :, columns] = hand + shift
        pose_columns = layout.positions(pose_names)
        points[:, :, pose_columns[pose_columns >= 0]] += shift
    return points


def _image_transform(
    batch: int, coordinates: int, config: AugmentConfig, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """(B, C, C) matrices to multiply row vectors with, and (B, C) shifts."""
    affine = rng.random(batch) < config.affine_probability
    amount = rng.uniform(-1, 1, (6, batch)) * affine
    angle = np.deg2rad(config.rotation_degrees) * amount[0]
    shear = config.shear * amount[1]
    cos, sin = np.cos(angle), np.sin(angle)
    scale_x, scale_y = 1 + config.scale * amount[2], 1 + config.scale * amount[3]
    yaw = rng.uniform(-1, 1, batch) * np.deg2rad(config.yaw_degrees) * (rng.random(batch) < config.yaw_probability)
    matrix = np.zeros((batch, coordinates, coordinates), dtype=np.float32)
    matrix[:, 0, 0] = scale_x * np.cos(yaw) * cos
    matrix[:, 0, 1] = scale_y * (sin + shear)
    matrix[:, 1, 0] = -scale_x * sin
    matrix[:, 1, 1] = scale_y * cos
    if coordinates == 3:
        matrix[:, 0, 2], matrix[:, 2, 0] = -np.sin(yaw), np.sin(yaw)
        matrix[:, 2, 2] = np.cos(yaw)
    shift = np.zeros((batch, coordinates), dtype=np.float32)
    shift[:, :2] = (config.shift * amount[4:6]).T
    return matrix, shift


def _span(batch: int, frames: int, longest: float, rng: np.random.Generator) -> BoolArray:
    """(B, T) one span a clip, of a random length up to `longest` of the clip."""
    length = rng.uniform(0, longest, (batch, 1)) * frames
    start = rng.uniform(0, 1, (batch, 1)) * (frames - length)
    steps = np.arange(frames)[None]
    return (steps >= start) & (steps < start + length)


def _lost_frames(batch: int, frames: int, config: AugmentConfig, rng: np.random.Generator) -> BoolArray:
    dropped = rng.random((batch, frames)) < config.frame_dropout
    dropped &= (rng.random(batch) < config.frame_dropout_probability)[:, None]
    masked = _span(batch, frames, config.time_mask, rng)
    return dropped | masked & (rng.random(batch) < config.time_mask_probability)[:, None]


def _lost_hands(batch: int, frames: int, layout: Layout, config: AugmentConfig, rng: np.random.Generator) -> BoolArray:
    """(B, T, L) one hand over up to half of the clip, and one finger all along."""
    lost = np.zeros((batch, frames, len(layout.names)), dtype=np.bool_)
    hands = [layout.positions(names) for names in (LEFT_HAND_NAMES, RIGHT_HAND_NAMES)]
    if hands[0][0] < 0:
        return lost
    span = _span(batch, frames, 0.5, rng) & (rng.random(batch) < config.hand_dropout)[:, None]
    which = rng.integers(0, 2, batch)
    finger = rng.integers(0, 5, batch)
    without_finger = rng.random(batch) < config.finger_dropout
    for side, columns in enumerate(hands):
        lost[:, :, columns] |= (span & (which == side)[:, None])[..., None]
        for number in range(5):
            chosen = np.flatnonzero(without_finger & (which != side) & (finger == number))
            lost[np.ix_(chosen, np.arange(frames), columns[1 + 4 * number : 5 + 4 * number])] = True
    return lost


def _augment_prototype_rows(rows: FloatArray, config: AugmentConfig, rng: np.random.Generator) -> FloatArray:
    """docs/contract.md 1.4 on (B, T, 540, 1): noise, rotation about the vertical axis, dropped frames."""
    batch, frames = rows.shape[:2]
    flat = rows[..., 0].copy()
    pose, rest = flat[..., :132].reshape(batch, frames, 33, 4), flat[..., 132:].reshape(batch, frames, -1, 3)
    points = np.concatenate([pose[..., :3], rest], axis=2)
    yaw = rng.uniform(-1, 1, batch) * np.deg2rad(config.yaw_degrees) * (rng.random(batch) < config.yaw_probability)
    turn = np.zeros((batch, 1, 3, 3), dtype=np.float32)
    turn[:, 0, 0, 0] = turn[:, 0, 2, 2] = np.cos(yaw)
    turn[:, 0, 0, 2], turn[:, 0, 2, 0] = -np.sin(yaw), np.sin(yaw)
    turn[:, 0, 1, 1] = 1
    seen = (points != 0).any(axis=-1, keepdims=True)
    noisy = rng.random((batch, 1, 1, 1)) < config.noise_probability
    noise = rng.standard_normal(points.shape, dtype=np.float32) * np.float32(config.noise) * noisy * seen
    points = points @ turn + noise
    flat[..., :132] = np.concatenate([points[:, :, :33], pose[..., 3:]], axis=-1).reshape(batch, frames, 132)
    flat[..., 132:] = points[:, :, 33:].reshape(batch, frames, PROTOTYPE_COLUMNS - 132)
    flat[_lost_frames(batch, frames, config, rng)] = 0
    return flat[..., None]
