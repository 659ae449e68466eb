"""Which row is a video's: names, folders, case, letters of signers; and what a table must say."""

import unicodedata
from pathlib import Path

import pytest

from signtalk.data.tables import read_table
from signtalk.errors import DataError
from signtalk.extraction.inputs import WANTED_COLUMNS
from signtalk.extraction.labels import LabelTable


def labelled(folder: Path, table: str, *videos: str):
    """Sentence and signer of each video that has a row, and the table."""
    (folder / "m.csv").write_text(table, encoding="utf-8")
    rows = LabelTable(read_table(folder / "m.csv", WANTED_COLUMNS))
    labels = rows.labels_of([folder / video for video in videos], folder)
    return {path.relative_to(folder).as_posix(): (x.sentence, x.signer) for path, x in labels.items()}, rows


def kinds(rows):
    return [(problem.clip_id, problem.kind) for problem in rows.problems]


def test_rows_with_folders_are_each_their_own(tmp_path):
    table = "file,gloss,person\ns1/hello.mp4,hello,Ama\ns2/hello.mp4,hello,Kofi\n"
    labels, rows = labelled(tmp_path, table, "s1/hello.mp4", "s2/hello.mp4")
    assert labels == {"s1/hello.mp4": ("hello", "Ama"), "s2/hello.mp4": ("hello", "Kofi")}
    assert kinds(rows) == [] and rows.notes == []


def test_folders_of_another_machine_do_not_matter_where_the_name_is_one(tmp_path):
    labels, _ = labelled(tmp_path, "video,text\nC:\\\\old\\\\a.mp4,Hello\n", "new/a.mp4")
    assert labels == {"new/a.mp4": ("Hello", "")}


def test_one_row_for_videos_of_one_name_is_told(tmp_path):
    labels, rows = labelled(tmp_path, "video,text,signer\na.mp4,Hello,Ama\n", "x/a.mp4", "y/a.mp4")
    assert len(labels) == 2 and "taken for 2 videos of that name" in rows.notes[0]


def test_videos_that_differ_in_case_never_share_a_row(tmp_path):
    labels, rows = labelled(tmp_path, "video,text\na.mp4,Hello\n", "x/A.mp4", "y/a.mp4")
    assert labels == {"y/a.mp4": ("Hello", "")} and kinds(rows) == [("A", "same_name")]
    labels, rows = labelled(tmp_path, "video,text\na.mp4,Hello\nA.mp4,Bye\n", "x/A.mp4", "y/a.mp4")
    assert labels == {"x/A.mp4": ("Bye", ""), "y/a.mp4": ("Hello", "")} and kinds(rows) == []
    labels, rows = labelled(tmp_path, "id,text\n1,Hello\n", "x/1A.mp4", "y/1a.mp4", "1B.mp4")
    assert labels == {"x/1A.mp4": ("Hello", "A"), "1B.mp4": ("Hello", "B")} and kinds(rows) == [("1a", "same_name")]


def test_a_single_video_is_found_whatever_its_case(tmp_path):
    assert labelled(tmp_path, "video,text\nHello World.MP4,Hello\n", "helloworld.mp4")[0] == {
        "helloworld.mp4": ("Hello", ""),
    }  # fmt: skip


def test_rows_that_fit_alike_are_ambiguous(tmp_path):
    labels, rows = labelled(tmp_path, "video,text\nx/a.mp4,Hello\ny/a.mp4,Bye\n", "a.mp4")
    assert labels == {} and kinds(rows) == [("a", "ambiguous")]
    assert "line 2 and line 3" in rows.problems[0].message


def test_a_row_at_fault_is_told_once_and_its_video_left_out(tmp_path):
    labels, rows = labelled(tmp_path, "video,text,is_idle\na.mp4,#N/A,\nb.mp4,Hello,\nc.mp4,Bye,perhaps\n",
                            "a.mp4", "b.mp4", "c.mp4")  # fmt: skip
    assert labels == {"b.mp4": ("Hello", "")}
    assert kinds(rows) == [("a.mp4", "error_cell"), ("c.mp4", "bad_number")] and rows.missing() == ()


def test_another_signer_of_one_row_is_a_contradiction(tmp_path):
    _, rows = labelled(tmp_path, "video,text,signer\na.mp4,Hello,Ama\na.mp4,hello!,Kofi\n", "a.mp4")
    assert kinds(rows) == [("a.mp4", "contradiction")] and "by Ama" in rows.problems[0].message


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("who,what\nx,y\n", "columns who, what; expected 'video_file' or 'sentence_id'"),
        ("video,signer\na.mp4,A\n", "none says what is signed, expected one of sentence, text"),
    ],
)
def test_a_table_without_its_columns_is_refused_at_once(tmp_path, table, message):
    with pytest.raises(DataError, match=message):
        labelled(tmp_path, table, "a.mp4")


def test_letters_composed_otherwise_and_addresses_find_their_videos(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Où") for form in ("NFC", "NFD"))
    rows = f"{composed}.mp4,One,A\nhttps://host.example/v/my%20clip.mp4,Two,A\nC:\\\\Users\\\\Ama\\\\3.mp4,Three,A\n"
    labels, _ = labelled(tmp_path, "video,sentence,signer\n" + rows, f"{decomposed}.mp4", "my clip.mp4", "3.mp4")
    assert {video: text for video, (text, _) in labels.items()} == {
        f"{decomposed}.mp4": "One", "my clip.mp4": "Two", "3.mp4": "Three",
    }  # fmt: skip


def test_rows_that_mean_parts_of_one_video_do_not_name_the_whole(tmp_path):
    table = "video,start,end,text,signer\nlong.mp4,0,1.2,One,A\nlong.mp4,1.5,3,Two,A\nshort.mp4,0,1,Three,A\n"
    labels, read = labelled(tmp_path, table, "long.mp4", "short.mp4")
    assert labels == {"short.mp4": ("Three", "A")}
    assert "left out, for each means a part of it" in read.problems[0].message
    assert any("'start' and 'end' say that rows are parts of videos" in note for note in read.notes)


def test_a_row_of_another_folder_is_not_taken_where_its_own_video_is_there(tmp_path):
    labels, rows = labelled(tmp_path, "video,text\ns1/a.mp4,Hello\n", "s1/a.mp4", "s2/a.mp4")
    assert labels == {"s1/a.mp4": ("Hello", "")} and kinds(rows) == [("a", "same_name")]


@pytest.mark.parametrize("names", [("car", "care"), ("her", "here"), ("on", "one"), ("VIDEO_A", "VIDEO_AB")])
def test_the_last_letter_of_a_word_is_no_signer(tmp_path, names):
    own, longer = (f"{name}.mp4" for name in names)
    for table in (f"video,text\n{own},Hello\n", f"id,text\n{names[0]},Hello\n"):
        labels, rows = labelled(tmp_path, table, own, longer)
        assert labels == {own: ("Hello", "")} and kinds(rows) == [(names[1], "no_metadata")]
    labels, _ = labelled(tmp_path, f"video,id,text\n{longer},{names[0]},Hello\n", longer)
    assert labels == {longer: ("Hello", "")}


def test_letters_stand_behind_sentence_ids_and_not_behind_names_of_files(tmp_path):
    labels, rows = labelled(tmp_path, "video,text\n1.mp4,Hello\n", "1.mp4", "1B.mp4")
    assert labels == {"1.mp4": ("Hello", "")} and kinds(rows) == [("1B", "no_metadata")]
    videos = ("1.mp4", "01B.mp4", "s2c.mp4", "S 2D.mp4")
    labels, _ = labelled(tmp_path, "id,text\n1.0,Hello\ns2,Bye\n", *videos)
    signed = (("Hello", ""), ("Hello", "B"), ("Bye", "C"), ("Bye", "D"))
    assert labels == dict(zip(videos, signed, strict=True))


def test_two_files_of_one_sentence_and_letter_are_told_apart_by_nobody(tmp_path):
    labels, rows = labelled(tmp_path, "id,text\n1,Hello\n", "1A.mov", "1A.mp4", "1B.mp4")
    assert labels == {"1B.mp4": ("Hello", "B")} and kinds(rows) == [("1A", "ambiguous")] * 2
    assert "line 2 ('1')" in rows.problems[0].message and "1A.mp4' alike" in rows.problems[0].message


def test_a_whole_name_of_another_case_comes_before_a_letter_behind_an_id(tmp_path):
    labels, _ = labelled(tmp_path, "id,text\n12,X\n12a,Y\n12b,Z\n", "12.mp4", "12A.mp4", "12B.mp4")
    assert {name: text for name, (text, _) in labels.items()} == {"12.mp4": "X", "12A.mp4": "Y", "12B.mp4": "Z"}
    labels, _ = labelled(tmp_path, "id,file,text\n12,,X\n,12a.mp4,Y\n", "12A.mp4")
    assert labels == {"12A.mp4": ("Y", "")}


def test_a_row_means_the_folder_that_it_names_and_then_the_closest_name(tmp_path):
    labels, rows = labelled(tmp_path, "video,text\nold/Clip.mp4,Hello\n", "s1/Clip.mp4", "clip.mp4")
    assert labels == {"s1/Clip.mp4": ("Hello", "")} and kinds(rows) == [("clip", "same_name")]
    labels, rows = labelled(tmp_path, "video,text\ns1/clip.mp4,Hello\n", "s1/Clip.mp4", "s2/clip.mp4")
    assert labels == {"s1/Clip.mp4": ("Hello", "")} and kinds(rows) == [("clip", "same_name")]


def test_days_may_spell_the_suffix_otherwise(tmp_path):
    labels, rows = labelled(tmp_path, "id,text\n12,Hello\n", "day1/12A.mp4", "day2/12A.MP4")
    assert set(labels.values()) == {("Hello", "A")} and len(labels) == 2 and kinds(rows) == []
