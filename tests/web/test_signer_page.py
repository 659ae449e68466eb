"""The page learns its person from what they confirm, in a real browser, with answers as wanted."""

import json
from pathlib import Path
from typing import Any

import pytest

from made.page_driver import steps_of
from made.page_service import KNOWN
from made.web import needs_browser
from signtalk.bundle.web import PAGE

TEXTS: dict[str, str] = json.loads((PAGE / "texts" / "en.json").read_text())
HURT, FEVER, MORNING, SIT, MEDICINE = (text for _, text, _ in KNOWN)


def talk(scenario: str, folder: Path) -> dict[str, Any]:
    return steps_of("signer_page.mjs", scenario, folder)


def confirmed(segment: int, text: str) -> dict[str, Any]:
    return {"type": "confirmed", "segment": segment, "text": text}


@needs_browser
@pytest.mark.slow
def test_what_the_patient_confirms_is_told_and_forgotten_with_them(tmp_path: Path) -> None:
    steps = talk("confirmed", tmp_path)
    assert steps["mark"] == TEXTS["signer.known"].replace("{count}", "1")
    # The patient says yes, chooses, takes that back and chooses another one.
    assert steps["told"] == [confirmed(3, HURT), confirmed(4, FEVER), confirmed(4, ""), confirmed(4, MORNING)]
    assert steps["afterwards"] == [{"type": "reset"}]
    assert steps["unwanted"] == []


def step(name: str, number: int = 0) -> str:
    return TEXTS[f"acquaint.{name}"].replace("{number}", str(number)).replace("{most}", "5").replace("{least}", "4")


@needs_browser
@pytest.mark.slow
def test_a_person_is_asked_for_sentences_one_after_the_other(tmp_path: Path) -> None:
    steps = talk("acquainted", tmp_path)
    assert steps["first"] == [step("please", 1), HURT]
    assert steps["seen"] == [step("seen"), HURT]
    assert steps["second"] == [step("please", 2), FEVER]
    assert steps["unseen"] == [step("unseen"), FEVER]
    assert steps["third"] == [step("please", 2), MORNING]
    assert steps["done"] == [step("done"), ""]
    assert steps["few"] == [step("few"), ""]
    assert "empty" in steps["card"]  # nothing of it is an answer of the talk
    signed = [confirmed(1, HURT), confirmed(3, MORNING), confirmed(4, SIT), confirmed(5, MEDICINE)]
    assert steps["told"] == [{"type": "next", "limit": 10}, *signed]
