import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import made.run
from made.videos import (
    BLACK,
    CRASH,
    HANG,
    HEIGHT,
    WORKER,
    contents,
    rotate_flag,
    signer_frame,
    signing,
    small_set,
    write_video,
)
from signtalk.data.manifest import clip_of_record, load_manifest, scan_manifest
from signtalk.errors import DataError, SignTalkError
from signtalk.extraction.clip import ExtractionConfig
from signtalk.extraction.guards import Guards
from signtalk.extraction.inputs import plan_extraction
from signtalk.extraction.report import write_extraction_report
from signtalk.extraction.run import JOURNAL_NAME, RunOptions, WorkerPool, extract_on, extract_videos
from signtalk.extraction.storage import RemoteFolder
from signtalk.extraction.worker import GuardConfig, TaskOutcome
from signtalk.files import read_csv

GUARD = GuardConfig(command=(sys.executable, str(WORKER)), stall_limit_s=20)


def extracted(videos, out, workers=1, metadata=None, **options):
    options = RunOptions(out, **({"guard": GUARD} | options))
    return extract_videos(plan_extraction(videos, metadata), options, workers)


def test_the_result_is_a_data_folder(tmp_path):
    table = small_set(tmp_path / "videos")
    seen: list[tuple[int, int]] = []
    options = RunOptions(tmp_path / "out", guard=GUARD, prototype=True)
    result = extract_videos(plan_extraction(tmp_path / "videos", table), options, 1, lambda *done: seen.append(done))
    assert seen == [(number, 4) for number in range(5)]
    assert len(result.clips) == 4 and result.failed == () and result.num_done_before == 0
    manifest = load_manifest(tmp_path / "out", strict=True)
    assert next((r.clip_id, r.sentence, r.signer_id) for r in manifest.records) == ("1A", "Sentence 1", "A")
    assert all(clip_of_record(record).num_frames == record.num_frames for record in manifest.records)
    prototype = load_manifest(tmp_path / "out" / "prototype", strict=True)
    for new, old in zip(manifest.records, prototype.records, strict=True):
        a, b = clip_of_record(new), clip_of_record(old)
        assert old.feature_path.suffix == ".npy" and a.num_frames == b.num_frames
        assert a.fps == pytest.approx(b.fps)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    small_set(folder / "videos", 6)
    extracted(folder / "videos", folder / "out", prototype=True)
    return folder


def test_again_and_with_two_workers_every_byte_is_the_same(undisturbed, tmp_path):
    extracted(undisturbed / "videos", tmp_path / "two", workers=2, prototype=True)
    expected = contents(undisturbed / "out")
    assert len(expected) == 2 * 6 + 5
    assert contents(tmp_path / "two") == expected


def test_what_is_done_is_not_done_again(undisturbed, tmp_path):
    out = tmp_path / "out"
    extracted(undisturbed / "videos", out, prototype=True)
    times = {path: path.stat().st_mtime_ns for path in (out / "clips").iterdir()}
    first = min(times)
    first.unlink()
    result = extracted(undisturbed / "videos", out, prototype=True)
    assert result.num_done_before == 5
    assert {path: path.stat().st_mtime_ns for path in times if path != first}.items() <= times.items()
    assert contents(out) == contents(undisturbed / "out")
    with (out / JOURNAL_NAME).open("ab") as journal:
        journal.write(b"\xff half a line of a disk that failed")
    assert extracted(undisturbed / "videos", out, prototype=True).num_done_before == 6
    (out / ".my_notes.csv").write_text("hidden, and the user's own")
    (out / JOURNAL_NAME).unlink()  # without the journal the clips themselves tell
    result = extracted(undisturbed / "videos", out, prototype=True)
    assert result.num_done_before == 0
    assert {path: path.stat().st_mtime_ns for path in times if path != first}.items() <= times.items()
    assert (out / ".my_notes.csv").exists()


@pytest.mark.slow
def test_other_settings_make_clips_again(undisturbed, tmp_path):
    out = tmp_path / "out"
    extracted(undisturbed / "videos", out)
    result = extracted(undisturbed / "videos", out, config=ExtractionConfig(trim=False))
    assert result.num_done_before == 0


@pytest.mark.slow
def test_into_a_storage_every_byte_is_the_same_and_it_goes_on(undisturbed, tmp_path):
    pytest.importorskip("fsspec", reason="needs fsspec: pip install 'signtalk[extract]'")
    out, far = tmp_path / "out", tmp_path / "far"
    options = {"storage": RemoteFolder(f"file://{far}", out), "prototype": True}
    result = extracted(undisturbed / "videos", out, workers=2, **options)
    expected = contents(undisturbed / "out")
    assert contents(far) == expected
    assert set(contents(out)) == {name for name in expected if name.endswith(".csv")}  # here only the tables
    write_extraction_report(result, out, options["storage"])
    assert {"contact_sheet.png", "extraction_report.html"} <= set(contents(far))
    (far / "clips" / "3A.npz").unlink()
    assert extracted(undisturbed / "videos", out, **options).num_done_before == 5
    assert contents(far).items() >= expected.items()


@pytest.mark.slow
def test_clips_in_a_storage_are_taken_though_the_folder_here_is_lost(undisturbed, tmp_path):
    pytest.importorskip("fsspec", reason="needs fsspec: pip install 'signtalk[extract]'")
    storage = RemoteFolder(f"memory://{tmp_path.name}", tmp_path / "first")
    extracted(undisturbed / "videos", tmp_path / "first", storage=storage)
    hanging = GuardConfig(command=(sys.executable, str(WORKER), "60"), stall_limit_s=10)  # if it extracted anything
    again = {"storage": RemoteFolder(storage.url, tmp_path / "second"), "guard": hanging}
    result = extracted(undisturbed / "videos", tmp_path / "second", **again)
    assert (len(result.clips), result.failed, result.num_done_before) == (6, (), 0)
    assert contents(tmp_path / "second") == contents(tmp_path / "first")


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_same_end(undisturbed, tmp_path):
    random.seed(5)
    out = tmp_path / "out"
    command = [sys.executable, made.run.__file__, str(undisturbed / "videos"), str(out)]
    killed = 0
    while killed < 20:
        process = subprocess.Popen([*command, "2", "0.02"], stderr=subprocess.PIPE)
        try:
            process.wait(random.uniform(0.3, 2.5))
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.communicate()
        if process.returncode == 0:  # it was done: begin anew somewhere in the middle
            for path in random.sample(sorted((out / "clips").iterdir()), 3):
                path.unlink()
    subprocess.run([*command, "2", "0"], check=True, timeout=120)
    assert contents(out) == contents(undisturbed / "out")


def torture_set(folder):
    """Videos that something is wrong with, or that are unusual; by name the kind of outcome, "" = a clip."""
    folder.mkdir()
    videos = {
        "good": signing(40), "one_frame": signing(1), "no_person": [BLACK] * 20,
        "black_then_late": [BLACK] * 20 + signing(30),
        "hang": [*signing(3), HANG], "crash": [*signing(3), CRASH], "two_people": [two_people(t) for t in range(40)],
        "手話 'quoted' $(x)": signing(20),
    }  # fmt: skip
    for name, frames in videos.items():
        write_video(folder / f"{name}.mp4", frames)
    write_video(folder / "a\nb.mkv", signing(30), times_ms=[33 * t + 40 * (t > 10) for t in range(30)])
    write_video(folder / "odd.mkv", signing(10, size=(97, 65)), codec="ffv1", pix_fmt="bgr0")
    rotate_flag(write_video(folder / "rotated.mp4", signing(20)), HEIGHT)
    write_video(folder / "grey.mkv", [BLACK] * 5, codec="ffv1", pix_fmt="gray")
    write_video(folder / "sound.mp4", [], sound=True)
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("not a video")
    (folder / "cut.mp4").write_bytes((folder / "good.mp4").read_bytes()[:3000])
    unusable = ("no_person", "grey", "sound", "empty", "text", "cut")
    kinds = dict.fromkeys(unusable, "unusable") | {"hang": "time_limit", "crash": "crashed"}
    clips = (*(name for name in videos if name not in kinds), "a b", "odd", "rotated")
    return dict.fromkeys(clips, "") | kinds


def two_people(t):
    image = signer_frame(0.25)
    image[:, 48:] = signer_frame(0.75, 0.5 + 0.2 * np.sin(t / 5))[:, 48:]
    return image


@pytest.mark.slow
def test_every_tortured_video_gives_a_clip_or_a_reason(tmp_path):
    expected = torture_set(tmp_path / "videos")
    guard = GUARD.model_copy(update={"stall_limit_s": 3.0})
    result = extracted(tmp_path / "videos", tmp_path / "out", workers=2, guard=guard)
    kinds = {clip.job.clip_id: "" for clip in result.clips} | {p.clip_id: p.kind for p in result.failed}
    assert kinds == expected
    columns, rows = read_csv(tmp_path / "out" / "failed_videos.csv")
    assert columns == ["clip_id", "kind", "reason"] and len(rows) == 8 and all(row["reason"] for row in rows)
    again = extracted(tmp_path / "videos", tmp_path / "out", guard=guard)
    assert again.num_done_before == len(expected) and again.failed == result.failed
    assert scan_manifest(tmp_path / "out").problems  # without a table there is no text
    tried = extracted(tmp_path / "videos", tmp_path / "out", guard=guard, retry_failed=True)
    assert tried.num_done_before == len(expected) - 8


def test_a_name_that_is_not_utf8_stops_nothing(tmp_path):
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "good.mp4", signing(20)).rename(tmp_path / "videos" / os.fsdecode(b"caf\xe9.mp4"))
    (tmp_path / "videos" / os.fsdecode(b"\xff.mp4")).write_text("not a video")
    for folder in (b"a\xff", b"b\xff"):
        (tmp_path / "videos" / os.fsdecode(folder)).mkdir()
        (tmp_path / "videos" / os.fsdecode(folder) / "cut.mp4").write_bytes(b"")
    result = extracted(tmp_path / "videos", tmp_path / "out")
    write_extraction_report(result, tmp_path / "out")
    assert [clip.job.video_file for clip in result.clips] == ["caf\\xe9.mp4"]
    rows = read_csv(tmp_path / "out" / "failed_videos.csv")[1]
    assert len(rows) == 3 and any(r"/\udcff.mp4: not a readable video" in row["reason"] for row in rows)
    table = tmp_path / "none.csv"
    table.write_text("video_file,sentence\nx.mp4,Hello\n")
    assert len(extracted(tmp_path / "videos", tmp_path / "unnamed", metadata=table).failed) == 4


@pytest.mark.slow
def test_a_very_long_video(tmp_path):
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "long.mp4", signing(8000))
    result = extracted(tmp_path / "videos", tmp_path / "out", config=ExtractionConfig(trim=False))
    assert result.clips[0].numbers.num_frames == 8000


@pytest.mark.slow
def test_low_quality_is_listed_and_left_out_unless_kept(tmp_path):
    table = small_set(tmp_path / "videos", 3)
    write_video(tmp_path / "videos" / "9A.mp4", [signer_frame(0.4, 0.9)] * 40)  # rests only
    with table.open("a", encoding="utf-8") as handle:
        handle.write("9,Nothing signed\n10,No video\n")
    result = extracted(tmp_path / "videos", tmp_path / "out", metadata=table)
    assert [clip.job.clip_id for clip in result.rejected] == ["9A"]
    assert len(load_manifest(tmp_path / "out").records) == 3
    rows = read_csv(tmp_path / "out" / "low_quality_videos.csv")[1]
    assert rows[0]["video_file"] == "9A.mp4" and "nothing is signed" in rows[0]["reasons"] and rows[0]["kept"] == "0"
    assert read_csv(tmp_path / "out" / "missing_videos.csv")[1][0]["sentence"] == "No video"
    extracted(tmp_path / "videos", tmp_path / "out", metadata=table, keep_low_quality=True)
    assert len(load_manifest(tmp_path / "out").records) == 4


def test_two_extractions_into_one_folder_are_refused(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    small_set(tmp_path / "videos", 1)
    extracted(tmp_path / "videos", tmp_path / "out")
    with (tmp_path / "out" / JOURNAL_NAME).open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another extraction"):
            extracted(tmp_path / "videos", tmp_path / "out")


def test_a_machine_that_cannot_extract_is_told_at_once(tmp_path):
    small_set(tmp_path / "videos", 1)
    guard = GuardConfig(command=(sys.executable, "-c", "raise SystemExit('no models')"))
    with pytest.raises(SignTalkError, match="no models"):
        extracted(tmp_path / "videos", tmp_path / "out", guard=guard)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    small_set(tmp_path / "videos", 1)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be made"):
        extracted(tmp_path / "videos", tmp_path / "file")


@pytest.mark.slow
def test_two_extractions_in_one_process_do_not_end_each_other(tmp_path):
    for name, num in (("short", 1), ("long", 4)):
        small_set(tmp_path / name / "videos", num)
    slow = GuardConfig(command=(sys.executable, str(WORKER), "0.01"))
    ended: list[str] = []

    def extract(name: str):
        result = extracted(tmp_path / name / "videos", tmp_path / name / "out", guard=slow)
        ended.append(name)
        return result

    with ThreadPoolExecutor(2) as threads:
        short, long = threads.map(extract, ["short", "long"])
    assert ended == ["short", "long"], "the first ended while the other was at work"
    assert (len(short.clips), short.failed) == (1, ())
    assert (len(long.clips), long.failed) == (4, ())


class BlindGuards(Guards):
    """Those of a machine that sees no video."""

    def extract(self, task, orders, landmarker):
        return TaskOutcome(task.clip_id, "not_found", "not there on machine 7")


def test_a_machine_that_does_not_see_the_videos_is_told(tmp_path):
    small_set(tmp_path / "videos", 2)
    guards, options = BlindGuards(), RunOptions(tmp_path / "out", guard=GUARD)
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(DataError, match="machine 7, but here; all machines must see"),
    ):
        extract_on(WorkerPool(executor, lambda: 1, guards), plan_extraction(tmp_path / "videos"), options)
    guards.close()


@pytest.mark.slow
def test_idle_videos_are_kept_and_their_hands_not_asked_for(tmp_path):
    (tmp_path / "videos").mkdir()
    for number in range(12):
        write_video(tmp_path / "videos" / f"{number}.mp4", signing(40 + number))
    write_video(tmp_path / "videos" / "rest.mp4", [signer_frame(0.4, 0.8)] * 40)
    lines = [f"{number}.mp4,Hello,A," for number in range(12)] + ["rest.mp4,,A,yes"]
    (tmp_path / "m.csv").write_text("video,sentence,signer,is_idle\n" + "\n".join(lines) + "\n", encoding="utf-8")
    result = extracted(tmp_path / "videos", tmp_path / "out", metadata=tmp_path / "m.csv")
    assert [clip.reasons for clip in result.clips if clip.job.label.is_idle] == [()]
    assert [record.clip_id for record in load_manifest(tmp_path / "out").records if record.is_idle] == ["rest"]
    assert not any("rest.mp4" in note for note in result.notes)
