"""A fitted decision as a file: that of a run, or one made for another camera.

DecisionConfig + report -> write_decision -> decision.json -> read_decision
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from signtalk.errors import ArtifactError
from signtalk.files import read_json, write_json
from signtalk.recognition.recognizer import DecisionConfig


def write_decision(path: Path, decision: DecisionConfig, report: dict[str, Any], encoder_id: str) -> None:
    """Write what was fitted and how it came about, atomically.

    Args:
        path: the file.
        decision: what to decide with.
        report: how it came about, as plain values.
        encoder_id: the model that it was fitted for.
    """
    content = {"encoder_id": encoder_id, "decision": decision.model_dump(mode="json"), "report": report}
    write_json(path, content)


def read_decision(path: Path, encoder_id: str) -> DecisionConfig:
    """What was fitted for a model.

    Raises:
        ArtifactError: the file is missing, damaged, of another version, or fitted for another model.
    """
    raw = read_json(path)
    try:
        decision, fitted_for = DecisionConfig.model_validate(raw["decision"]), raw["encoder_id"]
    except (KeyError, TypeError, ValidationError) as error:
        raise ArtifactError(f"{path}: damaged or of another version; run `signtalk calibrate` again") from error
    if fitted_for != encoder_id:
        raise ArtifactError(
            f"{path}: fitted for another model ({str(fitted_for)[:12]}, not {encoder_id[:12]}); "
            "run `signtalk calibrate` with this one"
        )
    return decision
