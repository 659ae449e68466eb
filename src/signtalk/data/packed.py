"""Thousands of clips in one memory-mapped array: what training, index and evaluation read.

    clips of a manifest -> pack_clips (normalise once) -> store folder -> PackedClips -> (B, T', L, C)

A store folder holds `frames.f16`, all frames one after the other as raw little-endian float16 (L * C
values a frame, NaN = missing), and `clips.json`: format version, feature configuration and for each clip
its id, first row, frames, frame rate and motion. While a store is being made its parts are called
`*.partial`; a run that was killed goes on after the last clip that is complete there.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signtalk.arrays import BoolArray, FloatArray
from signtalk.data.manifest import ClipRecord, Problem, clip_of_record
from signtalk.data.records import Progress
from signtalk.errors import ArtifactError, ClipError, DataError
from signtalk.files import read_json, write_json
from signtalk.landmarks.features import FeatureConfig, derive, frame_positions, normalise_clip, resample, signing_speed
from signtalk.processes import ordered_map

STORE_FORMAT_VERSION = 2
"""In 1 the hand speed of a clip did not depend on how often a hand was seen."""
FRAMES_NAME = "frames.f16"
CLIPS_NAME = "clips.json"
_ROW_DTYPE = np.dtype("<f2")


@dataclass(frozen=True)
class PackedClip:
    """Where a clip lies in a store.

    Attributes:
        clip_id: as in the manifest.
        first_row: its first frame among all rows.
        num_frames: frames, at least 1.
        fps: mean frame rate.
        motion: `features.signing_speed` of the clip.
        source: size and modification time of the landmark file it was made from.
    """

    clip_id: str
    first_row: int
    num_frames: int
    fps: float
    motion: float
    source: str


@dataclass(frozen=True, eq=False)
class PackedClips:
    """Clips ready to be gathered in batches.

    Attributes:
        config: the features that the rows were normalised for.
        clips: one entry a clip, in the store's order.
        rows: (R, L, C) float16, NaN = missing; a memory map when read from disk.
        problems: clips that were left out while packing, and why.
    """

    config: FeatureConfig
    clips: tuple[PackedClip, ...]
    rows: npt.NDArray[np.float16]
    problems: tuple[Problem, ...] = ()

    @cached_property
    def _position(self) -> dict[str, int]:
        return {clip.clip_id: i for i, clip in enumerate(self.clips)}

    @cached_property
    def _offsets(self) -> npt.NDArray[np.int64]:
        return np.array([clip.first_row for clip in self.clips], dtype=np.int64)

    @cached_property
    def num_frames(self) -> npt.NDArray[np.int64]:
        """(N,) frames of each clip."""
        return np.array([clip.num_frames for clip in self.clips], dtype=np.int64)

    @cached_property
    def fps(self) -> npt.NDArray[np.float64]:
        """(N,) frame rate of each clip."""
        return np.array([clip.fps for clip in self.clips], dtype=np.float64)

    @cached_property
    def motions(self) -> FloatArray:
        """(N,) motion of each clip, shoulder widths a second."""
        return np.array([clip.motion for clip in self.clips], dtype=np.float32)

    def held(self, records: Iterable[ClipRecord]) -> tuple[ClipRecord, ...]:
        """Those of some records whose clips are in this store, in their order."""
        return tuple(record for record in records if record.clip_id in self._position)

    def positions_of(self, clip_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """(len(clip_ids),) positions in this store; clips that were left out while packing are passed over."""
        left_out = {problem.clip_id for problem in self.problems}
        unknown = [c for c in clip_ids if c not in self._position and c not in left_out]
        if unknown:
            raise DataError(
                f"the store has no clip '{unknown[0]}' ({len(unknown)} missing); run `signtalk train` with --resume"
            )
        return np.array([self._position[c] for c in clip_ids if c in self._position], dtype=np.int64)

    def gather(self, which: npt.NDArray[np.int64], positions: npt.NDArray[np.float64]) -> FloatArray:
        """(B, T', L, C) float32 of the clips `which` at fractional frame positions (B, T')."""
        return resample(self.rows, self._offsets[which], positions)

    def features(self, which: npt.NDArray[np.int64]) -> tuple[FloatArray, BoolArray]:
        """Network input of clips, without augmentation: (B, T', F) float32 and (B, T') bool valid."""
        positions, valid = frame_positions(self.num_frames[which], self.fps[which], self.config)
        return derive(self.gather(which, positions), valid, self.config), valid


def pack_clips(
    records: Sequence[ClipRecord],
    config: FeatureConfig,
    folder: Path,
    strict: bool = False,
    progress: Progress | None = None,
) -> PackedClips:
    """Normalise clips once and write them as a store; a store that is already there is brought up to date.

    Args:
        records: clips to pack; order is kept.
        config: features; a store of other features in `folder` is replaced.
        folder: the store folder.
        strict: raise at the first clip that cannot be used instead of leaving it out.
        progress: called with (clips done, clips in all).

    Returns:
        The store, read back from disk.

    Raises:
        DataError: the folder cannot be written, no clip can be used, or (strict) one cannot.
    """
    present = fitting_store(folder, config, records)
    if present is not None:
        _refuse_problems(present.problems if strict else ())
        return present
    wanted = [(record, _source_of(record)) for record in records]
    partial = _PartialStore(folder, config)
    try:
        done = set(partial.resume({record.clip_id: source for record, source in wanted}))
        left = [record for record in records if record.clip_id not in done]
        with ordered_map(functools.partial(_packed_rows, config=config), left) as outcomes:
            for number, (record, source) in enumerate(wanted, start=1):
                if record.clip_id not in done:
                    outcome = next(outcomes)
                    _refuse_problems((outcome,) if strict and isinstance(outcome, Problem) else ())
                    partial.append(record, source, outcome)
                if progress is not None:
                    progress(number, len(wanted))
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be written ({error.strerror or error}); check the disk, then start again to go on"
        ) from error
    finally:
        partial.close()
    partial.finish([record.clip_id for record in records])
    return load_store(folder)


def _refuse_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        raise DataError(f"{problem.clip_id}: {problem.message}; repair it, or leave it out without --strict")


def load_store(folder: Path) -> PackedClips:
    """Open a store; rows stay on disk.

    Raises:
        ArtifactError: files are missing, of another version, or do not fit each other.
    """
    path = folder / CLIPS_NAME
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format_version") != STORE_FORMAT_VERSION:
        raise ArtifactError(f"{path}: not a store of format {STORE_FORMAT_VERSION}; run `signtalk train` with --resume")
    try:
        config = FeatureConfig.model_validate(content["features"])
        clips = tuple(PackedClip(**entry) for entry in content["clips"])
        problems = tuple(Problem(**entry) for entry in content["problems"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: damaged ({error}); run `signtalk train` with --resume") from error
    num_rows = max((clip.first_row + clip.num_frames for clip in clips), default=0)
    return PackedClips(config, clips, _map_rows(folder / FRAMES_NAME, num_rows, config), problems)


def _map_rows(path: Path, num_rows: int, config: FeatureConfig) -> npt.NDArray[np.float16]:
    shape = (num_rows, *config.row_shape)
    expected = int(np.prod(shape)) * _ROW_DTYPE.itemsize
    size = path.stat().st_size if path.is_file() else 0
    if size != expected or not num_rows:
        raise ArtifactError(f"{path}: {size} bytes; expected {expected}; run `signtalk train` with --resume")
    return np.memmap(path, dtype=_ROW_DTYPE, mode="r", shape=shape)


def _source_of(record: ClipRecord) -> str:
    try:
        status = record.feature_path.stat()
    except OSError:
        return "missing"
    return f"{status.st_size}:{status.st_mtime_ns}:{record.fps}:{record.smoothing_alpha}"


def changed_sources(store: PackedClips, records: Sequence[ClipRecord]) -> list[ClipRecord]:
    """Those of the records whose landmark file, frame rate or smoothing is not what the store was made from."""
    packed = {clip.clip_id: clip.source for clip in store.clips}
    return [r for r in records if r.clip_id in packed and packed[r.clip_id] != _source_of(r)]


def fitting_store(folder: Path, config: FeatureConfig, records: Sequence[ClipRecord]) -> PackedClips | None:
    """The store in `folder` if it holds exactly these records as their files are now.

    Clips that it left out are tried again: a file that was repaired makes the store unfit.

    Args:
        folder: of the store.
        config: of the features that it must hold.
        records: clips that it must hold.
    """
    try:
        store = load_store(folder)
    except ArtifactError:
        return None
    left_out = {problem.clip_id for problem in store.problems}
    expected = [(record.clip_id, _source_of(record)) for record in records if record.clip_id not in left_out]
    if store.config != config or [(clip.clip_id, clip.source) for clip in store.clips] != expected:
        return None
    again = [_packed_rows(record, config) for record in records if record.clip_id in left_out]
    return store if set(store.problems) == {result for result in again if isinstance(result, Problem)} else None


def _packed_rows(record: ClipRecord, config: FeatureConfig) -> tuple[npt.NDArray[np.float16], float, float] | Problem:
    """Normalised frames, frame rate and motion of one clip, or why it cannot be used."""
    try:
        clip = clip_of_record(record)
        return normalise_clip(clip, config).astype(_ROW_DTYPE), clip.fps, signing_speed(clip, config)
    except ClipError as error:
        return Problem(record.clip_id, "unusable", str(error))


class _PartialStore:
    """A store in the making: rows first, then one line that vouches for them."""

    def __init__(self, folder: Path, config: FeatureConfig) -> None:
        self.folder, self.config = folder, config
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.frames = (folder / f"{FRAMES_NAME}.partial").open("a+b")
            self.log = (folder / f"{CLIPS_NAME}.partial").open("a+", encoding="utf-8")
        except OSError as error:
            raise DataError(f"{folder}: cannot write there ({error.strerror})") from error
        self.entries: dict[str, PackedClip] = {}
        self.problems: dict[str, Problem] = {}
        self.num_rows = 0

    @property
    def _row_bytes(self) -> int:
        return int(np.prod(self.config.row_shape)) * _ROW_DTYPE.itemsize

    def resume(self, sources: dict[str, str]) -> dict[str, PackedClip]:
        """Take over what an earlier run left, if it was made with these features from these files.

        Clips that it left out are tried again, for they may have been repaired.
        """
        self.log.seek(0)
        text = self.log.read()
        complete = text[: text.rfind("\n") + 1]  # a killed run may have left half a line
        self.log.truncate(len(complete.encode("utf-8")))
        lines = complete.splitlines()
        header = json.dumps(self.config.model_dump(), sort_keys=True)
        if not lines or lines[0] != header or not self._take_over(lines[1:], sources):
            self.entries, self.num_rows = {}, 0
            self.log.truncate(0)
            self.log.write(header + "\n")
            self.log.flush()
        self.frames.truncate(self.num_rows * self._row_bytes)
        self.frames.seek(0, 2)
        return self.entries

    def _take_over(self, lines: list[str], sources: dict[str, str]) -> bool:
        size = self.frames.seek(0, 2)
        for line in lines:
            try:
                entry = json.loads(line)
                if "message" in entry:
                    continue
                clip = PackedClip(**entry)
            except (json.JSONDecodeError, TypeError, KeyError):
                return False
            if sources.get(clip.clip_id) != clip.source or clip.first_row != self.num_rows:
                return False
            self.entries[clip.clip_id] = clip
            self.num_rows += clip.num_frames
        return size >= self.num_rows * self._row_bytes

    def append(
        self, record: ClipRecord, source: str, outcome: tuple[npt.NDArray[np.float16], float, float] | Problem
    ) -> None:
        """Add one clip, or the reason why it is left out."""
        if isinstance(outcome, Problem):
            self.problems[record.clip_id] = outcome
            self._write_line(vars(outcome))
            return
        rows, fps, motion = outcome
        self.frames.write(np.ascontiguousarray(rows).tobytes())
        self.frames.flush()
        clip = PackedClip(record.clip_id, self.num_rows, len(rows), fps, motion, source)
        self.entries[record.clip_id] = clip
        self.num_rows += len(rows)
        self._write_line(vars(clip))

    def _write_line(self, entry: dict[str, Any]) -> None:
        self.log.write(json.dumps(entry) + "\n")
        self.log.flush()

    def close(self) -> None:
        """Close the files; what is complete in them is taken over by the next run."""
        for handle in (self.frames, self.log):
            with suppress(OSError):  # a full disk, which the write before has told
                handle.close()

    def finish(self, order: Sequence[str]) -> None:
        """Give the store its final names, the table last: it is what makes a store."""
        clips = [self.entries[clip_id] for clip_id in order if clip_id in self.entries]
        if not clips:
            first = next(iter(self.problems.values()), None)
            raise DataError(f"{self.folder}: no clip could be packed; the first: {first.message if first else 'none'}")
        (self.folder / CLIPS_NAME).unlink(missing_ok=True)
        (self.folder / f"{FRAMES_NAME}.partial").replace(self.folder / FRAMES_NAME)
        content = {
            "format_version": STORE_FORMAT_VERSION,
            "features": self.config.model_dump(),
            "clips": [vars(clip) for clip in clips],
            "problems": [vars(problem) for problem in self.problems.values()],
        }
        write_json(self.folder / CLIPS_NAME, content)
        (self.folder / f"{CLIPS_NAME}.partial").unlink(missing_ok=True)
