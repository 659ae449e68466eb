import json
from dataclasses import replace

from signtalk.calibration.gate import AcceptedAnswers, GateReport
from signtalk.calibration.reports import CalibrationReport, NotFitted, WholeFit
from signtalk.calibration.scoring import Trial
from signtalk.calibration.translation import ShownTexts, TranslationReport
from signtalk.recognition.candidate_sets import CandidateSets

GATE = GateReport(40, 30, 0.98, 5, 0.2, None, AcceptedAnswers(0.9, True, 20, 1.0, 0.84, 0.6))
ALONE = CalibrationReport(GATE, 0.4, CandidateSets(gap=0.1, num_clips=30), 30, 10, ("no idle clip",))
WHOLE = WholeFit(
    scoring=Trial(0.1, 0.1, 0.5, 0.4, 0.3, 0.95, 0.97),
    num_trials=150,
    wer_by_spelling_weight={"0.0": 0.5},
    written_gate=NotFitted("no sentence was held out; no written sentence is accepted"),
    enrolled_gate=GATE,
    translation=TranslationReport(40, 20, None, ShownTexts(0.8, False, 3)),
)


def test_a_report_of_gate_and_sets_tells_these_alone() -> None:
    content = ALONE.to_dict()
    assert list(content) == ["gate", "candidate_sets", "num_known", "num_unknown", "too_few"]
    assert content["gate"] == {
        "num_queries": 40, "num_right": 30, "precision_asked": 0.98, "num_idle": 5, "motion_floor": 0.2,
        "fallback": None, "threshold": 0.9, "target_reached": True, "num_accepted": 20, "precision_found": 1.0,
        "precision_lower_bound": 0.84, "coverage_of_right": 0.6, "choice_threshold": 0.4,
    }  # fmt: skip
    assert content["candidate_sets"] == {"gap": 0.1, "coverage": 0.9, "num_clips": 30, "least_clips": 9}
    assert json.loads(json.dumps(content)) == content


def test_a_report_of_everything_keeps_its_order() -> None:
    content = replace(ALONE, whole=WHOLE).to_dict()
    assert list(content) == [
        "scoring", "num_trials", "wer_by_spelling_weight", "gate", "candidate_sets", "num_known", "num_unknown",
        "too_few", "written_gate", "enrolled_gate", "translation",
    ]  # fmt: skip
    assert content["scoring"]["recall_at_1"] == 0.95
    assert content["written_gate"] == {"fallback": "no sentence was held out; no written sentence is accepted"}
    assert content["enrolled_gate"] == GATE.to_dict()
    assert content["translation"] == {
        "num_texts": 40, "num_right": 20, "fallback": None, "threshold": 0.8, "target_reached": False, "num_shown": 3,
    }  # fmt: skip
    assert json.loads(json.dumps(content)) == content


def test_what_was_not_fitted_tells_no_thresholds() -> None:
    gate = replace(GATE, fallback="8 queries, 8 right; too few of one kind to fit a gate", accepted=None)
    texts = TranslationReport(3, 1, "3 texts, 1 right; too few of one kind to fit a rule", None)
    whole = replace(WHOLE, scoring=None, num_trials=0, translation=texts)
    content = replace(ALONE, gate=gate, choice_threshold=None, whole=whole).to_dict()
    assert content["scoring"] == "kept: too few validation clips"
    assert list(content["gate"]) == [
        "num_queries", "num_right", "precision_asked", "num_idle", "motion_floor", "fallback",
    ]  # fmt: skip
    assert list(content["translation"]) == ["num_texts", "num_right", "fallback"]
