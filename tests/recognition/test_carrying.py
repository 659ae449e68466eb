"""An index carried to another model: nothing that was taught is lost, and nothing is dropped in silence."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import made.taught_worker
from made.clips import made_clip
from made.full_disk import small_disk
from made.old_index import write_old_index
from made.references import assert_same
from made.taught import ruled, same_landmarks, signed, teach
from made.taught_worker import SAID, Held, check, corrected, text_of
from signtalk.errors import ArtifactError, DataError
from signtalk.files import write_json
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import ENROLLED_ID, forget, load_layer
from signtalk.index.takes import clip_path, read_takes
from signtalk.landmarks.clip import load_clip, save_clip
from signtalk.recognition.carrying import Originals, carry, encode_again
from signtalk.recognition.enrolment import NewSentence, enroll

OLD, NEW = ruled(1), ruled(2)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    place = tmp_path_factory.mktemp("made") / "mine"
    teach(OLD, place, 1, 2, consent="recognize", language="fr", date="2026-11-28")
    teach(OLD, place, 3, consent="train", date="2026-11-29")
    return place


@pytest.fixture
def folder(shared, tmp_path):
    return Path(shutil.copytree(shared, tmp_path / "mine"))


def answers(recognizer, folder: Path, *numbers: int) -> list[str]:
    over = recognizer.changed(index=load_layer(folder, recognizer.index.encoder_id))
    return [answer.candidates[0].sentence for answer in over.recognize([signed(number) for number in numbers])]


def test_every_sentence_is_carried_and_answers_as_if_it_was_taught_anew(folder, tmp_path):
    before, takes = SentenceIndex.load(folder), read_takes(folder)
    carried = carry(NEW, folder)
    after = load_layer(folder, "model-2")
    assert after.entries == before.entries
    assert read_takes(folder) == takes
    assert carried.clip_ids == tuple(before.row_of) and carried.left_out == ()
    assert carried.sentences == ("Sentence number 1", "Sentence number 3")
    assert answers(NEW, folder, 1, 2, 3) == ["Sentence number 1"] * 2 + ["Sentence number 3"]
    teach(NEW, tmp_path / "anew", 1, 2)
    teach(NEW, tmp_path / "anew", 3)
    anew = SentenceIndex.load(tmp_path / "anew")
    np.testing.assert_allclose(after.embeddings, anew.embeddings, atol=1e-6)
    np.testing.assert_array_equal(after.projection_lengths, anew.projection_lengths)
    assert str(carried).startswith(f"carried: 2 sentences, 3 clips, in {folder}\nas it was before: {folder}.of-model-1")


def test_there_and_back_gives_the_same_vectors(folder):
    before = SentenceIndex.load(folder)
    carry(NEW, folder)
    carry(OLD, folder)
    after = SentenceIndex.load(folder)
    assert (after.entries, after.encoder_id) == (before.entries, before.encoder_id)
    np.testing.assert_allclose(after.embeddings, before.embeddings, atol=1e-6)  # sums round by how many are together
    assert all(same_landmarks(load_clip(clip_path(folder, i)), signed(n)) for n, i in enumerate(before.row_of, 1))


def test_the_index_as_it_was_stays_beside_unless_told_otherwise(folder):
    before = SentenceIndex.load(folder)
    carried = carry(NEW, folder)
    assert_same(SentenceIndex.load(Path(carried.backup), "model-1"), before)
    third = ruled(3)
    assert carry(third, folder, backup=False).backup == ""
    assert not folder.with_name("mine.of-model-2").exists()
    assert carry(third, folder).backup == ""  # is of that model already: nothing is done
    assert SentenceIndex.load(folder).encoder_id == "model-3"


def test_a_backup_that_holds_more_is_never_replaced(folder):
    teach(OLD, folder, 4)  # not kept
    first = carry(NEW, folder, without_missing=True).backup
    carry(OLD, folder)
    second = carry(NEW, folder).backup
    assert second == f"{first}-2"
    assert len(SentenceIndex.load(Path(first))) == 4
    carry(OLD, folder)
    assert carry(NEW, folder).backup == second  # holds the same


def test_a_damaged_backup_stays_and_hinders_nobody(folder):
    first = Path(carry(NEW, folder).backup)
    (first / "embeddings_map.csv").unlink()
    carry(OLD, folder)
    assert carry(NEW, folder).backup == f"{first}-2" and not (first / "embeddings_map.csv").exists()


def test_a_sentence_gets_the_id_of_the_model_that_answers_from_now_on(folder, tmp_path):
    """Under another model an id may be another sentence's, and begins as that of a trained one."""
    known = OLD.changed(index=replace_ids(SentenceIndex.load(folder), "136"))
    teach(known, tmp_path / "over", 6, text="Sentence number 1", consent="recognize")
    assert {entry.sentence_id for entry in SentenceIndex.load(tmp_path / "over").entries} == {"136"}
    carry(NEW, tmp_path / "over")
    (entry,) = SentenceIndex.load(tmp_path / "over").entries
    assert entry.sentence_id.startswith(ENROLLED_ID)
    third = ruled(3)
    theirs, _ = encode_again(third, SentenceIndex.load(folder).entries, lambda i: clip_path(folder, i), 0.0)
    carry(third.changed(index=replace_ids(theirs, "7")), tmp_path / "over")
    (entry,) = SentenceIndex.load(tmp_path / "over").entries
    assert entry.sentence_id == "7"


def replace_ids(index: SentenceIndex, sentence_id: str) -> SentenceIndex:
    """As a model's own index: another id, and other clips."""
    entries = [replace(e, sentence_id=sentence_id, clip_id=f"own-{i}") for i, e in enumerate(index.entries)]
    return replace(index, entries=tuple(entries))


def test_a_damaged_backup_does_not_keep_a_sentence_from_being_forgotten(folder):
    backup = Path(carry(NEW, folder).backup)
    (backup / "index.json").write_text("junk")
    with pytest.raises(ArtifactError, match=r"of-model-1: this backup is damaged .* remove the folder"):
        forget(folder, ["Sentence number 3"])
    assert list(SentenceIndex.load(folder).sentences) == ["sentence number 1"]


def test_forgetting_reaches_the_backups(folder):
    teach(OLD, folder, 4)
    backup = Path(carry(NEW, folder, without_missing=True).backup)
    gone = forget(folder, ["Sentence number 3", "Sentence number 4"])  # the second stands in the backup alone
    assert {entry.sentence for entry in gone} == {"Sentence number 3", "Sentence number 4"}
    for place in (folder, backup):
        assert list(SentenceIndex.load(place).sentences) == ["sentence number 1"]
        assert {take.sentence for take in read_takes(place).values()} == {"Sentence number 1"}
        assert len(list((place / "clips").iterdir())) == 2


def test_what_was_not_kept_is_told_by_name_and_nothing_is_changed(folder):
    teach(OLD, folder, 4)
    teach(OLD, folder, 5, text="Sentence number 1")
    before = SentenceIndex.load(folder)
    with pytest.raises(DataError) as caught:
        carry(NEW, folder)
    told = str(caught.value)
    assert "'Sentence number 1' (1 of 3 clips), 'Sentence number 4' (1 of 1 clips)" in told
    assert "--without-missing" in told and "Sentence number 3" not in told
    assert_same(SentenceIndex.load(folder), before)
    assert sorted(path.name for path in folder.parent.iterdir()) == [".mine.lock", "mine"]
    carried = carry(NEW, folder, without_missing=True)
    assert [problem.kind for problem in carried.left_out] == ["not_kept"] * 2
    assert carried.sentences == ("Sentence number 1", "Sentence number 3")
    assert "left out: 2 clips, first no clip of 'Sentence number 4' is kept" in str(carried)


def test_of_an_index_without_kept_clips_nothing_can_be_carried(tmp_path):
    teach(OLD, tmp_path / "mine", 1)
    for without_missing in (False, True):
        with pytest.raises(DataError, match=r"cannot be carried: 'Sentence number 1' .* teach them again"):
            carry(NEW, tmp_path / "mine", without_missing=without_missing)
    assert SentenceIndex.load(tmp_path / "mine").encoder_id == "model-1"


def test_a_damaged_clip_and_one_that_shows_the_new_model_nothing_are_told(folder):
    first, second, third = SentenceIndex.load(folder).row_of
    clip_path(folder, first).write_bytes(b"PK")
    nobody = made_clip(np.full((9, 2), 0.5), np.full((9, 2), 0.5), hands=False)
    save_clip(clip_path(folder, second), nobody)
    with pytest.raises(DataError, match=r"'Sentence number 1' \(2 of 2 clips\)"):
        carry(NEW, folder)
    carried = carry(NEW, folder, without_missing=True)
    assert carried.clip_ids == (third,)
    assert [(each.clip_id, each.kind) for each in carried.left_out] == [(first, "bad_clip"), (second, "bad_clip")]
    assert "show a hand" in carried.left_out[1].message


def test_into_another_folder_the_old_one_stays(folder, tmp_path):
    before, out = SentenceIndex.load(folder), tmp_path / "new" / "mine"
    carried = carry(NEW, folder, out=out)
    assert (carried.index, carried.backup) == (str(out), "")
    assert load_layer(out, "model-2").entries == before.entries
    assert read_takes(out) == read_takes(folder)
    assert all(same_landmarks(load_clip(clip_path(out, i)), signed(n)) for n, i in enumerate(before.row_of, 1))
    assert_same(SentenceIndex.load(folder), before)
    for taken in (out, folder):
        with pytest.raises(ArtifactError, match="is there already; give a new folder"):
            carry(NEW, folder, out=taken)


def test_where_no_index_is_and_in_a_bundle(tmp_path):
    with pytest.raises(ArtifactError, match="no such index"):
        carry(NEW, tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []
    write_json(tmp_path / "export_manifest.json", {})
    with pytest.raises(ArtifactError, match="part of a bundle"):
        carry(NEW, tmp_path / "mine")


def test_an_index_of_an_older_version_is_carried_once_its_clips_are_there(folder):
    """Without the table of takes, as version 2 of the format was: read, answered, and told as not kept."""
    (folder / "takes.csv").unlink()
    assert answers(OLD, folder, 1) == ["Sentence number 1"]
    teach(OLD, folder, 6)
    with pytest.raises(DataError, match="no clip of 'Sentence number 1' is kept"):
        carry(NEW, folder)


@pytest.fixture
def old_index(tmp_path):
    """An index as the first version wrote it, and the files that it was taught from."""
    taught = {f"c{number}.npz": (f"Sentence number {number}", signed(number)) for number in (1, 2, 3)}
    write_old_index(tmp_path / "old", OLD, taught)
    for name, (_, clip) in taught.items():
        save_clip(tmp_path / "files" / name, clip)
    return tmp_path / "old"


def test_an_index_of_before_is_carried_with_the_files_that_it_was_taught_from(old_index, tmp_path):
    assert answers(OLD, old_index, 1, 2, 3) == [f"Sentence number {number}" for number in (1, 2, 3)]
    with pytest.raises(DataError, match=r"the files that they were taught from \(--clips\)"):
        carry(NEW, old_index)
    ids = set(SentenceIndex.load(old_index).row_of)
    carried = carry(NEW, old_index, originals=Originals(tmp_path / "files", "recognize"))
    assert set(carried.clip_ids) == ids and carried.left_out == ()
    assert answers(NEW, old_index, 1, 2, 3) == [f"Sentence number {number}" for number in (1, 2, 3)]
    assert {take.consent for take in read_takes(old_index).values()} == {"recognize"}
    assert len(carry(OLD, old_index).clip_ids) == 3  # from now on without the files


def test_without_consent_the_files_are_read_and_not_kept(old_index, tmp_path):
    carry(NEW, old_index, tmp_path / "new", originals=Originals(tmp_path / "files"))
    assert answers(NEW, tmp_path / "new", 2) == ["Sentence number 2"]
    assert read_takes(tmp_path / "new") == {} and not (tmp_path / "new" / "clips").exists()
    carry(NEW, old_index, tmp_path / "kept", originals=Originals(tmp_path / "files", "train"))
    assert len(list((tmp_path / "kept" / "clips").iterdir())) == 3


def test_a_file_that_is_missing_or_may_be_of_two_clips_is_told(tmp_path):
    teach(OLD, tmp_path / "old", 1)
    enroll(OLD, tmp_path / "old", NewSentence("Another"), {"n1.npz": signed(2)})
    files = tmp_path / "files"
    save_clip(files / "n1.npz", signed(1))
    with pytest.raises(DataError, match="2 clips were taught from files called n1"):
        carry(NEW, tmp_path / "old", originals=Originals(files))
    ids = {entry.sentence: entry.clip_id for entry in SentenceIndex.load(tmp_path / "old").entries}
    for sentence, number in (("Sentence number 1", 1), ("Another", 2)):
        save_clip(files / f"{ids[sentence]}.npz", signed(number))
    carry(NEW, tmp_path / "old", originals=Originals(files))
    assert answers(NEW, tmp_path / "old", 1, 2) == ["Sentence number 1", "Another"]
    (files / f"{ids['Another']}.npz").unlink()
    (files / "n1.npz").unlink()
    with pytest.raises(DataError, match="Another"):
        carry(OLD, tmp_path / "old", originals=Originals(files))


def test_many_clips_are_encoded_in_blocks(folder, monkeypatch):
    index = SentenceIndex.load(folder)
    monkeypatch.setattr("signtalk.recognition.recognizer._CLIPS_AT_ONCE", 2)
    blocks, problems = encode_again(NEW, index.entries, lambda clip_id: clip_path(folder, clip_id), 0.0)
    monkeypatch.undo()
    whole, _ = encode_again(NEW, index.entries, lambda clip_id: clip_path(folder, clip_id), 0.0)
    assert problems == () and blocks.entries == whole.entries == index.entries
    np.testing.assert_allclose(blocks.embeddings, whole.embeddings, atol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_fifty_kills_lose_nothing_that_was_confirmed(tmp_path):
    """In a process that may fork, which this one of many threads must not."""
    done = subprocess.run(
        [sys.executable, made.taught_worker.__file__, tmp_path / "work" / "mine", "50", "7"],
        capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kills"] == 50 and min(told["confirmed"].values()) > 0 and told["half_written"] > 0
    assert told["models"] == ["model-1", "model-2"] and min(told["taught"], told["said"]) > 20
    assert told["left"] == [".mine.lock", "mine", "mine.of-model-1", "mine.of-model-2", "mine.said"]


@pytest.mark.parametrize(
    ("there", "forgotten"),
    [
        (Held({1}, {}), set()),  # what was said is lost
        (Held(set(), {SAID + 1: corrected(1)}), set()),  # what was taught is
        (Held({1}, {SAID + 1: text_of(1)}), set()),  # a correction is
        (Held({1, 3}, {SAID + 1: corrected(1)}), {3}),  # something forgotten is there
    ],
)
def test_the_check_of_the_killed_can_fail(there, forgotten):
    held = Held({1}, {SAID + 1: corrected(1)})
    check(held, held, set())
    with pytest.raises(AssertionError):
        check(held, there, forgotten)


def test_a_full_disk_changes_nothing(tmp_path):
    with small_disk(tmp_path / "disk", 600) as disk:
        folder = disk / "mine"
        for number in (1, 2, 3):
            teach(OLD, folder, number, consent="recognize")
        before = SentenceIndex.load(folder)
        (disk / "ballast").write_bytes(b"x" * 1000)
        with pytest.raises(OSError, match="No space left"):
            (disk / "ballast").write_bytes(b"x" * 10_000_000)
        with pytest.raises((DataError, OSError), match="No space left"):
            carry(NEW, folder)
        assert_same(SentenceIndex.load(folder), before)
        assert sorted(path.name for path in disk.iterdir()) == [".mine.lock", "ballast", "mine"]
        (disk / "ballast").unlink()
        assert len(carry(NEW, folder).clip_ids) == 3
