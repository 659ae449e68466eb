"""What is planned before the first clip is read: tables, folders, what has no text."""

from pathlib import Path

import pytest

from signtalk.data.formats import FORMATS
from signtalk.data.import_plan import plan_import
from signtalk.errors import DataError

JSON, MP_DATA = FORMATS["json"], FORMATS["mp-data"]


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def planned(source: Path, table: str = "", name: str = "metadata.csv", form=JSON):
    if table:
        (source / name).write_text(table, encoding="utf-8")
    plan = plan_import(source, form, None)
    clips = {c.path.relative_to(source).as_posix(): (c.row["sentence"], c.row.get("signer", "")) for c in plan.clips}
    return clips, {problem.clip_id: problem.kind for problem in plan.problems}, plan


def test_a_flat_folder_is_told_what_to_do(tmp_path):
    clips, problems, plan = planned(folder_of(tmp_path, "a.json", "hello/b.JSON", "._c.json"))
    assert clips == {"hello/b.JSON": ("hello", "")} and problems == {"a": "no_text"}
    assert "a folder that is named by what is signed" in plan.problems[0].message
    assert "--metadata" in plan.problems[0].message
    assert "no table; texts are the names of the clips' folders" in plan.notes[0]


def test_columns_and_tables_of_any_spelling(tmp_path):
    table = "Path;Gloss;Participant ID;Hand\na.json;hello;7;left\n"
    clips, problems, plan = planned(folder_of(tmp_path, "a.json", "b.json"), table, "Metadata.csv")
    assert clips == {"a.json": ("hello", "7")} and problems == {}
    assert "columns that are not used: 'Hand'" in plan.notes[0]
    assert "1 clips of" in plan.notes[1] and "stand in no row" in plan.notes[1]


def test_a_spreadsheet_is_read(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["File", "Sentence"])
    book.active.append(["a.json", "Help me"])
    book.save(folder_of(tmp_path, "a.json") / "metadata.xlsx")
    clips, _, plan = planned(tmp_path)
    assert clips == {"a.json": ("Help me", "")} and "no column of signers" in plan.notes[0]


def test_names_of_videos_find_their_clips(tmp_path):
    folder_of(tmp_path, "x/Hello.json", "x/twice.json", "y/twice.json")
    table = "video,sentence,signer\nhello.mp4,Hello,A\nX/TWICE.mp4,one,A\ntwice,two,A\nnone.mp4,three,A\n"
    clips, problems, _ = planned(tmp_path, table)
    assert clips == {"x/Hello.json": ("Hello", "A"), "x/twice.json": ("one", "A")}
    assert problems == {"twice": "ambiguous", "none.mp4": "missing_file"}


def test_rows_at_fault_and_without_text_are_problems_before_anything_is_read(tmp_path):
    table = "path,sentence,signer,clip_id,is_idle\na.json,#N/A,A,1,\na.json,,A,2,\na.json,,A,3,yes\na.json,hi,A,4,\n"
    clips, problems, _ = planned(folder_of(tmp_path, "a.json"), table)
    assert problems == {"1": "error_cell", "2": "no_text"} and clips == {"a.json": ("hi", "A")}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("sentence\nhello\n", "expected path, and sentence"),
        ("path,signer\na.json,A\n", "expected path, and sentence .*gloss"),
        ("path,sentence\n", "no rows"),
    ],
)
def test_a_table_that_says_too_little_is_refused(tmp_path, table, message):
    with pytest.raises(DataError, match=message):
        planned(folder_of(tmp_path, "a.json"), table)


def test_recordings_lie_at_any_depth_as_folders_or_files(tmp_path):
    import numpy as np

    for name in ("help/0/0.npy", "help/0/1.npy", "yes/frame_1.npy", "set/no/3/0.npy"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / name, np.ones(1662))
    np.save(tmp_path / "help" / "1.npy", np.ones((5, 1662)))
    clips, problems, _ = planned(tmp_path, form=MP_DATA)
    assert clips == {
        "help/0": ("help", ""), "help/1.npy": ("help", ""), "set/no/3": ("no", ""), "yes": ("yes", ""),
    }  # fmt: skip
    assert problems == {}
    assert planned(tmp_path / "set" / "no", form=MP_DATA)[1] == {"3": "no_text"}
    assert list(planned(tmp_path / "yes", form=MP_DATA)[1].values()) == ["no_text"]
