"""Which clips of another tool there are and what they say: the table's, or the folder's where there is none.

    SOURCE + metadata -> plan_import -> ImportPlan: clips with their rows, what is none, notes

`signtalk.data.interchange` imports what is planned here.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from signtalk.data.columns import spellings
from signtalk.data.formats import CONTEST_NAME, FORMATS, Format
from signtalk.data.names import unique_names
from signtalk.data.records import Problem, RowError, read_flag
from signtalk.data.tables import Table, TableRow, find_table, read_table
from signtalk.errors import DataError

METADATA_STEM = "metadata"
_FILE_COLUMNS = ("path", "video_file")
COPIED_COLUMNS = ("sentence_id", "category", "text_variations", "session", "is_idle")
_WANTED = (*_FILE_COLUMNS, "clip_id", "sentence", "signer", *COPIED_COLUMNS, "fps", "aspect")
_SUFFIXES = tuple(form.suffix for form in FORMATS.values() if form.suffix)
_NO_LABEL = (
    "no text; put it into a folder that is named by what is signed (<text>/<name>), or name it in a table and give "
    "that by --metadata"
)


@dataclass(frozen=True)
class ClipToImport:
    """One clip to import: where it lies and what is known about it, in the words of `processed_metadata.csv`."""

    path: Path
    clip_id: str
    row: Mapping[str, str]


@dataclass(frozen=True)
class ImportPlan:
    """What is to be imported.

    Attributes:
        clips: in the order of the table, or of their paths.
        problems: rows and files that are no clip to import.
        notes: what should be known before the clips are read, a sentence each.
    """

    clips: tuple[ClipToImport, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def plan_import(source: Path, form: Format, metadata: Path | None) -> ImportPlan:
    """The clips of the table, or of the folder where there is none.

    Args:
        source: folder of the clips.
        form: how they are stored.
        metadata: the table; None takes `metadata.csv` (or .xlsx ...) in `source`, else the contest's `train.csv`.

    Raises:
        DataError: no clip, or a table that cannot be read or lacks its columns.
        MissingExtraError: the table is an `.xlsx`, and openpyxl is not installed.
    """
    path = metadata or find_table(source, METADATA_STEM) or find_table(source, Path(CONTEST_NAME).stem)
    files = form.find(source)
    if path is not None:
        return _plan_of_table(source, read_table(path, _WANTED), files)
    if not files:
        raise DataError(f"{source}: no {form} clip in it; expected {form.layout}, or a table by --metadata")
    names = unique_names(_short_name(source, file) for file in files)
    labels = [_label(source, file) for file in files]
    pairs = list(zip(files, names, labels, strict=True))
    clips = [
        ClipToImport(file, name, {"sentence": label, "sentence_id": label}) for file, name, label in pairs if label
    ]
    problems = [Problem(name, "no_text", f"{file}: {_NO_LABEL}") for file, name, label in pairs if not label]
    note = f"{source}: no table; texts are the names of the clips' folders, and no signer is known"
    return ImportPlan(tuple(clips), tuple(problems), (note,))


def _label(source: Path, file: Path) -> str:
    """The name of the folder that a clip lies in; of frames that lie in it themselves, its own, unless a number."""
    if file == source:
        return ""
    if file.parent != source:
        return file.parent.name
    return file.name if file.is_dir() and not file.name.isdecimal() else ""


def _plan_of_table(source: Path, table: Table, files: list[Path]) -> ImportPlan:
    if not table.columns & set(_FILE_COLUMNS) or not table.columns & {"sentence", "text_variations", "is_idle"}:
        raise DataError(
            f"{table.path}: columns {', '.join(table.titles)}; expected path, and sentence ({spellings('path')}; "
            f"{spellings('sentence')})"
        )
    if not table.rows:
        raise DataError(f"{table.path}: no rows; expected one a clip")
    lookup = _Lookup(source, files)
    clips, problems = [], []
    cells_of_rows = [_cell_of_file(row) for row in table.rows]
    names = unique_names(
        row.cells.get("clip_id") or _short_name(Path(), Path(cell.replace("\\", "/")))
        for row, cell in zip(table.rows, cells_of_rows, strict=True)
    )
    for row, cell, name in zip(table.rows, cells_of_rows, names, strict=True):
        try:
            known = _known(row.checked())
            clips.append(ClipToImport(lookup.file_of(cell), name, known))
        except RowError as error:
            problems.append(Problem(name, error.kind, str(error)))
    return ImportPlan(tuple(clips), tuple(problems), (*table.notes, *_table_notes(source, table, clips, files)))


def _cell_of_file(row: TableRow) -> str:
    return next((row.cells[name] for name in _FILE_COLUMNS if row.cells.get(name)), "")


def _table_notes(source: Path, table: Table, clips: Iterable[ClipToImport], files: list[Path]) -> list[str]:
    notes = []
    if "signer" not in table.columns:
        notes.append(f"{table.path}: no column of signers ({spellings('signer')}); tests by signer need one")
    named = {clip.path for clip in clips}
    left = [file for file in files if Path(os.path.normpath(file)) not in named]
    if left:
        notes.append(
            f"{table.path}: {len(left)} clips of {source} stand in no row, the first {left[0].name}; left aside"
        )
    return notes


def _known(cells: Mapping[str, str]) -> dict[str, str]:
    """A row of the metadata in the words of `processed_metadata.csv`; a text without an id is its own id."""
    known = {name: cells[name] for name in (*COPIED_COLUMNS, "fps", "aspect") if cells.get(name)}
    known |= {name: cells.get(name, "") for name in ("sentence", "signer")}
    if not (known["sentence"] or known.get("text_variations") or read_flag(cells, "is_idle")):
        raise RowError("no_text", "no text in its row; expected one unless is_idle is 1")
    known.setdefault("sentence_id", known["sentence"])
    return known


class _Lookup:
    """Files by what a table calls them: by path; else without suffix and case, by path or by name, if that is one."""

    def __init__(self, source: Path, files: Iterable[Path]) -> None:
        self._source = source
        self._by_key: dict[str, list[Path]] = defaultdict(list)
        for file in files:
            for key in {_key(file.relative_to(source)), _key(Path(file.name))}:
                self._by_key[key].append(Path(os.path.normpath(file)))

    def file_of(self, value: str) -> Path:
        """The file or folder of a row, which may not climb out of the source."""
        cell = Path(value.replace("\\", "/"))
        path = Path(os.path.normpath(self._source / cell))
        inside = path.is_relative_to(os.path.normpath(self._source))
        if not value or cell.is_absolute() or not inside or "\0" in value:
            raise RowError("bad_path", f"path '{value}' leaves {self._source}; give a path inside it")
        if path.exists():
            return path
        alike = self._by_key.get(_key(cell), [])
        if len(alike) > 1:
            raise RowError("ambiguous", f"path '{value}' may be {len(alike)} clips; write it as the file has it")
        if not alike:
            raise RowError("missing_file", f"{path}: no such file")
        return alike[0]


def _key(path: Path) -> str:
    """A relative path without suffix and case: tables name videos, and were made where case does not count."""
    return path.with_suffix("").as_posix().casefold() if path.name else ""


def _short_name(source: Path, path: Path) -> str:
    """A clip's name from the last two parts of its path, without a suffix."""
    parts = path.relative_to(source).parts or (source.name,)
    last = Path(parts[-1])
    is_file = last.suffix.lower() in (*_SUFFIXES, ".npy")
    return "-".join([*parts[-2:-1], last.stem if is_file else last.name])
