"""Whole folders in and out: clips of other tools to a data folder, and a data folder to clips of other tools.

    SOURCE + metadata -> import_clips -> DATA/clips/*.npz + processed_metadata.csv
    DATA -> export_clips -> OUT/<files of the format> + metadata.csv, which import_clips reads

A clip that cannot be used becomes a `Problem`; the others are not affected. docs/data-format.md has the
layouts and what each format cannot hold.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from signtalk.data.formats import Format, folder_of_text
from signtalk.data.import_plan import COPIED_COLUMNS, METADATA_STEM, ClipToImport, plan_import
from signtalk.data.manifest import ClipRecord, Manifest, clip_of_record, describe_clip, write_manifest
from signtalk.data.mp_data import frame_files
from signtalk.data.names import unique_names
from signtalk.data.openpose_json import openpose_files
from signtalk.data.records import (
    CLIPS_FOLDER,
    Problem,
    Progress,
    RowError,
    RowReader,
    grouped_notes,
    grouped_reasons,
    to_row,
)
from signtalk.data.unread import advice_for
from signtalk.errors import ArtifactError, ClipError, DataError
from signtalk.files import absolute, remove_unfinished, sha256_file, sha256_text, sole_writer, write_csv, write_text
from signtalk.landmarks.clip import DEFAULT_FPS, LandmarkClip, load_clip, load_provenance, save_clip
from signtalk.landmarks.plausible import checked_clip
from signtalk.version import VERSION

METADATA_NAME = f"{METADATA_STEM}.csv"
PROBLEMS_NAME = "import_problems.csv"
MARKER_NAME = ".signtalk/import"
"""Tells that an import made the folder, so that another may go on with it."""
METADATA_COLUMNS = ("path", "clip_id", "sentence_id", "sentence", "category", "text_variations", "signer", "session",
                    "fps", "aspect", "is_idle")  # fmt: skip

_T = TypeVar("_T")


@dataclass(frozen=True)
class Unknowns:
    """What holds where neither the metadata nor the file tells.

    Attributes:
        fps: frames a second.
        aspect: image width over height; None = treated as square.
    """

    fps: float = DEFAULT_FPS
    aspect: float | None = None


@dataclass(frozen=True)
class Transfer:
    """What was written, what was left out and why, and what is odd about the rest."""

    table: Path
    num_clips: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def import_clips(
    source: Path,
    out: Path,
    form: Format,
    metadata: Path | None = None,
    unknowns: Unknowns = Unknowns(),
    strict: bool = False,
    progress: Progress | None = None,
    tell: Callable[[str], object] | None = None,
) -> Transfer:
    """Make a data folder of the clips of another tool.

    What the clips say stands in `metadata`, else in SOURCE/metadata.csv, else in the contest's
    SOURCE/train.csv, else in the names of the folders that the clips lie in. Killed at any moment it goes on when
    called again: a clip that would come out the same is not made twice.

    Args:
        source: folder of the clips.
        out: data folder to make, new or empty; or one that an import began.
        form: how the clips are stored.
        metadata: table with a column `path` (relative to `source`) and METADATA_COLUMNS or the contest's.
        unknowns: what holds where nothing tells.
        strict: raise at the first clip that cannot be used.
        progress: called with (clips done, clips in all) after each clip.
        tell: called with each thing that should be known before the first clip is read.

    Returns:
        The table, notes, and the problems, which `import_problems.csv` beside it lists too.

    Raises:
        DataError: no clip could be imported, the table cannot be read, `out` is in use, or (strict) any problem.
        MissingExtraError: the format's library is not installed.
    """
    if not source.is_dir():
        what = (
            f"a file; {advice_for(source) or 'give the folder that it lies in'}"
            if source.exists()
            else "no such folder"
        )
        raise DataError(f"{source}: {what}; expected a folder of {form} clips")
    root = absolute(out) if (out / MARKER_NAME).is_file() else _new_folder(out)
    plan = plan_import(source, form, metadata)
    if tell is not None:
        for note in plan.notes:
            tell(note)
    problems = list(plan.problems)
    with _writing(root):
        tasks = [(clip.clip_id, partial(_import_one, clip, root, form, unknowns)) for clip in plan.clips]
        imported = _gathered(tasks, problems, strict, progress)
        if problems:
            write_csv(root / PROBLEMS_NAME, ("clip_id", "kind", "message"), (vars(problem) for problem in problems))
        else:
            (root / PROBLEMS_NAME).unlink(missing_ok=True)
        _refuse(source, problems, strict, bool(imported))
        notes = grouped_notes(note for _, clip_notes in imported for note in clip_notes)
        table = write_manifest(root, [record for record, _ in imported])
        return Transfer(table, len(imported), tuple(problems), (*plan.notes, *notes))


def export_clips(
    manifest: Manifest, out: Path, form: Format, strict: bool = False, progress: Progress | None = None
) -> Transfer:
    """Write the clips of a data folder for another tool.

    Args:
        manifest: the data folder.
        out: folder to make; it must not exist or be empty.
        form: how the clips shall be stored.
        strict: raise at the first clip that cannot be used.
        progress: called with (clips done, clips in all) after each clip.

    Returns:
        The table `metadata.csv`, and the problems.

    Raises:
        DataError: no clip could be exported, `out` is in use or cannot be written, or (strict) any problem.
        MissingExtraError: the format's library is not installed.
    """
    root = _new_folder(out)
    problems: list[Problem] = []
    names = unique_names(record.clip_id for record in manifest.records)
    paths = _places(manifest.records, names, form)
    tasks = [
        (record.clip_id, partial(_export_one, record, root, path, form))
        for record, path in zip(manifest.records, paths, strict=True)
    ]
    rows = _gathered(tasks, problems, strict, progress)
    _refuse(manifest.root, problems, strict, bool(rows))
    form.write_tables(out, rows)
    write_csv(out / METADATA_NAME, METADATA_COLUMNS, rows)
    return Transfer(out / METADATA_NAME, len(rows), tuple(problems))


def _new_folder(path: Path) -> Path:
    """The absolute path of a folder that is not there yet, or holds nothing."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise DataError(f"{path}: not empty; choose a new folder, so that no clip of an earlier run stays in it")
    return absolute(path)


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    """Mark the folder as an import's, and keep a second import out; the system frees the lock of a killed one."""
    write_text(root / MARKER_NAME, "")
    busy = DataError(f"{root}: another import is writing this folder; wait for it, or end it")
    with sole_writer(root / f"{MARKER_NAME}.lock", busy):
        for folder in (root / CLIPS_FOLDER, root):
            remove_unfinished(folder)
        yield


def _gathered(
    tasks: Sequence[tuple[str, Callable[[], _T]]], problems: list[Problem], strict: bool, progress: Progress | None
) -> list[_T]:
    """What each clip's task gives; a clip that fails is added to `problems`, and is the last one when strict."""
    results = []
    for done, (clip_id, task) in enumerate(tasks, 1):
        if strict and problems:
            break
        try:
            results.append(task())
        except (ClipError, RowError) as error:
            kind = error.kind if isinstance(error, RowError) else "bad_clip"
            problems.append(Problem(clip_id, kind, str(error)))
        if progress is not None:
            progress(done, len(tasks))
    return results


def _refuse(where: Path, problems: list[Problem], strict: bool, any_clip: bool) -> None:
    if problems and strict:
        raise DataError(f"{where}: {problems[0].clip_id}: {problems[0].message}")
    if problems and not any_clip:
        raise DataError(f"{where}: none of {len(problems)} clips could be used: {grouped_reasons(problems)}")


def _import_one(
    planned: ClipToImport, root: Path, form: Format, unknowns: Unknowns
) -> tuple[ClipRecord, tuple[str, ...]]:
    """The record of a clip, and what its reader says of it, or said when an earlier import read it."""
    row = planned.row
    path = root / CLIPS_FOLDER / f"{planned.clip_id}.npz"
    made_from = {
        "signtalk_version": VERSION,
        "imported_from": form.name,
        "source_sha256": _source_sha256(planned.path),
        "row": {name: row.get(name, "") for name in ("fps", "aspect")},
        "unknowns": vars(unknowns),
    }
    try:
        f"{row['sentence']}{row.get('signer', '')}".encode()
    except UnicodeEncodeError as error:
        raise RowError("bad_name", "a name that is not UTF-8; rename the folder") from error
    notes = _notes_of_made(path, made_from)
    if notes is None:
        fps = _cell(row, "fps", unknowns.fps)
        clip = form.load(planned.path, unknowns.fps if fps is None else fps)
        if clip.aspect is None:
            clip = replace(clip, aspect=_cell(row, "aspect", unknowns.aspect))
        if clip.num_frames > 1 and not 1 <= clip.fps <= 1000:
            raise ClipError(
                f"{planned.path}: {clip.fps:.3g} frames a second on the whole; expected 1 to 1000, so see whether its "
                "times, or the numbers of its frames, are of one recording"
            )
        clip = checked_clip(clip, str(planned.path), is_idle=row.get("is_idle", "") not in ("", "0"))
        save_clip(path, clip, made_from | ({"notes": clip.notes} if clip.notes else {}))
        notes = clip.notes
    try:
        return _record(planned, path, root), notes
    except RowError:
        path.unlink()
        raise


def _source_sha256(path: Path) -> str:
    """Of a clip's file, or of the names and bytes of the frames in its folder."""
    try:
        if not path.is_dir():
            return sha256_file(path)
        frames = frame_files(path).values() or openpose_files(path)
        return sha256_text("\n".join(f"{sha256_file(frame)} {frame.stem}" for frame in frames))
    except ArtifactError as error:
        raise ClipError(str(error)) from error


def _notes_of_made(path: Path, made_from: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What was said of a clip whose file is there and was made in just this way; None where it is to be made."""
    try:
        if not path.is_file():
            return None
        stored = load_provenance(path)
    except ClipError:
        return None  # damaged: made again
    notes = stored.pop("notes", [])
    return tuple(map(str, notes)) if stored == made_from and isinstance(notes, list) else None


def _record(planned: ClipToImport, path: Path, root: Path) -> ClipRecord:
    """What the table says about a clip that was written, checked as every reader of the table will check it."""
    clip = load_clip(path)
    figures = {
        name: "" if isinstance(value, float) and math.isnan(value) else repr(value)
        for name, value in vars(describe_clip(clip)).items()
    }
    cells = {name: planned.row.get(name, "") for name in ("sentence", "signer", *COPIED_COLUMNS)}
    named = {"video_file": f"{planned.clip_id}.mp4", "feature_path": str(path), "fps": repr(clip.fps)}
    return RowReader(root, root, {}, 0.0).read(planned.clip_id, cells | figures | named)


def _cell(row: Mapping[str, str], name: str, default: float | None) -> float | None:
    if not row.get(name):
        return default
    try:
        return float(row[name])
    except ValueError as error:
        raise RowError("bad_number", f"{name} '{row[name]}' is not a number") from error


def _export_one(record: ClipRecord, root: Path, path: Path, form: Format) -> dict[str, object]:
    clip = clip_of_record(record)
    form.save(root / path, clip)
    return _metadata_row(record, clip, path)


def _places(records: Sequence[ClipRecord], names: Sequence[str], form: Format) -> list[Path]:
    """Where each clip goes, relative to the folder of the export."""
    paths = []
    repetitions: Counter[str] = Counter()
    for record, name in zip(records, names, strict=True):
        text = folder_of_text(record).casefold()
        paths.append(form.place(record, name, repetitions[text]))
        repetitions[text] += 1
    return paths


def _metadata_row(record: ClipRecord, clip: LandmarkClip, path: Path) -> dict[str, object]:
    row = to_row(record, record.feature_path.parent)
    known = {"path": path.as_posix(), "clip_id": record.clip_id, "fps": repr(clip.fps), "aspect": clip.aspect}
    return {name: (known | row | known)[name] for name in METADATA_COLUMNS}
