"""How each sentence is signed: one clip a sentence, small enough to ship and to show on a page.

    clips of an index -> collect_signs -> SignLibrary -> signs.npz (docs/bundle-format.md) -> clip(sentence_id)

They are pictures of skeletons: no face can be seen in them, but who knows a signer may know the movement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signtalk.arrays import FloatArray
from signtalk.data.manifest import Manifest, Problem, clip_of_record
from signtalk.errors import ArtifactError, ClipError
from signtalk.files import load_arrays, save_arrays
from signtalk.index.index import SentenceIndex
from signtalk.landmarks.clip import HOLISTIC, LEFT_HAND_NAMES, POSE_NAMES, RIGHT_HAND_NAMES, LandmarkClip

SIGNS_NAME = "signs.npz"
SIGNS_FORMAT_VERSION = 1
MAX_FPS = 15.0
MAX_FRAMES_OF_CLIP = 150
"""A clip that would have more, one of over ten seconds, is shown at fewer frames a second."""
MAX_LIBRARY_FRAMES = 180_000
"""Of all clips together, 70 MB; the sentences beyond are left out."""

# Brows, eyes, nose and lips: the face mesh points of MediaPipe's published contours that clip files keep.
_FACE_CONTOURS = (
    0, 5, 10, 40, 55, 65, 70, 80, 95, 105, 145, 150, 155, 160, 185, 195, 270, 285, 295, 300, 310, 365, 375, 380, 385,
    390, 400, 405, 415,
)  # fmt: skip
SIGN_NAMES = (
    *POSE_NAMES[: POSE_NAMES.index("right_hip") + 1],
    *LEFT_HAND_NAMES,
    *RIGHT_HAND_NAMES,
    *(f"face_{point}" for point in _FACE_CONTOURS),
)
"""The landmarks that are kept: the body down to the hips, both hands, and contours of the face."""
_NUM_POSE = POSE_NAMES.index("right_hip") + 1
_MIN_VISIBILITY = 0.5
"""A pose landmark that the detector itself thinks hidden is not shown."""

# One code is 0.00005 image widths; what lies a whole image outside the picture is put at that border.
_LOW, _HIGH, _STEPS, _MISSING = -1.0, 2.0, 65534, 65535

Codes = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class SignLibrary:
    """One clip a sentence.

    Attributes:
        sentence_ids: (S,) canonical ids, without repeats.
        aspects: (S,) float32 image width over height; NaN = not known.
        starts: (S + 1,) int32: the frames of sentence s are rows starts[s] to starts[s + 1], at least one.
        times_ms: (R,) int32 milliseconds since the clip's first frame, strictly increasing within a clip.
        points: (R, 96, 2) uint16 codes of x and y of SIGN_NAMES; 65535 = missing.

    Raises:
        ValueError: the parts do not belong together.
    """

    sentence_ids: tuple[str, ...]
    aspects: FloatArray
    starts: npt.NDArray[np.int32]
    times_ms: npt.NDArray[np.int32]
    points: Codes

    def __post_init__(self) -> None:
        num, rows = len(self.sentence_ids), len(self.points)
        arrays = (self.aspects, self.starts, self.times_ms, self.points)
        shapes = [(num,), (num + 1,), (rows,), (rows, len(SIGN_NAMES), 2)]
        dtypes = ["float32", "int32", "int32", "uint16"]
        if [a.shape for a in arrays] != shapes or [a.dtype.name for a in arrays] != dtypes:
            raise ValueError(f"arrays {[(a.shape, a.dtype.name) for a in arrays]}; expected {shapes} of {dtypes}")
        if len(set(self.sentence_ids)) != num or rows > MAX_LIBRARY_FRAMES:
            raise ValueError(f"a sentence is there twice, or there are over {MAX_LIBRARY_FRAMES} frames ({rows})")
        if self.starts[0] != 0 or self.starts[-1] != rows or (np.diff(self.starts) < 1).any():
            raise ValueError("starts do not cut the frames into one clip a sentence")
        first = np.zeros(rows + 1, dtype=np.bool_)
        first[self.starts] = True
        if (np.diff(self.times_ms)[~first[1:-1]] <= 0).any():
            raise ValueError("times do not increase from frame to frame")

    @classmethod
    def of(cls, clips: Iterable[tuple[str, LandmarkClip]]) -> SignLibrary:
        """Thin out clips and keep what is shown, one a sentence; stops before MAX_LIBRARY_FRAMES are exceeded."""
        ids: list[str] = []
        aspects: list[float] = []
        times: list[npt.NDArray[np.int32]] = []
        points: list[Codes] = []
        num_rows = 0
        for sentence_id, clip in clips:
            frames, milliseconds = _shown_frames(clip)
            num_rows += len(frames)
            if num_rows > MAX_LIBRARY_FRAMES:
                break
            ids.append(sentence_id)
            aspects.append(np.nan if clip.aspect is None else clip.aspect)
            times.append(milliseconds)
            points.append(_codes(clip, frames))
        lengths = np.array([0, *map(len, times)])
        return cls(
            sentence_ids=tuple(ids),
            aspects=np.array(aspects, dtype=np.float32),
            starts=np.cumsum(lengths).astype(np.int32),
            times_ms=np.concatenate([np.zeros(0, dtype=np.int32), *times]),
            points=np.concatenate([np.zeros((0, len(SIGN_NAMES), 2), dtype=np.uint16), *points]),
        )

    @classmethod
    def load(cls, path: Path) -> SignLibrary:
        """Read `signs.npz`.

        Raises:
            ArtifactError: missing, damaged, of another version or with other landmarks.
        """
        arrays = load_arrays(path)
        version = arrays.get("format_version")
        if version is None or version.shape != () or version != SIGNS_FORMAT_VERSION:
            raise ArtifactError(f"{path}: signs of format {version}; this SignTalk reads {SIGNS_FORMAT_VERSION}")
        try:
            if tuple(map(str, arrays["landmark_names"])) != SIGN_NAMES:
                raise ValueError("other landmarks than this version keeps")
            ids = tuple(map(str, arrays["sentence_ids"]))
            return cls(ids, arrays["aspects"], arrays["starts"], arrays["times_ms"], arrays["points"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ArtifactError(f"{path}: damaged ({error}); export again") from error

    def save(self, path: Path) -> None:
        """Write `signs.npz`, atomically."""
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "format_version": np.array(SIGNS_FORMAT_VERSION, dtype=np.int32),
            "landmark_names": np.array(SIGN_NAMES),
            "sentence_ids": np.array(self.sentence_ids, dtype=np.str_),
            **{name: getattr(self, name) for name in ("aspects", "starts", "times_ms", "points")},
        }
        save_arrays(path, arrays)

    def __len__(self) -> int:
        """Number of sentences S."""
        return len(self.sentence_ids)

    def __contains__(self, sentence_id: object) -> bool:
        """Whether it is known how a sentence is signed."""
        return sentence_id in self._place

    @cached_property
    def _place(self) -> dict[str, int]:
        return {sentence_id: s for s, sentence_id in enumerate(self.sentence_ids)}

    def clip(self, sentence_id: str) -> LandmarkClip | None:
        """How a sentence is signed; None for one that is not there, such as one that is only written.

        z is 0 where a landmark was seen, and visibility unknown: both were left behind.
        """
        place = self._place.get(sentence_id)
        if place is None:
            return None
        rows = slice(int(self.starts[place]), int(self.starts[place + 1]))
        codes = self.points[rows]
        landmarks = np.full((len(codes), len(HOLISTIC.names), 3), np.nan, dtype=np.float32)
        xy = _LOW + codes.astype(np.float32) / _STEPS * (_HIGH - _LOW)
        points = np.concatenate([xy, np.zeros_like(xy[..., :1])], axis=2)
        points[(codes == _MISSING).any(axis=2)] = np.nan
        landmarks[:, HOLISTIC.positions(SIGN_NAMES)] = points
        aspect = float(self.aspects[place])
        return LandmarkClip(
            landmarks=landmarks,
            visibility=np.full((len(codes), len(POSE_NAMES)), np.nan, dtype=np.float32),
            timestamps_s=self.times_ms[rows] / 1000.0,
            aspect=None if np.isnan(aspect) else aspect,
        )


def collect_signs(index: SentenceIndex, manifest: Manifest) -> tuple[SignLibrary, tuple[Problem, ...]]:
    """Read from a data folder the clip that names each sentence of an index.

    Returns:
        The library, and what is left out: clips that the folder lacks or that cannot be read, and sentences beyond
        MAX_LIBRARY_FRAMES. Sentences that are only written have no clip and are not told.
    """
    records = {record.clip_id: record for record in manifest.records}
    clips: dict[str, LandmarkClip] = {}
    problems: list[Problem] = []
    for row in index.groups.canonical_rows:
        entry = index.entries[row]
        if entry.kind == "written":
            continue
        try:
            if entry.sentence_id in clips:
                raise ClipError(f"sentence_id {entry.sentence_id} stands for another text as well")
            if entry.clip_id not in records:
                raise ClipError(f"{manifest.root}: no such clip; give the data folder of the run")
            clips[entry.sentence_id] = clip_of_record(records[entry.clip_id])
        except ClipError as error:
            problems.append(Problem(entry.clip_id, "no_sign", str(error)))
    library = SignLibrary.of(clips.items())
    beyond = list(clips)[len(library) :]
    problems += [Problem(name, "no_sign", f"signs are full at {MAX_LIBRARY_FRAMES} frames") for name in beyond]
    return library, tuple(problems)


def _shown_frames(clip: LandmarkClip) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]:
    """Which frames are kept, and their milliseconds since the first."""
    times = clip.timestamps_s - clip.timestamps_s[0]
    most = min(MAX_FRAMES_OF_CLIP, clip.num_frames, max(1, round(clip.duration_s * MAX_FPS)))
    wanted = np.linspace(0, times[-1], most)
    after = np.clip(np.searchsorted(times, wanted), 1, max(1, len(times) - 1))
    before = after - 1
    last = np.minimum(after, len(times) - 1)
    nearest = np.where(wanted - times[before] <= times[last] - wanted, before, last)
    milliseconds, kept = np.unique(np.rint(times[nearest] * 1000).astype(np.int32), return_index=True)
    return nearest[kept], milliseconds


def _codes(clip: LandmarkClip, frames: npt.NDArray[np.intp]) -> Codes:
    landmarks = clip.landmarks[frames][:, HOLISTIC.positions(SIGN_NAMES), :2]
    hidden = clip.visibility[frames, :_NUM_POSE] < _MIN_VISIBILITY
    missing = np.asarray(np.isnan(landmarks).any(axis=2))
    missing[:, :_NUM_POSE] |= hidden
    share = (np.clip(np.nan_to_num(landmarks), _LOW, _HIGH) - _LOW) / (_HIGH - _LOW)
    codes = np.rint(share * _STEPS).astype(np.uint16)
    codes[missing] = _MISSING
    return codes
