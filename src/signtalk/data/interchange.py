"""Whole folders in and out: clips of other tools to a data folder, and a data folder to clips of other tools.

    SOURCE + metadata -> import_clips -> DATA/clips/*.npz + processed_metadata.csv
    DATA -> export_clips -> OUT/<files of the format> + metadata.csv, which import_clips reads

A clip that cannot be used becomes a `Problem`; the others are not affected. docs/data-format.md has the
layouts and what each format cannot hold.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from signtalk.data.formats import CONTEST_NAME, FORMATS, Format, folder_of_text
from signtalk.data.manifest import ClipRecord, Manifest, clip_of_record, describe_clip, write_manifest
from signtalk.data.names import unique_names
from signtalk.data.records import CLIPS_FOLDER, Problem, Progress, RowError, RowReader, to_row
from signtalk.errors import ArtifactError, ClipError, DataError
from signtalk.files import absolute, read_csv, remove_unfinished, sha256_file, sha256_text, write_csv, write_text
from signtalk.landmarks.clip import DEFAULT_FPS, LandmarkClip, load_clip, load_provenance, save_clip
from signtalk.version import VERSION

METADATA_NAME = "metadata.csv"
PROBLEMS_NAME = "import_problems.csv"
MARKER_NAME = ".signtalk/import"
"""Tells that an import made the folder, so that another may go on with it."""
METADATA_COLUMNS = ("path", "clip_id", "sentence_id", "sentence", "category", "text_variations", "signer", "session",
                    "fps", "aspect", "is_idle")  # fmt: skip
_ALIASES = {"sentence": ("sentence", "sign", "label"), "signer": ("signer", "participant_id")}
_COPIED = ("sentence_id", "category", "text_variations", "session", "is_idle")

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
    """What was written, and what was left out and why."""

    table: Path
    num_clips: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Planned:
    """One clip to import: where it lies and what is known about it, in the table's words."""

    path: Path
    clip_id: str
    row: Mapping[str, str]


def import_clips(
    source: Path,
    out: Path,
    form: Format,
    metadata: Path | None = None,
    unknowns: Unknowns = Unknowns(),
    strict: bool = False,
    progress: Progress | None = None,
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

    Returns:
        The table, and the problems, which `import_problems.csv` beside it lists too.

    Raises:
        DataError: no clip could be imported, the table cannot be read, `out` is in use, or (strict) any problem.
        MissingExtraError: the format's library is not installed.
    """
    if not source.is_dir():
        raise DataError(f"{source}: no such folder; expected one of {form} clips")
    root = absolute(out) if (out / MARKER_NAME).is_file() else _new_folder(out)
    planned, problems = _plan(source, form, metadata)
    with _writing(root):
        tasks = [(clip.clip_id, partial(_import_one, clip, root, form, unknowns)) for clip in planned]
        records = _gathered(tasks, problems, strict, progress)
        _refuse(source, problems, strict, bool(records))
        if problems:
            write_csv(root / PROBLEMS_NAME, ("clip_id", "kind", "message"), (vars(problem) for problem in problems))
        else:
            (root / PROBLEMS_NAME).unlink(missing_ok=True)
        return Transfer(write_manifest(root, records), len(records), tuple(problems))


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
    lock = FileLock(root / f"{MARKER_NAME}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise DataError(f"{root}: another import is writing this folder; wait for it, or end it") from error
    except OSError as error:
        raise DataError(f"{root}: cannot be locked ({error.strerror}); choose a folder you may write to") from error
    try:
        for folder in (root / CLIPS_FOLDER, root):
            remove_unfinished(folder)
        yield
    finally:
        lock.release()


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
    if problems and (strict or not any_clip):
        share = "" if any_clip or strict else f"none of {len(problems)} clips could be used; the first: "
        raise DataError(f"{where}: {share}{problems[0].clip_id}: {problems[0].message}")


def _plan(source: Path, form: Format, metadata: Path | None) -> tuple[list[_Planned], list[Problem]]:
    """The clips of the table, or of the folder where there is none."""
    tables = [metadata] if metadata else [source / METADATA_NAME, source / CONTEST_NAME]
    table = next((path for path in tables if metadata or path.is_file()), None)
    if table is None:
        paths = form.find(source)
        if not paths:
            raise DataError(f"{source}: no {form} clip in it; expected {form.layout}, or a table by --metadata")
        names = unique_names(_short_name(path.relative_to(source)) for path in paths)
        return [_labelled(path, source, name) for path, name in zip(paths, names, strict=True)], []
    columns, rows = read_csv(table)
    if "path" not in columns or not any(name in columns for name in _ALIASES["sentence"]):
        needed = " or ".join(_ALIASES["sentence"])
        raise DataError(f"{table}: columns {', '.join(columns)}; expected path, and {needed}")
    planned, problems = [], []
    names = unique_names(row.get("clip_id") or _short_name(Path(row["path"].replace("\\", "/"))) for row in rows)
    for row, name in zip(rows, names, strict=True):
        try:
            planned.append(_Planned(_inside(source, row["path"]), name, _known(row)))
        except RowError as error:
            problems.append(Problem(name, error.kind, str(error)))
    if not rows:
        raise DataError(f"{table}: no rows; expected one a clip")
    return planned, problems


def _labelled(path: Path, source: Path, name: str) -> _Planned:
    """A clip whose text is the name of its folder; a clip in `source` itself has none, and is told so later."""
    label = "" if path.parent == source else path.parent.name
    return _Planned(path, name, {"sentence": label, "sentence_id": label})


def _known(row: Mapping[str, str]) -> dict[str, str]:
    """A row of the metadata in the words of `processed_metadata.csv`; a text without an id is its own id."""
    known = {name: row[name] for name in (*_COPIED, "fps", "aspect") if row.get(name)}
    for name, aliases in _ALIASES.items():
        known[name] = next((row[alias] for alias in aliases if row.get(alias)), "")
    known.setdefault("sentence_id", known["sentence"])
    return known


def _inside(source: Path, value: str) -> Path:
    """The file or folder of a row, which may not climb out of the source."""
    cell = Path(value.replace("\\", "/"))
    path = Path(os.path.normpath(source / cell))
    if not value or cell.is_absolute() or not path.is_relative_to(os.path.normpath(source)) or "\0" in value:
        raise RowError("bad_path", f"path '{value}' leaves {source}; give a path inside it")
    if not path.exists():
        raise RowError("missing_file", f"{path}: no such file")
    return path


def _import_one(planned: _Planned, root: Path, form: Format, unknowns: Unknowns) -> ClipRecord:
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
    if not _is_made(path, made_from):
        fps = _cell(row, "fps", unknowns.fps)
        clip = form.load(planned.path, unknowns.fps if fps is None else fps)
        if clip.aspect is None:
            clip = replace(clip, aspect=_cell(row, "aspect", unknowns.aspect))
        save_clip(path, clip, made_from)
    try:
        return _record(planned, path, root)
    except RowError:
        path.unlink()
        raise


def _source_sha256(path: Path) -> str:
    """Of a clip's file, or of the names and bytes of the frames in its folder."""
    try:
        if not path.is_dir():
            return sha256_file(path)
        return sha256_text("\n".join(f"{sha256_file(frame)} {frame.stem}" for frame in sorted(path.glob("*.npy"))))
    except ArtifactError as error:
        raise ClipError(str(error)) from error


def _is_made(path: Path, made_from: Mapping[str, Any]) -> bool:
    """Whether a clip's file is there and says that it was made in just this way."""
    try:
        return path.is_file() and load_provenance(path) == made_from
    except ClipError:
        return False  # damaged: made again


def _record(planned: _Planned, path: Path, root: Path) -> ClipRecord:
    """What the table says about a clip that was written, checked as every reader of the table will check it."""
    clip = load_clip(path)
    figures = {
        name: "" if isinstance(value, float) and math.isnan(value) else repr(value)
        for name, value in vars(describe_clip(clip)).items()
    }
    cells = {name: planned.row.get(name, "") for name in ("sentence", "signer", *_COPIED)}
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


def _short_name(path: Path) -> str:
    """A clip's name from the last two parts of its path, without a suffix."""
    return "-".join([*path.parts[-2:-1], path.stem if path.suffix.lower() in _SUFFIXES else path.name])


_SUFFIXES = tuple(form.suffix for form in FORMATS.values() if form.suffix)
