"""One clip of any format that SignTalk reads; everything that takes a clip from outside reads it here.

    .npz, .npy --read_landmarks------------|
    .pose, .json, .parquet, MP_Data folder |--> LandmarkClip
    video --GuardedExtractor---------------|

A video is extracted at once, in a child process that a `ClipReader` keeps for the next one.
"""

from __future__ import annotations

import tempfile
from os import PathLike
from pathlib import Path

from signtalk.data.formats import FORMATS
from signtalk.data.manifest import read_landmarks
from signtalk.data.mediapipe_json import JSON_SUFFIXES
from signtalk.data.mp_data import is_repetition
from signtalk.data.openpose_json import is_openpose_folder
from signtalk.data.records import LANDMARK_SUFFIXES
from signtalk.data.unread import advice_for, counted_suffixes
from signtalk.errors import ClipError, ConfigError, DataError
from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.video import VIDEO_SUFFIXES
from signtalk.extraction.worker import GuardConfig, GuardedExtractor, Task
from signtalk.landmarks.clip import DEFAULT_FPS, LandmarkClip, load_clip
from signtalk.landmarks.legacy_rows import DEFAULT_SMOOTHING_ALPHA

CLIP_SUFFIXES = VIDEO_SUFFIXES.union(LANDMARK_SUFFIXES)
READABLE = (
    f"{', '.join(LANDMARK_SUFFIXES)}, a video "
    f"({', '.join(sorted(VIDEO_SUFFIXES))}) or a repetition's folder of MP_Data (0.npy, 1.npy ... or frame_0.npy ...)"
)
"""What can be read, for messages."""


class ClipReader:
    """Reads one clip after the other from files of any kind; a context manager, used by one thread at a time.

    Args:
        fps: frames a second of files that do not tell their own: `.npy`, MP_Data, Parquet, some JSON.
        smoothing_alpha: weight of the new frame in the smoothing of `.npy` files; 1 = not smoothed.
        guard: how the process that extracts videos is started and watched; it is started with the first video.
        config: what is done to the clip of a video.

    Attributes:
        notes: what was odd about the files read so far, a sentence each.

    Raises:
        ConfigError: `fps` or `smoothing_alpha` is out of range.
    """

    def __init__(
        self,
        fps: float = DEFAULT_FPS,
        smoothing_alpha: float = DEFAULT_SMOOTHING_ALPHA,
        guard: GuardConfig = GuardConfig(),
        config: ExtractionConfig = ExtractionConfig(),
    ) -> None:
        if not 1 <= fps <= 1000:  # False for NaN too
            raise ConfigError(f"fps {fps:g}; expected 1 to 1000 frames a second")
        if not 0 < smoothing_alpha <= 1:
            raise ConfigError(f"smoothing_alpha {smoothing_alpha:g}; expected more than 0, at most 1")
        self._fps, self._smoothing_alpha = fps, smoothing_alpha
        self._extractor = GuardedExtractor(guard, config)
        self.notes: list[str] = []

    def __enter__(self) -> ClipReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process that extracts videos, if there is one."""
        self._extractor.close()

    def read(self, path: str | PathLike[str]) -> LandmarkClip:
        """The landmarks of a file, or of a repetition's folder of MP_Data; upper and lower case of suffixes are one.

        Raises:
            ClipError: it is missing, damaged, of no kind that is read, holds several clips, or shows nobody.
            MissingExtraError: it needs a package that is not installed.
            SignTalkError: it is a video, and extraction cannot work here for another reason.
        """
        clip = self._read(Path(path))
        self.notes.extend(clip.notes)
        return clip

    def _read(self, path: Path) -> LandmarkClip:
        suffix = path.suffix.lower()
        if path.is_dir():
            return self._of_folder(path)
        if not path.exists():
            raise ClipError(f"{path}: no such file")
        if suffix in VIDEO_SUFFIXES:
            return self._of_video(path)
        if suffix == ".npy" and is_repetition(path):
            return FORMATS["mp-data"].load(path, self._fps)
        if suffix in LANDMARK_SUFFIXES:
            return read_landmarks(path, fps=self._fps, smoothing_alpha=self._smoothing_alpha)
        what = advice_for(path)
        raise ClipError(f"{path}: {what}" if what else f"{path}: unknown kind of file; SignTalk reads {READABLE}")

    def _of_folder(self, path: Path) -> LandmarkClip:
        form = FORMATS["mp-data"]
        if is_repetition(path):
            return form.load(path, self._fps)
        if is_openpose_folder(path):
            return FORMATS["json"].load(path, self._fps)
        holds = counted_suffixes(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
        raise ClipError(
            f"{path}: a folder without frames 0.npy, 1.npy ...; give one clip: a file, or a repetition's folder of "
            "MP_Data (`signtalk import` and `signtalk extract` read whole folders)"
            f"{f'; it holds {holds}' if holds else ''}"
        )

    def _of_video(self, path: Path) -> LandmarkClip:
        with tempfile.TemporaryDirectory(prefix="signtalk-") as folder:
            clip_path = Path(folder) / "clip.npz"
            outcome = self._extractor.extract(Task(path.stem, path.absolute(), clip_path))
            if outcome.kind == "not_written":
                raise DataError(outcome.message)
            if outcome.kind:
                raise ClipError(outcome.message)
            return load_clip(clip_path)


def clips_in_folder(folder: Path) -> tuple[Path, ...]:
    """The files of a folder that `ClipReader` reads, by name; none where the folder itself is one recording."""
    if is_repetition(folder) or is_openpose_folder(folder):
        return ()
    # A data folder holds tables in JSON beside its clips: JSON is a clip only where nothing else is.
    files = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in CLIP_SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]
    return tuple(path for path in files if path.suffix.lower() not in JSON_SUFFIXES) or tuple(files)


def read_clip(
    path: str | PathLike[str],
    fps: float = DEFAULT_FPS,
    smoothing_alpha: float = DEFAULT_SMOOTHING_ALPHA,
    *,
    trim: bool = True,
) -> LandmarkClip:
    """Read one clip of any format; for several videos a `ClipReader` saves the time of loading the models again.

    Args:
        path: `.npz`, `.npy`, `.pose`, `.json`, `.parquet`, a video, or a repetition's folder of MP_Data.
        fps: frames a second of files that do not tell their own.
        smoothing_alpha: weight of the new frame in the smoothing of `.npy` files; 1 = not smoothed.
        trim: cut off the idle ends of a video, as `signtalk.extract` does.

    Raises:
        ConfigError: `fps` or `smoothing_alpha` is out of range.
        ClipError: the file is missing, damaged, of no kind that is read, holds several clips, or shows nobody.
        MissingExtraError: it needs a package that is not installed.
        SignTalkError: it is a video, and extraction cannot work here for another reason.
    """
    with ClipReader(fps, smoothing_alpha, config=ExtractionConfig(trim=trim)) as reader:
        return reader.read(path)
