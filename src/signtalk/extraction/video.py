"""A video file to upright RGB frames with their real times.

    path -> read_frames -> VideoFrame (H, W, 3), timestamp_s

Frame rates that files claim are not believed: a browser's recording claims 1000 frames a second. Rotation flags,
pixels that are not square and sizes that change on the way are undone here, so that nobody later needs to know of
them. The only importer of PyAV in the package.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import ImageArray
from signtalk.data.unread import A_PICTURE, kind_of_bytes
from signtalk.errors import ClipError, MissingExtraError
from signtalk.landmarks.clip import DEFAULT_FPS

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream


VIDEO_SUFFIXES = frozenset(
    (
        ".mp4", ".m4v", ".mov", ".qt", ".webm", ".mkv", ".avi", ".divx", ".mpg", ".mpeg", ".mpe", ".m2v", ".vob",
        ".3gp", ".3g2", ".wmv", ".asf", ".flv", ".f4v", ".ts", ".mts", ".m2ts", ".ogv", ".mjpeg", ".mjpg", ".mxf",
        ".dv", ".gif", ".apng",
    )
)  # fmt: skip
"""How names of videos end, in lower case; pictures in motion are videos."""
MAX_SIDE = 1920
"""Longer images are made this long: the models see crops of 256 pixels, and conversion takes time by the pixel."""
MAX_VIDEO_FRAMES = 200_000
"""Beyond this a file is not a clip; it bounds what a malicious one can cost."""
_MIN_INTERVAL_S = 0.0075
"""Frames nearer than this repeat each other: over 120 a second, and the tracker counts in milliseconds."""
_MAX_CLAIMED_FPS = 130.0
_MAX_REPEAT_S = 0.1
_THUMBNAIL = 32
_BEGINNING = 2000
"""Bytes by which other kinds of files are known."""
_MAX_BAD_SHARE = 0.1
_MIN_DURATION_SHARE = 0.8
_MIN_MISSING_S = 0.5


@dataclass(frozen=True)
class VideoFrame:
    """One picture of a video.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright, square pixels, contiguous; the same shape for all frames of a video.
        timestamp_s: seconds since the first frame, strictly increasing.
    """

    image: ImageArray
    timestamp_s: float


def read_frames(path: Path, sample_every_s: float = 0.0) -> Iterator[VideoFrame]:
    """Decode a video frame by frame.

    Args:
        path: any container and codec that the installed PyAV reads.
        sample_every_s: give only frames at least this far apart; those between are decoded and not converted.

    Yields:
        Frames in the order shown. Those that repeat the one before in a file of over 130 claimed frames a second, and
        those nearer than 7.5 ms to it, are left out.

    Raises:
        ClipError: the file is no readable video, has no video stream or no frame, lacks a large part of what its
            header announces, or is absurdly long.
        MissingExtraError: PyAV is not installed.
    """
    with _opened(path) as (container, stream):
        shape: tuple[int, int] | None = None
        last_s = -np.inf
        for timestamp_s, frame in _distinct(path, container, stream):
            if timestamp_s - last_s < sample_every_s:
                continue
            image = _upright(frame, _pixel_shape(stream), shape)
            shape = image.shape[:2] if shape is None else shape
            last_s = timestamp_s
            yield VideoFrame(image, timestamp_s)


def video_duration_s(path: Path) -> float:
    """Seconds that the file claims to last; 0.0 when it does not tell.

    Raises:
        ClipError: as `read_frames`.
    """
    with _opened(path) as (container, stream):
        return _claimed_duration_s(container, stream)


def told_tracks(path: Path) -> list[str]:
    """What is said of a file that holds several videos, such as one of a depth camera: nothing, or one sentence.

    Raises:
        ClipError: as `read_frames`.
    """
    with _opened(path) as (container, _):
        count = len(container.streams.video)
    return [f"{path}: {count} tracks of video or pictures; the first is read, so see that it shows the signer"] * (
        count > 1
    )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    av = pyav()
    try:
        if path.stat().st_size == 0:
            raise ClipError(f"{path}: empty file; copy the video again")
        # A file object, not a name: FFmpeg would take some names for protocols ("concat:...", "http:...").
        _refuse_others(path)
        with path.open("rb") as handle, av.open(handle, metadata_errors="replace") as container:
            streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
            if not streams:
                raise ClipError(f"{path}: no video stream in it; only sound or pictures")
            streams[0].thread_type = "NONE"  # workers share the cores; a second thread would steal from another video
            yield container, streams[0]
    except OSError as error:  # FFmpegError is one
        if isinstance(error, av.FFmpegError):
            raise _unreadable(path, error.strerror or str(error)) from error
        raise ClipError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (av.FFmpegError, ValueError) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or str(error)) from error


def _refuse_others(path: Path) -> None:
    """Refuse what its beginning tells to be no video: FFmpeg would find pictures in an archive, at any times."""
    with path.open("rb") as handle:
        kind = kind_of_bytes(handle.read(_BEGINNING))
    if kind and kind != A_PICTURE:  # which may be in motion
        raise ClipError(f"{path}: {kind}, and no video; fetch the video itself")


def _unreadable(path: Path, why: str) -> ClipError:
    """What is said of a file that FFmpeg cannot read."""
    with path.open("rb") as handle:
        start = handle.read(_BEGINNING)
    cut_off = "; its end may be missing, so copy it again" if start[4:8] == b"ftyp" else ""
    return ClipError(f"{path}: not a readable video ({why}){cut_off}; convert or record it again")


def pyav() -> Any:
    """The library that reads and writes videos.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(
            "videos need PyAV: pip install 'signtalk[extract]', or [interchange] to play clips"
        ) from error
    av.logging.set_level(av.logging.PANIC)  # what goes wrong is raised; FFmpeg's own lines would mix into ours
    return av


def _distinct(path: Path, container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, av.VideoFrame]]:
    """Decoded frames with seconds since the first, without repeats."""
    claimed = float(stream.average_rate or 0)
    may_repeat = not 0 < claimed <= _MAX_CLAIMED_FPS
    first_s: float | None = None
    last_s, last_thumbnail, end_s = -np.inf, None, 0.0
    for number, frame in enumerate(_decoded(path, container, stream)):
        if number >= MAX_VIDEO_FRAMES:
            raise ClipError(f"{path}: over {MAX_VIDEO_FRAMES} frames; cut it into clips")
        time_s = frame.time
        if time_s is None:
            time_s = number / (claimed if 0 < claimed <= _MAX_CLAIMED_FPS else DEFAULT_FPS)
        first_s = time_s if first_s is None else first_s
        time_s -= first_s
        end_s = max(end_s, time_s)
        if time_s - last_s < _MIN_INTERVAL_S:
            continue
        if may_repeat:
            thumbnail = frame.reformat(width=_THUMBNAIL, height=_THUMBNAIL, format="gray").to_ndarray()
            if last_thumbnail is not None and time_s - last_s < _MAX_REPEAT_S and _same(thumbnail, last_thumbnail):
                continue
            last_thumbnail = thumbnail
        last_s = time_s
        yield time_s, frame
    if first_s is None:
        raise ClipError(f"{path}: no frame could be decoded; record or convert it again")
    announced = _claimed_duration_s(container, stream)
    if announced - end_s > _MIN_MISSING_S and end_s < _MIN_DURATION_SHARE * announced:
        raise ClipError(f"{path}: ends after {end_s:.1f} of {announced:.1f} s; the file is cut off, copy it again")


def _decoded(path: Path, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Frames of the stream; a packet that cannot be decoded is passed over, many are an error."""
    import av

    good = bad = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            bad += 1
            continue
        for frame in frames:
            good += 1
            yield frame
    if bad > _MAX_BAD_SHARE * (good + bad):
        raise ClipError(f"{path}: {bad} of {good + bad} frames are damaged; copy it again")


def _same(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> bool:
    """Whether two thumbnails show the same picture, but for what recompressing changes."""
    return float(np.abs(first.astype(np.int16) - second.astype(np.int16)).mean()) < 0.25


def _claimed_duration_s(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else 0.0


def _pixel_shape(stream: VideoStream) -> float:
    """Width of a pixel over its height; 1.0 when the file does not tell, or tells nonsense."""
    ratio = float(stream.sample_aspect_ratio or 1)
    return ratio if 0.2 < ratio < 5 else 1.0


def _upright(frame: av.VideoFrame, pixel_shape: float, shape: tuple[int, int] | None) -> ImageArray:
    """The frame as RGB with square pixels, turned as its file asks, of at most MAX_SIDE, or of the shape given."""
    quarter_turns = round(frame.rotation / 90) % 4  # counter-clockwise, as np.rot90 counts
    if shape is None:
        width = frame.width * pixel_shape
        scale = min(1.0, MAX_SIDE / max(width, frame.height))
        size = max(round(width * scale), 1), max(round(frame.height * scale), 1)
    else:
        size = (shape[0], shape[1]) if quarter_turns % 2 else (shape[1], shape[0])
    if size != (frame.width, frame.height):
        image = frame.reformat(width=size[0], height=size[1], format="rgb24").to_ndarray()
    else:
        image = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(image, quarter_turns) if quarter_turns else image)
