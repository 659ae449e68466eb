"""What is planned before the first clip is read: tables, folders, what has no text."""

import unicodedata
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


def test_a_row_whose_path_resembles_a_file_does_not_take_it_from_the_row_that_names_it(tmp_path):
    folder_of(tmp_path, "A.json", "b.json", "c.json")
    rows = "a.json,One\nA.json,Two\nb.mp4,Three\nb.mov,Four\nc.mp4,Five\n"
    clips, problems, plan = planned(tmp_path, f"path,sentence,signer\n{rows}")
    assert clips == {"A.json": ("Two", ""), "c.json": ("Five", "")}
    assert problems == {"a": "ambiguous", "b.mp4": "ambiguous", "b.mov": "ambiguous"}
    assert "path 'a.json' may be A.json, like that of another row" in plan.problems[0].message


def test_a_clip_in_rows_of_other_texts_is_told(tmp_path):
    folder_of(tmp_path, "a.json", "b.json")
    assert planned(tmp_path, "video,sentence\na.mp4,One\na.mp4,Two\n")[1] == {}  # one spelling: both mean it
    _, _, plan = planned(tmp_path, "path,sentence\na.json,One\na.json,Two\nb.json,Three\nb.json,three!\n")
    assert "1 clips stand in rows of other texts, the first a.json; each row is imported" in plan.notes[1]


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


def test_paths_of_another_machine_mean_the_file_whose_whole_path_ends_them(tmp_path):
    folder_of(tmp_path, "hello/1.json", "bye/1.json", "flat.json", "my clip.json")
    table = (
        "path,sentence\nC:\\Users\\Ama\\hello\\1.json,Hello\n/home/kofi/data/bye/1.json,Bye\n"
        "train_landmark_files/26734/flat.json,Flat\nhttps://host.example/my%20clip.json,Mine\n"
    )
    clips, problems, _ = planned(tmp_path, table)
    assert {name: text for name, (text, _) in clips.items()} == {
        "hello/1.json": "Hello", "bye/1.json": "Bye", "flat.json": "Flat", "my clip.json": "Mine",
    }  # fmt: skip
    assert problems == {}


def test_no_file_of_another_folder_is_taken_and_none_twice(tmp_path):
    folder_of(tmp_path, "bye/1.json", "2.json")
    rows = "hello/1.json,Hello\na/2.json,One\nb/2.json,Two\n/etc/passwd,Three\n../x/bye/1.json,Four\n"
    table = f"path,sentence\n{rows}"
    clips, problems, plan = planned(tmp_path, table)
    assert clips == {}
    assert problems == {
        "hello-1": "missing_file", "a-2": "ambiguous", "b-2": "ambiguous", "etc-passwd": "bad_path",
        "bye-1": "bad_path",
    }  # fmt: skip
    assert "2.json, like that of another row" in plan.problems[1].message


def test_a_path_that_no_file_can_have_and_an_empty_one_cost_their_row_alone(tmp_path):
    table = f"path,sentence,clip_id\n{'x' * 400}.json,Long,1\n,None,2\na.json,Hello,3\n"
    clips, problems, plan = planned(folder_of(tmp_path, "a.json"), table)
    assert clips == {"a.json": ("Hello", "")}
    assert problems == {"1": "missing_file", "2": "bad_path"}
    assert plan.problems[1].message == "no path; name the clip's file"
    assert all(len(problem.message) < 400 for problem in plan.problems)


def test_names_with_letters_composed_otherwise_are_found(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Où.json") for form in ("NFC", "NFD"))
    clips, problems, _ = planned(folder_of(tmp_path, decomposed), f"path,sentence\n{composed},Where\n")
    assert clips == {decomposed: ("Where", "")} and problems == {}
    folder = decomposed.removesuffix(".json")
    clips, _, _ = planned(folder_of(tmp_path / "in", f"{folder}/1.json"))
    assert clips == {f"{folder}/1.json": (composed.removesuffix(".json"), "")}


@pytest.mark.parametrize(
    "names", [("hello/s01/1.json",), ("2026-05-01/1.json",), ("hello/test/1.json",), ("41/1.json",)]
)
def test_names_of_folders_that_hardly_are_texts_are_told(tmp_path, names):
    _, _, plan = planned(folder_of(tmp_path, *names))
    assert f"(1: '{Path(names[0]).parent.name}')" in plan.notes[0]
    assert "hardly say what is signed" in plan.notes[1]


def test_names_of_folders_that_are_texts_are_listed_and_left(tmp_path):
    _, _, plan = planned(folder_of(tmp_path, "train/thank you/1.json", "right/1.json", "a test/1.json"))
    assert len(plan.notes) == 1 and "3: 'a test', 'right', 'thank you'" in plan.notes[0]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("x/a.pose", "it holds 1 .pose; try --format pose"),
        ("x/a.pkl", "it holds 1 .pkl (a pickle"),
        ("x/a.mp4", "a video, which `signtalk extract` reads"),
    ],
)
def test_a_folder_without_a_clip_of_the_kind_says_what_it_holds(tmp_path, name, told):
    with pytest.raises(DataError) as refused:
        planned(folder_of(tmp_path, name))
    assert told in str(refused.value)


def test_folders_that_are_links_and_other_tables_are_told(tmp_path):
    folder_of(tmp_path / "in", "hello/1.json")
    folder_of(tmp_path / "other", "2.json")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "other")
    _, _, plan = planned(tmp_path / "in")
    assert "folders that are links are not searched: linked" in plan.notes[0]
    (tmp_path / "in" / "metadata.tsv").write_text("x")
    _, _, plan = planned(tmp_path / "in", "path,sentence\nhello/1.json,Hello\n")
    assert "taken, and not metadata.tsv beside it" in plan.notes[1]


def test_a_folder_of_frames_of_openpose_is_one_clip_without_a_text(tmp_path):
    folder_of(tmp_path, "help/v1/a_000000000000_keypoints.json", "v2/a_000000000000_keypoints.json")
    clips, problems, _ = planned(tmp_path)
    assert clips == {"help/v1": ("help", "")} and problems == {"v2": "no_text"}


def test_clips_of_other_kinds_beside_those_that_are_read_are_told(tmp_path):
    folder_of(
        tmp_path, "hello/a.json", "hello/b.pose.gz", "hello/c.pose", "hello/d.pkl", "hello/notes.txt", ".x/e.pose"
    )
    _, _, plan = planned(tmp_path, "path,sentence,signer\nhello/a.json,hello,A\n")
    assert plan.notes[0].startswith(f"{tmp_path}: left aside, for they are no json clips: 1 .")
    assert {".gz", ".pose", ".pkl"} <= set(plan.notes[0].replace(",", " ").split())
    source = folder_of(tmp_path / "mp", "hello/0/0.npy", "hello/0/1.npy", "hello/0/0.json")
    assert not any("left aside" in note for note in planned(source, form=MP_DATA)[2].notes)
