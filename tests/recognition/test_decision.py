from pathlib import Path

import pytest

from signtalk.errors import ArtifactError
from signtalk.recognition.decision import read_decision, write_decision
from signtalk.recognition.gate import GateConfig
from signtalk.recognition.recognizer import DecisionConfig


def test_a_decision_goes_through_its_file_unchanged(tmp_path: Path) -> None:
    decision = DecisionConfig(gate=GateConfig(threshold=0.7, choice_threshold=0.2), spelling_weight=0.3)
    write_decision(tmp_path / "d.json", decision, {"why": "a test"}, "model-1")
    assert read_decision(tmp_path / "d.json", "model-1") == decision


def test_that_of_another_model_is_refused(tmp_path: Path) -> None:
    write_decision(tmp_path / "d.json", DecisionConfig(), {}, "model-1")
    with pytest.raises(ArtifactError, match="fitted for another model"):
        read_decision(tmp_path / "d.json", "model-2")


@pytest.mark.parametrize("text", ["[]", "{}", '{"decision": {"speed": 1}, "encoder_id": "m"}', '{"decision": {}}', "x"])
def test_what_is_damaged_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(ArtifactError):
        read_decision(tmp_path / "d.json", "m")
