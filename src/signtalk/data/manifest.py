"""The table of a data folder: which clip says what, by whom, and where its landmarks lie.

    processed_metadata.csv -> Manifest of ClipRecord -> clip_of_record -> LandmarkClip

Reads the prototype's tables as they are (docs/data-format.md has the columns) and writes the same form.
A row that cannot be used becomes a `Problem` and is left out; the others are not affected.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from signtalk.data.columns import spellings
from signtalk.data.formats import FORMATS
from signtalk.data.records import (
    LANDMARK_SUFFIXES,
    REQUIRED_COLUMNS,
    TABLE_COLUMNS,
    ClipRecord,
    Problem,
    RowError,
    RowReader,
    grouped_reasons,
    text_key,
    to_row,
)
from signtalk.data.tables import Table, find_table, read_table
from signtalk.errors import ArtifactError, ClipError, DataError, one_line
from signtalk.files import absolute, append_csv, load_array, read_json, write_csv
from signtalk.landmarks.clip import LandmarkClip, load_clip
from signtalk.landmarks.legacy_rows import frame_motion, from_prototype_rows, prototype_rows_of

__all__ = [
    "TABLE_NAME",
    "ClipNumbers",
    "ClipRecord",
    "Manifest",
    "Problem",
    "append_manifest",
    "clip_of_record",
    "describe_clip",
    "load_manifest",
    "read_landmarks",
    "scan_manifest",
    "table_path",
    "text_key",
    "write_manifest",
]

TABLE_NAME = "processed_metadata.csv"
VARIATIONS_NAME = "sentence_variations.json"


@dataclass(frozen=True)
class ClipNumbers:
    """The figures that the table holds about one clip, under the names of `ClipRecord`."""

    num_frames: int
    detection_ratio: float
    mean_visibility: float
    motion_mean: float
    motion_p50: float
    motion_p95: float
    motion_max: float


@dataclass(frozen=True)
class Manifest:
    """The usable clips of a data folder, in the table's order, and what was wrong with the rest.

    Attributes:
        root: absolute path of the data folder.
        records: usable rows; `clip_id` is unique.
        problems: what was left out, and why.
        notes: what is odd about the table, such as columns that nobody uses; a sentence each.
    """

    root: Path
    records: tuple[ClipRecord, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def classes(self) -> dict[str, tuple[ClipRecord, ...]]:
        """`text_key` to its clips, both in the table's order; idle clips are in no class."""
        grouped: dict[str, list[ClipRecord]] = {}
        for record in self.records:
            if not record.is_idle:
                grouped.setdefault(record.text_key, []).append(record)
        return {key: tuple(records) for key, records in grouped.items()}

    @cached_property
    def signers(self) -> tuple[str, ...]:
        """The known signers, sorted."""
        return tuple(sorted({record.signer_id for record in self.records if record.signer_id}))

    @cached_property
    def _by_id(self) -> dict[str, ClipRecord]:
        return {record.clip_id: record for record in self.records}

    def select(self, clip_ids: Iterable[str]) -> tuple[ClipRecord, ...]:
        """The records of these clips, in the order asked for.

        Raises:
            DataError: a clip is not in this manifest.
        """
        wanted = list(clip_ids)
        unknown = [clip_id for clip_id in wanted if clip_id not in self._by_id]
        if unknown:
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            raise DataError(f"{self.root}: no usable clip '{unknown[0]}'{more}; was the split made from other data?")
        return tuple(self._by_id[clip_id] for clip_id in wanted)

    def canonical_sentence(self, key: str) -> str:
        """The one spelling of a class: that of the first clip under its smallest `sentence_id`, numbers before words.

        Raises:
            DataError: no clip has this text.
        """
        if key not in self.classes:
            raise DataError(f"{self.root}: no clip of the sentence '{key}'")
        return min(self.classes[key], key=lambda record: _natural_order(record.sentence_id)).sentence


def table_path(folder: Path) -> Path:
    """Where a data folder keeps its table, `.csv` or else a spreadsheet of that name: at the top or under `proc`.

    Raises:
        DataError: there is none.
    """
    candidates = (folder / TABLE_NAME, folder / "proc" / TABLE_NAME)
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    for place in (folder, folder / "proc"):
        path = find_table(place, Path(TABLE_NAME).stem)
        if path is not None:
            return path
    raise DataError(
        f"{folder}: no {TABLE_NAME}; expected {candidates[0]} or {candidates[1]}, as `signtalk extract` makes "
        "of videos and `signtalk import` of landmarks"
    )


def load_manifest(folder: Path, strict: bool = False, motion_floor: float = 0.0) -> Manifest:
    """Read the table of a data folder for use.

    Args:
        folder: the data folder.
        strict: raise at the first problem instead of leaving its row out.
        motion_floor: clips with a smaller `motion_mean` are left out, idle ones excepted.

    Returns:
        At least one record, and a `Problem` for each row left out.

    Raises:
        DataError: no table, a required column missing, no usable row, or (strict) any problem.
    """
    manifest = scan_manifest(folder, motion_floor)
    first = next(iter(manifest.problems), None)
    if first is not None and not manifest.records:
        reasons = " | ".join([grouped_reasons(manifest.problems), *manifest.notes])
        raise DataError(f"{table_path(folder)}: no usable clip: {reasons}")
    if first is not None and strict:
        more = f" (and {len(manifest.problems) - 1} more)" if len(manifest.problems) > 1 else ""
        raise DataError(f"{table_path(folder)}: {first.clip_id}: {first.message}{more}")
    if not manifest.records:
        raise DataError(f"{table_path(folder)}: no rows; expected one a clip")
    return manifest


def scan_manifest(folder: Path, motion_floor: float = 0.0) -> Manifest:
    """As `load_manifest`, but a table without any usable row gives an empty manifest: for reports.

    Raises:
        DataError: no table, it cannot be read, or a required column is missing.
    """
    root = absolute(folder)
    table = table_path(root)
    read = read_table(table, TABLE_COLUMNS)
    missing = [name for name in REQUIRED_COLUMNS if name not in read.columns]
    if missing:
        raise DataError(
            f"{table}: no column {', '.join(missing)}; required are {', '.join(REQUIRED_COLUMNS)}, and here are "
            f"{one_line(', '.join(read.titles), 300)}"
        )
    reader = RowReader(root, table.parent, _load_variations(table.with_name(VARIATIONS_NAME)), motion_floor)
    records: dict[str, ClipRecord] = {}
    problems: list[Problem] = []
    for number, row in enumerate(read.rows, start=1):
        clip_id = Path(row.cells["video_file"].replace("\\", "/")).stem or f"row {number}"
        try:
            if clip_id in records:
                raise RowError("duplicate", f"row {number} repeats this clip; clip names must be unique")
            records[clip_id] = reader.read(clip_id, row.checked())
        except RowError as error:
            problems.append(Problem(clip_id, error.kind, str(error)))
    notes = _notes(read, list(records.values()))
    return Manifest(root, _with_merged_categories(list(records.values())), tuple(problems), notes)


def _notes(table: Table, records: Sequence[ClipRecord]) -> tuple[str, ...]:
    """What a table lacks that training will want, beside what its reader says."""
    absent = []
    if "signer" not in table.columns and any(not record.signer_id for record in records):
        absent.append(f"{table.path}: no column of signers ({spellings('signer')}); tests by signer need one")
    if not {"sentence", "text_variations", "is_idle"} & table.columns:
        absent.append(f"{table.path}: no column of texts; expected {spellings('sentence')}")
    return (*table.notes, *absent)


def write_manifest(folder: Path, records: Iterable[ClipRecord]) -> Path:
    """Write the table of a data folder, replacing the one it has.

    Figures are written as the records hold them (`describe_clip` computes them for a new clip); what a
    record does not know is an empty cell. Paths inside the folder are written relative to it.

    Returns:
        The table's path: where the folder already has one, otherwise at its top.

    Raises:
        DataError: the folder cannot be written.
    """
    root, path = _own_table(folder)
    write_csv(path, TABLE_COLUMNS, (to_row(record, root) for record in records))
    return path


def append_manifest(folder: Path, records: Iterable[ClipRecord]) -> None:
    """Add clips to the table that `write_manifest` wrote, at a hundredth of its time where there are many.

    Raises:
        DataError: the folder cannot be written.
    """
    root, path = _own_table(folder)
    append_csv(path, TABLE_COLUMNS, (to_row(record, root) for record in records))


def _own_table(folder: Path) -> tuple[Path, Path]:
    """A data folder as an absolute path, and its table: where it has one already, otherwise at its top."""
    root = absolute(folder)
    try:
        return root, table_path(root).with_name(TABLE_NAME)
    except DataError:
        return root, root / TABLE_NAME


def clip_of_record(record: ClipRecord) -> LandmarkClip:
    """Read a clip's landmarks: SignTalk's container (`.npz`) or a file of the prototype (`.npy`).

    Raises:
        ClipError: the file is missing, damaged, of another shape or version, or shows nothing.
    """
    return read_landmarks(record.feature_path, record.fps, record.smoothing_alpha)


def read_landmarks(path: Path, fps: float, smoothing_alpha: float) -> LandmarkClip:
    """Read one landmark file of any format; a `.npy` tells neither its frame rate nor its smoothing.

    Args:
        path: `.npz`, `.npy`, or a clip of another tool.
        fps: frame rate of files that do not tell their own.
        smoothing_alpha: weight of the new frame in the average that ran over a `.npy`; 1 = not smoothed.

    Raises:
        ClipError: the file is missing, damaged, of another shape or version, or shows nothing.
        MissingExtraError: its format needs a package that is not installed.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return load_clip(path)
    for form in FORMATS.values():
        if suffix in form.suffixes:
            return form.load(path, fps)
    if suffix != ".npy":
        raise ClipError(f"{path}: unknown kind of landmark file; expected {', '.join(LANDMARK_SUFFIXES)}")
    try:
        rows = load_array(path)
    except ArtifactError as error:
        raise ClipError(str(error)) from error
    return from_prototype_rows(rows, fps=fps, smoothing_alpha=smoothing_alpha, where=str(path))


def describe_clip(clip: LandmarkClip) -> ClipNumbers:
    """The table's figures of a clip, for whoever writes a new row.

    Motion energy is that of docs/contract.md 1.3, in the units of the prototype's rows with its jumps of undetected
    parts included, so that old and new rows of one table compare. Visibility counts an undetected
    landmark as 0 and is NaN when no score is known at all.
    """
    motion = frame_motion(prototype_rows_of(clip))
    seen = ~np.isnan(clip.landmarks[..., 0]).all(axis=1)
    known = not np.isnan(clip.visibility).all()
    return ClipNumbers(
        num_frames=clip.num_frames,
        detection_ratio=float(seen.mean()),
        mean_visibility=float(np.nan_to_num(clip.visibility).mean()) if known else math.nan,
        motion_mean=float(motion.mean()),
        motion_p50=float(np.median(motion)),
        motion_p95=float(np.percentile(motion, 95)),
        motion_max=float(motion.max()),
    )


def _load_variations(path: Path) -> dict[str, tuple[str, ...]]:
    """`sentence_variations.json`, a list of texts by sentence_id; nothing when there is no such file."""
    if not path.is_file():
        return {}
    try:
        value = read_json(path)
    except ArtifactError as error:
        raise DataError(str(error)) from error
    if not isinstance(value, dict) or not all(
        isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in value.values()
    ):
        raise DataError(f"{path}: expected an object of sentence_id to a list of texts")
    return {sentence_id.strip(): tuple(texts) for sentence_id, texts in value.items()}


def _natural_order(sentence_id: str) -> tuple[int, int, str]:
    return (0, int(sentence_id), "") if sentence_id.isdecimal() else (1, 0, sentence_id)


def _with_merged_categories(records: list[ClipRecord]) -> tuple[ClipRecord, ...]:
    """One spelling, the most frequent, for categories that differ by blanks alone."""
    spellings: dict[str, Counter[str]] = {}
    for record in records:
        spellings.setdefault(record.category.replace(" ", ""), Counter())[record.category] += 1
    best = {squeezed: counts.most_common(1)[0][0] for squeezed, counts in spellings.items()}
    return tuple(replace(record, category=best[record.category.replace(" ", "")]) for record in records)
