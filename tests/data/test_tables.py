"""Tables as people have them: dialects, encodings, titles, errors of cells."""

import datetime
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signtalk.data.records import RowError
from signtalk.data.tables import find_table, guessed_encoding, passed_over, read_table
from signtalk.errors import DataError

WANTED = ("video_file", "sentence", "signer", "fps", "is_idle")
ROWS = [("1A.mp4", "Où avez-vous mal ?", "Amélie"), ("2A.mp4", "Attendez ici", "Kofi")]


def written(path: Path, separator: str = ",", encoding: str = "utf-8", end: str = "\r\n", head: str = "") -> Path:
    lines = [separator.join(row) for row in [("Video File", "sentence", "Signer"), *ROWS]]
    path.write_bytes((head + end.join(lines) + end).encode(encoding))
    return path


def cells(path: Path) -> list[tuple[str, ...]]:
    return [tuple(row.cells[name] for name in WANTED[:3]) for row in read_table(path, WANTED).rows]


@pytest.mark.parametrize("separator", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["Unix", "Windows", "old Mac"])
def test_every_dialect_and_unicode_encoding_is_read_alike(tmp_path, separator, encoding, end):
    table = read_table(written(tmp_path / "m.csv", separator, encoding, end), WANTED)
    assert [tuple(row.cells[name] for name in WANTED[:3]) for row in table.rows] == ROWS
    assert table.columns == {"video_file", "sentence", "signer"} and table.notes == ()


def test_windows_1252_is_read_and_told(tmp_path):
    path = written(tmp_path / "m.csv", ";", "cp1252")
    assert cells(path) == ROWS and read_table(path, WANTED).notes == (guessed_encoding(path),)
    assert "Windows-1252" in guessed_encoding(path)


def test_excels_hint_of_the_separator_is_taken(tmp_path):
    assert cells(written(tmp_path / "m.csv", "|", head="sep=|\n")) == ROWS


def test_a_table_is_known_by_its_bytes_not_by_its_name(tmp_path):
    assert cells(written(tmp_path / "m.xls", "\t", "utf-16")) == ROWS  # what many programs export as .xls
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["The clips of our trial"])
    book.active.append([])
    for row in [("Video File", "sentence", "Signer"), *ROWS]:
        book.active.append(row)
    book.create_sheet("Notes").append(["written by Ama"])
    book.save(tmp_path / "n.xlsx")
    (tmp_path / "n.xlsx").rename(tmp_path / "n.csv")
    table = read_table(tmp_path / "n.csv", WANTED)
    assert cells(tmp_path / "n.csv") == ROWS and table.rows[0].where == "row 4"
    assert "its sheet 'Sheet' is read, not 'Notes'" in table.notes[0]


@pytest.mark.parametrize(
    ("sheets", "read"),
    [
        ({"Clips": ["video", "signer", "fps"], "Labels": ["Video", "Gloss", "Signer"]}, "Labels"),
        ({"Clips": ["video", "gloss"], "Signers": ["signer", "session"]}, "Clips"),
        ({"Clips": ["video", "gloss"], "Again": ["video", "sentence"]}, "Clips"),
        ({"Notes": ["written", "by Ama"], "Words": ["gloss", "category"]}, "Words"),
    ],
)
def test_the_sheet_that_has_most_of_what_is_needed_is_read_and_told(tmp_path, sheets, read):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, titles in sheets.items():
        sheet = book.create_sheet(name)
        sheet.append(titles)
        sheet.append([f"{title} of {name}" for title in titles])
    book.save(tmp_path / "m.xlsx")
    table = read_table(tmp_path / "m.xlsx", WANTED)
    other = next(name for name in sheets if name != read)
    assert list(table.titles) == sheets[read]
    assert f"its sheet '{read}' is read, not '{other}'" in table.notes[0]


def test_columns_that_nobody_uses_are_named_once(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("file,gloss,person,hand,empty,\n1.mp4,hello,A,left,,x\n2.mp4,bye,B,right,,\n")
    (note,) = read_table(path, WANTED).notes
    assert "columns that are not used: 'hand', '(no title)';" in note


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NV", "#BEZUG!", "Err:502",
                                   "####", "#REF", "#VALUE", "#DIV/0", "#NAME", "#N/A N/A", "#N/A Requesting Data...",
                                   "#!REF", "#NAME!", "#ref?", "#ERROR!", "#!SPILL", "#WERT",
                                   "=VLOOKUP(A2;Words;2)"])  # fmt: skip
def test_an_error_of_a_spreadsheet_is_a_fault_of_its_row(tmp_path, error):
    path = tmp_path / "m.csv"
    path.write_text(f"video_file,gloss,note\n1.mp4,{error},x\n2.mp4,Wait here,{error}\n", encoding="utf-8")
    bad, good = read_table(path, WANTED).rows
    assert f"{path}: line 2, column 'gloss': '{error}' is" in bad.fault
    with pytest.raises(RowError, match="gloss") as refused:
        bad.checked()
    assert refused.value.kind == "error_cell"
    assert good.checked()["sentence"] == "Wait here"


@pytest.mark.parametrize("text", ["null", "NaN", "None", "N/A", "#WHAT", "#BUSY", "#NAMES", "#N/AB", "#1", '"="'])
def test_words_that_only_look_like_errors_stay_words(tmp_path, text):
    path = tmp_path / "m.csv"
    path.write_text(f"sentence,signer\n{text},A\n")
    assert read_table(path, WANTED).rows[0].fault == ""


def test_cells_of_a_sheet_are_told_by_their_address(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [["video", "signer", "sentence"], ["1.mp4", "A", "#REF!"], ["2.mp4", "A", "=B2&B3"]]:
        book.active.append(row)
    book.save(tmp_path / "m.xlsx")
    first, second = read_table(tmp_path / "m.xlsx", WANTED).rows
    assert "cell C2, column 'sentence': '#REF!' is an error of the spreadsheet" in first.fault
    assert "cell C3, column 'sentence': '=B2&B3' is a formula without a value" in second.fault


def test_cells_of_a_sheet_that_hold_no_text_are_told_and_taken(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sentences = ["Wait here", True, datetime.time(10, 30), 7, 7.5, "8", "false"]
    book.active.append(["The clips of our trial"])
    for row in [["video", "sentence", "fps"], *([f"{i}.mp4", text, 30] for i, text in enumerate(sentences))]:
        book.active.append(row)
    book.save(tmp_path / "m.xlsx")
    table = read_table(tmp_path / "m.xlsx", WANTED)
    read = [row.checked()["sentence"] for row in table.rows]
    assert read == ["Wait here", "True", "10:30:00", "7", "7.5", "8", "false"]
    (note,) = table.notes
    assert "4 cells for sentence are numbers, times, or true or false, such as 'True', '10:30:00', '7', '7.5'" in note


def test_decimal_commas_are_read_where_numbers_stand(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text('sentence;fps\n"1,5 ml";29,97\n="007";25\n')
    table = read_table(path, WANTED)
    assert [(row.cells["sentence"], row.cells["fps"]) for row in table.rows] == [("1,5 ml", "29.97"), ("007", "25")]
    assert "decimal comma" in table.notes[0]


def test_short_and_blank_rows(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("sentence,signer\nhello\n,\n\nbye,B,,\n")
    assert [dict(row.cells) for row in read_table(path, WANTED).rows] == [
        {"sentence": "hello", "signer": ""}, {"sentence": "bye", "signer": "B"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty; expected a header"),
        (b"\n \n", "empty; expected a header"),
        (b"sentence,Sentence\n1,2\n", "two columns 'sentence' and 'Sentence'"),
        (b"sentence;signer\nhello; doctor; A\n", "line 2 has more cells.*hold a semicolon in double quotes"),
        (b"sentence,signer\nhello, doctor, A\n", "line 2 has more cells.*hold a comma in double quotes"),
        (b'sentence,signer\n1,"open\n2,x\n', "not a CSV table"),
        (b"sentence,signer\n1," + b"x" * 200_000, "not a CSV table"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a picture; expected a table"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path, content, message):
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(DataError, match=message) as refused:
        read_table(tmp_path / "m.csv", WANTED)
    assert str(refused.value).startswith(str(tmp_path / "m.csv"))


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "m.csv", WANTED)
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path, WANTED)


def test_a_table_is_found_in_any_case_csv_first(tmp_path):
    assert find_table(tmp_path, "metadata") is None and find_table(tmp_path / "none", "metadata") is None
    (tmp_path / "Metadata.XLSX").touch()
    assert find_table(tmp_path, "metadata") == tmp_path / "Metadata.XLSX"
    (tmp_path / "METADATA.csv").touch()
    assert find_table(tmp_path, "metadata") == tmp_path / "METADATA.csv"


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: ("sentence;signer\n" + text).encode()))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("t") / "m.csv"
    path.write_bytes(data)
    try:
        table = read_table(path, WANTED)
    except DataError:
        return
    assert all(set(row.cells) == table.columns for row in table.rows)


def test_bars_separate_too(tmp_path):
    assert cells(written(tmp_path / "m.csv", "|")) == ROWS


def test_json_is_a_table(tmp_path):
    path = tmp_path / "MSASL_train.json"
    path.write_text('[{"file": "a.mp4", "text": "match", "label": 830, "signer": 3, "box": [0, 1]}]', encoding="utf-8")
    table = read_table(path, WANTED)
    assert [dict(row.cells) for row in table.rows] == [{"video_file": "a.mp4", "sentence": "match", "signer": "3"}]
    assert table.rows[0].where == "entry 1" and "'label', 'box'" in table.notes[0]


def test_letters_of_texts_are_composed_and_paths_are_left(tmp_path):
    names = [unicodedata.normalize(form, "Amélie") for form in ("NFC", "NFD")]
    path = tmp_path / "m.csv"
    path.write_text("video_file,sentence,signer\n" + "".join(f"{name},{name},{name}\n" for name in names), "utf-8")
    rows = read_table(path, WANTED).rows
    assert len({(row.cells["sentence"], row.cells["signer"]) for row in rows}) == 1
    assert [row.cells["video_file"] for row in rows] == names


def test_words_are_taken_rather_than_numbers_of_classes_and_the_numbers_are_told(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("video,label,class_name\n1.mp4,41,doctor\n2.mp4,7,hello\n")
    table = read_table(path, WANTED)
    assert [row.cells["sentence"] for row in table.rows] == ["doctor", "hello"]
    assert "columns that are not used: 'label'" in table.notes[0]


def test_oddities_of_cells_are_notes(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("video,sentence,signer\n1.mp4,hello,Ama\n2.mp4,hello,ama\n", "utf-8")
    assert "'Ama' and 'ama'" in read_table(path, WANTED).notes[0]


def test_a_table_without_titles_is_told_to_get_some(tmp_path):
    path = tmp_path / "train_labels.csv"
    path.write_text("signer0_sample1,41\nsigner0_sample2,104\n")
    table = read_table(path, WANTED)
    told = table.without("expected 'video_file'")
    assert told.startswith(
        f"{path}: columns signer0_sample1, 41; expected 'video_file'; its first row seems to hold no"
    )
    path.write_text("video,what\n1.mp4,x\n")
    assert "first row" not in read_table(path, WANTED).without("expected 'sentence'")


def test_other_tables_of_the_name_are_told(tmp_path):
    for name in ("metadata.csv", "Metadata.xlsx", "metadata.txt", "other.csv"):
        (tmp_path / name).write_text("x")
    (note,) = passed_over(tmp_path / "metadata.csv", "metadata")
    assert "metadata.csv: taken, and not Metadata.xlsx beside it" in note
    assert passed_over(tmp_path / "other.csv", "other") == ()


def test_hidden_rows_are_told(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [["video", "sentence"], ["1A", "Hello"], ["1B", "Wrong"]]:
        book.active.append(row)
    book.active.row_dimensions[3].hidden = True
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx", ("video_file", "sentence"))
    assert len(table.rows) == 2 and table.notes[0].endswith(
        "1 hidden rows are read like the others; delete those that are not meant"
    )
