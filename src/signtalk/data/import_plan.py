"""Which clips of another tool there are and what they say: the table's, or the folder's where there is none.

    SOURCE + metadata -> plan_import -> ImportPlan: clips with their rows, what is none, notes

`signtalk.data.interchange` imports what is planned here.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from signtalk.data.columns import spellings
from signtalk.data.formats import CONTEST_NAME, FORMATS, Format
from signtalk.data.names import composed, unique_names, unquoted
from signtalk.data.openpose_json import is_openpose_folder
from signtalk.data.records import Problem, RowError, read_flag, text_key
from signtalk.data.tables import Table, TableRow, find_table, passed_over, read_table
from signtalk.data.unread import counted_suffixes, may_hold_clips
from signtalk.errors import DataError, one_line
from signtalk.files import linked_folders, visible_files

METADATA_STEM = "metadata"
_FILE_COLUMNS = ("path", "video_file")
COPIED_COLUMNS = ("sentence_id", "category", "text_variations", "session", "is_idle")
_WANTED = (*_FILE_COLUMNS, "clip_id", "sentence", "signer", *COPIED_COLUMNS, "fps", "aspect")
_SUFFIXES = tuple(suffix for form in FORMATS.values() for suffix in form.suffixes)
_MOST_TEXTS = 5
_NO_TEXT = re.compile(
    r"\d+|\d{4}[-_.]\d\d[-_.]\d\d.*|(?:s|p|signer|subject|person|participant|user|speaker|session|day)[-_ ]?\d+"
    r"|train|training|val|valid|validation|dev|test|testing|dataset|videos|clips|poses|json|keypoints|landmarks|frames",
    re.IGNORECASE,
)
"""Names of folders that people make for other reasons than what is signed in them."""
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
    links = linked_folders(source)
    notes = [f"{source}: folders that are links are not searched: {links}; import each by itself"] if links else []
    notes += _left_aside(source, form, files, path)
    if path is not None:
        notes += () if metadata else passed_over(path, path.stem.casefold())
        return _plan_of_table(source, read_table(path, _WANTED), files, notes)
    if not files:
        raise DataError(f"{source}: no {form} clip in it; {_other_files(source, form)}")
    names = unique_names(_short_name(source, file) for file in files)
    labels = [_label(source, file) for file in files]
    pairs = list(zip(files, names, labels, strict=True))
    clips = [
        ClipToImport(file, name, {"sentence": label, "sentence_id": label}) for file, name, label in pairs if label
    ]
    problems = [Problem(name, "no_text", f"{file}: {_NO_LABEL}") for file, name, label in pairs if not label]
    return ImportPlan(
        tuple(clips), tuple(problems), (*notes, *_label_notes(source, [label for label in labels if label]))
    )


def _left_aside(source: Path, form: Format, files: Sequence[Path], table: Path | None) -> list[str]:
    """What is said of files beside the clips that may be clips too, and are not read as this format."""
    own = {*form.suffixes, *((".npy",) if not form.suffixes else ())}
    others = {*_SUFFIXES, ".npy", ".npz"} - own
    taken = {*files, table}
    left = [
        path
        for path in visible_files(source)
        if (path.suffix.lower() in others or may_hold_clips(path))
        and path not in taken and path.parent not in taken
    ]  # fmt: skip
    if not files or not left:
        return []
    return [f"{source}: left aside, for they are no {form} clips: {counted_suffixes(left)}"]


def _other_files(source: Path, form: Format) -> str:
    """What a folder holds in which no clip of a format was found, and what to do."""
    files = visible_files(source)
    suffixes = {path.suffix.lower() for path in files}
    others = [other.name for other in FORMATS.values() if other is not form and suffixes & set(other.suffixes)]
    advice = f"; try --format {' or '.join(others)}" if others else ""
    holds = f"; it holds {counted_suffixes(files)}{advice}" if files else ""
    return f"expected {form.layout}, or a table by --metadata{holds}"


def _label_notes(source: Path, labels: Sequence[str]) -> list[str]:
    """Which texts the names of folders gave, and which of them hardly are texts."""
    if not labels:
        return [f"{source}: no table, and no folder that is named by what is signed"]
    counts = Counter(labels)
    some = ", ".join(f"'{one_line(text, 40)}'" for text in list(counts)[:_MOST_TEXTS]) + ", ..." * (
        len(counts) > _MOST_TEXTS
    )
    notes = [
        f"{source}: no table; texts are the names of the clips' folders ({len(counts)}: {some}), and no signer is known"
    ]
    strange = [text for text in counts if _NO_TEXT.fullmatch(text)]
    if strange:
        named = ", ".join(f"'{text}'" for text in strange[:_MOST_TEXTS])
        notes.append(
            f"{source}: {named} hardly say what is signed; the folder that holds the clips themselves must, as in "
            "<text>/<name>, or give --metadata"
        )
    return notes


def _label(source: Path, file: Path) -> str:
    """The name of the folder that a clip lies in; of frames that lie in it themselves, its own, unless a number."""
    if file == source:
        return ""
    if file.parent != source:
        return composed(file.parent.name)
    if not file.is_dir() or file.name.isdecimal() or is_openpose_folder(file):
        return ""  # a folder of OpenPose's frames has the name of its video
    return composed(file.name)


def _plan_of_table(source: Path, table: Table, files: list[Path], notes: Sequence[str]) -> ImportPlan:
    if not table.columns & set(_FILE_COLUMNS) or not table.columns & {"sentence", "text_variations", "is_idle"}:
        raise DataError(table.without(f"expected path, and sentence ({spellings('path')}; {spellings('sentence')})"))
    if not table.rows:
        raise DataError(f"{table.path}: no rows; expected one a clip")
    lookup = _Lookup(source, files)
    clips, cells_of_clips, problems = [], [], []
    cells_of_rows = [_cell_of_file(row) for row in table.rows]
    lookup.count_ends(cells_of_rows)
    names = unique_names(
        row.cells.get("clip_id") or _short_name(Path(), Path(*_parts(cell)))
        for row, cell in zip(table.rows, cells_of_rows, strict=True)
    )
    for row, cell, name in zip(table.rows, cells_of_rows, names, strict=True):
        try:
            known = _known(row.checked())
            clips.append(ClipToImport(lookup.file_of(cell), name, known))
            cells_of_clips.append(cell)
        except RowError as error:
            problems.append(Problem(name, error.kind, str(error)))
    ambiguous = _resembling(source, clips, cells_of_clips)
    problems += ambiguous.values()
    clips = [clip for clip in clips if clip.clip_id not in ambiguous]
    all_notes = (*notes, *table.notes, *_table_notes(source, table, clips, files))
    return ImportPlan(tuple(clips), tuple(problems), all_notes)


def _resembling(source: Path, clips: Sequence[ClipToImport], cells: Sequence[str]) -> dict[str, Problem]:
    """What is told, by the id of the clip, of rows whose path only resembles a file that another row spells otherwise.

    Args:
        source: the folder of the files.
        clips: one a row.
        cells: what each row calls its file.
    """
    spellings_of: dict[Path, set[str]] = defaultdict(set)
    for clip, cell in zip(clips, cells, strict=True):
        spellings_of[clip.path].add(cell)
    return {
        clip.clip_id: Problem(
            clip.clip_id,
            "ambiguous",
            f"path '{cell}' may be {clip.path.name}, like that of another row; write it as the file has it",
        )
        for clip, cell in zip(clips, cells, strict=True)
        if len(spellings_of[clip.path]) > 1 and clip.path != Path(os.path.normpath(source / cell.replace("\\", "/")))
    }


def _cell_of_file(row: TableRow) -> str:
    return next((row.cells[name] for name in _FILE_COLUMNS if row.cells.get(name)), "")


def _table_notes(source: Path, table: Table, clips: Sequence[ClipToImport], files: list[Path]) -> list[str]:
    notes = []
    if "signer" not in table.columns:
        notes.append(f"{table.path}: no column of signers ({spellings('signer')}); tests by signer need one")
    texts: dict[Path, set[str]] = defaultdict(set)
    for clip in clips:
        texts[clip.path].add(text_key(clip.row["sentence"]))
    if several := [path.name for path, said in texts.items() if len(said) > 1]:
        notes.append(
            f"{table.path}: {len(several)} clips stand in rows of other texts, the first {several[0]}; each row is "
            "imported, so delete those that are wrong"
        )
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
    r"""Files by what a table calls them: by path; else without suffix and case, by path or by name, if that is one.

    A path of another machine ("C:\Users\Ama\help\a.pose") or of a folder above means the file whose whole path
    from the source is its end, unless two rows end so.
    """

    def __init__(self, source: Path, files: Iterable[Path]) -> None:
        self._source = source
        self._by_path: dict[str, list[Path]] = defaultdict(list)
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for file in files:
            normal = Path(os.path.normpath(file))
            self._by_path[_key(file.relative_to(source))].append(normal)
            self._by_name[_key(Path(file.name))].append(normal)
        self._ends: Counter[str] = Counter()

    def count_ends(self, values: Iterable[str]) -> None:
        """Take note of all rows, so that a file is given to none of several that could mean it."""
        self._ends.update(key for key in map(self._end_of, dict.fromkeys(values)) if key)

    def file_of(self, value: str) -> Path:
        """The file or folder of a row, which may not climb out of the source."""
        cell = Path(value.replace("\\", "/"))
        path = Path(os.path.normpath(self._source / cell))
        inside = path.is_relative_to(os.path.normpath(self._source)) and not cell.is_absolute()
        outside = RowError("bad_path", f"path '{value}' leaves {self._source}; give a path inside it")
        if not value:
            raise RowError("bad_path", "no path; name the clip's file")
        if "\0" in value or (".." in cell.parts and not inside):
            raise outside
        if inside and _exists(path):
            return path
        parts = _parts(value)
        alike = self._by_path.get(_key(Path(*parts)), []) or (
            self._by_name.get(_key(cell), []) if len(parts) == 1 else []
        )
        end = "" if alike else self._end_of(value)
        alike = alike or self._by_path.get(end, [])
        if len(alike) > 1 or self._ends[end] > 1:
            many = f"{len(alike)} clips" if len(alike) > 1 else f"{alike[0].name}, like that of another row"
            raise RowError("ambiguous", f"path '{value}' may be {many}; write it as the file has it")
        if not alike and not inside:
            raise outside
        if not alike:
            raise RowError("missing_file", f"{one_line(path, 300)}: no such file")
        return alike[0]

    def _end_of(self, value: str) -> str:
        """The key of the longest path of a file, from the source, with which this path ends; "" for none."""
        parts = _parts(value)
        keys = (_key(Path(*parts[start:])) for start in range(len(parts)))
        return next((key for key in keys if key in self._by_path), "")


def _exists(path: Path) -> bool:
    with suppress(OSError):  # such as a name that is too long for any file
        return path.exists()
    return False


def _parts(value: str) -> tuple[str, ...]:
    """The parts of a path as any system or an address writes it, without its root."""
    return tuple(part for part in unquoted(value).replace("\\", "/").split("/") if part not in ("", ".", "..", "\0"))


def _key(path: Path) -> str:
    """A relative path without suffix and case, letters composed: tables name videos, and come from other systems."""
    return composed(path.with_suffix("").as_posix()).casefold() if path.name else ""


def _short_name(source: Path, path: Path) -> str:
    """A clip's name from the last two parts of its path, without a suffix."""
    parts = path.relative_to(source).parts or (source.name,)
    last = Path(parts[-1])
    is_file = last.suffix.lower() in (*_SUFFIXES, ".npy")
    return "-".join([*parts[-2:-1], last.stem if is_file else last.name])
