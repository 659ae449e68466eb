import json
from dataclasses import replace
from pathlib import Path

import pytest

from made.stress import REFUSED, answer, case, query
from signtalk.evaluation.stress import StressReport, _case_result, _figures, _outcome
from signtalk.evaluation.stress_cases import EXPECTED, PlannedCase
from signtalk.evaluation.stress_report import stress_json, stress_markdown, write_stress


def made_report(with_strange: bool = True) -> StressReport:
    recorded = replace(case("right", recorded=True), name="as recorded", group="as recorded")
    half = replace(case("shown"), name="first half", group="half a sentence")
    missing = PlannedCase(replace(case("nothing"), name="another language"), (), "no clips | were given")
    outcomes = [_outcome(recorded, query(), one) for one in (answer(), answer("You wait."), REFUSED)]
    results = [_case_result(PlannedCase(recorded, (query(),) * 3), outcomes)]
    if with_strange:
        cut = [replace(_outcome(half, query(texts=("I go",)), one), signer_id="B") for one in (answer(), REFUSED)]
        results.append(_case_result(PlannedCase(half, (query(),) * 2), cut))
        outcomes += cut
    outcomes = [replace(outcome, clip_id=f"c{i}") for i, outcome in enumerate(outcomes)]
    return StressReport(
        encoder_id="e" * 64,
        num_sentences=7,
        notes=("validation clips are asked",),
        cases=(*results, _case_result(missing, [])),
        figures=(_figures("all", outcomes, 0),),
        outcomes=tuple(outcomes),
    )


@pytest.mark.parametrize("with_strange", [True, False])
def test_everything_is_written(tmp_path: Path, with_strange: bool) -> None:
    written = write_stress(made_report(with_strange), tmp_path / "out")
    assert {path.name for path in written} == {path.name for path in (tmp_path / "out").iterdir()}
    pictures = {path.name for path in written if path.suffix == ".png"}
    assert pictures == {"cases.png", "risk-coverage.png", "reliability.png", "roc.png", "by-signer.png"}
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in written if path.suffix == ".png")
    text = (tmp_path / "out" / "stress.json").read_text()
    assert "NaN" not in text
    assert json.loads(text) == json.loads(json.dumps(stress_json(made_report(with_strange))))


def test_json_tells_cases_signers_reasons_and_wrong_answers() -> None:
    found = stress_json(made_report())
    first, second, last = found["cases"]
    assert (first["name"], first["num_clips"], first["may_be_told"]) == ("as recorded", 3, EXPECTED["right"])
    assert first["right"]["estimate"] == first["wrong"]["estimate"] == pytest.approx(1 / 3)
    assert (second["wrong_own"], second["num_clips"]) == (1, 2)
    assert (last["right"], last["not_run"]) == (None, "no clips | were given")
    assert found["reasons"] == {"low_similarity": 2}
    counts = {"right": 1, "wrong sentence": 1, "wrong translation": 0, "refused": 1}
    assert found["by_signer"] == {"A: as recorded": counts}  # B signs no known clip
    assert [(wrong["case"], wrong["told"]) for wrong in found["wrong_answers"]] == [
        ("as recorded", "You wait."), ("first half", "I go home."),
    ]  # fmt: skip


def test_the_page_tells_every_case_and_what_was_not_run() -> None:
    page = stress_markdown(made_report())
    assert "| as recorded | its sentence, or not sure | 3 | 0.33 (0.06-0.79) | 0.33 (0.06-0.79) | 0 | 0 |" in page
    assert "| another language | no clips / were given |" in page
    assert "**Mind:** validation clips are asked." in page
    assert "Wrong answers: 2, the first of each case" in page
    assert "| low_similarity | 2 | 1.00 |" in page
    assert "## Wrong" not in stress_markdown(replace(made_report(), outcomes=()))
