from dataclasses import replace

import numpy as np

from made.answers import trained_clips
from made.small_run import SmallRun
from signtalk.calibration.before_after import BeforeAfter, Outcomes, compare_fits
from signtalk.calibration.clips import CalibrationClips, asked_as_new_signers
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig

GOOD = Outcomes(num_queries=80, answered=0, answered_right=0, offered=41, offered_right=41, num_idle=10, idle_moving=0)
NOTHING = replace(GOOD, offered=0, offered_right=0)


def test_a_fit_that_only_takes_away_is_seen() -> None:
    lost = BeforeAfter(GOOD, NOTHING)
    assert lost.is_worse and lost.takes_all_away
    assert str(lost) == (
        "before 0 of 0 answers and 41 of 41 offers right; after 0 of 0 answers and 0 of 0 offers right, of 80 queries"
    )
    assert lost.to_dict()["is_worse"] is True
    fewer = BeforeAfter(GOOD, replace(GOOD, offered=30, offered_right=30))
    assert fewer.is_worse and not fewer.takes_all_away


def test_what_is_safer_or_answers_instead_is_not_worse_or_not_refused() -> None:
    wild = replace(GOOD, answered=20, answered_right=5)
    assert not BeforeAfter(wild, NOTHING).is_worse  # it misled 15
    answers = replace(NOTHING, answered=30, answered_right=30)
    assert not BeforeAfter(GOOD, answers).takes_all_away  # 30 are told instead of being asked
    assert not BeforeAfter(NOTHING, GOOD).is_worse
    assert not BeforeAfter(NOTHING, NOTHING).is_worse


def test_the_same_clips_are_asked_under_both_decisions(small_run: SmallRun) -> None:
    recognizer, trained = trained_clips(small_run)
    idle = np.array([0.1, 0.5], np.float32)
    clips = CalibrationClips(replace(trained, motions=np.full(len(trained.records), 2, np.float32)), None, idle, idle)
    gate = GateConfig(threshold=0.0, motion_floor=0.25, precision_asked=0.9, precision_reached=True)
    open_to_all = recognizer.changed(decision=DecisionConfig(gate=gate))
    closed = recognizer.changed(
        decision=DecisionConfig(gate=gate.model_copy(update={"threshold": 1.0, "motion_floor": 0.05}))
    )
    changes = compare_fits(open_to_all, closed, clips)
    num_queries = sum(len(asked.records) for asked, _ in asked_as_new_signers(recognizer.index, clips))
    assert changes.before.num_queries == changes.after.num_queries == num_queries == 2 * len(trained.records)
    assert changes.before.answered == num_queries
    assert 0 < changes.before.answered_right <= len(trained.records)
    assert changes.before.misled == num_queries - changes.before.answered_right
    assert (changes.after.answered, changes.after.offered) == (0, 0)
    assert (changes.before.idle_moving, changes.after.idle_moving, changes.after.num_idle) == (1, 2, 2)
