"""A bundle of format 5 that an earlier SignTalk wrote opens, verifies and answers as it did then.

`tests/fixtures/format5` holds a tiny model of made-up signers, five made-up clips that are no reference of it, and what
that SignTalk answered to them. It was written once; nothing here makes it anew.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signtalk.bundle.bundle import open_bundle, verify_bundle
from signtalk.landmarks.clip import LandmarkClip

FIXTURE = Path(__file__).parent.parent / "fixtures" / "format5"
BUNDLE = FIXTURE / "bundle.zip"
ANSWERS: dict[str, Any] = json.loads((FIXTURE / "answers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def clips() -> dict[str, LandmarkClip]:
    with np.load(FIXTURE / "clips.npz") as arrays:
        return {
            name: LandmarkClip(
                arrays[f"{name}/landmarks"].astype(np.float32),
                arrays[f"{name}/visibility"].astype(np.float32),
                arrays[f"{name}/timestamps_s"],
                float(arrays[f"{name}/aspect"]),
            )
            for name in ANSWERS
        }


def nearly(expected: Any) -> Any:
    """The same answer, numbers to a hundred thousandth."""
    if isinstance(expected, dict):
        return {name: nearly(value) for name, value in expected.items()}
    if isinstance(expected, list):
        return [nearly(value) for value in expected]
    return pytest.approx(expected, abs=1e-5, rel=1e-5, nan_ok=True) if isinstance(expected, float) else expected


def test_it_is_of_format_5_and_verifies() -> None:
    with open_bundle(BUNDLE) as bundle:
        assert bundle.manifest.format_version == 5
        assert bundle.recognizer.text_space is not None
        assert any(entry.kind == "written" for entry in bundle.recognizer.index.entries)
    assert max(verify_bundle(str(BUNDLE)).values()) < 1e-5


@pytest.mark.parametrize("name", ANSWERS)
def test_it_answers_as_it_did_when_it_was_made(name: str, clips: dict[str, LandmarkClip]) -> None:
    with open_bundle(str(BUNDLE)) as bundle:
        (answer,) = bundle.under("research").recognizer.recognize([clips[name]])
    written = json.loads(json.dumps(answer.to_dict()))
    assert {key: written[key] for key in ANSWERS[name]} == nearly(ANSWERS[name])


def test_the_answers_are_of_several_kinds() -> None:
    assert {answer["reason"] for answer in ANSWERS.values()} == {
        "", "ambiguous_top2", "low_motion", "low_similarity", "written_not_proven",
    }  # fmt: skip


def test_what_it_never_proved_is_offered_as_a_choice(clips: dict[str, LandmarkClip]) -> None:
    with open_bundle(str(BUNDLE)) as bundle:
        assert bundle.recognizer.decision.policy == "strict"
        (answer,) = bundle.recognizer.recognize([clips["27E"]])
        (shown,) = bundle.under("research").recognizer.recognize([clips["27E"]])
    assert (answer.outcome, answer.text, answer.reason) == ("choices", None, "not_proven")
    assert answer.choices[0].sentence == shown.text == ANSWERS["27E"]["text"]
    assert answer.promise == shown.promise
    assert shown.promise is not None and not shown.promise.proven
    assert (shown.promise.precision_asked, shown.promise.precision_found) == (0.98, None)  # older files do not tell
    assert str(answer).endswith("(not proven)") and str(shown).endswith("(not proven)")
