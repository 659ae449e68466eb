from dataclasses import replace

import numpy as np
import pytest

from made.taught_sets import RECOGNIZER, SCORING, taught
from signtalk.calibration.unseen_signs import (
    AT_REST,
    FEWEST_TAUGHT,
    coverage,
    fit_promise,
    fit_unseen,
    hold_lessons,
    is_answered,
    left_out_coverage,
)
from signtalk.errors import DataError
from signtalk.recognition.evidence import COMPARED_FIGURES, FIGURES
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig


def test_a_lesson_asks_what_was_taught_and_what_was_not_by_others_than_the_teacher() -> None:
    answers = hold_lessons(RECOGNIZER, [taught("a", 0.1, 0)], lessons=8)
    assert answers.known.any() and not answers.known.all()
    assert not answers.right[~answers.known].any()
    assert answers.right[answers.known].mean() > 0.95
    again = hold_lessons(RECOGNIZER, [taught("a", 0.1, 0)], lessons=8)
    np.testing.assert_array_equal(again.evidence.score, answers.evidence.score)
    assert set(answers.num_clips) == {1, 2, 3}  # each person makes each sign once, and of four people three may teach


def test_how_many_clips_taught_is_counted_not_drawn() -> None:
    once = taught("a", 0.1, 0)
    twice = replace(once, people=tuple({"p0": "p1"}.get(who, who) for who in once.people))
    of_one = hold_lessons(RECOGNIZER, [replace(twice, learners=frozenset({"p2", "p3"}))], lessons=12)
    assert set(of_one.num_clips) == {1, 2}
    of_others = hold_lessons(RECOGNIZER, [replace(twice, learners=frozenset({"p1"}))], lessons=12)
    assert set(of_others.num_clips) == {1, 2}  # p2 and p3 once each, alone or together


def test_somebody_is_left_who_asks_however_many_teach() -> None:
    of_two = taught("a", 0.1, 0, people=2)
    assert set(hold_lessons(RECOGNIZER, [of_two], lessons=12).num_clips) == {1}


def test_nobody_asks_who_teaches() -> None:
    answers = hold_lessons(RECOGNIZER, [taught("a", 0.6, 0)], lessons=24)
    assert answers.num_clips.max() == 3 and answers.evidence.similarity.max() < 0.99  # a taught clip would meet itself


def test_an_answer_about_hands_that_rest_is_none() -> None:
    answers = hold_lessons(RECOGNIZER, [taught("a", 0.1, 0)], lessons=4)
    decision = DecisionConfig(scoring=SCORING, gate=GateConfig(threshold=0.0, motion_floor=0.3))
    slow = np.arange(len(answers.sets)) % 2 == 0
    speeds = np.where(slow, 0.2, np.where(answers.known, 1.0, np.nan)).astype(np.float32)  # unknown: of made-up clips
    np.testing.assert_array_equal(is_answered(decision, replace(answers, motions=speeds)), ~slow)


def test_how_near_a_clip_is_at_all_may_count() -> None:
    """Right answers are as near as all others to the next best, and nearer than all others to the best."""
    answers = hold_lessons(RECOGNIZER, [taught("a", 0.9, 0)], lessons=8)
    unknown = np.full(len(answers.sets), np.nan, dtype=np.float32)
    evidence = replace(answers.evidence, **dict.fromkeys(COMPARED_FIGURES, unknown))
    near = replace(evidence, similarity=np.where(answers.right, 0.9, 0.6).astype(np.float32))
    decision, report = fit_unseen(DecisionConfig(scoring=SCORING), replace(answers, evidence=near), 0.9)
    assert report.accepted is not None and report.accepted.coverage_of_right > 0.9
    assert decision.gate.figures["similarity"].weight > 1 and decision.gate.figures["dtw_score"].weight == 0


def test_who_learns_alone_never_teaches() -> None:
    with pytest.raises(DataError, match="no lesson"):
        hold_lessons(RECOGNIZER, [replace(taught("a", 0.1, 0), learners=frozenset(f"p{n}" for n in range(4)))], 2)


def test_a_few_sentences_are_taught_as_often_as_many() -> None:
    answers = hold_lessons(RECOGNIZER, [taught("a", 0.1, 0, signs=40)], lessons=40)
    assert answers.num_sentences.min() >= FEWEST_TAUGHT and answers.num_sentences.max() <= 39
    a_lesson_each = np.unique(answers.num_sentences)
    assert 8 <= np.median(a_lesson_each) <= 28 and (a_lesson_each <= 9).any() and (a_lesson_each >= 25).any()


def test_a_teacher_of_too_few_signs_gives_no_lesson() -> None:
    sets = [taught("a", 0.1, 0), taught("b", 0.1, 1, signs=FEWEST_TAUGHT)]
    assert set(hold_lessons(RECOGNIZER, sets, lessons=4).sets) == {0}


def test_sets_without_any_lesson_are_told() -> None:
    with pytest.raises(DataError, match="a: nobody signs more than 6 sentences"):
        hold_lessons(RECOGNIZER, [taught("a", 0.1, 0, signs=FEWEST_TAUGHT)], lessons=2)


def test_the_gate_keeps_its_promise_in_a_set_that_it_was_not_fitted_on() -> None:
    sets = [taught(name, noise, seed) for seed, (name, noise) in enumerate({"a": 0.6, "b": 0.9, "c": 0.75}.items())]
    answers = hold_lessons(RECOGNIZER, sets, lessons=16)
    decision, report = fit_unseen(DecisionConfig(scoring=SCORING), answers.select(answers.sets != 2), 0.95)
    figures = coverage(decision, answers.select(answers.sets == 2))
    assert figures["precision"] >= 0.9 and figures["answered"] > 0.2
    assert decision.gate.enrolled is not None and decision.gate.enrolled.threshold == decision.gate.threshold
    assert not decision.translate and report.precision_asked == 0.95


def test_each_set_counts_the_same_however_many_questions_it_asks() -> None:
    answers = hold_lessons(RECOGNIZER, [taught("easy", 0.3, 0), taught("hard", 1.2, 1)], lessons=12)
    few = answers.select((answers.sets == 1) | (np.arange(len(answers.sets)) % 4 == 0))
    whole, thinned = (fit_unseen(DecisionConfig(scoring=SCORING), each, 0.9)[0] for each in (answers, few))
    assert whole.gate.threshold == pytest.approx(thinned.gate.threshold, abs=0.1)


def test_a_gate_that_accepts_nothing_has_no_precision() -> None:
    answers = hold_lessons(RECOGNIZER, [taught("a", 0.5, 0)], lessons=8)
    closed = DecisionConfig(scoring=SCORING)
    closed = closed.model_copy(update={"gate": closed.gate.model_copy(update={"threshold": 1.0, "bias": -50.0})})
    figures = coverage(closed, answers)
    assert figures["answered"] == 0 and figures["precision"] is None
    assert figures["recall_at_1"] == pytest.approx(answers.right[answers.known].mean())


def test_a_promise_is_proven_by_sets_that_were_left_out_alone() -> None:
    sets = [taught(name, noise, seed) for seed, (name, noise) in enumerate({"a": 0.6, "b": 0.9, "c": 0.75}.items())]
    answers = hold_lessons(RECOGNIZER, sets, lessons=16)
    decision, without = fit_promise(DecisionConfig(scoring=SCORING), answers, 0.95)
    judged = left_out_coverage(without, answers)
    gate = decision.gate
    assert gate.precision_reached and gate.precision_asked == 0.95
    assert gate.num_accepted == sum(int(each["num_answered"] or 0) for each in judged)
    shares = [float(each["precision"] or 0) for each in judged]
    assert gate.precision_found == pytest.approx(sum(shares) / 3) and gate.precision_found >= 0.95
    assert gate.precision_lower_bound is None  # of so few sets
    assert gate.enrolled is not None and gate.enrolled.num_accepted == gate.num_accepted
    assert gate.enrolled.least_sentences == answers.num_sentences.min() >= FEWEST_TAUGHT


def test_where_left_out_sets_do_not_show_it_nothing_is_proven() -> None:
    """The sure ones of one set are the wrong ones of the other: nothing that is fitted on one holds in the other."""
    sets = [taught("a", 0.5, 0), taught("b", 0.5, 1)]
    answers = hold_lessons(RECOGNIZER, sets, lessons=12)
    upside_down = replace(answers, right=np.where(answers.sets == 0, answers.right, ~answers.right))
    decision, _ = fit_promise(DecisionConfig(scoring=SCORING), upside_down, 0.95)
    assert not decision.gate.precision_reached
    assert decision.gate.enrolled is not None and not decision.gate.enrolled.precision_reached


def test_a_promise_that_one_set_breaks_is_not_proven_by_the_mean() -> None:
    answers = hold_lessons(RECOGNIZER, [taught(name, 0.3, seed) for seed, name in enumerate("abcd")], lessons=12)
    wronged = (answers.sets == 3) & (np.arange(len(answers.sets)) % 4 == 0)  # however sure the gate is
    answers = replace(answers, right=answers.right & ~wronged)
    decision, without = fit_promise(DecisionConfig(scoring=SCORING), answers, 0.9)
    assert float(left_out_coverage(without, answers)[3]["precision"] or 0) < 0.8
    assert float(decision.gate.precision_found or 0) >= 0.9 and not decision.gate.precision_reached


def test_a_set_that_gets_no_answer_has_shown_nothing() -> None:
    answers = hold_lessons(RECOGNIZER, [taught(name, 0.3, seed) for seed, name in enumerate("abc")], lessons=12)
    matrix = {name: getattr(answers.evidence, name) for name in FIGURES}
    unlike = {name: np.where(answers.sets == 2, np.float32(-9), figures) for name, figures in matrix.items()}
    silent = replace(answers, evidence=replace(answers.evidence, **unlike))
    decision, without = fit_promise(DecisionConfig(scoring=SCORING), silent, 0.9)
    assert left_out_coverage(without, silent)[2]["num_answered"] == 0
    assert float(decision.gate.precision_found or 0) >= 0.9 and not decision.gate.precision_reached
    heard, _ = fit_promise(DecisionConfig(scoring=SCORING), answers, 0.9)
    assert heard.gate.precision_reached


def test_rests_are_asked_and_never_taught_and_set_the_floor_of_motion() -> None:
    signed = taught("a", 0.1, 0)
    nobody = [number % 4 == 3 for number in range(len(signed.labels))]
    labels = tuple(AT_REST if each else label for each, label in zip(nobody, signed.labels, strict=True))
    speeds = np.where(nobody, 0.02, 0.1).astype(np.float32)
    answers = hold_lessons(RECOGNIZER, [replace(signed, labels=labels, motions=speeds)], lessons=8)
    assert answers.resting.any() and not (answers.resting & (answers.known | answers.right)).any()
    fitted, _ = fit_unseen(DecisionConfig(scoring=SCORING), answers, 0.9)
    assert 0.02 < fitted.gate.motion_floor < 0.1
    without, _ = fit_unseen(DecisionConfig(scoring=SCORING), answers.select(~answers.resting), 0.9)
    assert fitted.gate.motion_floor != without.gate.motion_floor


def test_clips_of_one_name_are_one_set() -> None:
    sets = [taught("a", 0.1, 0), taught("b", 0.1, 1), replace(taught("c", 0.1, 2), name="a")]
    named_apart = [*sets[:2], replace(sets[2], name="c")]
    together, apart = (hold_lessons(RECOGNIZER, each, lessons=4) for each in (sets, named_apart))
    assert together.sets.tolist() == np.where(apart.sets == 2, 0, apart.sets).tolist()
    assert set(apart.sets) == {0, 1, 2}
