"""The one reader of tables that people make: CSV in its dialects and encodings, `.xlsx`, and JSON.

    path, our columns that are wanted -> read_table -> Table: rows under our names, faults of cells, notes

What is told but stops nothing stands in `Table.notes`. A cell that holds an error of a spreadsheet is a fault of its
row: "#N/A" is no sentence.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from signtalk.data.cells import cell_notes, worded_column
from signtalk.data.columns import ALIASES, NUMBERS, matched_columns
from signtalk.data.json_tables import is_json, json_rows
from signtalk.data.names import composed
from signtalk.data.records import RowError
from signtalk.data.sheets import is_spreadsheet, read_sheets
from signtalk.data.unread import kind_of_bytes
from signtalk.errors import DataError, one_line
from signtalk.files import decode_text

TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".xlsx", ".xlsm", ".xls", ".ods")
"""How names of tables end, in the order in which they are taken; the last two are only told what to do."""
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_TEXTS = ("sentence", "signer", "category", "session", "text_variations")
"""Columns whose letters are composed (NFC): a person is one, whichever system wrote the "é"."""
_NO_TITLES = (
    "; its first row seems to hold no titles, so put a row such as 'video_file,sentence,signer' above it, or spell "
    "the titles as docs/data-format.md does"
)
_HEADER_WITHIN = 20
"""Rows at the top among which the header is looked for: a title may stand above it."""
_NEEDED = (
    ("path", "video_file", "feature_path", "clip_id", "sentence_id"),
    ("sentence", "text_variations", "is_idle"),
    ("signer",),
)
"""Of each group a table needs one column, as far as it is wanted: what is signed where, and by whom."""
_ERROR = re.compile(
    r"#[!?¡¿]*(N/A(\W.*)?|REF|VALUE|NAME|DIV/0|NULL|NUM|NV|BEZUG|WERT|ZAHL|ÜBERLAUF|VALEUR|NOM|NOMBRE|VALOR)[!?]*"
    r"|#(?=.*[!?])[!?¡¿]*(SPILL|CALC|FIELD|BLOCKED|CONNECT|UNKNOWN|BUSY|ERROR)[!?]*|#GETTING_DATA|##+|Err:\d{3}|=.+",
    re.DOTALL | re.IGNORECASE,
)
"""What spreadsheets show in place of a value, in several languages, and what is left of it where its mark was lost; and
a formula without a value. Of some a bare word is none: "#BUSY" is how glosses write a word that is spelled."""
_KEPT_AS_TEXT = re.compile(r'="(.*)"', re.DOTALL)
"""How some programs keep "007" from becoming 7."""
_DECIMAL_COMMA = re.compile(r"(-?\d+),(\d+(?:[eE][+-]?\d+)?)")


@dataclass(frozen=True)
class TableRow:
    """One row.

    Attributes:
        where: its place, as "line 3" or "row 3" of a sheet.
        cells: texts under our names, trimmed; only columns that the table has.
        fault: why it cannot be used, with the cell; "" where it can.
    """

    where: str
    cells: Mapping[str, str]
    fault: str = ""

    def checked(self) -> Mapping[str, str]:
        """The cells of a row without fault.

        Raises:
            RowError: a cell holds an error.
        """
        if self.fault:
            raise RowError("error_cell", self.fault)
        return self.cells


@dataclass(frozen=True)
class Table:
    """A table as it was understood.

    Attributes:
        path: the file.
        titles: of all its columns, as they stand there.
        columns: our names that it has.
        rows: those that are not blank.
        notes: what its owner should know, one sentence each.
    """

    path: Path
    titles: tuple[str, ...]
    columns: frozenset[str]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()

    def without(self, expected: str) -> str:
        """What is said of a table that lacks a column: what it has, and what was expected."""
        return (
            f"{self.path}: columns {one_line(', '.join(self.titles), 300)}; {expected}"
            f"{'' if self.columns else _NO_TITLES}"
        )


@dataclass
class _Grid:
    """Texts of a table before they are understood, and what was seen on the way."""

    rows: list[tuple[int, list[str]]]
    line: str
    separator: str = ""
    notes: list[str] = field(default_factory=list)
    not_texts: Mapping[int, Collection[int]] = field(default_factory=dict)


def read_table(path: Path, wanted: Collection[str]) -> Table:
    """Read a table of any kind that people have.

    Titles are matched by `columns.ALIASES` in the first twenty rows, those that nothing wants are named in a note.

    Args:
        path: text separated by comma, semicolon, tab or bar in UTF-8, UTF-16 or Windows-1252, `.xlsx`, or a list of
            objects in JSON, whatever its name.
        wanted: our names of the columns that count.

    Raises:
        DataError: missing, unreadable, empty, damaged, a spreadsheet of another kind, a column twice, or a row with
            more cells than the header.
        MissingExtraError: an `.xlsx`, and openpyxl is not installed.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if not is_spreadsheet(data) and (kind := kind_of_bytes(data)):
        raise DataError(f"{path}: {kind}; expected a table as CSV, .xlsx or JSON")
    grid = _grid_of_sheets(path, data, wanted) if is_spreadsheet(data) else _grid_of_text(path, data)
    if not grid.rows:
        raise DataError(f"{path}: empty; expected a header line")
    header = _header_place(path, [cells for _, cells in grid.rows])
    titles = [" ".join(title.split()) for title in grid.rows[header][1]]
    columns = matched_columns(str(path), titles, wanted)
    below = [cells for _, cells in grid.rows[header + 1 :]]
    if "sentence" in columns:
        columns["sentence"] = worded_column(titles, below, columns["sentence"])
    rows = [_row(path, grid, titles, columns, place) for place in range(header + 1, len(grid.rows))]
    texts = {name: [row.cells[name] for row in rows] for name in columns}
    notes = [
        *grid.notes,
        *_column_notes(path, titles, columns, below),
        *cell_notes(str(path), texts, _not_texts(grid, columns, rows)),
    ]
    if any(_DECIMAL_COMMA.fullmatch(cells[columns[name]]) for name in columns if name in NUMBERS
           for cells in below if columns[name] < len(cells)):  # fmt: skip
        notes.append(f"{path}: its numbers are written with a decimal comma, and read so")
    return Table(path, tuple(titles), frozenset(columns), tuple(rows), tuple(notes))


def find_table(folder: Path, stem: str) -> Path | None:
    """The table of this name in a folder, in any case and of any kind; CSV before spreadsheets; None without one."""
    return next(iter(_tables_of(folder, stem)), None)


def passed_over(table: Path, stem: str) -> tuple[str, ...]:
    """A note where other tables of this name lie beside the one that is taken, else nothing."""
    others = [path.name for path in _tables_of(table.parent, stem) if path.name != table.name]
    return (f"{table}: taken, and not {', '.join(others)} beside it; --metadata chooses",) if others else ()


def _tables_of(folder: Path, stem: str) -> list[Path]:
    files = sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []
    names = {path.name.casefold(): path for path in files if path.is_file()}
    return [names[stem + suffix] for suffix in TABLE_SUFFIXES if stem + suffix in names]


def guessed_encoding(path: Path) -> str:
    """What is said of a text that is taken for Windows-1252."""
    return f"{path}: not UTF-8, read as Windows-1252; look whether its accents came out right"


def _grid_of_text(path: Path, data: bytes) -> _Grid:
    text, encoding = decode_text(data, path)
    grid = _Grid([], "line")
    if encoding == "cp1252":
        grid.notes.append(guessed_encoding(path))
    if is_json(text):
        return _Grid(list(enumerate(json_rows(path, text))), "entry", notes=grid.notes)
    first, _, rest = text.partition("\n")
    asked = re.fullmatch(r'"?sep=(.)"?\s*', first)  # Excel's own hint
    try:
        if asked:
            grid.separator, text = asked[1], rest
        else:
            grid.separator = _separator(path, text)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=grid.separator, strict=True)
        grid.rows = [(reader.line_num + bool(asked), cells) for cells in reader if any(map(str.strip, cells))]
    except (csv.Error, ValueError) as error:
        why = "a quote is opened and never closed" if "end of data" in str(error) else error
        raise DataError(f"{path}: not a CSV table ({why})") from error
    return grid


def _separator(path: Path, text: str) -> str:
    """The one by which the top of the table shows most columns that are known, else most columns."""

    def score(separator: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        top = [cells for cells, _ in zip(reader, range(_HEADER_WITHIN), strict=False)]
        return max((len(_known(path, cells)), len(cells)) for cells in top or [[]])

    return max(_SEPARATORS, key=score)


def _known(path: Path, titles: Sequence[str]) -> Collection[str]:
    try:
        return matched_columns(str(path), titles)
    except DataError:
        return ALIASES  # a header that names a column twice is a header all the same


def _grid_of_sheets(path: Path, data: bytes, wanted: Collection[str]) -> _Grid:
    sheets = [sheet for sheet in read_sheets(path, data) if any(map(any, sheet.rows))]
    if not sheets:
        return _Grid([], "row")
    chosen = max(sheets, key=lambda sheet: _num_needed(path, sheet.rows, wanted))  # of several the first
    grid = _Grid([(number, cells) for number, cells in enumerate(chosen.rows, 1) if any(cells)], "row",
                 not_texts=chosen.not_texts)  # fmt: skip
    if chosen.num_merged:
        grid.notes.append(f"{path}: {chosen.num_merged} merged cells; their value is read in each of their rows")
    if chosen.num_hidden:
        grid.notes.append(
            f"{path}: {chosen.num_hidden} hidden rows are read like the others; delete those that are not meant"
        )
    if len(sheets) > 1:
        others = ", ".join(f"'{sheet.name}'" for sheet in sheets if sheet is not chosen)
        grid.notes.append(f"{path}: its sheet '{chosen.name}' is read, not {others}")
    return grid


def _num_needed(path: Path, rows: Sequence[Sequence[str]], wanted: Collection[str]) -> int:
    """How much of what is needed a sheet has in its header, and -1 for one without a header."""
    known = _known(path, rows[_header_place(path, rows)])
    if len(known) < 2:
        return -1
    return sum(any(name in known and name in wanted for name in group) for group in _NEEDED)


def _header_place(path: Path, rows: Sequence[Sequence[str]]) -> int:
    """The first row that names two columns we know, else the first row."""
    return next((place for place, row in enumerate(rows[:_HEADER_WITHIN]) if len(_known(path, row)) > 1), 0)


def _row(path: Path, grid: _Grid, titles: Sequence[str], columns: Mapping[str, int], place: int) -> TableRow:
    number, raw = grid.rows[place]
    if grid.separator and any(cell.strip() for cell in raw[len(titles) :]):
        raise DataError(
            f"{path}: line {number} has more cells than the header; put texts that hold a "
            f"{_SEPARATORS.get(grid.separator, grid.separator)} in double quotes"
        )
    texts = {ours: raw[at] if at < len(raw) else "" for ours, at in columns.items()}
    cells, faults = {}, []
    for ours, text in texts.items():
        text = _KEPT_AS_TEXT.sub(r"\1", text.strip()).strip()
        if _ERROR.fullmatch(text):
            what = "a formula without a value" if text.startswith("=") else "an error of the spreadsheet"
            cell = _address(columns[ours], number) if grid.line == "row" else f"{grid.line} {number}"
            faults.append(f"{path}: {cell}, column '{titles[columns[ours]]}': '{one_line(text, 40)}' is {what}")
        text = composed(text) if ours in _TEXTS else text
        cells[ours] = _DECIMAL_COMMA.sub(r"\1.\2", text) if ours in NUMBERS else text
    fault = f"{faults[0]}; correct the cell, or save its value" if faults else ""
    return TableRow(f"{grid.line} {number}", cells, fault)


def _not_texts(grid: _Grid, columns: Mapping[str, int], rows: Sequence[TableRow]) -> list[str]:
    """The texts of sentences whose cells hold something else than a text."""
    if "sentence" not in columns:
        return []
    numbers = set(grid.not_texts.get(columns["sentence"], ()))
    below = grid.rows[len(grid.rows) - len(rows) :]
    return [row.cells["sentence"] for row, (number, _) in zip(rows, below, strict=True) if number in numbers]


def _address(column: int, row: int) -> str:
    """A cell as spreadsheets name it: "C7"."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"cell {letters}{row}"


def _column_notes(
    path: Path, titles: Sequence[str], columns: Mapping[str, int], rows: Sequence[Sequence[str]]
) -> list[str]:
    """What is said about columns that nothing wants, as far as they hold anything."""
    used = set(columns.values())
    filled = {place for cells in rows for place, cell in enumerate(cells) if cell.strip()}
    left = [titles[place] or "(no title)" for place in range(len(titles)) if place not in used and place in filled]
    left += ["(no title)"] * bool(filled - set(range(len(titles))))
    if not left:
        return []
    some = ", ".join(f"'{one_line(title, 40)}'" for title in left[:12]) + (", ..." if len(left) > 12 else "")
    return [f"{path}: columns that are not used: {some}; docs/data-format.md lists the names that are understood"]
