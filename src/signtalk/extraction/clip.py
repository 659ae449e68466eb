"""One video to one clip file: the whole chain, and what it says about itself.

    video --read_frames--> images --Landmarker--> landmarks --repair_hands--> find_signing --trim_clip--> .npz

A clip's file names its landmarker, the hashes of models and video and the settings, so that it can be told whether
it would come out the same again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from signtalk.arrays import FloatArray, ImageArray
from signtalk.data.manifest import ClipNumbers, describe_clip
from signtalk.errors import ArtifactError, ClipError
from signtalk.extraction.hands import repair_hands
from signtalk.extraction.landmarker import FrameLandmarks, Landmarker
from signtalk.extraction.people import SignerChoice, choose_signer
from signtalk.extraction.quality import ClipQuality, ImageFigures, measure_quality
from signtalk.extraction.smoothing import SmoothingConfig, smooth
from signtalk.extraction.trimming import find_signing, trim_clip
from signtalk.extraction.video import VideoFrame, read_frames, told_tracks, video_duration_s
from signtalk.files import save_array, sha256_file
from signtalk.landmarks.clip import LandmarkClip, checked_landmarks, load_clip, load_provenance, save_clip
from signtalk.landmarks.legacy_rows import to_prototype_rows
from signtalk.landmarks.plausible import checked_clip
from signtalk.version import VERSION

_PEOPLE_EVERY_S = 1.0
_MAX_PEOPLE_SAMPLES = 12
_FIGURES_EVERY = 5
_FIGURES_SIDE = 256


class ExtractionConfig(BaseModel, frozen=True, extra="forbid"):
    """What is done to a clip after detection; part of every clip's provenance.

    Attributes:
        trim: cut off idle ends.
        trim_margin_s: seconds of rest to leave at either end.
        smoothing: smooth without delay; None = leave the landmarks as they were detected.
    """

    trim: bool = True
    trim_margin_s: float = Field(default=0.2, ge=0)
    smoothing: SmoothingConfig | None = None


@dataclass(frozen=True)
class ExtractedClip:
    """A clip and its figures.

    Attributes:
        clip: the landmarks, timestamps being those of the video.
        numbers: the figures that the data folder's table holds.
        quality: how good it is.
    """

    clip: LandmarkClip
    numbers: ClipNumbers
    quality: ClipQuality


def extract_clip(
    video: Path, landmarker: Landmarker, config: ExtractionConfig, on_frame: Callable[[], None] = lambda: None
) -> ExtractedClip:
    """Find the signer's landmarks in a video.

    Args:
        video: the file.
        landmarker: finds the landmarks; a tracker of its own follows this clip alone.
        config: what to do after detection.
        on_frame: called after each frame.

    Raises:
        ClipError: the video cannot be read, or nobody is seen in it.
        MissingExtraError: a package is missing.
    """
    choice = _choose_signer(video, landmarker, on_frame)
    frames, times, aspect, image = _track(video, landmarker, choice, on_frame)
    where = str(video)
    points = np.stack([frame.points for frame in frames])
    if np.isnan(points).all():
        raise ClipError(
            f"{where}: nobody is seen in any of its {len(frames)} frames; film the upper body in good light"
        )
    detected = LandmarkClip(
        checked_landmarks(points, where), np.stack([frame.visibility for frame in frames]), times, aspect
    )
    whole, repairs = repair_hands(detected)
    signing = find_signing(whole)
    kept = trim_clip(whole, signing, config.trim_margin_s)[0] if config.trim else whole
    if config.smoothing is not None:
        kept = replace(kept, landmarks=smooth(kept.landmarks, kept.timestamps_s, config.smoothing))
    kept = _checked(kept, video)
    return ExtractedClip(kept, describe_clip(kept), measure_quality(whole, kept, signing, image, repairs))


def extract_to_file(
    video: Path,
    path: Path,
    landmarker: Landmarker,
    config: ExtractionConfig,
    on_frame: Callable[[], None] = lambda: None,
    prototype_path: Path | None = None,
) -> ExtractedClip:
    """Extract a video into a clip file, or take the file that is there if it would come out the same.

    Args:
        video: the file.
        path: the clip's `.npz`, written atomically.
        landmarker: finds the landmarks.
        config: what to do after detection.
        on_frame: called after each frame.
        prototype_path: also write the 540 columns of the prototype there.

    Raises:
        ClipError: as `extract_clip`; the video is missing.
        DataError: a file cannot be written.
    """
    try:
        video_sha256 = sha256_file(video)
    except ArtifactError as error:
        raise ClipError(f"{error}; check the path") from error
    made_from = {
        "signtalk_version": VERSION,
        "landmarker": landmarker.name,
        "models_sha256": landmarker.models_sha256,
        "video_sha256": video_sha256,
        "config": config.model_dump(mode="json"),
    }
    extracted = _already_there(path, made_from, video)
    if extracted is None:
        extracted = extract_clip(video, landmarker, config, on_frame)
        save_clip(path, extracted.clip, made_from | {"quality": asdict(extracted.quality)})
    if prototype_path is not None:
        save_array(prototype_path, to_prototype_rows(extracted.clip))
    return extracted


def _checked(clip: LandmarkClip, video: Path) -> LandmarkClip:
    """The clip with notes for what is odd about it and its video.

    Raises:
        ClipError: it can never be recognised.
    """
    clip = checked_clip(clip, str(video))
    return replace(clip, notes=(*clip.notes, *told_tracks(video)))


def _already_there(path: Path, made_from: dict[str, Any], video: Path) -> ExtractedClip | None:
    """The clip of a file that says it was made in just this way; None when there is no such file."""
    if not path.is_file():
        return None
    try:
        stored = load_provenance(path)
        quality = ClipQuality(**stored.pop("quality", {}))
        clip = _checked(load_clip(path), video)
    except (ClipError, TypeError):
        return None  # damaged or another version's: made again
    return ExtractedClip(clip, describe_clip(clip), quality) if stored == made_from else None


def _choose_signer(video: Path, landmarker: Landmarker, on_frame: Callable[[], None]) -> SignerChoice:
    """Look for people in a few frames spread over the video."""
    every_s = max(_PEOPLE_EVERY_S, video_duration_s(video) / _MAX_PEOPLE_SAMPLES)
    samples = []
    for frame in read_frames(video, sample_every_s=every_s):
        samples.append(landmarker.find_people(frame.image))
        on_frame()
    return choose_signer(samples)


def _track(
    video: Path, landmarker: Landmarker, choice: SignerChoice, on_frame: Callable[[], None]
) -> tuple[list[FrameLandmarks], npt.NDArray[np.float64], float, ImageFigures]:
    """Landmarks of all frames with their times, the image's aspect, and figures of the pictures."""
    frames: list[FrameLandmarks] = []
    times: list[float] = []
    figures: list[tuple[float, float]] = []
    aspect = 1.0
    tracker = landmarker.tracker()
    try:
        for number, frame in enumerate(read_frames(video)):
            aspect = frame.image.shape[1] / frame.image.shape[0]
            frames.append(_tracked(tracker.track, frame, choice.crop))
            times.append(frame.timestamp_s)
            if number % _FIGURES_EVERY == 0:
                figures.append(_sharpness_and_brightness(frame.image))
            on_frame()
    finally:
        tracker.close()
    sharpness, brightness = np.median(np.array(figures), axis=0)
    return frames, np.array(times), aspect, ImageFigures(float(sharpness), float(brightness), choice.num_people)


def _tracked(
    track: Callable[[ImageArray, int], FrameLandmarks], frame: VideoFrame, crop: FloatArray | None
) -> FrameLandmarks:
    """Landmarks of a frame, sought in the crop alone and given in the whole image's coordinates."""
    timestamp_ms = round(frame.timestamp_s * 1000)
    if crop is None:
        return track(frame.image, timestamp_ms)
    height, width = frame.image.shape[:2]
    left, top, right, bottom = (crop * [width, height, width, height]).round().astype(int)
    part = np.ascontiguousarray(frame.image[top : max(bottom, top + 1), left : max(right, left + 1)])
    landmarks = track(part, timestamp_ms)
    scale = np.array([part.shape[1] / width, part.shape[0] / height, part.shape[1] / width], dtype=np.float32)
    corner = np.array([left / width, top / height, 0], dtype=np.float32)
    return replace(landmarks, points=landmarks.points * scale + corner)


def _sharpness_and_brightness(image: ImageArray) -> tuple[float, float]:
    """Variance of the Laplacian of a thinned grey image, and its mean grey level.

    Source:
        Variance of the Laplacian as a measure of focus: Pech-Pacheco et al., ICPR 2000.
    """
    step = max(1, min(image.shape[:2]) // _FIGURES_SIDE)
    grey = image[::step, ::step].astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    if min(grey.shape) < 3:
        return 0.0, float(grey.mean())
    middle = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle
    return float(laplacian.var()), float(grey.mean())
