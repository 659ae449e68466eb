"""One upright frame to the landmarks of one person: MediaPipe's HolisticLandmarker behind a small interface.

    image -> Landmarker.tracker().track -> FrameLandmarks (169, 3)
    image -> Landmarker.find_people -> PersonBox of everybody in view

The only importer of MediaPipe. Tests and other detectors stand in through the two protocols.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from signtalk.arrays import FloatArray, ImageArray
from signtalk.errors import ArtifactError, MissingExtraError
from signtalk.extraction.models import find_bundle
from signtalk.files import sha256_file
from signtalk.landmarks.clip import FACE_INDICES, HOLISTIC, PARTS, POSE_NAMES

MEDIAPIPE_VERSION = "0.10.33"
"""The one release that is used: later ones try to send usage data, earlier ones lack the task."""
MAX_PEOPLE = 4
_NATIVE_PACKAGES = "libgl1 libegl1 libgles2"
_WRISTS = slice(15, 17)
_UPPER_BODY = slice(0, 25)


@dataclass(frozen=True)
class FrameLandmarks:
    """What the detector saw in one frame.

    Attributes:
        points: (169, 3) float32 in HOLISTIC order; x in image widths, y in image heights, z scaled like x; NaN = not
            detected.
        visibility: (33,) float32, 0-1 for each pose landmark; NaN without a pose.
    """

    points: FloatArray
    visibility: FloatArray


@dataclass(frozen=True)
class PersonBox:
    """Where one person stands in a frame, in image widths and heights.

    Attributes:
        box: (4,) float32: left, top, right, bottom of head, trunk and arms; may reach outside the image.
        wrists: (2, 2) float32: x, y of left and right wrist.
    """

    box: FloatArray
    wrists: FloatArray


class Tracker(Protocol):
    """Follows one person through the frames of one clip."""

    def track(self, image: ImageArray, timestamp_ms: int) -> FrameLandmarks:
        """Landmarks of the next frame.

        Args:
            image: (H, W, 3) uint8 RGB, contiguous.
            timestamp_ms: larger than that of the frame before.
        """
        ...

    def close(self) -> None:
        """Free what the tracker holds."""
        ...


class Landmarker(Protocol):
    """Finds landmarks; holds models, and no state from clip to clip.

    Attributes:
        name: what it is, with its version.
        models_sha256: hash of its models.
    """

    name: str
    models_sha256: str

    def tracker(self) -> Tracker:
        """A tracker that has seen nothing yet: one a clip."""
        ...

    def find_people(self, image: ImageArray) -> list[PersonBox]:
        """Everybody in a single picture, MAX_PEOPLE at most, in no order."""
        ...


class MediaPipeLandmarker:
    """HolisticLandmarker of MediaPipe 0.10.33 on the CPU, with the models of one bundle.

    Args:
        bundle: the `.task` file; by default the one that `find_bundle` finds.

    Raises:
        MissingExtraError: MediaPipe of this version, or a system library that it needs, is not installed.
        ArtifactError: there is no bundle, or MediaPipe refuses it.
    """

    def __init__(self, bundle: Path | None = None) -> None:
        path = find_bundle(bundle)
        self._mediapipe, self._vision, self._base_options = _import_mediapipe()
        self.name = f"mediapipe {MEDIAPIPE_VERSION} HolisticLandmarker"
        self.models_sha256 = sha256_file(path)
        self._path = path
        self._models = path.read_bytes()
        self._people: Any = None

    def tracker(self) -> Tracker:
        """A fresh tracker: 0.3 s, in which the models are loaded and nothing of another clip is left."""
        options = self._vision.HolisticLandmarkerOptions(
            base_options=self._base_options(model_asset_buffer=self._models),
            running_mode=self._vision.RunningMode.VIDEO,
        )
        try:
            return _MediaPipeTracker(self._mediapipe, self._vision.HolisticLandmarker.create_from_options(options))
        except (RuntimeError, ValueError) as error:
            raise ArtifactError(f"{self._path}: MediaPipe refuses this bundle ({error}); install another") from error

    def find_people(self, image: ImageArray) -> list[PersonBox]:
        """Boxes and wrists of up to MAX_PEOPLE people by the bundle's pose models."""
        if self._people is None:
            self._people = self._pose_landmarker()
        poses = self._people.detect(_image(self._mediapipe, image)).pose_landmarks
        people = []
        for landmarks in poses:
            body = np.array([(p.x, p.y) for p in landmarks[_UPPER_BODY]], dtype=np.float32)
            box = np.concatenate([body.min(axis=0), body.max(axis=0)])
            people.append(PersonBox(box, body[_WRISTS]))
        return people

    def close(self) -> None:
        """Free the pose models; the landmarker can be used again."""
        if self._people is not None:
            self._people.close()
            self._people = None

    def _pose_landmarker(self) -> Any:
        """The pose task for several people, from the pose models inside the bundle."""
        import io

        packed = io.BytesIO()
        with zipfile.ZipFile(self._path) as bundle, zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as task:
            for name in ("pose_detector.tflite", "pose_landmarks_detector.tflite"):
                task.writestr(name, bundle.read(name))
        options = self._vision.PoseLandmarkerOptions(
            base_options=self._base_options(model_asset_buffer=packed.getvalue()),
            running_mode=self._vision.RunningMode.IMAGE,
            num_poses=MAX_PEOPLE,
        )
        return self._vision.PoseLandmarker.create_from_options(options)


class _MediaPipeTracker:
    def __init__(self, mediapipe: Any, task: Any) -> None:
        self._mediapipe, self._task = mediapipe, task

    def track(self, image: ImageArray, timestamp_ms: int) -> FrameLandmarks:
        result = self._task.detect_for_video(_image(self._mediapipe, image), timestamp_ms)
        points = np.full((len(HOLISTIC.names), 3), np.nan, dtype=np.float32)
        visibility = np.full(len(POSE_NAMES), np.nan, dtype=np.float32)
        pose = _person(result.pose_landmarks, len(POSE_NAMES))
        if pose:
            visibility[:] = [p.visibility for p in pose]
        parts = {
            "pose": pose,
            "left_hand": _person(result.left_hand_landmarks, 21),
            "right_hand": _person(result.right_hand_landmarks, 21),
            "face": [mesh[i] for i in FACE_INDICES] if (mesh := _person(result.face_landmarks, 468)) else [],
        }
        for name, landmarks in parts.items():
            if landmarks:
                points[PARTS[name]] = [(p.x, p.y, p.z) for p in landmarks]
        return FrameLandmarks(points, np.clip(visibility, 0, 1))

    def close(self) -> None:
        self._task.close()


def _person(landmarks: Any, at_least: int) -> Any:
    """The landmarks of the one person, [] when there are none; the task gives a flat list, or one a person."""
    first = landmarks[0] if landmarks and isinstance(landmarks[0], list) else landmarks
    return first if first and len(first) >= at_least else []


def _image(mediapipe: Any, image: ImageArray) -> Any:
    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)


def _import_mediapipe() -> tuple[Any, Any, Any]:
    """MediaPipe, its vision tasks and BaseOptions."""
    try:
        installed = metadata.version("mediapipe")
    except metadata.PackageNotFoundError as error:
        raise MissingExtraError("finding landmarks needs MediaPipe: pip install 'signtalk[extract]'") from error
    if installed != MEDIAPIPE_VERSION:
        raise MissingExtraError(
            f"MediaPipe {installed} is installed; SignTalk uses {MEDIAPIPE_VERSION} alone: "
            "pip install 'signtalk[extract]'"
        )
    try:
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    except (ImportError, OSError) as error:
        raise MissingExtraError(
            f"MediaPipe cannot be loaded ({error}); it needs system libraries: apt-get install {_NATIVE_PACKAGES}"
        ) from error
    return mediapipe, vision, BaseOptions
