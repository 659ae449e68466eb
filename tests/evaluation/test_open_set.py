"""Open-set figures against counting them by hand over single answers."""

from dataclasses import replace

import numpy as np
import pytest

from made.answers import trained_clips
from made.small_run import SmallRun
from signtalk.evaluation.open_set import OpenSetAnswers, measure_open_set
from signtalk.evaluation.retrieval import auroc
from signtalk.recognition.asked import Asked
from signtalk.recognition.candidate_sets import CandidateSets
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig, Recognizer


@pytest.fixture(scope="module")
def asked(small_run: SmallRun) -> tuple[Recognizer, Asked, Asked, Asked]:
    """A recognizer that lacks a third of the sentences; known, unknown and idle clips, the idle ones not moving."""
    recognizer, trained = trained_clips(small_run)
    keys = sorted(set(trained.keys))
    unseen = set(keys[: len(keys) // 3])
    recognizer = recognizer.changed(
        index=recognizer.index.without_sentences(unseen),
        decision=DecisionConfig(
            gate=GateConfig(threshold=0.6, choice_threshold=0.2, motion_floor=0.05),
            sets=CandidateSets(gap=0.05, num_clips=50),
            policy="research",  # no clip has proven this gate
        ),
    )

    def part(rows: list[int], motion: float | None = None) -> Asked:
        # Under other names they may meet themselves, so that some answers are right.
        records = tuple(replace(trained.records[row], clip_id=f"asked {row}") for row in rows)
        motions = trained.motions[rows] if motion is None else np.full(len(rows), motion, np.float32)
        return Asked(records, trained.encoded.select(np.array(rows)), motions)

    known = [row for row, key in enumerate(trained.keys) if key not in unseen]
    unknown = [row for row, key in enumerate(trained.keys) if key in unseen]
    return recognizer, part(known), part(unknown), part(known[:4], 0.0)


@pytest.fixture(scope="module")
def found(asked: tuple[Recognizer, Asked, Asked, Asked]) -> OpenSetAnswers:
    return measure_open_set(*asked)


def test_what_is_accepted_is_counted_over_single_answers(
    asked: tuple[Recognizer, Asked, Asked, Asked], found: OpenSetAnswers
) -> None:
    recognizer, known, unknown, idle = asked
    result, gate = found.result, found.result.gates[0]
    answers = [
        recognizer.answer(part.encoded, part.motions, part.own_ids, num_candidates=3).answers
        for part in (known, unknown, idle)
    ]
    right = np.array([a.candidates[0].text_key == key for a, key in zip(answers[0], known.keys, strict=True)])
    np.testing.assert_array_equal(found.known.right, right)
    accepted = [np.array([answer.accepted for answer in part]) for part in answers]
    assert gate.known_accepted.estimate == pytest.approx(accepted[0].mean())
    assert gate.unknown_accepted is not None
    assert gate.unknown_accepted.estimate == pytest.approx(accepted[1].mean())
    assert gate.idle_accepted is not None
    assert gate.idle_accepted.estimate == 0
    assert gate.known_wrong == pytest.approx((accepted[0] & ~right).mean())
    total = sum(part.sum() for part in accepted)
    if total:
        assert gate.precision is not None
        assert gate.precision.estimate == pytest.approx((accepted[0] & right).sum() / total)
    assert (result.num_known, result.num_unknown, result.num_idle) == tuple(map(len, answers))
    confidences = [np.array([answer.confidence for answer in part]) for part in answers]
    assert result.auroc == pytest.approx(
        auroc(np.concatenate(confidences[:2]), np.arange(len(answers[0]) + len(answers[1])) < len(answers[0])), abs=1e-6
    )
    sure = np.concatenate([*confidences[:2], np.zeros(4)])  # who does not move is as unsure as can be
    shall = np.append(right, np.zeros(len(sure) - len(right), dtype=bool))
    assert result.auroc_right == pytest.approx(auroc(sure, shall), abs=1e-6)


def test_sets_and_choices_are_counted_over_single_answers(
    asked: tuple[Recognizer, Asked, Asked, Asked], found: OpenSetAnswers
) -> None:
    recognizer, known, unknown, _ = asked
    answers = recognizer.answer(known.encoded, known.motions, known.own_ids, num_candidates=99).answers
    holds = [
        key in [candidate.text_key for candidate in answer.candidates[: answer.num_possible]]
        for answer, key in zip(answers, known.keys, strict=True)
    ]
    assert found.result.sets is not None
    assert found.result.sets.covered.estimate == pytest.approx(np.mean(holds))
    assert found.result.sets.mean_size == pytest.approx(np.mean([answer.num_possible for answer in answers]))
    offers = [(answer.choices, key) for answer, key in zip(answers, known.keys, strict=True) if answer.choices]
    strange = recognizer.answer(unknown.encoded, unknown.motions, unknown.own_ids).answers
    num_offers = len(offers) + sum(bool(answer.choices) for answer in strange)
    assert num_offers > 0
    assert all(len(choices) in (2, 3) for choices, _ in offers)
    right = sum(key in [choice.text_key for choice in choices] for choices, key in offers)
    assert found.result.choices.right is not None
    assert found.result.choices.right.estimate == pytest.approx(right / num_offers)
    assert all(answer.outcome == "choices" for answer in strange if answer.choices and answer.text is None)


def test_without_sets_idle_and_unknown_clips_what_cannot_be_said_is_absent(
    asked: tuple[Recognizer, Asked, Asked, Asked],
) -> None:
    recognizer, known, _, _ = asked
    plain = recognizer.changed(decision=recognizer.decision.model_copy(update={"sets": CandidateSets()}))
    result = measure_open_set(plain, known, None, None).result
    assert result.sets is None
    assert result.unknown_kind == "trained, left out of the index"
    assert (result.num_unknown, result.num_idle) == (len(known.records), 0)
    assert result.gates[0].idle_accepted is None
    assert result.gates[0].unknown_accepted is not None


def test_the_prototypes_gate_offers_nothing(asked: tuple[Recognizer, Asked, Asked, Asked]) -> None:
    recognizer, known, _, _ = asked
    theirs = recognizer.changed(decision=DecisionConfig.prototype())
    answers = theirs.answer(known.encoded, known.motions, known.own_ids).answers
    assert not any(answer.choices or answer.num_possible for answer in answers)


@pytest.mark.parametrize("threshold", [0.6, 1.0])
def test_every_clip_that_was_not_told_what_it_should_be_is_named(
    asked: tuple[Recognizer, Asked, Asked, Asked], threshold: float
) -> None:
    recognizer, *parts = asked
    strict = recognizer.decision.model_copy(update={"gate": GateConfig(threshold=threshold, motion_floor=0.05)})
    answered = measure_open_set(recognizer.changed(decision=strict), *parts)
    gate, clips = answered.result.gates[0], answered.wrong_clips
    known, unknown, _ = parts
    told = {kind: [c for c in clips if c.kind == kind and c.told] for kind in ("known", "unknown", "idle")}
    refused = [clip for clip in clips if not clip.told]
    assert len(told["known"]) / len(known.records) == pytest.approx(gate.known_wrong)
    assert gate.unknown_accepted is not None
    assert len(told["unknown"]) == round(gate.unknown_accepted.estimate * len(unknown.records))
    assert told["idle"] == []
    assert len(refused) == round((1 - gate.known_accepted.estimate) * len(known.records))
    assert len(told["unknown"] if threshold < 1 else refused) > 0
    assert {clip.kind for clip in refused} <= {"known"}
    assert all(clip.reason for clip in refused)
    sentences = {record.clip_id: record.sentence for part in parts for record in part.records}
    assert all(clip.right == sentences[clip.clip_id] for clip in clips)
