from pathlib import Path

import pytest

from made.records import made_record
from signtalk.data.records import (
    Problem,
    RowError,
    RowReader,
    grouped_notes,
    grouped_reasons,
    read_flag,
    text_key,
    to_row,
)


@pytest.mark.parametrize(
    ("first", "second"),
    [("Where is it?", "where  is it"), ("Doctor's", "doctors"), ("Ɛyɛ yaw!", "ɛyɛ yaw"), ("No.", "no")],
)
def test_texts_that_differ_by_case_and_marks_are_one_class(first: str, second: str) -> None:
    assert text_key(first) == text_key(second) != ""


def test_other_words_are_another_class() -> None:
    assert text_key("my head hurts") != text_key("my leg hurts")


def reader(tmp_path: Path) -> RowReader:
    (tmp_path / "x.npy").write_bytes(b"")
    return RowReader(tmp_path, tmp_path, {"7": ("More ways",)}, 0.0)


ROW = {
    "video_file": "7B.mp4", "feature_path": "x.npy", "sentence_id": "7", "sentence": "Hello", "category": "c",
    "num_frames": "10", "motion_mean": "1", "motion_p95": "2", "mean_visibility": "0.5",
    "text_variations": '["Hello", "Hi"]',
}  # fmt: skip


def test_variations_of_cell_and_file_are_merged_the_sentence_first(tmp_path: Path) -> None:
    record = reader(tmp_path).read("7B", ROW)
    assert record.variations == ("Hello", "Hi", "More ways")
    assert record.signer_id == "B"


def test_paraphrases_without_a_word_are_dropped(tmp_path: Path) -> None:
    odd = reader(tmp_path).read("7B", {**ROW, "text_variations": '["...", "Hi", " ?! "]'})
    assert odd.variations == ("Hello", "Hi", "More ways")
    first = reader(tmp_path).read("7B", {**ROW, "sentence": "", "text_variations": '["...", "Hi"]'})
    assert (first.sentence, first.variations) == ("Hi", ("Hi", "More ways"))


def test_a_signer_column_wins_over_the_letter(tmp_path: Path) -> None:
    assert reader(tmp_path).read("7B", {**ROW, "signer": "Ama"}).signer_id == "Ama"


@pytest.mark.parametrize(
    ("clip_id", "sentence_id", "signer"),
    [("s7b", "s7", "B"), ("07B", "7", "B"), ("7B", "hello", "B"), ("care", "car", ""), ("VIDEO_AB", "VIDEO_A", "")],
)
def test_a_letter_is_the_signer_behind_a_sentence_id_that_ends_in_a_digit(
    tmp_path: Path, clip_id: str, sentence_id: str, signer: str
) -> None:
    assert reader(tmp_path).read(clip_id, {**ROW, "sentence_id": sentence_id}).signer_id == signer


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"num_frames": "ten"}, "bad_number"),
        ({"num_frames": "2.5"}, "bad_number"),
        ({"motion_mean": "-1"}, "bad_number"),
        ({"fps": "0"}, "bad_number"),
        ({"is_idle": "perhaps"}, "bad_number"),
        ({"feature_path": ""}, "missing_file"),
        ({"feature_path": "y.npy"}, "missing_file"),
        ({"feature_path": "x.mp4"}, "unknown_format"),
        ({"feature_path": "../x.npy"}, "bad_path"),
        ({"text_variations": "[1"}, "bad_variations"),
        ({"text_variations": '{"a": 1}'}, "bad_variations"),
        ({"sentence": ""}, "no_text"),
        ({"sentence": "?!"}, "no_word"),
    ],
)
def test_a_bad_cell_is_told_by_kind(change: dict[str, str], kind: str, tmp_path: Path) -> None:
    row = {**ROW, **change}
    if kind == "no_text":
        row["text_variations"] = ""
        row["sentence_id"] = ""
    with pytest.raises(RowError) as caught:
        reader(tmp_path).read("7B", row)
    assert caught.value.kind == kind


def test_an_idle_clip_needs_no_text(tmp_path: Path) -> None:
    record = reader(tmp_path).read("r", {**ROW, "sentence": "", "text_variations": "", "is_idle": "1"})
    assert record.is_idle
    assert record.text_key == ""


def test_a_row_tells_paths_inside_the_folder_relative_to_it(tmp_path: Path) -> None:
    from dataclasses import replace

    record = replace(made_record("s1", "A"), feature_path=tmp_path / "clips" / "a.npz")
    assert to_row(record, tmp_path)["feature_path"] == "clips/a.npz"


def test_reasons_that_differ_in_names_and_numbers_are_one():
    problems = [Problem(f"c{i}", "bad_clip", f"/data/c{i}.json: frame {i} is odd") for i in range(20)]
    problems += [Problem("", "table", "another"), Problem("x", "bad_clip", "x: damaged")]
    assert grouped_reasons(problems) == "20 x c0: /data/c0.json: frame 0 is odd | 1 x : another | 1 x x: x: damaged"
    many = [Problem("x", f"kind{chr(97 + i)}", "odd") for i in range(11)]
    assert grouped_reasons(many).endswith("| and 3 more reasons")


def test_notes_of_many_clips_are_told_once():
    notes = ["/a/1.npz: 2 names are not known: 'a'", "/a/2.npz: 3 names are not known: 'b'", "something else"]
    assert grouped_notes(notes) == ("/a/1.npz: 2 names are not known: 'a' (and 1 more clips)", "something else")


@pytest.mark.parametrize(("cell", "flag"), [("yes", True), ("X", True), ("1.0", True), ("No", False), ("", False)])
def test_yes_and_no_in_the_words_of_people(cell, flag):
    assert read_flag({"is_idle": cell}, "is_idle") is flag
