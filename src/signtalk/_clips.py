"""Clips as users name them: one or many, as files of any format, as folders of them, or in memory.

path, folder, `Clip`, or several of them -> ListedClips -> features, block by block
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from signtalk.data.records import Problem
from signtalk.errors import ClipError, ConfigError
from signtalk.extraction.reader import ClipReader, clips_in_folder
from signtalk.files import sha256_text
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import ClipFeatures, FeatureConfig, extract_features
from signtalk.landmarks.plausible import checked_clip

PathLike = str | os.PathLike[str]
ClipLike = str | os.PathLike[str] | LandmarkClip


@dataclass(frozen=True)
class ListedClips:
    """Clips to be read, one after the other.

    Attributes:
        names: by which they are told: paths, or "clip 1", "clip 2" for clips in memory.
        clips: paths and clips.
        alone: whether one clip was named, and not several.
    """

    names: tuple[str, ...]
    clips: tuple[ClipLike, ...]
    alone: bool

    @classmethod
    def of(cls, clips: ClipLike | Sequence[ClipLike]) -> ListedClips:
        """One clip or several; a folder stands for the clips in it, unless it is one `MP_Data` recording."""
        named = [clips] if isinstance(clips, str | os.PathLike | LandmarkClip) else list(clips)
        listed: list[ClipLike] = []
        for clip in named:
            if not isinstance(clip, str | os.PathLike | LandmarkClip):
                raise TypeError(f"{type(clip).__name__} is no clip; expected a path or a signtalk.Clip")
            folder = () if isinstance(clip, LandmarkClip) or not Path(clip).is_dir() else clips_in_folder(Path(clip))
            listed += folder or [clip]
        alone = listed == [clips]
        names = (
            f"clip {number}" if isinstance(clip, LandmarkClip) else os.fspath(clip)
            for number, clip in enumerate(listed, 1)
        )
        return cls(tuple(names), tuple(listed), alone)

    def features(
        self,
        config: FeatureConfig,
        reader: ClipReader,
        at_once: int,
        problems: list[Problem] | None = None,
    ) -> Iterator[list[ClipFeatures | None]]:
        """What a network reads of the clips, in blocks.

        Args:
            config: how features are made.
            reader: reads the files.
            at_once: clips of a block.
            problems: takes why a clip cannot be used, which is then None; without it such a clip is an error.

        Raises:
            ClipError: a clip cannot be used, and there is no list of problems.
        """
        pairs = list(zip(self.names, self.clips, strict=True))
        for start in range(0, len(pairs), at_once):
            yield [_features_of(name, clip, config, reader, problems) for name, clip in pairs[start : start + at_once]]

    def read(self, reader: ClipReader) -> dict[str, LandmarkClip]:
        """The clips by file name; one in memory is named by what it holds, so that it is never taken twice.

        Raises:
            ClipError: a clip cannot be used.
            ConfigError: two have one name.
        """
        by_name: dict[str, LandmarkClip] = {}
        for clip in self.clips:
            landmarks = clip if isinstance(clip, LandmarkClip) else reader.read(clip)
            if isinstance(clip, LandmarkClip):
                name = f"memory-{sha256_text(landmarks.landmarks.tobytes().hex())[:12]}"
            else:
                name = Path(clip).name
            if name in by_name:
                raise ConfigError(
                    f"two clips of the same file name, {name}; give each clip once, under a name of its own"
                )
            by_name[name] = checked_clip(landmarks, name)
        return by_name


def names_of(names: str | Sequence[str]) -> tuple[str, ...]:
    """Several names, or one that stands alone."""
    return (names,) if isinstance(names, str) else tuple(names)


def _features_of(
    name: str, clip: ClipLike, config: FeatureConfig, reader: ClipReader, problems: list[Problem] | None
) -> ClipFeatures | None:
    try:
        landmarks = clip if isinstance(clip, LandmarkClip) else reader.read(clip)
        checked = checked_clip(landmarks, name)
        reader.notes.extend(checked.notes[len(landmarks.notes) :])  # its own it has told
        return extract_features(checked, config)
    except ClipError as error:
        message = str(error) if name in str(error) else f"{name}: {error}"
        if problems is None:
            raise ClipError(message) from error
        problems.append(Problem(name, "bad_clip", message))
        return None
