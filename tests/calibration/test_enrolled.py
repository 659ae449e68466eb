from dataclasses import replace

import numpy as np
import pytest

from made.answers import trained_clips
from made.small_run import SmallRun
from signtalk.calibration import enrolled
from signtalk.calibration.clips import CalibrationClips
from signtalk.calibration.enrolled import TAUGHT_FROM, fit_enrolled, make_lesson
from signtalk.data.manifest import ClipRecord
from signtalk.recognition.asked import Asked, enrolled_entries
from signtalk.recognition.recognizer import Recognizer


def held_out(small_run: SmallRun) -> tuple[Recognizer, CalibrationClips]:
    """The training clips as queries, half of the sentences being taken out of the index.

    Each clip stands there under the names of three signers, so that who asks finds what another one taught.
    """
    recognizer, trained = trained_clips(small_run)
    keys = list(dict.fromkeys(trained.keys))
    unseen = set(keys[len(keys) // 2 :])

    def asked(known: bool) -> Asked:
        rows = [row for row, key in enumerate(trained.keys) if (key not in unseen) == known] * 3
        signers = "x" * (len(rows) // 3) + "y" * (len(rows) // 3) + "z" * (len(rows) // 3)
        records = tuple(
            replace(trained.records[row], clip_id=f"{trained.records[row].clip_id} {signer}", signer_id=signer)
            for row, signer in zip(rows, signers, strict=True)
        )
        return Asked(records, trained.encoded.select(np.array(rows)), np.full(len(rows), 2.0, np.float32))

    nobody = np.zeros(0, np.float32)
    clips = CalibrationClips(asked(True), asked(False), nobody, nobody)
    return recognizer.changed(index=recognizer.index.without_sentences(unseen)), clips


def made_records(record: ClipRecord, signers: str, sentence: str) -> list[ClipRecord]:
    return [
        replace(record, clip_id=f"{sentence} {number}", signer_id=signer, sentence=sentence)
        for number, signer in enumerate(signers)
    ]


def test_one_signer_teaches_and_the_others_ask(small_run: SmallRun) -> None:
    _, clips = held_out(small_run)
    assert clips.unknown is not None
    first = clips.unknown.records[0]
    records = made_records(first, "AABBC", "x") + made_records(first, "AAA", "y") + made_records(first, "A", "z")
    for k in TAUGHT_FROM:
        for seed in range(5):
            lesson = make_lesson(records, k, seed)
            taught, asked = ([records[row] for row in rows] for rows in (lesson.taught, lesson.asked))
            assert not {r.clip_id for r in taught} & {r.clip_id for r in asked}
            of_x = {r.signer_id for r in taught if r.text_key == "x"}
            assert len(of_x) == 1
            assert of_x.isdisjoint({r.signer_id for r in asked if r.text_key == "x"})
            assert 1 <= sum(r.text_key == "x" for r in taught) <= k
            assert sum(r.text_key == "y" for r in taught) == min(k, 2)  # one is left to ask
            assert sum(r.text_key == "y" for r in asked) == 3 - min(k, 2)
            assert not any(r.text_key == "z" for r in (*taught, *asked))
    of_turns = [make_lesson(records, 2, 1, turn) for turn in range(4)]
    teachers = [
        {records[row].signer_id for row in lesson.taught.tolist() if records[row].text_key == "x"}
        for lesson in of_turns
    ]
    assert sorted(map(tuple, teachers)) == [(), ("A",), ("B",), ("C",)]  # each in turn, and nobody after that
    assert not any(records[row].text_key == "y" for lesson in of_turns[1:] for row in lesson.taught.tolist())
    again = make_lesson(records, 2, 1)
    np.testing.assert_array_equal(again.taught, make_lesson(records, 2, 1).taught)


def test_clips_that_teach_are_known_by_their_ids(small_run: SmallRun) -> None:
    _, clips = held_out(small_run)
    assert clips.unknown is not None
    entries = enrolled_entries(clips.unknown.records)
    assert all(entry.sentence_id.startswith("enrolled-") for entry in entries)
    assert [entry.text_key for entry in entries] == clips.unknown.keys


def test_held_out_sentences_are_taught_asked_and_asked_without(small_run: SmallRun) -> None:
    recognizer, clips = held_out(small_run)
    assert clips.unknown is not None and clips.known is not None
    rounds = enrolled._rounds(recognizer, clips, make_lesson(clips.unknown.records, 2, 0))
    taught, without, beside = rounds
    assert taught.known.all()
    assert not without.known.any() and not without.right.any()
    assert taught.clip_ids == without.clip_ids
    assert beside.known.all()
    assert len(beside.clip_ids) == len(clips.known.records)
    assert (taught.right <= taught.enrolled).all()  # a right answer is a taught sentence
    assert not (beside.right & beside.enrolled).any()


def test_the_gate_counts_every_clip_once(small_run: SmallRun) -> None:
    recognizer, clips = held_out(small_run)
    gate, report = fit_enrolled(recognizer, clips, 0.6, 0.3)
    assert clips.unknown is not None and clips.known is not None
    num_clips = len(clips.unknown.records) + len(clips.known.records)
    assert gate is not None and gate.fitted
    accepted = report.accepted
    assert accepted is not None
    assert report.num_queries > num_clips  # asked in several rounds
    assert accepted.num_accepted <= num_clips
    assert gate.num_accepted == accepted.num_accepted
    assert gate.precision_found == accepted.precision_found
    assert gate.precision_lower_bound == accepted.precision_lower_bound
    assert gate.precision_reached == accepted.target_reached
    assert gate.least_words >= min(len(record.sentence.split()) for record in clips.unknown.records) >= 1
    assert fit_enrolled(recognizer, clips, 0.6, 0.3) == (gate, report)


@pytest.mark.parametrize("few", [0, 1])
def test_without_held_out_sentences_nothing_is_proven(few: int, small_run: SmallRun) -> None:
    recognizer, clips = held_out(small_run)
    assert clips.unknown is not None
    alone = clips.unknown.select(np.arange(few))
    gate, report = fit_enrolled(recognizer, replace(clips, unknown=alone if few else None), 0.98, 0.3)
    assert gate is None
    assert "no enrolled sentence is accepted" in report.fallback
