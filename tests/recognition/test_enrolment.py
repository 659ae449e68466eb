"""Enrolling: what is refused, what is told, what is kept by double and concurrent writers."""

import json
import subprocess
import sys
from dataclasses import astuple, replace

import numpy as np
import pytest

import made.enrolment_worker
from made.encoder import MadeEncoder
from made.enrolment_worker import clip_of, enroll_number, made_recognizer, numbers_in
from made.references import assert_same, encoded, made_space, small_index
from made.taught import same_landmarks
from signtalk.errors import ArtifactError, ClipError, ConfigError, DataError
from signtalk.files import write_json
from signtalk.index.encoded import concatenate
from signtalk.index.index import SentenceIndex, unit_rows
from signtalk.index.personal import LayeredIndex, load_layer
from signtalk.index.takes import clip_path, read_takes
from signtalk.index.written import WrittenSentence, write_sentences
from signtalk.landmarks.clip import HOLISTIC, POSE_NAMES, LandmarkClip, load_clip, regular_timestamps
from signtalk.recognition.enrolment import EncodedClips, NewSentence, encode_clips, enroll, enroll_encoded
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig, Recognizer

WORKER = made.enrolment_worker.__file__
PUMP = NewSentence("The pump  beeps ", "devices", "s07")


def worked(*arguments):
    """The answer of a process that starts the worker; it forks, which this process of many threads must not."""
    done = subprocess.run(
        [sys.executable, WORKER, *map(str, arguments)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def like(index, row, seed, weight=0.02):
    """An encoded clip whose embedding lies near that of a reference."""
    made = encoded(1, seed=seed)
    return replace(made, embeddings=unit_rows(index.embeddings[row] + weight * made.embeddings))


def enrolled(folder, clips, sentence=PUMP, recognizer=None, strict=False):
    names = tuple(f"clip{n}.npz" for n in range(clips.num_clips))
    new = EncodedClips(names, clips, np.ones(clips.num_clips, dtype=np.float32))
    return enroll_encoded(recognizer or made_recognizer(), folder, sentence, new, strict)


def test_a_new_sentence_is_met_by_the_next_query(tmp_path):
    clips, folder = encoded(2, seed=50), tmp_path / "mine"
    recognizer = made_recognizer()
    found = enrolled(folder, clips)
    assert (found.sentence, found.category, found.num_references) == ("The pump beeps", "devices", 2)
    assert found.sentence_id.startswith("enrolled-")
    assert found.agreement == pytest.approx(float(clips.embeddings[0] @ clips.embeddings[1]))
    layered = LayeredIndex(recognizer.index, folder)
    answers = recognizer.changed(index=layered.current()).answer(clips, np.ones(2, dtype=np.float32)).answers
    assert [answer.candidates[0].text_key for answer in answers] == ["the pump beeps"] * 2
    assert {answer.candidates[0].clip_id for answer in answers} == set(found.clip_ids)
    assert_same(recognizer.index, small_index())  # the base is as it was
    entry = load_layer(folder, "model-1").entries[0]
    assert (entry.feature_path, entry.video_file, entry.signer_id, entry.kind) == ("clip0.npz", "", "s07", "clip")


def test_further_clips_of_a_known_sentence_take_its_text_and_id(tmp_path):
    found = enrolled(tmp_path / "mine", encoded(1, seed=51), NewSentence("WHERE does it hurt!", signer_id="s07"))
    assert (found.sentence, found.sentence_id, found.category, found.num_references) == (
        "Where does it hurt", "105", "at the chemist, mornings", 3,
    )  # fmt: skip
    again = enrolled(tmp_path / "mine", encoded(1, seed=52), NewSentence("Where does it hurt", "pain"))
    assert (again.category, again.num_references) == ("pain", 4)


def test_a_sentence_that_was_only_written_is_its_clips(tmp_path):
    space = made_space("the pump beeps")
    index = write_sentences(small_index(), [WrittenSentence("The pump beeps", "8")], space).index
    recognizer = Recognizer(
        encoder=MadeEncoder(), index=index, decision=DecisionConfig(translate=False), text_space=space
    )
    found = enrolled(tmp_path / "mine", encoded(1, seed=50), recognizer=recognizer)
    assert (found.sentence_id, found.num_references, found.agreement) == ("8", 1, None)
    both = LayeredIndex(index, tmp_path / "mine").current()
    assert not both.written.any()


def test_into_nothing(tmp_path):
    empty = made_recognizer(SentenceIndex.build((), (), "model-1"))
    found = enrolled(tmp_path / "a" / "mine", encoded(1, seed=50), recognizer=empty)
    assert (found.nearest, found.warnings, found.agreement) == ((), (), None)
    assert len(load_layer(tmp_path / "a" / "mine", "model-1")) == 1


@pytest.mark.parametrize("text", ["", " ?! ", "..."])
def test_a_text_without_a_word_is_refused(text):
    with pytest.raises(ConfigError, match="holds no word"):
        NewSentence(text)


def test_a_text_that_cannot_be_written_is_refused():
    with pytest.raises(ConfigError, match=r"signer_id .* is no Unicode text"):
        NewSentence("fine", signer_id="\udcff")


def test_a_text_that_is_no_sentence_by_its_length_is_refused():
    with pytest.raises(ConfigError, match="at most 100 words"):
        NewSentence("pain " * 101)


def test_a_file_whose_name_is_no_unicode_is_enrolled_under_a_printable_one(tmp_path):
    recognizer = made_recognizer()
    clips = EncodedClips(("a\udcff.npz",), encoded(1, seed=50), np.ones(1, dtype=np.float32))
    enroll_encoded(recognizer, tmp_path / "mine", PUMP, clips)
    (kept,) = load_layer(tmp_path / "mine", "model-1").entries
    assert kept.feature_path == "a\\udcff.npz"


def test_a_clip_that_is_there_is_refused_under_any_name_and_nothing_is_enrolled(tmp_path):
    folder, clip = tmp_path / "mine", encoded(1, seed=50)
    with pytest.raises(ClipError, match=r"clip1\.npz: is there already, as clip a2 of 'Where does it hurt'"):
        enrolled(folder, concatenate([clip, encoded(5).select(slice(2, 3))]))
    assert not folder.exists()
    enrolled(folder, clip)
    nearly = replace(clip, projections=clip.projections * 1.001)  # another library, half precision
    with pytest.raises(ClipError, match=r"clip0\.npz: is there already, as clip clip0-[0-9a-f]{8} of 'The pump beeps'"):
        enrolled(folder, nearly, NewSentence("Something else"))
    with pytest.raises(ClipError, match=r"clip1\.npz: the same clip as clip0\.npz"):
        enrolled(folder, concatenate([encoded(1, seed=51)] * 2))
    other = replace(clip, projections=clip.projections + 0.1)  # near in the whole, another movement
    enrolled(folder, other)
    assert len(load_layer(folder, "model-1")) == 2


def test_clips_that_contradict_each_other_are_told(tmp_path):
    index = small_index()
    odd = concatenate([like(index, 0, 60, 5.0), like(index, 3, 61)])  # the second is nearly clip c1 of "null"
    found = enrolled(tmp_path / "mine", odd)
    told = [warning for warning in found.warnings if "is less like" in warning]
    assert any(warning.startswith("clip1.npz") and "clip c1 of 'null'" in warning for warning in told)
    assert found.agreement < 0.9
    assert found.confused_with[0] == "null"
    new = SentenceIndex.build(encoded(1, seed=62), [index.entries[0]], "model-1")
    good = concatenate([like(new, 0, 63), like(new, 0, 64)])
    assert not any("is less like" in warning for warning in enrolled(tmp_path / "good", good).warnings)


def test_a_sentence_that_is_taken_for_another_is_told_or_refused(tmp_path):
    index, folder = small_index(), tmp_path / "mine"
    gate = GateConfig(threshold=0.0)  # accepts whatever comes first
    sure = made_recognizer().changed(decision=DecisionConfig(gate=gate, translate=False))
    clip = like(index, 3, 64)
    with pytest.raises(DataError, match=r"not enrolled: 'The pump beeps' and 'null' are easily .* clip0\.npz"):
        enrolled(folder, clip, recognizer=sure, strict=True)
    assert not folder.exists()
    found = enrolled(folder, clip, recognizer=sure)
    assert found.confused_with == ("null",)
    assert found.nearest[0].sentence == "null"
    assert found.nearest[0].similarity > 0.99
    assert 0 <= found.nearest[0].confidence <= 1
    assert len(found.nearest) == 3
    scores = [near.score for near in found.nearest]
    assert scores == sorted(scores, reverse=True)
    refuses = made_recognizer().changed(decision=DecisionConfig(gate=GateConfig(bias=-50.0), translate=False))
    unsure = enrolled(tmp_path / "b", clip, recognizer=refuses, strict=True)
    assert (unsure.warnings, unsure.confused_with) == ((), ())
    assert json.loads(json.dumps(found.to_dict()))["sentence"] == found.sentence
    first, *warnings = str(found).splitlines()
    assert first == f"enrolled: '{found.sentence}', 1 clip, now {found.num_references} in all"
    assert warnings == [f"warning: {warning}" for warning in found.warnings]


def test_its_own_sentence_is_no_neighbour(tmp_path):
    found = enrolled(tmp_path / "mine", like(small_index(), 3, 65), NewSentence("null"))
    assert "null" not in {near.sentence for near in found.nearest}


def test_a_layer_of_another_model_and_a_bundle_are_refused(tmp_path):
    SentenceIndex.build((), (), "model-2").save(tmp_path / "mine")
    with pytest.raises(ArtifactError, match="made by encoder model-2"):
        enrolled(tmp_path / "mine", encoded(1, seed=50))
    write_json(tmp_path / "export_manifest.json", {})
    with pytest.raises(ArtifactError, match="part of a bundle"):
        enrolled(tmp_path / "index", encoded(1, seed=50))


def made_clip(hands=1.0, speed=0.1, shoulders=True, num_frames=40):
    """A signer whose right hand swings; a hand is seen in a share of the frames."""
    landmarks = np.full((num_frames, len(HOLISTIC.names), 3), np.nan, dtype=np.float32)
    for name, x in (("left_shoulder", 0.6), ("right_shoulder", 0.4), ("nose", 0.5)):
        landmarks[:, HOLISTIC.index[name]] = (x, 0.4, 0.0) if shoulders or name == "nose" else np.nan
    swing = 0.5 + speed * np.sin(np.arange(num_frames) / 3)
    for name in ("right_wrist", *(n for n in HOLISTIC.names if n.startswith("right_hand_"))):
        landmarks[:, HOLISTIC.index[name]] = np.stack([swing, np.full_like(swing, 0.6), 0 * swing], axis=1)
    hidden = np.arange(num_frames) >= hands * num_frames
    hand = [HOLISTIC.index[name] for name in HOLISTIC.names if "_hand_" in name]
    landmarks[np.ix_(hidden, hand)] = np.nan
    return LandmarkClip(
        landmarks, np.ones((num_frames, len(POSE_NAMES)), dtype=np.float32), regular_timestamps(num_frames, 30.0)
    )


def test_clips_are_kept_where_consent_is_told_and_what_is_told_stands_beside(tmp_path):
    recognizer = Recognizer(encoder=MadeEncoder(), index=small_index(), decision=DecisionConfig(translate=False))
    told = NewSentence("The pump beeps", "devices", "s07", "en", "recognize", "2026-11-28")
    found = enroll(recognizer, tmp_path / "kept", told, {"a.npz": made_clip()})
    (take,) = read_takes(tmp_path / "kept").values()
    told_of_it = ("The pump beeps", "devices", "s07", "en", "recognize", "2026-11-28", "taught")
    assert astuple(take) == (*found.clip_ids, found.sentence_id, *told_of_it)
    assert same_landmarks(load_clip(clip_path(tmp_path / "kept", take.clip_id)), made_clip())
    enroll(recognizer, tmp_path / "not", replace(told, consent=""), {"a.npz": made_clip()})
    assert [take.consent for take in read_takes(tmp_path / "not").values()] == [""]
    assert not (tmp_path / "not" / "clips").exists()
    with pytest.raises(ValueError, match="0 clips of 1 to be kept"):
        enrolled(tmp_path / "none", encoded(1, seed=50), told)  # encoded elsewhere, the landmarks are not at hand
    with pytest.raises(ConfigError, match="consent 'all'"):
        replace(told, consent="all")


def test_clips_become_references(tmp_path):
    recognizer = Recognizer(encoder=MadeEncoder(), index=small_index(), decision=DecisionConfig(translate=False))
    clips = {"a.npz": made_clip(), "b.npy": made_clip(speed=0.2)}
    new = encode_clips(recognizer, clips)
    assert recognizer.encoder.features.shape[0] == new.encoded.num_clips == 2
    assert new.names == ("a.npz", "b.npy")
    assert 0.1 < new.motions[0] < new.motions[1]
    found = enroll(recognizer, tmp_path / "mine", PUMP, clips)
    assert [clip_id[:2] for clip_id in found.clip_ids] == ["a-", "b-"]


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (made_clip(shoulders=False), r"b\.npz: no frame shows both shoulders"),
        (made_clip(hands=0.1), r"b\.npz: 10% of the frames show a hand, expected at least 20%"),
        (made_clip(speed=0.0), r"b\.npz: hand speed 0\.00 shoulder widths a second, signing has at least 0\.10"),
        (made_clip(num_frames=0), r"b\.npz: the clip has no frame"),
    ],
)
def test_a_clip_without_signing_is_refused_and_so_are_those_beside_it(tmp_path, clip, message):
    recognizer = Recognizer(encoder=MadeEncoder(), index=small_index(), decision=DecisionConfig())
    with pytest.raises(ClipError, match=message):
        enroll(recognizer, tmp_path / "mine", PUMP, {"a.npz": made_clip(), "b.npz": clip})
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="no clip to enroll"):
        enroll(recognizer, tmp_path / "mine", PUMP, {})


@pytest.mark.slow
def test_of_two_writers_at_once_both_are_kept(tmp_path):
    assert worked(tmp_path / "mine", 12) == {"enrolled": 24}


def test_the_check_of_two_writers_can_fail(tmp_path):
    """Without the lock, writers overwrite each other's sentences: the check above would see it."""
    recognizer, folder = made_recognizer(), tmp_path / "mine"
    enroll_number(recognizer, folder, 1)
    before = load_layer(folder, "model-1")
    enroll_number(recognizer, folder, 2)
    before.add(clip_of(3), [replace(before.entries[0], clip_id="n3", sentence="Sentence number 3")]).save(folder)
    assert numbers_in(folder) == [1, 3]
