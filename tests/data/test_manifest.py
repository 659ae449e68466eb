"""The table as users have it: the prototype's columns, odd texts, missing files, damaged landmark files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made.records import full_grid, made_manifest, made_record
from made.small_run import SmallRun
from signtalk.data.formats import FORMATS
from signtalk.data.manifest import (
    append_manifest,
    clip_of_record,
    describe_clip,
    load_manifest,
    read_landmarks,
    scan_manifest,
    table_path,
    write_manifest,
)
from signtalk.data.records import LANDMARK_SUFFIXES
from signtalk.errors import ClipError, DataError
from signtalk.landmarks.clip import load_clip

HEADER = "video_file,feature_path,sentence_id,num_frames,motion_mean,motion_p95,mean_visibility,sentence,category"


def folder_with(tmp_path: Path, *rows: str, header: str = HEADER, place: str = "") -> Path:
    (tmp_path / "features").mkdir(exist_ok=True)
    for name in ("1A", "1B", "2A"):
        np.save(tmp_path / "features" / f"{name}.npy", np.random.default_rng(0).normal(size=(5, 540)).astype("f4"))
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "processed_metadata.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return tmp_path


def row(name: str, text: str = "Hello", sentence_id: str = "1", **changes: str) -> str:
    cells = {"video": f"{name}.mp4", "path": f"features/{name}.npy", "id": sentence_id, "frames": "5", "mean": "2.0",
             "p95": "4.0", "visibility": "0.9", "text": text, "category": "c"} | changes  # fmt: skip
    return ",".join(cells.values())


@pytest.mark.parametrize("place", ["", "proc"])
def test_the_prototypes_table_is_read_wherever_it_stands(place: str, tmp_path: Path) -> None:
    manifest = load_manifest(folder_with(tmp_path, row("1A"), row("1B"), place=place))
    assert [record.clip_id for record in manifest.records] == ["1A", "1B"]
    assert manifest.signers == ("A", "B")
    assert manifest.records[0].feature_path == tmp_path / "features" / "1A.npy"


@pytest.mark.parametrize("text", ["null", "none", "NaN", "NA", "  None "])
def test_odd_words_stay_words(text: str, tmp_path: Path) -> None:
    assert load_manifest(folder_with(tmp_path, row("1A", text))).records[0].sentence == text.strip()


def test_the_same_text_is_one_class_and_blanks_do_not_split_categories(tmp_path: Path) -> None:
    rows = (row("1A", "Where is it?", "12"), row("1B", " where is it ", "3", category="c "), row("2A", "Other", "4"))
    manifest = load_manifest(folder_with(tmp_path, *rows))
    assert [len(records) for records in manifest.classes.values()] == [2, 1]
    key = manifest.records[0].text_key
    assert manifest.canonical_sentence(key) == "where is it", "as the smallest sentence_id spells it"
    assert {record.category for record in manifest.records} == {"c"}


def test_rows_that_cannot_be_used_are_left_out_and_told(tmp_path: Path) -> None:
    rows = (row("1A"), row("9Z"), row("1A"), row("2A", mean="fast"), row("1B", text=""), row("2B", text="?!"))
    manifest = load_manifest(folder_with(tmp_path, *rows))
    assert [record.clip_id for record in manifest.records] == ["1A"]
    kinds = {problem.clip_id: problem.kind for problem in manifest.problems}
    assert kinds == {"9Z": "missing_file", "1A": "duplicate", "2A": "bad_number", "1B": "no_text", "2B": "no_word"}
    with pytest.raises(DataError, match="9Z"):
        load_manifest(tmp_path, strict=True)


def test_a_path_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder_with(tmp_path / "data" if (tmp_path / "data").mkdir() is None else tmp_path, row("1A", path="../secret.npy"))
    assert scan_manifest(tmp_path / "data").problems[0].kind == "bad_path"


def test_a_clip_below_the_motion_floor_is_left_out(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, row("1A"), row("1B", mean="0.1"))
    assert [problem.kind for problem in load_manifest(folder, motion_floor=0.5).problems] == ["low_motion"]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column motion_p95, mean_visibility"):
        load_manifest(folder_with(tmp_path, header=HEADER.replace(",motion_p95,mean_visibility", "")))


def test_other_encodings_and_empty_tables_are_told(tmp_path: Path) -> None:
    folder_with(tmp_path)
    with pytest.raises(DataError, match="no rows"):
        load_manifest(tmp_path)
    table_path(tmp_path).write_bytes(HEADER.encode() + b"\n\xff\xfe\n")
    with pytest.raises(DataError, match="not UTF-8"):
        load_manifest(tmp_path)
    with pytest.raises(DataError, match="no processed_metadata"):
        load_manifest(tmp_path / "none")


def test_what_is_written_is_read_back(small_run: SmallRun, tmp_path: Path) -> None:
    records = load_manifest(small_run.data).records
    write_manifest(tmp_path, records)
    assert load_manifest(tmp_path).records == records


def test_a_table_that_grows_is_the_one_that_is_written_whole(small_run: SmallRun, tmp_path: Path) -> None:
    records = load_manifest(small_run.data).records[:3]
    write_manifest(tmp_path / "whole", records)
    for record in records:
        append_manifest(tmp_path / "grown", [record])
    whole, grown = (tmp_path / name / "processed_metadata.csv" for name in ("whole", "grown"))
    assert grown.read_bytes() == whole.read_bytes()


def test_figures_of_a_clip_are_those_of_its_row(small_run: SmallRun) -> None:
    record = load_manifest(small_run.data).records[0]
    numbers = describe_clip(clip_of_record(record))
    assert numbers.num_frames == record.num_frames
    assert numbers.motion_mean == pytest.approx(record.motion_mean, rel=1e-4)


def test_selecting_unknown_clips_is_an_error() -> None:
    manifest = made_manifest(full_grid(2, "AB"))
    assert manifest.select(["s1-B-0"]) == (made_record("s1", "B"),)
    with pytest.raises(DataError, match="no usable clip 'x' and 1 more"):
        manifest.select(["x", "y"])
    with pytest.raises(DataError, match="no clip of the sentence"):
        manifest.canonical_sentence("nothing")


def bad_files(tmp_path: Path) -> dict[str, Path]:
    def saved(name: str, array: np.ndarray) -> Path:
        np.save(tmp_path / f"{name}.npy", array, allow_pickle=True)
        return tmp_path / f"{name}.npy"

    rows = np.random.default_rng(0).normal(size=(5, 540)).astype("f4")
    infinite = rows.copy()
    infinite[2, 3] = np.inf
    truncated = saved("truncated", rows)
    truncated.write_bytes(truncated.read_bytes()[:-100])
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "text.npz").write_text("no zip")
    return {
        "pickled": saved("pickled", np.array([{"a": 1}], dtype=object)),
        "columns": saved("columns", rows[:, :539]),
        "axes": saved("axes", rows[None]),
        "integers": saved("integers", rows.astype("i4")),
        "no frame": saved("none", rows[:0]),
        "infinite": saved("infinite", infinite),
        "all missing": saved("zeros", np.zeros((5, 540), dtype="f4")),
        "truncated": truncated,
        "empty": tmp_path / "empty.npy",
        "not there": tmp_path / "not_there.npy",
        "no archive": tmp_path / "text.npz",
        "other kind": tmp_path / "clip.mp4",
    }


def test_every_damaged_landmark_file_is_one_clear_error(tmp_path: Path) -> None:
    for name, path in bad_files(tmp_path).items():
        with pytest.raises(ClipError) as caught:
            read_landmarks(path, fps=30.0, smoothing_alpha=0.2)
        assert str(path) in str(caught.value), name
        assert "\n" not in str(caught.value), name


def test_containers_are_read_by_suffix(small_run: SmallRun) -> None:
    record = load_manifest(small_run.data).records[0]
    np.testing.assert_array_equal(clip_of_record(record).landmarks, load_clip(record.feature_path).landmarks)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_table_that_a_spreadsheet_saved_anew_is_read(tmp_path: Path, encoding: str) -> None:
    header = HEADER.replace(",", ";").replace("video_file", "Video File")
    lines = [header, row("1A", "Où avez-vous mal, madame").replace(",", ";").replace("mal; ", "mal, ")]
    folder_with(tmp_path)
    table_path(tmp_path).write_bytes("\r\n".join(lines).replace("0.9", "0,9").replace("2.0", "2,0").encode(encoding))
    manifest = load_manifest(tmp_path, strict=True)
    (record,) = manifest.records
    assert record.sentence == "Où avez-vous mal, madame" and (record.mean_visibility, record.motion_mean) == (0.9, 2.0)
    assert ("Windows-1252" in " ".join(manifest.notes)) == (encoding == "cp1252")


def test_a_spreadsheet_may_be_the_table_and_is_written_as_csv(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    folder_with(tmp_path)
    table_path(tmp_path).unlink()
    book = openpyxl.Workbook()
    for line in (HEADER, row("1A"), row("1B", "#N/A")):
        book.active.append(line.split(","))
    book.save(tmp_path / "processed_metadata.xlsx")
    manifest = load_manifest(tmp_path)
    assert [record.clip_id for record in manifest.records] == ["1A"]
    assert [(p.clip_id, p.kind) for p in manifest.problems] == [
        ("1B", "error_cell")
    ] and "cell H3" in manifest.problems[0].message
    assert write_manifest(tmp_path, manifest.records) == tmp_path / "processed_metadata.csv"


def test_columns_that_nobody_uses_and_signers_that_nobody_knows_are_told(tmp_path: Path) -> None:
    folder_with(tmp_path, row("1A") + ",left", header=HEADER + ",Hand")
    (note,) = load_manifest(tmp_path).notes  # the signer stands in the name
    assert "columns that are not used: 'Hand'" in note
    (tmp_path / "features" / "1A.npy").rename(tmp_path / "features" / "hello.npy")
    folder_with(tmp_path, row("hello"))
    assert "no column of signers (signer, signerid, participant" in load_manifest(tmp_path).notes[0]


def test_when_no_row_can_be_used_every_reason_is_told(tmp_path: Path) -> None:
    folder_with(tmp_path, row("8A"), row("9A"), row("1A", "", sentence_id="3"))
    with pytest.raises(DataError, match=r"no usable clip: 2 x 8A: .*no such file.* \| 1 x 1A: no text") as refused:
        load_manifest(tmp_path)
    assert "9A" not in str(refused.value)


def test_a_table_may_name_clips_of_any_format(small_run: SmallRun, tmp_path: Path) -> None:
    record = load_manifest(small_run.data).records[0]
    clip = clip_of_record(record)
    for form in FORMATS.values():
        if form.suffix:
            form.save(tmp_path / f"x{form.suffix}", clip)
            other = replace(record, feature_path=tmp_path / f"x{form.suffix}")
            assert clip_of_record(other).num_frames == clip.num_frames
    assert {suffix for form in FORMATS.values() for suffix in form.suffixes} == set(LANDMARK_SUFFIXES) - {
        ".npz",
        ".npy",
    }
