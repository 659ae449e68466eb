"""What one row of the table says: its columns, its checks, and the record made of it.

`signtalk.data.manifest` reads and writes the whole table with this.
"""

from __future__ import annotations

import json
import math
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from signtalk.data.names import folded_id, split_letter
from signtalk.data.tokenizer import split_words
from signtalk.errors import printable
from signtalk.landmarks.clip import DEFAULT_FPS
from signtalk.landmarks.legacy_rows import DEFAULT_SMOOTHING_ALPHA, PROTOTYPE_COLUMNS

REQUIRED_COLUMNS = (
    "video_file", "feature_path", "sentence_id", "num_frames", "motion_mean", "motion_p95", "mean_visibility",
)  # fmt: skip
TABLE_COLUMNS = (
    "video_file", "feature_path", "num_frames", "frame_feature_dim", "detection_ratio", "mean_visibility",
    "motion_mean", "motion_p50", "motion_p95", "motion_max", "sentence_id", "sentence", "category",
    "text_variations", "signer", "session", "fps", "is_idle", "smoothing_alpha",
)  # fmt: skip
"""What `write_manifest` writes: the prototype's fourteen columns, then the optional ones."""

LANDMARK_SUFFIXES = (".npz", ".npy", ".pose", ".json", ".parquet", ".jsonl", ".ndjson")
"""Of files of one clip that a table may name."""
CLIPS_FOLDER = "clips"
"""Where a data folder that SignTalk makes keeps its clips."""
Progress = Callable[[int, int], None]
"""Called with how many clips are done, and how many there are."""

_FLAGS = {
    **dict.fromkeys(("", "0", "false", "no", "n"), False),
    **dict.fromkeys(("1", "true", "yes", "y", "x"), True),
}
_MOST_REASONS = 8
_PATH = re.compile(r"\S*[/\\]\S*")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a data folder.

    Attributes:
        clip_id: the clip it concerns; "row 7" when the row names none, "" when it concerns several clips.
        kind: a short fixed name to count by, such as "missing_file".
        message: what was found, what was expected and what to do.

    Name and message are made printable, for both may quote a file's name.
    """

    clip_id: str
    kind: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "clip_id", printable(self.clip_id))
        object.__setattr__(self, "message", printable(self.message))


@dataclass(frozen=True)
class ClipRecord:
    """One row of the table.

    Attributes:
        clip_id: unique in its manifest; the stem of `video_file`.
        video_file: the video that the landmarks came from; it need not exist.
        feature_path: absolute path of the landmark file, `.npz` or `.npy`.
        sentence_id: as the table has it; `text_key`, not this, is the class of a clip.
        sentence: the canonical text, trimmed; may be empty for an idle clip.
        category: as in the table, spellings that differ by blanks alone made one; "" when not given.
        signer_id: "" when neither the table nor the file name tells.
        variations: paraphrases, the sentence itself first, each with a word; empty when there is no text.
        num_frames: as the table says; `signtalk.data.check` compares it with the file.
        fps: frames a second of a `.npy` file; a `.npz` file carries its own timestamps.
        motion_mean: mean motion energy in the prototype's units, see `describe_clip`.
        motion_p95: its 95th percentile.
        mean_visibility: 0-1; NaN when the table leaves it empty.
        is_idle: the person rests and signs nothing.
        session: recording day or place; "" when not given.
        smoothing_alpha: weight of the new frame in the exponential average of a `.npy` file; 1.0 = none.
        detection_ratio: share of frames with any landmark; None when not given.
        motion_p50: median motion energy; None when not given.
        motion_max: largest motion energy; None when not given.
    """

    clip_id: str
    video_file: str
    feature_path: Path
    sentence_id: str
    sentence: str
    category: str
    signer_id: str
    variations: tuple[str, ...]
    num_frames: int
    fps: float
    motion_mean: float
    motion_p95: float
    mean_visibility: float
    is_idle: bool
    session: str
    smoothing_alpha: float = DEFAULT_SMOOTHING_ALPHA
    detection_ratio: float | None = None
    motion_p50: float | None = None
    motion_max: float | None = None

    @cached_property
    def text_key(self) -> str:
        """The class of this clip: `text_key` of its sentence; "" for an idle clip."""
        return "" if self.is_idle else text_key(self.sentence)


def text_key(text: str) -> str:
    """The identity of a text: without case, punctuation, needless blanks or Unicode look-alikes.

    Apostrophes vanish ("don't" = "dont"), other punctuation separates words ("x-ray" = "x ray"). A text
    of nothing but punctuation is its own key.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(" " if unicodedata.category(c).startswith("P") else c for c in re.sub("['’ʼ]", "", folded))
    return " ".join(kept.split()) or " ".join(folded.split())


def grouped_reasons(problems: Sequence[Problem]) -> str:
    """All reasons in one line, those that differ in names and numbers alone counted together; most frequent first."""
    groups: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        unnamed = problem.message.replace(problem.clip_id or "#", "#")
        groups.setdefault((problem.kind, _without_names(unnamed)), []).append(problem)
    ordered = sorted(groups.values(), key=len, reverse=True)
    texts = [f"{len(group)} x {group[0].clip_id}: {group[0].message}" for group in ordered[:_MOST_REASONS]]
    more = f" | and {len(ordered) - _MOST_REASONS} more reasons" if len(ordered) > _MOST_REASONS else ""
    return " | ".join(texts) + more


def grouped_notes(notes: Iterable[str]) -> tuple[str, ...]:
    """Notes of many clips, the first of each kind with how many there are; in their order."""
    groups: dict[str, list[str]] = {}
    for note in notes:
        groups.setdefault(_without_names(note), []).append(note)
    return tuple(
        group[0] if len(group) == 1 else f"{group[0]} (and {len(group) - 1} more clips)" for group in groups.values()
    )


def _without_names(text: str) -> str:
    return re.sub(r"'[^']*'|\d+", "#", _PATH.sub("#", text))


class RowError(Exception):
    """Why one row is left out; becomes a `Problem`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class RowReader:
    """Turns one row of text into a record; raises `RowError` for a row to leave out."""

    root: Path
    table_folder: Path
    variations: Mapping[str, tuple[str, ...]]
    motion_floor: float

    def read(self, clip_id: str, row: Mapping[str, str]) -> ClipRecord:
        """Check every cell of the row."""
        if not row["video_file"]:
            raise RowError("no_name", "empty video_file; every clip needs a name")
        # A column of integers with a gap is written as 12.0 by common table software.
        sentence_id = re.sub(r"^(\d+)\.0$", r"\1", row["sentence_id"])
        is_idle = read_flag(row, "is_idle")
        variations = _merged(_cell_variations(row.get("text_variations", "")), self.variations.get(sentence_id, ()))
        sentence = row.get("sentence", "") or next(iter(variations), "")
        if not is_idle and not (sentence and sentence_id):
            name = "text" if sentence_id else "sentence_id"
            raise RowError("no_text", f"no {name}; expected a sentence_id and a text unless is_idle is 1")
        if not is_idle and not split_words(sentence):
            raise RowError("no_word", f"the text '{sentence}' holds no word; correct it, or set is_idle to 1")
        motion_mean = _number(row, "motion_mean")
        if motion_mean < self.motion_floor and not is_idle:
            raise RowError("low_motion", f"motion_mean {motion_mean:g} is under the floor {self.motion_floor:g}")
        fps = _optional(row, "fps", 1, 1000)
        alpha = _optional(row, "smoothing_alpha", 1e-3, 1)
        return ClipRecord(
            clip_id=clip_id,
            video_file=row["video_file"],
            feature_path=_resolved(row["feature_path"], self.root, self.table_folder),
            sentence_id=sentence_id,
            sentence=sentence,
            category=" ".join(row.get("category", "").split()),
            signer_id=row.get("signer", "") or _signer_from_name(clip_id, sentence_id),
            variations=_merged((sentence,), variations),
            num_frames=_frame_count(row),
            fps=DEFAULT_FPS if fps is None else fps,
            motion_mean=motion_mean,
            motion_p95=_number(row, "motion_p95"),
            mean_visibility=_number(row, "mean_visibility", high=1) if row["mean_visibility"] else math.nan,
            is_idle=is_idle,
            session=row.get("session", ""),
            smoothing_alpha=DEFAULT_SMOOTHING_ALPHA if alpha is None else alpha,
            detection_ratio=_optional(row, "detection_ratio", 0, 1),
            motion_p50=_optional(row, "motion_p50"),
            motion_max=_optional(row, "motion_max"),
        )


def _number(row: Mapping[str, str], name: str, low: float = 0, high: float = math.inf) -> float:
    try:
        value = float(row[name])
    except ValueError as error:
        raise RowError("bad_number", f"{name} '{row[name]}' is not a number") from error
    if not (math.isfinite(value) and low <= value <= high):
        raise RowError("bad_number", f"{name} {row[name]} is out of range; expected {low:g} to {high:g}")
    return value


def _optional(row: Mapping[str, str], name: str, low: float = 0, high: float = math.inf) -> float | None:
    return _number(row, name, low, high) if row.get(name) else None


def _frame_count(row: Mapping[str, str]) -> int:
    frames = _number(row, "num_frames", low=1)
    if frames != int(frames):
        raise RowError("bad_number", f"num_frames {row['num_frames']} is not a whole number")
    return int(frames)


def read_flag(row: Mapping[str, str], name: str) -> bool:
    """A yes or no of a row; an absent or empty cell is a no.

    Raises:
        RowError: neither.
    """
    value = row.get(name, "").lower().removesuffix(".0")
    if value not in _FLAGS:
        raise RowError("bad_number", f"{name} '{row[name]}'; expected 0 or 1, yes or no")
    return _FLAGS[value]


def _resolved(value: str, root: Path, table_folder: Path) -> Path:
    """The landmark file of a row: relative to the data folder or to the table's, or absolute if it exists.

    A relative path may not climb out of the data folder, so that a table from elsewhere cannot point at
    other files by accident; links that the folder's owner put inside it are followed.
    """
    if not value:
        raise RowError("missing_file", "empty feature_path")
    cell = Path(value.replace("\\", "/"))
    if cell.suffix.lower() not in LANDMARK_SUFFIXES:
        raise RowError("unknown_format", f"feature_path '{value}'; expected a {', '.join(LANDMARK_SUFFIXES)} file")
    candidates = [Path(os.path.normpath(base / cell)) for base in (root, table_folder)]
    allowed = [path for path in candidates if cell.is_absolute() or path.is_relative_to(root)]
    if not allowed:
        raise RowError("bad_path", f"feature_path '{value}' leaves the data folder; give a path inside it")
    for path in allowed:
        if path.is_file():
            return path
    raise RowError("missing_file", f"{allowed[0]}: no such file; extract this clip again or remove its row")


def _signer_from_name(clip_id: str, sentence_id: str) -> str:
    """The letter A-E of `<sentence_id><letter>`, or of a number and a letter; "" when the name is built otherwise."""
    told_id, letter = split_letter(clip_id)
    return letter if told_id.isdecimal() or folded_id(told_id) == folded_id(sentence_id) else ""


def _cell_variations(cell: str) -> tuple[str, ...]:
    if not cell:
        return ()
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise RowError("bad_variations", f"text_variations is not JSON ({error}); expected a list of texts") from error
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise RowError("bad_variations", "text_variations is not a JSON list of texts")
    return tuple(value)


def _merged(*lists: Iterable[str]) -> tuple[str, ...]:
    """All texts once, trimmed, in order, without those that hold no word."""
    return tuple(dict.fromkeys(text.strip() for texts in lists for text in texts if split_words(text)))


def to_row(record: ClipRecord, root: Path) -> dict[str, object]:
    """The cells of a record's row, None for an empty one; a path inside `root` is written relative to it."""
    path = record.feature_path
    row: dict[str, object] = {name: getattr(record, name) for name in TABLE_COLUMNS if hasattr(record, name)}
    row |= {
        "feature_path": path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path),
        "frame_feature_dim": PROTOTYPE_COLUMNS,
        "mean_visibility": None if math.isnan(record.mean_visibility) else record.mean_visibility,
        "text_variations": json.dumps(record.variations, ensure_ascii=False),
        "signer": record.signer_id,
        "is_idle": int(record.is_idle),
    }
    return row
