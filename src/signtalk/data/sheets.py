"""Spreadsheets to rows of texts: `.xlsx` through openpyxl, and a clear word for the others.

bytes of a file -> spreadsheet_kind -> read_sheets -> Sheet, one a visible sheet
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from signtalk.errors import DataError, missing_extra, one_line

MAX_ROWS = 2_000_000
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS = {
    "content.xml": "a LibreOffice table (.ods)",
    "xl/workbook.bin": "a binary Excel table (.xlsb)",
    "Index/Document.iwa": "a table of Numbers",
    "word/document.xml": "a text of Word",
}


@dataclass(frozen=True)
class Sheet:
    """One sheet of a spreadsheet.

    Attributes:
        name: as its tab has it.
        rows: texts of the cells, trimmed; "" for an empty one, the formula for one whose value was never stored.
        num_merged: how many cells were merged over several rows, whose value stands in each of them here.
        num_hidden: how many rows that hold something are hidden, as a filter does; they stand here like the others.
        not_texts: by column, from 0, the numbers of the rows, from 1, that hold a number, a time, or true or false.
    """

    name: str
    rows: list[list[str]]
    num_merged: int = 0
    num_hidden: int = 0
    not_texts: Mapping[int, Sequence[int]] = field(default_factory=dict)


def is_spreadsheet(data: bytes) -> bool:
    """Whether these bytes are those of a program's table, whatever the file's name says."""
    return data.startswith((b"PK\x03\x04", _OLD_OFFICE))


def read_sheets(path: Path, data: bytes) -> list[Sheet]:
    """The visible sheets of an `.xlsx`, in order.

    Raises:
        DataError: another kind of spreadsheet, or damaged.
        MissingExtraError: openpyxl is not installed.
    """
    if data.startswith(_OLD_OFFICE):
        raise DataError(f"{path}: an old Excel table (.xls) or one with a password; {_SAVE}")
    _refuse_others(path, data)
    try:
        import openpyxl
    except ImportError as error:
        raise missing_extra(error, "an .xlsx table") from error
    try:
        values = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        return [
            _with_marks(_sheet(sheet, formulas[sheet.title]), _text_of(sheet, data))
            for sheet in values.worksheets
            if sheet.sheet_state == "visible"
        ]
    except Exception as error:
        raise DataError(f"{path}: not a readable .xlsx table ({one_line(error)}); {_SAVE}") from error


_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]+)(\d+):[A-Z]+(\d+)"')
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
_HIDDEN, _NUMBER = re.compile(rb'\bhidden="(?:1|true)"'), re.compile(rb'\br="(\d+)"')
_SAVE = "save it as .xlsx or as CSV"
_NOT_TEXTS = (int, float, datetime.time, datetime.timedelta)
"""Values of cells that hardly are what is signed; true and false are whole numbers to Python. Dates are told by their
form."""


def _refuse_others(path: Path, data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable .xlsx table ({error}); {_SAVE}") from error
    kind = next((kind for name, kind in _OTHERS.items() if name in names), None)
    if kind is not None:
        raise DataError(f"{path}: {kind}; {_SAVE}")


def _sheet(values: Any, formulas: Any) -> Sheet:
    for sheet in (values, formulas):
        sheet.reset_dimensions()  # some programs write a size that is too small
    pairs = zip(values.iter_rows(max_row=MAX_ROWS), formulas.iter_rows(max_row=MAX_ROWS), strict=True)
    rows, not_texts = [], defaultdict[int, list[int]](list)
    for number, (cells, with_formulas) in enumerate(pairs, 1):
        rows.append([_text(cell.value, formula) for cell, formula in zip(cells, with_formulas, strict=True)])
        for column, cell in enumerate(cells):
            if isinstance(cell.value, _NOT_TEXTS):
                not_texts[column].append(number)
    return Sheet(values.title, rows, not_texts=not_texts)


def _text_of(sheet: Any, data: bytes) -> bytes:
    """The sheet's own XML, which tells what the reader does not: merged cells and hidden rows."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(sheet._worksheet_path)


def _with_marks(sheet: Sheet, text: bytes) -> Sheet:
    numbers = [int(row[1]) for tag in _ROW.findall(text) if _HIDDEN.search(tag) and (row := _NUMBER.search(tag))]
    hidden = sum(number <= len(sheet.rows) and any(sheet.rows[number - 1]) for number in numbers)
    return replace(_with_merged(sheet, _merged_in(text)), num_hidden=hidden)


def _merged_in(text: bytes) -> list[tuple[int, int, int]]:
    """Column, first and last row, from 0, of the cells that are merged over rows."""
    merged = []
    for letters, first, last in _MERGED.findall(text):
        column = 0
        for letter in letters.decode():
            column = column * 26 + ord(letter) - ord("A") + 1
        if int(last) > int(first):
            merged.append((column - 1, int(first) - 1, int(last) - 1))
    return merged


def _with_merged(sheet: Sheet, merged: list[tuple[int, int, int]]) -> Sheet:
    """The sheet in which each cell that was merged over rows stands in all of them but blank ones, which stay blank."""
    rows = [list(cells) for cells in sheet.rows]
    for column, first, last in merged:
        value = rows[first][column] if first < len(rows) and column < len(rows[first]) else ""
        for before, cells in zip(sheet.rows[first + 1 : last + 1], rows[first + 1 : last + 1], strict=True):
            if not any(before):
                continue
            cells += [""] * (column + 1 - len(cells))
            cells[column] = cells[column] or value
    return replace(sheet, rows=rows, num_merged=len(merged))


def _text(value: object, formula: Any) -> str:
    if value is None and formula.data_type == "f":
        return one_line(formula.value if isinstance(formula.value, str) else "=(a formula of several cells)")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    return "" if value is None else " ".join(str(value).split())
