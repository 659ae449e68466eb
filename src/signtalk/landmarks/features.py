"""From a raw clip to what the network reads: the one place that holds feature mathematics.

    LandmarkClip -> normalise_clip -> (T, L, C) -> resample -> (B, T', L, C) -> derive -> (B, T', F)

`extract_features` is that chain for one clip; training runs the same three functions on batches, with
augmentation between the second and the third. Every artefact carries the `FeatureConfig` it was made with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from signtalk.arrays import BoolArray, FloatArray
from signtalk.errors import ClipError
from signtalk.landmarks.clip import (
    FACE_MIDLINE,
    FACE_PAIRS,
    HOLISTIC,
    LEFT_HAND_NAMES,
    RIGHT_HAND_NAMES,
    LandmarkClip,
    Layout,
)
from signtalk.landmarks.columns import bone_directions, centred, hand_local
from signtalk.landmarks.hand_angles import hand_columns
from signtalk.landmarks.legacy_rows import PROTOTYPE_COLUMNS, to_prototype_rows

BODY_NAMES = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "mouth_left", "mouth_right",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
"""Upper body; legs are never in view and hips are mostly guessed (docs/contract.md 2.2 and 2.3)."""
FACE_POINT_NAMES = tuple(
    f"face_{i}" for i in sorted({p for pair in FACE_PAIRS for p in pair} | set(FACE_MIDLINE) - {10})
)
"""Lips, brows, nose and chin, chosen so that each has its mirror partner among SignTalk's points."""
POSE_HAND_NAMES = tuple(f"{side}_{finger}" for side in ("left", "right") for finger in ("pinky", "index", "thumb"))
"""What a body tracker knows of the hands; a hand tracker knows it better."""
TIP_NAMES = ("thumb_tip", "index_tip", "middle_tip", "ring_tip", "pinky_tip")
_SPEED_NAMES = tuple(f"{side}_wrist" for side in ("left", "right")) + tuple(
    f"{side}_hand_{tip}" for side in ("left", "right") for tip in TIP_NAMES
)
_SHOULDERS = ("left_shoulder", "right_shoulder")
MIN_SHOULDER_WIDTH = 1e-3
MIN_SHOULDER_SHARE = 0.25
"""Of the clip's typical shoulder width: a signer who turns aside does not grow without bound."""
MOTION_RATE = 10.0
"""Comparisons a second of the hand speed: between two of them a signing hand moves far more than a tracker trembles."""
LEAST_HAND_SHARE = 0.2
"""Of a clip's frames that show a hand; with fewer, most of the signing was not seen."""


class FeatureConfig(BaseModel, frozen=True, extra="forbid"):
    """How a clip becomes network input; frozen and stored with every artefact made from it.

    Attributes:
        preset: "landmarks" is SignTalk's own; "prototype" reproduces the 540 columns and the 64-frame
            crop of the prototype, so that old and new are compared by one flag.
        num_frames: frames T' that the network sees of a clip.
        resampling: "whole" stretches the whole clip over num_frames; "rate" brings it to target_fps and
            only compresses a clip that would be longer than num_frames; "crop" takes the middle
            num_frames at the clip's own rate (the prototype's way).
        target_fps: frame rate of "rate".
        use_hands: both hands, 21 points each.
        use_face: lips, brows, nose and chin of the face mesh.
        use_pose_hands: the pose's own pinky, index and thumb of each hand: all there is where no hand was tracked.
        use_depth: z as a third coordinate; MediaPipe's is unstable and of another origin a part.
        frontal: turn each clip about the vertical axis until the shoulders face the camera, on average over the clip.
            Needs depth that was measured (a depth camera's), and one origin for all landmarks: not with hands.
        use_hand_local: a copy of each hand relative to its own wrist, in hand sizes.
        use_hand_angles: the angles of each hand's joints, where its palm faces and its fingers point; of its points in
            three dimensions, whatever use_depth says.
        use_bones: the directions of upper arms, forearms and (use_pose_hands) hands, which do not depend on how long a
            signer's arms are.
        use_centred: each coordinate once more, less its mean over the clip, which does not depend on where a signer
            usually holds the hands.
        num_differences: how many differences in time to add: x[t+1]-x[t], then x[t+2]-x[t].
        max_gap_s: a gap of a landmark up to this long is bridged linearly; longer ones stay missing.
        limit: coordinates are clipped to this many shoulder widths.
    """

    preset: Literal["landmarks", "prototype"] = "landmarks"
    num_frames: int = Field(default=96, ge=4, le=4096)
    resampling: Literal["whole", "rate", "crop"] = "whole"
    target_fps: float = Field(default=15.0, gt=0, le=240)
    use_hands: bool = True
    use_face: bool = False
    use_pose_hands: bool = False
    use_depth: bool = False
    frontal: bool = False
    use_hand_local: bool = True
    use_hand_angles: bool = False
    use_bones: bool = False
    use_centred: bool = False
    num_differences: int = Field(default=2, ge=0, le=2)
    max_gap_s: float = Field(default=0.25, ge=0)
    limit: float = Field(default=6.0, gt=0)

    @model_validator(mode="after")
    def _check(self) -> FeatureConfig:
        if self.preset == "prototype" and self.resampling != "crop":
            raise ValueError('the prototype preset crops: set resampling="crop"')
        added = (self.use_bones, self.use_pose_hands, self.frontal, self.use_hand_angles, self.use_centred)
        if self.preset == "prototype" and any(added):
            names = "use_bones, use_pose_hands, frontal, use_hand_angles or use_centred"
            raise ValueError(f"the prototype preset passes its columns: no {names}")
        if (self.use_hand_local or self.use_hand_angles) and not self.use_hands:
            raise ValueError(f"use_hand_{'local' if self.use_hand_local else 'angles'} needs use_hands")
        if self.frontal and (self.use_hands or self.use_face or not self.use_depth):
            raise ValueError("frontal needs use_depth, and neither use_hands nor use_face, whose z have other origins")
        return self

    @classmethod
    def prototype(cls) -> FeatureConfig:
        """The prototype's features: 540 columns, the middle 64 frames, zero padding."""
        return cls(preset="prototype", num_frames=64, resampling="crop")

    @property
    def layout(self) -> Layout:
        """The landmarks along axis 1 of a normalised clip."""
        return _selected_layout(self.use_hands, self.use_face, self.use_pose_hands)

    @property
    def num_coordinates(self) -> int:
        """How many coordinates of a landmark are columns, 2 or 3."""
        return 3 if self.use_depth else 2

    @property
    def coordinate_shape(self) -> tuple[int, int]:
        """Landmarks and coordinates that the first columns are; (540, 1) for the prototype preset."""
        if self.preset == "prototype":
            return (PROTOTYPE_COLUMNS, 1)
        return (len(self.layout.names), self.num_coordinates)

    @property
    def row_shape(self) -> tuple[int, int]:
        """(L, C) of a normalised clip: the angles of the hands need depth even where it is no column."""
        landmarks, coordinates = self.coordinate_shape
        return (landmarks, 3 if self.use_hand_angles else coordinates)

    @property
    def num_features(self) -> int:
        """F, the last axis of `derive`."""
        if self.preset == "prototype":
            return PROTOTYPE_COLUMNS
        probe = np.zeros((1, 1, *self.row_shape), dtype=np.float32)
        return int(derive(probe, np.ones((1, 1), dtype=np.bool_), self).shape[-1])


@lru_cache
def _selected_layout(use_hands: bool, use_face: bool, use_pose_hands: bool) -> Layout:
    body = BODY_NAMES + (POSE_HAND_NAMES if use_pose_hands else ())
    hands = LEFT_HAND_NAMES + RIGHT_HAND_NAMES if use_hands else ()
    return Layout(body + hands + (FACE_POINT_NAMES if use_face else ()))


@dataclass(frozen=True)
class ClipFeatures:
    """Network input of one clip.

    Attributes:
        features: (T', F) float32, zeros where a landmark is missing and in padding.
        valid: (T',) bool, False in padding.
        motion: `signing_speed` of the clip.
    """

    features: FloatArray
    valid: BoolArray
    motion: float


def normalise_clip(clip: LandmarkClip, config: FeatureConfig) -> FloatArray:
    """Express the chosen landmarks relative to the signer's chest, in shoulder widths.

    Removes where the signer stands, how large they appear and the image's shape, keeps the movement,
    at the clip's own frame rate.

    Args:
        clip: the raw clip; not changed.
        config: what to keep.

    Returns:
        (T, L, C) float32, origin midway between the shoulders of each frame, one unit the clip's median
        shoulder width (for files of the prototype, which scaled every frame by itself, the frame's
        own). Short gaps are bridged; what is missing stays NaN. With the prototype preset (T, 540, 1):
        the file's own rows, or for a raw clip the rows that the prototype would have written.

    Raises:
        ClipError: no frame shows both shoulders.
    """
    if config.preset == "prototype":
        rows = clip.prototype_rows if clip.prototype_rows is not None else to_prototype_rows(clip)
        return np.nan_to_num(rows)[..., None].astype(np.float32)
    upright = clip.landmarks.astype(np.float64)
    upright[..., 0] *= clip.aspect or 1.0
    upright[..., 2] *= clip.aspect or 1.0  # MediaPipe scales z like x
    max_gap = round(config.max_gap_s * clip.fps)
    if config.frontal:
        upright = _facing_camera(upright)
    shoulders = bridge_gaps(upright[:, HOLISTIC.positions(_SHOULDERS)], len(upright))
    width = np.linalg.norm(shoulders[:, 0, :2] - shoulders[:, 1, :2], axis=-1)
    if not (width > MIN_SHOULDER_WIDTH).any():
        raise ClipError("no frame shows both shoulders, so there is no unit to measure in; film the upper body")
    unit = width if clip.prototype_rows is not None else np.full_like(width, np.median(width))
    unit = np.maximum(unit, max(MIN_SHOULDER_WIDTH, MIN_SHOULDER_SHARE * float(np.median(width))))
    num_coordinates = config.row_shape[1]
    chosen = upright[:, HOLISTIC.positions(config.layout.names), :num_coordinates]
    origin = shoulders.mean(axis=1)[:, None, :num_coordinates]
    chest = (bridge_gaps(chosen, max_gap) - origin) / unit[:, None, None]
    return np.clip(chest, -config.limit, config.limit).astype(np.float32)


def _facing_camera(upright: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(T, L, 3) turned about the vertical axis by one angle, so that the median line of the shoulders has no depth."""
    left, right = (upright[:, column] for column in HOLISTIC.positions(_SHOULDERS))
    seen = ~np.isnan(left - right).any(axis=-1)
    if not seen.any():
        return upright
    across, _, deep = np.median((left - right)[seen], axis=0)
    # Of the two ways the shorter one: in a mirrored picture left and right are exchanged, nobody stands backwards.
    angle = np.arctan2(deep * np.sign(across), abs(across))
    turned = upright.copy()
    turned[..., 0] = np.cos(angle) * upright[..., 0] + np.sin(angle) * upright[..., 2]
    turned[..., 2] = np.cos(angle) * upright[..., 2] - np.sin(angle) * upright[..., 0]
    return turned


def bridge_gaps(points: npt.NDArray[np.floating], max_gap: int) -> npt.NDArray[np.floating]:
    """Fill runs of at most `max_gap` missing frames of each landmark linearly.

    A run at either end of the clip takes the nearest seen value. A landmark that was never seen stays
    missing. The input is kept.

    Args:
        points: (T, L, C); a missing landmark is NaN in all coordinates.
        max_gap: frames; 0 changes nothing.

    Returns:
        (T, L, C), NaN in the longer gaps.
    """
    missing = np.isnan(points[..., 0])
    if max_gap < 1 or not missing.any():
        return points.copy()
    num_frames = len(points)
    frames = np.broadcast_to(np.arange(num_frames)[:, None], missing.shape)
    before = np.maximum.accumulate(np.where(missing, -1, frames), axis=0)
    after = np.minimum.accumulate(np.where(missing, num_frames, frames)[::-1], axis=0)[::-1]
    fillable = missing & (after - before - 1 <= max_gap) & ((before >= 0) | (after < num_frames))
    frame, landmark = np.nonzero(fillable)
    before, after = before[fillable], after[fillable]
    left = np.where(before < 0, after, before)
    right = np.where(after >= num_frames, before, after)
    weight = ((frame - left) / np.maximum(right - left, 1))[:, None]
    bridged = np.array(points, dtype=np.float64, order="C")
    bridged[frame, landmark] = points[left, landmark] * (1 - weight) + points[right, landmark] * weight
    return bridged


def frame_positions(
    num_frames: npt.NDArray[np.integer], fps: npt.NDArray[np.floating], config: FeatureConfig
) -> tuple[npt.NDArray[np.float64], BoolArray]:
    """Which moments of each clip the network sees, without augmentation.

    Args:
        num_frames: (B,) frames of each clip, at least 1.
        fps: (B,) frame rates.
        config: gives num_frames T' and the way of resampling.

    Returns:
        (B, T') float64 frame positions, 0 at the first and num_frames - 1 at the last frame, and (B, T') bool,
        False where the clip has ended.
    """
    total = config.num_frames
    steps = np.arange(total, dtype=np.float64)[None]
    last = num_frames.astype(np.float64)[:, None] - 1
    if config.resampling == "whole":
        kept = np.full(len(num_frames), total)
    elif config.resampling == "rate":
        seconds = num_frames / fps
        kept = np.clip(np.rint(seconds * config.target_fps), 1, total).astype(np.int64)
    else:
        kept = np.minimum(num_frames, total)
        start = (num_frames - kept) // 2
        return np.minimum(start[:, None] + steps, last), steps < kept[:, None]
    scale = last / np.maximum(kept - 1, 1)[:, None]
    return np.minimum(steps * scale, last), steps < kept[:, None]


def resample(
    rows: npt.NDArray[np.floating], offsets: npt.NDArray[np.integer], positions: npt.NDArray[np.float64]
) -> FloatArray:
    """Read clips at fractional frame positions, all in one gather.

    Args:
        rows: (R, L, C) the frames of many clips one after the other (may be a memory map); NaN = missing.
        offsets: (B,) row of each clip's first frame.
        positions: (B, T') frame positions within each clip.

    Returns:
        (B, T', L, C) float32. Between two frames linear; where one of them is missing, the nearer one
        alone decides, so that nothing is invented and no detected point is lost.
    """
    low = np.floor(positions).astype(np.int64)
    weight = (positions - low).astype(np.float32)[..., None, None]
    first = rows[offsets[:, None] + low].astype(np.float32)
    second = rows[offsets[:, None] + np.ceil(positions).astype(np.int64)].astype(np.float32)
    mixed = first + (second - first) * weight
    return np.where(np.isnan(mixed), np.where(weight < 0.5, first, second), mixed)


def derive(points: FloatArray, valid: BoolArray, config: FeatureConfig) -> FloatArray:
    """Turn normalised landmarks into the network's columns.

    Order: coordinates; hand-local copies; bones; their differences in time; coordinates less their mean over the clip;
    angles of the hands; presence of each part (0 or 1); last, the frame's hand motion (shoulder widths a frame). The
    prototype preset passes its 540 columns.

    Args:
        points: (B, T, L, C) float32 from `resample`, possibly augmented; NaN = missing.
        valid: (B, T) bool, False in padding.
        config: which columns to make.

    Returns:
        (B, T, F) float32, finite; zeros where missing, in padding, and for a difference whose partner is missing.
    """
    if config.preset == "prototype":
        return np.where(valid[..., None], np.nan_to_num(points[..., 0]), np.float32(0)).astype(np.float32)
    layout = config.layout
    deep = np.where(valid[..., None, None], points, np.float32(np.nan))
    points = deep[..., : config.num_coordinates]
    coordinates = [points]
    if config.use_hand_local:
        coordinates += [hand_local(points[:, :, layout.positions(names)]) for names in _HANDS]
    if config.use_bones:
        coordinates.append(bone_directions(points, layout))
    stacked = np.concatenate(coordinates, axis=2)
    columns = [stacked]
    for step in range(1, config.num_differences + 1):
        difference = np.zeros_like(stacked)
        difference[:, :-step] = stacked[:, step:] - stacked[:, :-step]
        columns.append(difference)
    if config.use_centred:
        columns.append(centred(points))
    if config.use_hand_angles:
        columns += [hand_columns(deep[:, :, layout.positions(names)], names is LEFT_HAND_NAMES) for names in _HANDS]
    batch, frames = points.shape[:2]
    flat = np.concatenate([c.reshape(batch, frames, -1) for c in columns], axis=-1)
    presence = [~np.isnan(points[:, :, layout.positions(names), 0]).all(axis=-1) for names in _present_parts(config)]
    return np.concatenate(
        [np.nan_to_num(flat), np.stack(presence, axis=-1), _frame_motion(points, layout)[..., None]], axis=-1
    ).astype(np.float32)


_HANDS = (LEFT_HAND_NAMES, RIGHT_HAND_NAMES)


def standardised_columns(config: FeatureConfig) -> BoolArray:
    """(F,) bool: columns that are brought to zero mean and unit spread; presence, motion and visibility are not."""
    columns = np.ones(config.num_features, dtype=np.bool_)
    if config.preset == "prototype":
        columns[3:132:4] = False
    else:
        columns[-len(_present_parts(config)) - 1 :] = False
    return columns


def _present_parts(config: FeatureConfig) -> list[tuple[str, ...]]:
    hands = list(_HANDS) if config.use_hands else []
    return [BODY_NAMES, *hands, *([FACE_POINT_NAMES] if config.use_face else [])]


def _frame_motion(points: FloatArray, layout: Layout) -> FloatArray:
    """(B, T) movement of the hand that moves most since the frame before; 0 where it cannot be seen."""
    positions = layout.positions(_SPEED_NAMES)
    side = np.array(["left" in name for name in _SPEED_NAMES])[positions >= 0]
    moving = points[:, :, positions[positions >= 0], :2]
    steps = np.linalg.norm(np.diff(moving, axis=1, prepend=moving[:, :1]), axis=-1)
    seen = ~np.isnan(steps)
    steps = np.where(seen, steps, 0)
    hands = [steps[..., s].sum(axis=-1) / np.maximum(seen[..., s].sum(axis=-1), 1) for s in (side, ~side)]
    return np.maximum(*hands).astype(np.float32)


def motion_energy(clip: LandmarkClip) -> float:
    """Mean speed of the hand that moves most, in shoulder widths a second.

    Camera distance and body size cancel, so that one floor serves every camera (docs/contract.md 2.5). So does the
    frame rate: positions are compared at a fixed rate, or the tracker's trembling would count once a frame.
    Returns 0.0 when fewer than two frames show a wrist or fingertip.

    Raises:
        ClipError: no frame shows both shoulders.
    """
    config = FeatureConfig()
    points = normalise_clip(clip, config)
    last = clip.num_frames - 1
    num_steps = max(round(last / clip.fps * MOTION_RATE), 1)
    positions = np.linspace(0, last, num_steps + 1)[None]
    moved = _frame_motion(resample(points, np.zeros(1, dtype=np.int64), positions), config.layout)[0]
    return float(moved.sum() / max(clip.duration_s, 1e-3))


def hand_share(clip: LandmarkClip, config: FeatureConfig) -> float:
    """Part of the frames that show a hand; for a network that reads the body alone, a wrist."""
    return float(clip.hands_seen(by_wrists=not config.use_hands).mean())


def signing_speed(clip: LandmarkClip, config: FeatureConfig) -> float:
    """`motion_energy`; 0.0 with hands in fewer frames than LEAST_HAND_SHARE: a network that reads them sees no sign."""
    return motion_energy(clip) if hand_share(clip, config) >= LEAST_HAND_SHARE else 0.0


def extract_features(clip: LandmarkClip, config: FeatureConfig) -> ClipFeatures:
    """From a raw clip to the network's input, exactly as training, index, evaluation and service use it.

    Raises:
        ClipError: the clip has no frame or shows no shoulders.
    """
    if clip.num_frames == 0:
        raise ClipError("the clip has no frame")
    points = normalise_clip(clip, config)
    positions, valid = frame_positions(np.array([clip.num_frames]), np.array([clip.fps]), config)
    seen = resample(points, np.zeros(1, dtype=np.int64), positions)
    return ClipFeatures(derive(seen, valid, config)[0], valid[0], signing_speed(clip, config))
