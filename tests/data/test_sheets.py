"""Spreadsheets: what is read, and what is told of those that are not."""

import datetime
import zipfile

import pytest

from signtalk.data.sheets import is_spreadsheet, read_sheets
from signtalk.errors import DataError, MissingExtraError

openpyxl = pytest.importorskip("openpyxl")


def saved(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_cells_are_texts(tmp_path):
    rows = [["a", 12.0, 0.5, None, "  two   words "], [datetime.datetime(2026, 3, 1), True]]
    path = saved(tmp_path / "a.xlsx", rows)
    assert is_spreadsheet(path.read_bytes()) and not is_spreadsheet(b"a,b\n")
    (sheet,) = read_sheets(path, path.read_bytes())
    assert sheet.rows[0] == ["a", "12", "0.5", "", "two words"]
    assert sheet.rows[1][:2] == ["2026-03-01", "True"]


def test_a_formula_without_a_value_stays_a_formula(tmp_path):
    path = saved(tmp_path / "a.xlsx", [["=A2&B2", "#N/A"]])
    assert read_sheets(path, path.read_bytes())[0].rows == [["=A2&B2", "#N/A"]]


def test_hidden_sheets_are_not_read(tmp_path):
    book = openpyxl.Workbook()
    book.create_sheet("Lists").sheet_state = "hidden"
    book.active.title = "Clips"
    book.save(tmp_path / "a.xlsx")
    assert [s.name for s in read_sheets(tmp_path / "a.xlsx", (tmp_path / "a.xlsx").read_bytes())] == ["Clips"]


@pytest.mark.parametrize(
    ("inside", "what"),
    [("content.xml", "LibreOffice table"), ("xl/workbook.bin", r"\.xlsb"), ("Index/Document.iwa", "Numbers")],
)
def test_other_spreadsheets_are_named(tmp_path, inside, what):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr(inside, "x")
    with pytest.raises(DataError, match=rf"a\.xlsx: .*{what}.*save it as \.xlsx or as CSV"):
        read_sheets(tmp_path / "a.xlsx", (tmp_path / "a.xlsx").read_bytes())


def test_old_and_damaged_spreadsheets_are_one_line(tmp_path):
    with pytest.raises(DataError, match=r"old Excel table \(\.xls\) or one with a password"):
        read_sheets(tmp_path / "a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more")
    with pytest.raises(DataError, match=r"not a readable \.xlsx"):
        read_sheets(tmp_path / "a.xlsx", b"PK\x03\x04 no table")
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        archive.writestr("hello.txt", "x")
    with pytest.raises(DataError, match=r"not a readable \.xlsx"):
        read_sheets(tmp_path / "b.xlsx", (tmp_path / "b.xlsx").read_bytes())


def test_without_openpyxl_the_extra_is_named(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.xlsx", [["a"]])
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"an \.xlsx table needs openpyxl.*signtalk\[extract\]"):
        read_sheets(path, path.read_bytes())


def test_a_cell_that_was_merged_over_rows_stands_in_all_of_them(tmp_path):
    book = openpyxl.Workbook()
    for row in [["Our study"], ["video", "sentence", "signer"], ["1A", "Hello", "Ama"], ["1B"], ["2A", "Bye", "Kofi"]]:
        book.active.append(row)
    for cells in ("A1:C1", "B3:B4", "C3:C4"):
        book.active.merge_cells(cells)
    book.save(tmp_path / "a.xlsx")
    (sheet,) = read_sheets(tmp_path / "a.xlsx", (tmp_path / "a.xlsx").read_bytes())
    assert [row[:3] for row in sheet.rows[2:]] == [
        ["1A", "Hello", "Ama"],
        ["1B", "Hello", "Ama"],
        ["2A", "Bye", "Kofi"],
    ]
    assert sheet.rows[0][0] == "Our study" and sheet.num_merged == 2


def test_a_blank_row_below_a_merged_cell_stays_blank(tmp_path):
    book = openpyxl.Workbook()
    for row in [["video", "sentence"], ["", ""], ["1A", "Hello"], ["", ""], ["1B", "Bye"]]:
        book.active.append(row)
    for cells in ("A1:A2", "B1:B2", "B3:B4"):
        book.active.merge_cells(cells)
    book.save(tmp_path / "a.xlsx")
    (sheet,) = read_sheets(tmp_path / "a.xlsx", (tmp_path / "a.xlsx").read_bytes())
    assert [any(row) for row in sheet.rows] == [True, False, True, False, True]


def test_hidden_rows_that_hold_something_are_counted(tmp_path):
    book = openpyxl.Workbook()
    for row in [["video", "sentence"], ["1A", "Hello"], ["1B", "Wrong"], [], ["2A", "Bye"]]:
        book.active.append(row)
    for number in (3, 4, 90):
        book.active.row_dimensions[number].hidden = True
    book.save(tmp_path / "a.xlsx")
    (sheet,) = read_sheets(tmp_path / "a.xlsx", (tmp_path / "a.xlsx").read_bytes())
    assert sheet.num_hidden == 1 and sheet.rows[2] == ["1B", "Wrong"]
