"""Taught sentences under another text, and what was forgotten put back."""

from pathlib import Path

import pytest

from made.taught import ruled, same_landmarks, signed, teach
from signtalk.errors import ArtifactError, ConfigError, DataError
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import ENROLLED_ID, forget, load_layer
from signtalk.index.takes import clip_path, read_takes
from signtalk.landmarks.clip import load_clip
from signtalk.recognition.carrying import carry
from signtalk.recognition.taught import held_of, put_back, rename

HERE = ruled(1)
BASE = HERE.index


@pytest.fixture
def folder(tmp_path):
    teach(HERE, tmp_path / "mine", 1, 2, text="The pump beeps", consent="recognize", language="en", date="2026-11-28")
    teach(HERE, tmp_path / "mine", 3, text="Open your mouth")
    return tmp_path / "mine"


def test_another_text_keeps_clips_and_what_is_told(folder):
    before = read_takes(folder)
    renamed = rename(BASE, folder, "the pump beeps!", "  The pump  peeps ")
    layer = SentenceIndex.load(folder, "model-1")
    assert set(layer.sentence_texts) == {"The pump peeps", "Open your mouth"}
    assert {entry.clip_id for entry in renamed} == set(before)
    assert {entry.sentence_id for entry in renamed} != {take.sentence_id for take in before.values()}
    assert all(entry.sentence_id.startswith(ENROLLED_ID) for entry in renamed)
    for clip_id, take in read_takes(folder).items():
        assert (take.sentence, take.consent, take.language) == ("The pump peeps", "recognize", "en")
        assert clip_path(folder, clip_id).is_file()
    rename(BASE, folder, "The pump peeps", "The pump beeps")  # and back
    assert read_takes(folder) == before


def test_capitals_and_marks_can_be_mended(folder):
    rename(BASE, folder, "the pump beeps", "THE PUMP BEEPS!")
    assert "THE PUMP BEEPS!" in load_layer(folder, "model-1").sentence_texts


def test_no_sentence_becomes_another_that_is_known(folder, tmp_path):
    teach(HERE, tmp_path / "shared", 5, text="Where does it hurt?")
    base = SentenceIndex.load(tmp_path / "shared")
    for known in ("Open your mouth", "where does it hurt"):
        with pytest.raises(ConfigError, match="is known already"):
            rename(base, folder, "The pump beeps", known)
    with pytest.raises(ConfigError, match="holds no word"):
        rename(BASE, folder, "The pump beeps", "?!")
    with pytest.raises(DataError, match="holds no 'Never taught'"):
        rename(BASE, folder, "Never taught", "Something else")
    with pytest.raises(ArtifactError, match="nothing was taught there"):
        rename(BASE, tmp_path / "nowhere", "a", "b")
    assert not (tmp_path / ".nowhere.lock").exists()
    assert "The pump beeps" in load_layer(folder, "model-1").sentence_texts


def test_what_was_forgotten_comes_back_whole(folder):
    takes = read_takes(folder)
    held = held_of(folder, "the pump beeps", "model-1")
    forget(folder, ["The pump beeps"])
    assert read_takes(folder) == {} and not (folder / "clips").exists()
    assert put_back(folder, held) == 2
    assert put_back(folder, held) == 0
    assert read_takes(folder) == takes
    layer = load_layer(folder, "model-1")
    assert len(layer) == 3 and set(layer.sentence_texts) == {"The pump beeps", "Open your mouth"}
    kept = [load_clip(clip_path(folder, clip_id)) for clip_id in takes]
    assert same_landmarks(kept[0], signed(1)) and same_landmarks(kept[1], signed(2))


def test_of_what_was_never_taught_nothing_is_held(folder, tmp_path):
    assert len(held_of(folder, "Never taught", "model-1").index) == 0
    assert len(held_of(tmp_path / "nowhere", "Never taught", "model-1").index) == 0


def test_a_damaged_clip_hinders_nobody_from_forgetting_it(folder):
    first, _ = read_takes(folder)
    clip_path(folder, first).write_bytes(b"damaged")
    held = held_of(folder, "the pump beeps", "model-1")
    assert (len(held.index), len(held.clips)) == (2, 1)
    forget(folder, ["The pump beeps"])
    assert put_back(folder, held) == 2


def test_a_renamed_sentence_is_forgotten_in_the_backups_that_know_its_old_text(folder):
    forget(folder, ["Open your mouth"])  # of which no clip is kept
    backup = Path(carry(ruled(2), folder).backup)
    rename(ruled(2).index, folder, "The pump beeps", "The pump peeps")
    forget(folder, ["The pump peeps"])
    assert len(SentenceIndex.load(backup)) == 0 and not (backup / "clips").exists()
