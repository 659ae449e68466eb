"""Folders in and out: every format back to the same data folder, metadata, hostile names, bad clips listed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from made.data_folder import TEXTS, data_folder
from made.points import assert_same_points, made_clip
from signtalk.data.formats import FORMATS, Format
from signtalk.data.interchange import MARKER_NAME, Unknowns, export_clips, import_clips
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.data.mediapipe_json import save_json_clip
from signtalk.errors import DataError
from signtalk.files import TEMPORARY_PREFIX, read_csv, save_array, write_csv
from signtalk.landmarks.clip import load_clip

JSON, PARQUET = FORMATS["json"], FORMATS["parquet"]
NEEDS = {"pose": "pose_format", "parquet": "pyarrow"}


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_a_data_folder_comes_back_from_every_format(form: Format, tmp_path: Path) -> None:
    if form.name in NEEDS:
        pytest.importorskip(NEEDS[form.name])
    before = data_folder(tmp_path / "data")
    seen: list[tuple[int, int]] = []
    sent = export_clips(before, tmp_path / "sent", form, progress=lambda *done: seen.append(done))
    assert (sent.num_clips, sent.problems, seen[-1]) == (10, (), (10, 10))
    back = import_clips(tmp_path / "sent", tmp_path / "back", form)
    assert (back.num_clips, back.problems) == (10, ())
    after = load_manifest(tmp_path / "back", strict=True)
    names = ("clip_id", "sentence_id", "sentence", "category", "signer_id", "variations", "is_idle", "session")
    for old, new in zip(before.records, after.records, strict=True):
        assert {name: getattr(new, name) for name in names} == {name: getattr(old, name) for name in names}
        back_again, expected = clip_of_record(new), clip_of_record(old)
        assert_same_points(back_again, expected, tolerance=3e-7)
        assert back_again.aspect == pytest.approx(4 / 3)
        assert new.fps == pytest.approx(old.fps) and new.num_frames == old.num_frames
    written = [path for path in (tmp_path / "sent").rglob("*") if path.is_file()]
    assert all(path.resolve().is_relative_to(tmp_path / "sent") for path in written)


def clips_in(folder: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        save_json_clip(folder / name, made_clip(seed=i, aspect=None))
    return folder


def test_without_a_table_the_folder_is_the_text(tmp_path: Path) -> None:
    source = clips_in(tmp_path / "in", "hello/1.json", "hello/2.json", "thank_you/1.json", "loose.json")
    done = import_clips(source, tmp_path / "out", JSON, unknowns=Unknowns(aspect=1.5))
    assert [(problem.clip_id, problem.kind) for problem in done.problems] == [("loose", "no_text")]
    records = load_manifest(tmp_path / "out", strict=True).records
    assert [(record.clip_id, record.sentence) for record in records] == [
        ("hello-1", "hello"), ("hello-2", "hello"), ("thank_you-1", "thank_you"),
    ]  # fmt: skip
    assert load_clip(records[0].feature_path).aspect == 1.5
    assert sorted(path.name for path in (tmp_path / "out" / "clips").iterdir()) == [
        "hello-1.npz", "hello-2.npz", "thank_you-1.npz",
    ]  # fmt: skip
    _, rows = read_csv(tmp_path / "out" / "import_problems.csv")
    assert [row["clip_id"] for row in rows] == ["loose"]


def test_the_contests_table_is_read(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    sent = tmp_path / "sent"
    export_clips(data_folder(tmp_path / "data"), sent, PARQUET)
    (sent / "metadata.csv").unlink()
    done = import_clips(sent, tmp_path / "back", PARQUET, unknowns=Unknowns(fps=50))
    assert [problem.kind for problem in done.problems] == ["no_text", "no_text"]  # the idle clips have no sign
    record = load_manifest(tmp_path / "back").records[0]
    assert (record.clip_id, record.sentence, record.signer_id, record.fps) == ("A-0", TEXTS[0], "A", pytest.approx(50))


def test_bad_clips_and_hostile_rows_are_listed_and_the_rest_goes_on(tmp_path: Path) -> None:
    source = clips_in(tmp_path / "in", "a/good.json", "a/other.json")
    clips_in(tmp_path, "secret.json")
    (source / "a" / "bad.json").write_text("[{}]")
    rows = [
        ("a/good.json", "yes", "1"), ("../secret.json", "no", "2"), (str(tmp_path / "secret.json"), "no", "3"),
        ("a/bad.json", "no", "4"), ("a/none.json", "no", "5"), ("", "no", "6"), ("a/other.json", "?!", "7"),
        ("a\\good.json", "yes again", "../../up"), ("a/other.json", "rate", "8"),
    ]  # fmt: skip
    table = tmp_path / "table.csv"
    columns = ("path", "label", "clip_id", "fps")
    write_csv(
        table,
        columns,
        ({"path": p, "label": t, "clip_id": i, "fps": "fast" if t == "rate" else ""} for p, t, i in rows),
    )
    done = import_clips(source, tmp_path / "out", JSON, table)
    assert {problem.clip_id: problem.kind for problem in done.problems} == {
        "2": "bad_path", "3": "bad_path", "4": "bad_clip", "5": "missing_file", "6": "bad_path", "7": "no_word",
        "8": "bad_number",
    }  # fmt: skip
    assert [record.sentence for record in load_manifest(tmp_path / "out", strict=True).records] == ["yes", "yes again"]
    assert sorted(path.name for path in (tmp_path / "out" / "clips").iterdir()) == ["1.npz", "up.npz"]
    with pytest.raises(DataError, match="2: path"):
        import_clips(source, tmp_path / "strict", JSON, table, strict=True)
    (source / "0").mkdir()
    (source / "0" / "0.json").write_text("damaged")  # before all others, which are not looked at any more
    with pytest.raises(DataError) as refused:
        import_clips(source, tmp_path / "first", JSON, strict=True)
    assert "0.json: not a" in str(refused.value)
    assert "none of" not in str(refused.value)


def test_names_of_any_bytes_neither_stop_the_import_nor_the_table(tmp_path: Path) -> None:
    source = clips_in(tmp_path / "in", "a/1.json", "b\udcff/1.json", "c\nd/1.json", f"{'é' * 120}/1.json")
    done = import_clips(source, tmp_path / "out", JSON)
    assert [problem.kind for problem in done.problems] == ["bad_name"]
    json.dumps([vars(problem) for problem in done.problems]).encode()
    assert [record.sentence[:3] for record in load_manifest(tmp_path / "out", strict=True).records] == [
        "a", "c\nd", "ééé",
    ]  # fmt: skip


def test_names_that_would_be_one_file_get_numbers(tmp_path: Path) -> None:
    source = clips_in(tmp_path / "in", "a/x y.json", "a/x_y.json", "A/x?y.json")
    import_clips(source, tmp_path / "out", JSON)
    names = sorted(path.name for path in (tmp_path / "out" / "clips").iterdir())
    assert names == ["A-x_y.npz", "a-x_y-2.npz", "a-x_y-3.npz"]


def test_what_cannot_be_begun_is_one_clear_error(tmp_path: Path) -> None:
    source = clips_in(tmp_path / "in", "a/1.json")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    (tmp_path / "empty").mkdir()
    table = tmp_path / "table.csv"
    for folder, out, match in (
        (tmp_path / "none", "out", "no such folder"),
        (source, "used", "not empty"),
        (tmp_path / "empty", "out", "no json clip"),
    ):
        with pytest.raises(DataError, match=match):
            import_clips(folder, tmp_path / out, JSON)
    for text, match in (("path\n", "expected path, and sentence"), ("path,sentence\n", "no rows")):
        table.write_text(text)
        with pytest.raises(DataError, match=match):
            import_clips(source, tmp_path / "out", JSON, table)
    (source / "a" / "1.json").write_text("{}")
    with pytest.raises(DataError, match=r"none of 1 clips.*a-1"):
        import_clips(source, tmp_path / "out", JSON)


def test_clips_of_the_prototype_are_not_exported(tmp_path: Path) -> None:
    manifest = data_folder(tmp_path / "data")
    rows = np.random.default_rng(0).normal(size=(5, 540)).astype("f4")
    rows[:, 3:132:4] = 0.5
    save_array(tmp_path / "data" / "clips" / "0.npy", rows)
    table = tmp_path / "data" / "processed_metadata.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("clips/0.npz", "clips/0.npy"), encoding="utf-8")
    done = export_clips(load_manifest(tmp_path / "data"), tmp_path / "sent", JSON)
    assert [(problem.clip_id, problem.kind) for problem in done.problems] == [("0", "bad_clip")]
    assert done.num_clips == len(manifest.records) - 1


def made_times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in sorted((folder / "clips").iterdir())}


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_an_import_that_was_cut_off_goes_on_without_making_clips_again(form: Format, tmp_path: Path) -> None:
    if form.name in NEEDS:
        pytest.importorskip(NEEDS[form.name])
    export_clips(data_folder(tmp_path / "data"), tmp_path / "sent", form)
    whole = import_clips(tmp_path / "sent", tmp_path / "whole", form)

    class Killed(BaseException):
        pass

    def kill(done: int, total: int) -> None:
        if done == 4:
            raise Killed

    out = tmp_path / "out"
    with pytest.raises(Killed):
        import_clips(tmp_path / "sent", out, form, progress=kill)
    before = made_times(out)
    (out / "clips" / f"{TEMPORARY_PREFIX}x.npz").write_bytes(b"half")  # what a kill leaves
    done = import_clips(tmp_path / "sent", out, form)
    assert done.num_clips == whole.num_clips == 10
    after = made_times(out)
    assert len(before) == 4 and len(after) == 10 and before.items() <= after.items()
    names = ["processed_metadata.csv", *(f"clips/{name}" for name in after)]
    assert all((out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes() for name in names)


def test_what_has_changed_is_imported_again_and_only_that(tmp_path: Path) -> None:
    source, out = clips_in(tmp_path / "in", "a/1.json", "a/2.json", "a/3.json"), tmp_path / "out"
    import_clips(source, out, JSON)
    first = made_times(out)
    save_json_clip(source / "a" / "2.json", made_clip(seed=9, aspect=None))
    (out / "clips" / "a-3.npz").write_bytes(b"damaged")
    import_clips(source, out, JSON)
    second = made_times(out)
    assert [name for name in first if first[name] == second[name]] == ["a-1.npz"]
    import_clips(source, out, JSON, unknowns=Unknowns(aspect=2.0))
    assert load_clip(out / "clips" / "a-1.npz").aspect == 2.0
    (source / "a" / "2.json").write_text("{}")
    assert len(import_clips(source, out, JSON).problems) == 1
    (source / "a" / "2.json").unlink()
    assert import_clips(source, out, JSON).problems == () and not (out / "import_problems.csv").exists()


def test_two_imports_into_one_folder_are_refused(tmp_path: Path) -> None:
    source = clips_in(tmp_path / "in", "a/1.json")
    import_clips(source, tmp_path / "out", JSON)
    with FileLock(tmp_path / "out" / f"{MARKER_NAME}.lock"), pytest.raises(DataError, match="another import"):
        import_clips(source, tmp_path / "out", JSON)


def test_when_nothing_could_be_used_all_reasons_are_told_grouped_and_listed(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / "in" / "a").mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / "a" / f"{i}.json").write_text("{}")
        (tmp_path / "in" / f"{i}.json").write_text("{}")
    (tmp_path / "in" / "a" / "x.json").write_text("no json")
    with pytest.raises(DataError) as refused:
        import_clips(tmp_path / "in", tmp_path / "out", JSON)
    text = str(refused.value)
    assert "none of 7 clips could be used: 3 x " in text and text.count(" | ") == 2 and "1 x a-x: " in text
    assert len(read_csv(tmp_path / "out" / "import_problems.csv")[1]) == 7
    clips_in(tmp_path / "in", "a/0.json")
    assert import_clips(tmp_path / "in", tmp_path / "out", JSON).num_clips == 1  # and it goes on


def test_notes_are_told_before_clips_are_read_and_given_with_the_result(tmp_path: Path) -> None:
    source = clips_in(tmp_path / "in", "a/1.JSON")
    order: list[object] = []
    done = import_clips(source, tmp_path / "out", JSON, progress=lambda *each: order.append(each), tell=order.append)
    assert order[1:] == [(1, 1)] and order[:1] == list(done.notes[:1]) and "no signer is known" in done.notes[0]


def test_what_can_never_be_recognised_is_left_out_and_what_is_odd_is_told(tmp_path: Path) -> None:
    source = clips_in(tmp_path / "in", "hello/1.json", "hello/2.json", "hello/3.json")
    clip = made_clip(num_frames=30)
    turned = clip.landmarks.copy()
    turned[..., 1] = 1 - turned[..., 1]
    save_json_clip(source / "hello" / "2.json", replace(clip, landmarks=turned))
    save_json_clip(source / "hello" / "3.json", replace(clip, timestamps_s=clip.timestamps_s * 20))
    done = import_clips(source, tmp_path / "out", JSON)
    assert [(each.clip_id, each.kind) for each in done.problems] == [("hello-2", "bad_clip")]
    assert "upside down" in done.problems[0].message
    assert any("3.json: 1.25 frames a second" in note for note in done.notes)


def test_an_import_that_goes_on_says_again_what_it_said_of_clips(tmp_path: Path) -> None:
    clip = made_clip(num_frames=30)
    clip.landmarks[:, 33:75] = np.nan
    save_json_clip(tmp_path / "in" / "hello" / "1.json", clip)
    notes = [import_clips(tmp_path / "in", tmp_path / "out", JSON).notes for _ in range(2)]
    assert notes[0] == notes[1] and any("no hand was detected" in note for note in notes[1])


def test_a_changed_frame_of_openpose_is_imported_again(tmp_path: Path) -> None:
    body = [0.0] * 75
    for point, x, y in ((0, 600, 200), (2, 500, 400), (4, 480, 600), (5, 700, 400), (7, 720, 600)):
        body[3 * point : 3 * point + 3] = [x, y, 0.8]
    frames = tmp_path / "in" / "hello" / "v"
    frames.mkdir(parents=True)
    for change in (0, 4):
        for number in range(10):
            body[6] += change
            text = json.dumps({"people": [{"pose_keypoints_2d": body}]})
            (frames / f"v_{number:012}_keypoints.json").write_text(text, encoding="utf-8")
        done = import_clips(tmp_path / "in", tmp_path / "out", JSON)
        assert done.num_clips == 1
        (record,) = load_manifest(tmp_path / "out").records
        shoulder = clip_of_record(record).landmarks[:, 12, 0]  # the right shoulder
        assert (np.ptp(shoulder) > 0) == bool(change)


def test_a_file_where_a_folder_is_asked_for_is_told(tmp_path: Path) -> None:
    (tmp_path / "clips.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"clips\.zip: a file; an archive; unpack it; expected a folder of json clips"):
        import_clips(tmp_path / "clips.zip", tmp_path / "out", JSON)


def test_times_of_several_recordings_are_told_with_their_file(tmp_path):
    frames = [np.full(1662, 0.4, dtype=np.float32)] * 2
    for number, frame in zip((0, 100_000), frames, strict=True):
        (tmp_path / "in" / "hello" / "0").mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / "in" / "hello" / "0" / f"{number}.npy", frame + np.linspace(0, 0.2, 1662, dtype=np.float32))
    with pytest.raises(DataError, match=r"hello/0: 0\.0003 frames a second on the whole; expected 1 to 1000"):
        import_clips(tmp_path / "in", tmp_path / "out", FORMATS["mp-data"])
