"""Answers that were confirmed or corrected are kept with consent, change no answer, and go with their sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from made.clips import made_clip, resting
from made.taught import FRAMES, ruled, same_landmarks, signed, teach
from signtalk.errors import ArtifactError, ClipError, ConfigError
from signtalk.index.files import index_identity
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import forget, load_layer
from signtalk.index.said import read_said, said_id, said_place
from signtalk.index.takes import clip_path, read_takes
from signtalk.landmarks.clip import load_clip
from signtalk.recognition.carrying import carry
from signtalk.recognition.enrolment import NewSentence
from signtalk.recognition.said import remember
from signtalk.recognition.taught import held_of, put_back, rename

PUMP = NewSentence("The pump beeps.", "", "s07", "en", "train", "2026-11-29")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    teach(ruled(1), tmp_path / "ward", 1, 2, text=PUMP.text)
    remember(ruled(1), tmp_path / "ward", PUMP, "confirmed", signed(3))
    return tmp_path / "ward"


def test_it_is_kept_and_the_index_is_not_touched(folder: Path) -> None:
    before = index_identity(folder)
    recognizer = ruled(1, SentenceIndex.load(folder))
    take = remember(recognizer, folder, PUMP, "corrected", signed(4))
    assert (take.sentence, take.category, take.signer_id) == (PUMP.text, "numbers", "s07")
    assert (take.origin, take.consent, take.date) == ("corrected", "train", "2026-11-29")
    assert read_said(folder)[take.clip_id] == take and index_identity(folder) == before
    assert same_landmarks(load_clip(clip_path(said_place(folder), take.clip_id)), signed(4))


@pytest.mark.parametrize("consent", ["", "recognize"])
def test_nothing_is_kept_without_consent_to_training(folder: Path, consent: str) -> None:
    with pytest.raises(ConfigError, match="consent"):
        remember(ruled(1), folder, NewSentence(PUMP.text, consent=consent), "confirmed", signed(4))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="confirmed or corrected"):
        remember(ruled(1), folder, PUMP, "taught", signed(4))
    assert list(read_said(folder)) == [said_id(signed(3))]


def test_what_shows_no_signing_is_refused_and_a_bundle_is_never_changed(folder: Path, tmp_path: Path) -> None:
    still = made_clip(resting(FRAMES, "left"), resting(FRAMES, "right"))
    with pytest.raises(ClipError):
        remember(ruled(1), folder, PUMP, "confirmed", still)
    (tmp_path / "export_manifest.json").write_text("{}")
    with pytest.raises(ArtifactError, match="part of a bundle"):
        remember(ruled(1), folder, PUMP, "confirmed", signed(4))


def test_once_it_is_taught_with_consent_it_is_kept_once(folder: Path) -> None:
    teach(ruled(1), folder, 3, text=PUMP.text)  # its clip is not kept there
    assert list(read_said(folder)) == [said_id(signed(3))]
    remember(ruled(1), folder, PUMP, "confirmed", signed(5))
    teach(ruled(1), folder, 5, text=PUMP.text, consent="train")
    assert list(read_said(folder)) == [said_id(signed(3))]


def test_it_goes_with_its_sentence_and_comes_back_with_it(folder: Path) -> None:
    held = held_of(folder, PUMP.text, "model-1")
    assert held.sentence == PUMP.text and len(held.clip_ids) == 3
    gone = forget(folder, [PUMP.text])
    assert {entry.clip_id for entry in gone} == set(held.clip_ids)
    assert read_said(folder) == {} and not list((said_place(folder) / "clips").iterdir())
    assert put_back(folder, held) == 3 and put_back(folder, held) == 0
    assert list(read_said(folder)) == [said_id(signed(3))] and len(load_layer(folder, "model-1")) == 2


def test_a_sentence_that_was_said_alone_is_forgotten_where_no_index_is(tmp_path: Path) -> None:
    folder = tmp_path / "ward"
    remember(ruled(1), folder, PUMP, "confirmed", signed(3))
    held = held_of(folder, PUMP.text, "model-1")
    assert (held.sentence, held.clip_ids) == (PUMP.text, (said_id(signed(3)),))
    (gone,) = forget(folder, [], [said_id(signed(3))], "model-1")
    assert gone.sentence == PUMP.text and read_said(folder) == {}
    with pytest.raises(ArtifactError, match="no such index"):
        forget(folder, [PUMP.text])


def test_another_text_is_that_of_what_was_said_too(folder: Path) -> None:
    remember(ruled(1), folder, NewSentence("Another", consent="train"), "confirmed", signed(4))
    rename(ruled(1).index, folder, PUMP.text, "The pump peeps.")
    assert [take.sentence for take in read_said(folder).values()] == ["The pump peeps.", "Another"]
    assert len({take.sentence_id for take in read_said(folder).values()}) == 2


def test_a_newer_model_leaves_it_where_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "ward"
    teach(ruled(1), folder, 1, consent="train")
    remember(ruled(1), folder, PUMP, "confirmed", signed(3))
    carry(ruled(2), folder)
    assert list(read_said(folder)) == [said_id(signed(3))] and len(read_takes(folder)) == 1
    carry(ruled(1), folder, tmp_path / "elsewhere")
    assert list(read_said(tmp_path / "elsewhere")) == [said_id(signed(3))]
