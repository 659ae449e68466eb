"""What a landmark is called and what a clip of landmarks is; the first arrow's output.

`Layout` names the points, `LandmarkClip` holds one recorded clip as the detector gave it, and
`save_clip` / `load_clip` are its container on disk (docs/data-format.md). Missing is NaN from here on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray
from signtalk.errors import ArtifactError, ClipError, one_line
from signtalk.files import load_arrays, save_arrays
from signtalk.landmarks.spelling import MatchedNames, match_names

CLIP_FORMAT_VERSION = 1
DEFAULT_FPS = 30.0
MIN_ASPECT, MAX_ASPECT = 0.1, 10.0
MAX_COORDINATE = 1e4
"""Largest believable coordinate; detectors stay within a few image widths, broken files do not."""

# Order and names: MediaPipe Pose, Hand and Face Mesh documentation (developers.google.com/mediapipe).
POSE_NAMES = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
    "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip
_FINGERS = (
    *("thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip"),
    *(f"{finger}_{joint}" for finger in ("index", "middle", "ring", "pinky") for joint in ("mcp", "pip", "dip", "tip")),
)
HAND_POINTS = ("wrist", *_FINGERS)
LEFT_HAND_NAMES = tuple(f"left_hand_{name}" for name in HAND_POINTS)
RIGHT_HAND_NAMES = tuple(f"right_hand_{name}" for name in HAND_POINTS)
FACE_INDICES = tuple(range(0, 468, 5))
"""The face mesh points that SignTalk's files keep: every fifth of 468."""
FACE_NAMES = tuple(f"face_{i}" for i in FACE_INDICES)

# Left/right partners of the face mesh that are both multiples of five, and points on the midline.
# Read off the mesh's published contours (brows 70-300, 55-285, 65-295; lips 40-270, 80-310); a test
# checks them against the geometry of real faces when those are present.
FACE_PAIRS = ((70, 300), (55, 285), (65, 295), (40, 270), (80, 310))
FACE_MIDLINE = (0, 5, 10, 195, 200)


@dataclass(frozen=True)
class Layout:
    """Names of the landmarks along axis 1 of a clip, in order, without repeats."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ValueError("a layout names the same landmark twice")

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each landmark by name."""
        return {name: i for i, name in enumerate(self.names)}

    def positions(self, names: tuple[str, ...]) -> npt.NDArray[np.intp]:
        """Positions of `names`, in their order; -1 for a name that this layout lacks."""
        return np.array([self.index.get(name, -1) for name in names], dtype=np.intp)

    @cached_property
    def mirror(self) -> npt.NDArray[np.intp]:
        """For each landmark the position of its left/right partner, itself on the midline, -1 without partner.

        Applying it twice gives the identity wherever no -1 stands.
        """
        return self.positions(tuple(mirror_name(name) for name in self.names))


def mirror_name(name: str) -> str:
    """The name of a landmark's left/right partner; a midline point is its own partner.

    A face point whose partner SignTalk's files do not keep gets a name that no layout holds.
    """
    if name.startswith("face_"):
        point = int(name.removeprefix("face_"))
        partners = {a: b for a, b in FACE_PAIRS} | {b: a for a, b in FACE_PAIRS} | {m: m for m in FACE_MIDLINE}
        return f"face_{partners[point]}" if point in partners else f"mirror_of_{name}"
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return {"mouth_left": "mouth_right", "mouth_right": "mouth_left"}.get(name, name)


HOLISTIC = Layout(POSE_NAMES + LEFT_HAND_NAMES + RIGHT_HAND_NAMES + FACE_NAMES)
"""The 169 landmarks of SignTalk's files: pose 33, left hand 21, right hand 21, face 94."""

PARTS: dict[str, slice] = {
    "pose": slice(0, 33),
    "left_hand": slice(33, 54),
    "right_hand": slice(54, 75),
    "face": slice(75, 169),
}
"""Where each part lies along axis 1 of the HOLISTIC layout."""


@dataclass(frozen=True)
class LandmarkClip:
    """One clip as a detector saw it.

    Attributes:
        landmarks: (T, 169, 3) float32 in HOLISTIC order. x right and y down; z in the detector's unit,
            smaller is nearer. Image clips: x in image widths, y in image heights. A landmark that was
            not detected is NaN in all three coordinates.
        visibility: (T, 33) float32, the detector's 0-1 score of each pose landmark; NaN where unknown.
        timestamps_s: (T,) float64, seconds, strictly increasing.
        aspect: image width over height; None when it is not known (treated as square).
        prototype_rows: (T, 540) float32 as found in a file of the prototype, ghosts and smoothing
            included, for the `prototype` feature preset alone; None for other clips.
        notes: what its reader had to say about the file, a sentence each; they are not stored.
    """

    landmarks: FloatArray
    visibility: FloatArray
    timestamps_s: npt.NDArray[np.float64]
    aspect: float | None = None
    prototype_rows: FloatArray | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        num_frames = len(self.landmarks)
        if self.landmarks.shape != (num_frames, len(HOLISTIC.names), 3):
            raise ClipError(f"landmarks of shape {self.landmarks.shape}; expected (T, {len(HOLISTIC.names)}, 3)")
        if self.visibility.shape != (num_frames, len(POSE_NAMES)):
            raise ClipError(f"visibility of shape {self.visibility.shape}; expected ({num_frames}, {len(POSE_NAMES)})")
        if self.timestamps_s.shape != (num_frames,):
            raise ClipError(f"timestamps of shape {self.timestamps_s.shape}; expected ({num_frames},)")
        if num_frames > 1 and not bool((np.diff(self.timestamps_s) > 0).all()):
            raise ClipError("timestamps do not increase from frame to frame")
        if self.aspect is not None and not MIN_ASPECT < self.aspect < MAX_ASPECT:
            limits = f"{MIN_ASPECT:g} and {MAX_ASPECT:g}"
            raise ClipError(f"image aspect {self.aspect}; expected width / height between {limits}")

    @property
    def num_frames(self) -> int:
        """Number of frames T."""
        return len(self.landmarks)

    @property
    def duration_s(self) -> float:
        """Seconds covered, the last frame counted as long as a mean one; 0.0 for no frame."""
        if self.num_frames < 2:
            return self.num_frames / DEFAULT_FPS
        return float((self.timestamps_s[-1] - self.timestamps_s[0]) * self.num_frames / (self.num_frames - 1))

    @property
    def fps(self) -> float:
        """Mean frames a second."""
        return self.num_frames / self.duration_s if self.num_frames else DEFAULT_FPS

    def part_presence(self) -> dict[str, BoolArray]:
        """For each part (T,) bool: True where at least one of its landmarks was detected."""
        seen = ~np.isnan(self.landmarks[..., 0])
        return {name: np.asarray(seen[:, columns].any(axis=1)) for name, columns in PARTS.items()}

    def hands_seen(self, *, by_wrists: bool) -> BoolArray:
        """(T,) bool: True where a hand was detected; `by_wrists`, where one of the body's own wrists was."""
        if by_wrists:
            wrists = self.landmarks[:, list(HOLISTIC.positions(("left_wrist", "right_wrist"))), 0]
            return np.asarray(~np.isnan(wrists).all(axis=1))
        parts = self.part_presence()
        return np.asarray(parts["left_hand"] | parts["right_hand"])


def regular_timestamps(num_frames: int, fps: float) -> npt.NDArray[np.float64]:
    """(T,) seconds of frames taken at a constant rate, the first at 0."""
    return np.arange(num_frames, dtype=np.float64) / fps


def checked_landmarks(landmarks: npt.NDArray[np.floating], where: str) -> FloatArray:
    """As `checked_points`; and a clip must show something.

    Raises:
        ClipError: no frame, nothing at all was detected, or as for `checked_points`.
    """
    points = checked_points(landmarks, where)
    if len(points) == 0:
        raise ClipError(f"{where}: no frame")
    if np.isnan(points).all():
        raise ClipError(f"{where}: nothing was detected in any of its {len(points)} frames")
    return points


def checked_points(landmarks: npt.NDArray[np.floating], where: str) -> FloatArray:
    """Copy to float32, refuse infinite or absurd values, and make a partly-NaN point wholly NaN.

    Raises:
        ClipError: a value is infinite or beyond MAX_COORDINATE.
    """
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, and is refused below
        points = np.array(landmarks, dtype=np.float32)
    if bool((np.abs(points) > MAX_COORDINATE).any()):  # infinity is, NaN is not
        raise ClipError(f"{where}: infinite or absurd coordinates (beyond {MAX_COORDINATE:g}); extract this clip again")
    x, y, z = np.isnan(points).transpose(2, 0, 1)  # one by one: along an axis of three NumPy is slow
    points[x | y | z] = np.nan
    return points


def save_clip(path: Path, clip: LandmarkClip, provenance: Mapping[str, Any] | None = None) -> None:
    """Write a clip as `.npz` in the container of docs/data-format.md, atomically.

    Args:
        path: where to.
        clip: the clip; `prototype_rows` are not kept.
        provenance: where the clip came from, as JSON values; see `load_provenance`.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "format_version": np.array(CLIP_FORMAT_VERSION, dtype=np.int32),
        "landmark_names": np.array(HOLISTIC.names),
        "landmarks": clip.landmarks,
        "visibility": clip.visibility,
        "timestamps_s": clip.timestamps_s,
        "aspect": np.array(np.nan if clip.aspect is None else clip.aspect, dtype=np.float64),
    }
    if provenance is not None:
        arrays["provenance"] = np.array(json.dumps(provenance, sort_keys=True, allow_nan=False))
    save_arrays(path, arrays)


def load_provenance(path: Path) -> dict[str, Any]:
    """What a clip's file says about its video, landmarker and settings; empty when it says nothing.

    Raises:
        ClipError: the file is damaged, or its provenance is no JSON object.
    """
    try:
        stored = load_arrays(path).get("provenance")
        value = json.loads(str(stored)) if stored is not None else {}
    except (ArtifactError, ValueError, RecursionError) as error:
        text = str(error)
        raise ClipError(text if text.startswith(str(path)) else f"{path}: provenance is not JSON ({text})") from error
    if not isinstance(value, dict):
        raise ClipError(f"{path}: provenance is {type(value).__name__}; expected a JSON object")
    return value


def load_clip(path: Path) -> LandmarkClip:
    """Read a clip container.

    Landmarks are matched by name (`landmarks.spelling`): those that SignTalk does not keep are dropped, missing ones
    are NaN, and names that mean nothing are told in the clip's `notes`.
    The file gives `timestamps_s` (T,) or a scalar `fps`; `visibility` and `aspect` may be absent.

    Raises:
        ClipError: the file is damaged, of another version, wrongly shaped, shows nothing, or most of its hand points
            have names that are not known.
    """
    try:
        arrays = load_arrays(path)
    except ArtifactError as error:
        raise ClipError(str(error)) from error
    missing = [name for name in ("format_version", "landmark_names", "landmarks") if name not in arrays]
    if missing:
        holds = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:5])
        raise ClipError(
            f"{path}: no array {', '.join(missing)}; it holds {one_line(holds) or 'nothing'}; expected a SignTalk "
            "clip, whose landmarks have names (docs/data-format.md)"
        )
    version = arrays["format_version"]
    if version.shape != () or version != CLIP_FORMAT_VERSION:
        raise ClipError(f"{path}: clip format {version}; this SignTalk reads {CLIP_FORMAT_VERSION}")
    names = tuple(str(name) for name in arrays["landmark_names"].ravel())
    raw = arrays["landmarks"]
    if raw.ndim != 3 or raw.shape[1:] != (len(names), 3) or raw.dtype.kind != "f":
        raise ClipError(f"{path}: landmarks {raw.dtype} {raw.shape}; expected floats (T, {len(names)}, 3)")
    try:
        matched = _matched(names)
        notes = _name_notes(str(path), matched)
        landmarks = np.full((len(raw), len(HOLISTIC.names), 3), np.nan, dtype=raw.dtype)
        for name, place in matched.positions.items():
            landmarks[:, HOLISTIC.index[name]] = raw[:, place]
        return LandmarkClip(
            landmarks=checked_landmarks(landmarks, str(path)),
            visibility=_stored_visibility(arrays, len(raw)),
            timestamps_s=_stored_timestamps(arrays, len(raw)),
            aspect=_stored_aspect(arrays),
            notes=notes,
        )
    except (ClipError, ValueError) as error:
        text = str(error)
        raise ClipError(text if text.startswith(str(path)) else f"{path}: {text}") from error


@lru_cache(maxsize=16)
def _matched(names: tuple[str, ...]) -> MatchedNames:
    """The names of all clips of a data folder are mostly the same."""
    return match_names(names, HOLISTIC.names)


def _name_notes(where: str, matched: MatchedNames) -> tuple[str, ...]:
    """What is said of names that are not known; most of the hands' points are too many.

    Raises:
        ClipError: most hand points have unknown names.
    """
    strange = matched.unknown_hand_points
    if len(strange) > matched.hand_points:
        raise ClipError(
            f"{where}: {len(strange)} names that seem to be of hands are not known, such as "
            f"'{one_line(strange[0], 40)}', and {matched.hand_points} are; docs/data-format.md lists the names"
        )
    if not matched.unknown:
        return ()
    some = ", ".join(f"'{one_line(name, 40)}'" for name in matched.unknown[:8])
    more = ", ..." if len(matched.unknown) > 8 else ""
    return (f"{where}: {len(matched.unknown)} landmark names are not known and left aside: {some}{more}",)


def _stored_visibility(arrays: dict[str, npt.NDArray[np.generic]], num_frames: int) -> FloatArray:
    if "visibility" in arrays:
        visibility = np.asarray(arrays["visibility"])
        if visibility.dtype.kind != "f" or bool(((visibility < -1e-3) | (visibility > 1.001)).any()):
            raise ClipError("visibility is not a float between 0 and 1, or NaN for unknown")
        return visibility.astype(np.float32)
    return np.full((num_frames, len(POSE_NAMES)), np.nan, dtype=np.float32)


def _stored_timestamps(arrays: dict[str, npt.NDArray[np.generic]], num_frames: int) -> npt.NDArray[np.float64]:
    if "timestamps_s" in arrays:
        times = np.asarray(arrays["timestamps_s"])
        if times.dtype.kind not in "iuf" or not np.isfinite(times).all():
            raise ClipError("timestamps_s are not finite numbers")
        return times.astype(np.float64)
    fps = _stored_number(arrays, "fps", DEFAULT_FPS)
    if not 1 <= fps <= 1000:
        raise ClipError(f"{fps:g} frames a second; expected 1 to 1000")
    return regular_timestamps(num_frames, fps)


def _stored_aspect(arrays: dict[str, npt.NDArray[np.generic]]) -> float | None:
    aspect = _stored_number(arrays, "aspect", float("nan"))
    return None if np.isnan(aspect) else aspect


def _stored_number(arrays: dict[str, npt.NDArray[np.generic]], name: str, default: float) -> float:
    if name not in arrays:
        return default
    if arrays[name].shape != () or arrays[name].dtype.kind not in "iuf":
        raise ClipError(f"{name} {arrays[name].dtype} {arrays[name].shape}; expected one number")
    return float(arrays[name].astype(np.float64))
