"""A folder that people fill: every take is kept, nothing without consent, and the next day goes on."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made.recording import FORM, PROMPTS, signed_take
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.data.records import text_key
from signtalk.errors import ClipError, ConfigError, DataError
from signtalk.files import TEMPORARY_PREFIX
from signtalk.landmarks.clip import LandmarkClip, regular_timestamps
from signtalk.landmarks.wire import decode_clip, encode_clip
from signtalk.service.recording import (
    Prompt,
    PromptedTake,
    RecordingFolder,
    good_take,
    read_prompts,
)

WORKER = Path(__file__).resolve().parents[1] / "made" / "recording.py"


@pytest.fixture
def recording(tmp_path: Path) -> RecordingFolder:
    return RecordingFolder(tmp_path / "signs", PROMPTS, FORM)


def test_what_was_recorded_is_a_data_folder_and_the_next_day_goes_on(recording: RecordingFolder) -> None:
    for signer in ("s01", "s02"):
        recording.agree(signer)
    for number, signer, seed in ((0, "s01", 1), (0, "s01", 2), (1, "s01", 3), (0, "s02", 4)):
        recording.add(PromptedTake(number, signer, "2026-11-28"), signed_take(seed))
    assert (recording.takes_of("s01"), recording.takes_of("s02"), recording.takes_of("s03")) == ([2, 1], [1, 0], [0, 0])
    manifest = load_manifest(recording.folder)
    assert [record.clip_id for record in manifest.records] == ["0001_s01_1", "0001_s01_2", "0002_s01_1", "0001_s02_1"]
    assert {(r.sentence, r.category, r.session) for r in manifest.records} == {
        ("Where does it hurt?", "pain", "2026-11-28"), ("The pump beeps", "", "2026-11-28"),
    }  # fmt: skip
    np.testing.assert_allclose(clip_of_record(manifest.records[0]).landmarks, signed_take(1).landmarks)
    tomorrow = RecordingFolder(recording.folder, PROMPTS, FORM)
    assert tomorrow.takes_of("s01") == [2, 1]
    assert tomorrow.has_agreed("s02")
    assert tomorrow.add(PromptedTake(0, "s01", "2026-11-29"), signed_take(5)).clip_id == "0001_s01_3"


def test_nothing_is_kept_of_whom_has_not_agreed_to_this_form(recording: RecordingFolder) -> None:
    with pytest.raises(ConfigError, match="'s01' has not agreed"):
        recording.add(PromptedTake(0, "s01", "today"), signed_take(1))
    recording.agree("s01")
    recording.agree("s01")
    assert len((recording.folder / "consents.csv").read_text().splitlines()) == 2
    assert (recording.folder / f"consent_form-{recording.form_id}.txt").read_text() == FORM
    other = RecordingFolder(recording.folder, PROMPTS, "I agree to more.")
    assert not other.has_agreed("s01")


def test_a_take_that_is_sent_again_is_kept_once(recording: RecordingFolder) -> None:
    recording.agree("s01")
    recording.agree("s02")
    today, clip = PromptedTake(0, "s01", "today"), decode_clip(encode_clip(signed_take(1)))
    first = recording.add(today, clip)
    assert recording.add(today, clip) == first
    later = RecordingFolder(recording.folder, PROMPTS, FORM)
    assert later.add(today, clip).clip_id == first.clip_id
    assert len(load_manifest(recording.folder).records) == 1
    other_places = (PromptedTake(1, "s01", "today"), PromptedTake(0, "s02", "today"), PromptedTake(0, "s01", "later"))
    assert len({later.add(take, clip).clip_id for take in other_places} | {first.clip_id}) == 4
    moved = clip.landmarks.copy()
    moved[0, 0, 0] += 0.01
    changed = LandmarkClip(moved, clip.visibility, clip.timestamps_s, clip.aspect)
    assert later.add(today, changed).clip_id != first.clip_id
    assert later.num_takes == 5


def test_a_take_whose_file_is_gone_is_no_other_one(recording: RecordingFolder) -> None:
    recording.agree("s01")
    first = recording.add(PromptedTake(0, "s01", "today"), signed_take(1))
    first.feature_path.unlink()
    second = recording.add(PromptedTake(0, "s01", "today"), signed_take(1))
    assert second.clip_id != first.clip_id and second.feature_path.is_file()


def test_a_take_is_deleted_and_a_person_too(recording: RecordingFolder) -> None:
    recording.agree("s01")
    recording.agree("s02")
    for signer, seed in (("s01", 1), ("s01", 2), ("s02", 3)):
        recording.add(PromptedTake(0, signer, "today"), signed_take(seed))
    gone = recording.remove_last(0, "s01")
    assert gone is not None and gone.clip_id == "0001_s01_2" and not gone.feature_path.exists()
    assert recording.remove_last(1, "s01") is None
    assert recording.withdraw("s01") == 1
    assert [record.signer_id for record in load_manifest(recording.folder).records] == ["s02"]
    assert sorted(path.name for path in (recording.folder / "clips").iterdir()) == ["0001_s02_1.npz"]
    assert not recording.has_agreed("s01")
    assert recording.withdraw("s02") == 1
    assert RecordingFolder(recording.folder, PROMPTS, FORM).num_takes == 0


def test_a_consent_that_is_taken_back_while_a_take_is_looked_at_counts(
    recording: RecordingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def withdrawn_meanwhile(clip: LandmarkClip) -> LandmarkClip:
        recording.withdraw("s01")
        return clip

    monkeypatch.setattr("signtalk.service.recording.good_take", withdrawn_meanwhile)
    recording.agree("s01")
    with pytest.raises(ConfigError, match="'s01' has not agreed"):
        recording.add(PromptedTake(0, "s01", "today"), signed_take(1))
    assert recording.num_takes == 0


def test_everything_of_a_person_is_a_clip_without_a_row_too(recording: RecordingFolder) -> None:
    recording.agree("s01")
    path = recording.add(PromptedTake(0, "s01", "today"), signed_take(1)).feature_path
    names = {"0001_s01_1", "0002_s01_12", "0001_s011_1", "0001_s01_1_1"}  # two of the signer, two of others
    for name in names:
        path.with_stem(name).write_bytes(path.read_bytes())
    recording.withdraw("s01")
    assert {each.stem for each in path.parent.iterdir()} == {"0001_s011_1", "0001_s01_1_1"}


def test_codes_that_differ_by_case_alone_share_no_file(recording: RecordingFolder) -> None:
    for signer in ("s01", "S01"):
        recording.agree(signer)
    ids = [recording.add(PromptedTake(0, signer, "today"), signed_take(1)).clip_id for signer in ("s01", "S01")]
    assert len({clip_id.casefold() for clip_id in ids}) == 2


def test_takes_that_cannot_be_used_are_refused_with_what_to_do(recording: RecordingFolder) -> None:
    good = signed_take(1)
    assert good_take(good).num_frames == good.num_frames
    unseen = good.landmarks.copy()
    unseen[:, 33:75] = np.nan
    slow = regular_timestamps(good.num_frames, 4.0)
    short = regular_timestamps(good.num_frames, 200.0)
    for clip, told in (
        (LandmarkClip(unseen, good.visibility, good.timestamps_s, 4 / 3), "hands in 0% of the pictures"),
        (LandmarkClip(good.landmarks, good.visibility, slow, 4 / 3), "4 pictures a second"),
        (LandmarkClip(good.landmarks, good.visibility, short, 4 / 3), "Press the button again"),
    ):
        with pytest.raises(ClipError, match=told):
            good_take(clip)
    recording.agree("s01")
    with pytest.raises(ConfigError, match="no sentence 3; there are 2"):
        recording.add(PromptedTake(2, "s01", "today"), good)
    assert recording.num_takes == 0


@pytest.mark.parametrize("signer", ["", "Ama Mensah", "../s01", "s" * 41, "s/1", ".", "s01\n"])
def test_a_signer_is_a_code(signer: str) -> None:
    with pytest.raises(ConfigError, match="expected a code"):
        PromptedTake(0, signer, "today")


@given(st.text(max_size=60))
def test_no_name_leads_out_of_the_folder(signer: str) -> None:
    try:
        take = PromptedTake(0, signer, "today")
    except ConfigError:
        return
    assert "/" not in take.signer and "\\" not in take.signer and take.signer not in ("", ".", "..")


@pytest.mark.parametrize("session", ["", "to day", "x" * 41, "a,b", "a\nb"])
def test_a_session_is_a_day_or_a_place(session: str) -> None:
    with pytest.raises(ConfigError, match="expected a day"):
        PromptedTake(0, "s01", session)


def test_prompts_come_from_a_table_or_from_lines(tmp_path: Path) -> None:
    lines, table, empty = tmp_path / "a.txt", tmp_path / "a.csv", tmp_path / "b.txt"
    lines.write_text("\ufeffWhere does it hurt?\n\n  The  pump beeps \nwhere does it hurt\n", encoding="utf-8")
    assert [prompt.sentence for prompt in read_prompts(lines)] == ["Where does it hurt?", "The pump beeps"]
    table.write_text("No;English;Topic\n7;Where does it hurt?;pain\n9;#N/A;pain\n", encoding="utf-8")
    assert read_prompts(table) == (Prompt("7", "Where does it hurt?", "pain"),)
    table.write_text("No;English\n2;Where does it hurt?\n;The pump beeps\n", encoding="utf-8")
    assert [prompt.sentence_id for prompt in read_prompts(table)] == ["1", "2"]
    empty.write_text("\n")
    with pytest.raises(DataError, match="holds no sentence"):
        read_prompts(empty)
    (tmp_path / "c.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="expected a column of sentences"):
        read_prompts(tmp_path / "c.csv")
    lines.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match="UTF-8"):
        read_prompts(lines)


def test_other_peoples_data_is_left_alone(recording: RecordingFolder, tmp_path: Path) -> None:
    recording.agree("s01")
    recording.add(PromptedTake(0, "s01", "today"), signed_take(1))
    (recording.folder / "consents.csv").rename(tmp_path / "consents.csv")
    with pytest.raises(DataError, match="not recorded here; choose a new folder"):
        RecordingFolder(recording.folder, PROMPTS, FORM)
    (tmp_path / "consents.csv").rename(recording.folder / "consents.csv")
    with (recording.folder / "processed_metadata.csv").open("a") as table:
        table.write("broken.mp4,none.npz,1\n")
    with pytest.raises(DataError, match="put that right before you record more"):
        RecordingFolder(recording.folder, PROMPTS, FORM)


def test_two_recorders_do_not_fill_one_folder(recording: RecordingFolder) -> None:
    with recording.held(), pytest.raises(DataError, match="another recorder fills it"), recording.held():
        pass
    late = RecordingFolder(recording.folder, PROMPTS, FORM)
    recording.agree("s01")
    recording.add(PromptedTake(0, "s01", "today"), signed_take(1))
    (recording.folder / "clips" / f"{TEMPORARY_PREFIX}1.npz").write_bytes(b"half of a take")
    with late.held():
        late.add(PromptedTake(0, "s01", "today"), signed_take(2))
    assert len(load_manifest(recording.folder).records) == 2
    assert sorted(path.name for path in (recording.folder / "clips").iterdir()) == ["0001_s01_1.npz", "0001_s01_2.npz"]


def test_threads_lose_no_take(recording: RecordingFolder) -> None:
    recording.agree("s01")
    clips = [signed_take(seed) for seed in range(8)]
    threads = [
        threading.Thread(target=recording.add, args=(PromptedTake(number % 2, "s01", "today"), clip))
        for number, clip in enumerate(clips)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recording.takes_of("s01") == [4, 4]
    assert len(load_manifest(recording.folder).records) == 8


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_what_was_told_as_kept_survives_every_kill(tmp_path: Path) -> None:
    folder, rng = tmp_path / "signs", random.Random(0)
    kept: set[str] = set()
    for _ in range(12):
        command = [sys.executable, str(WORKER), str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = [process.stdout.readline()]
            time.sleep(rng.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
            said += process.stdout.readlines()
        undone = None
        for line in said:
            *minus, clip_id = line.split()
            (kept.discard if minus else kept.add)(clip_id)
            undone = clip_id
        there = {record.clip_id for record in load_manifest(folder).records}
        # The one that was on its way when the process died may be there, or gone if it was being deleted.
        assert len(kept - there) <= 1 and kept - there <= {undone}
        kept = set(there)
        assert {text_key(prompt.sentence) for prompt in PROMPTS} >= {r.text_key for r in load_manifest(folder).records}


def test_pictures_are_kept_of_whom_allows_it_and_go_with_the_take(tmp_path: Path) -> None:
    recording = RecordingFolder(tmp_path / "signs", PROMPTS, FORM, keeps_videos=True)
    recording.agree("s01", videos=True)
    recording.agree("s02")
    kept = [recording.add(PromptedTake(0, "s01", "today"), signed_take(seed)).clip_id for seed in (1, 2)]
    other = recording.add(PromptedTake(0, "s02", "today"), signed_take(3)).clip_id
    for clip_id in kept:
        recording.add_video(clip_id, b"a film", ".webm")
    with pytest.raises(ConfigError, match="'s02' did not allow pictures"):
        recording.add_video(other, b"a film", ".webm")
    with pytest.raises(ConfigError, match=r"no take '\.\./x'"):
        recording.add_video("../x", b"a film", ".webm")
    videos = recording.folder / "videos"
    assert sorted(path.name for path in videos.iterdir()) == [f"{clip_id}.webm" for clip_id in kept]
    assert [record.clip_id for record in load_manifest(recording.folder).records] == [*kept, other]
    recording.remove_last(0, "s01")
    assert [path.name for path in videos.iterdir()] == [f"{kept[0]}.webm"]
    recording.agree("s01")  # not any longer; what is kept stays until it is withdrawn
    assert not recording.may_film("s01") and RecordingFolder(recording.folder, PROMPTS, FORM, True).has_agreed("s01")
    (videos / "0001_s01_9.webm").write_bytes(b"of a take whose row was never written")
    recording.withdraw("s01")
    assert list(videos.iterdir()) == []


def test_nobody_is_filmed_where_pictures_are_not_wanted(recording: RecordingFolder) -> None:
    recording.agree("s01", videos=True, shown=True)
    assert not recording.may_film("s01") and not recording.may_show("s01")


def test_nobody_is_shown_whose_pictures_are_not_kept(tmp_path: Path) -> None:
    recording = RecordingFolder(tmp_path / "signs", PROMPTS, FORM, keeps_videos=True)
    recording.agree("s01", shown=True)
    assert not recording.may_show("s01")
    recording.agree("s01", videos=True, shown=True)
    assert recording.may_film("s01") and recording.may_show("s01")
