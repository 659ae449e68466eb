"""The proof of the promises: who teaches and asks, what is counted, and the page of the repository."""

from dataclasses import replace
from pathlib import Path

import pytest

import promise
import promise_page
import results_page
from made.records import made_record
from made.stress import answer
from promise_page import KINDS, Count, Fit, Origin, Proof, StressCount
from signtalk.files import read_json


def test_the_teacher_does_not_ask_and_every_word_is_asked_alike() -> None:
    records = [made_record(word, who, take) for word in "abc" for who in ("s01", "s02", "s03") for take in range(20)]
    records += [made_record("d", "s01", take) for take in range(20)]  # which the others do not sign
    records.append(made_record("", "s01", idle=True))
    taught, asked = promise.lesson(records)
    assert [(r.sentence, r.signer_id) for r in taught] == [(w, "s01") for w in "abc" for _ in range(4)]
    assert [(r.sentence, r.signer_id) for r in asked] == [
        (word, who) for who in ("s02", "s03") for word in "abc" for _ in range(12)
    ]
    assert len({r.clip_id for r in (*taught, *asked)}) == len(taught) + len(asked)
    assert promise.lesson(records) == (taught, asked)


def test_answers_texts_and_offers_are_counted_by_themselves() -> None:
    signed = made_record("I go home.", "s02")
    right = answer("I go home.")
    wrong = answer("Where?")
    text = answer(accepted=False, translation="i go home", shown=True, reason="low_similarity")
    offered = replace(answer(accepted=False, reason="not_proven"), choices=answer("Where?").candidates)
    refused = answer(accepted=False, reason="low_motion")
    idle = made_record("", "s02", idle=True)
    count = promise.count(
        "words", "s02", "strict", [*((signed, each) for each in (right, wrong, text, offered, refused)), (idle, right)]
    )
    assert (count.clips, count.answered, count.answered_right) == (6, 3, 1)
    assert (count.translated, count.translated_right) == (1, 1)
    assert (count.offered, count.offered_right) == (1, 0)
    assert count.reasons == {"low_motion": 1}
    assert count.wrong == (("I go home.", "Where?"), ("", "I go home."))


def counted(kind: str, **changes: object) -> Count:
    fields = ("answered", "answered_right", "translated", "translated_right", "offered", "offered_right")
    nothing = {**dict.fromkeys(fields, 0), "reasons": {}, "wrong": ()}
    return Count(**{"kind": kind, "signer": "s02", "policy": "strict", "clips": 100, **nothing, **changes})


def proof(wrong: int, by_translation: int = 0) -> Proof:
    words = counted("words", answered=50, answered_right=50 - wrong, offered=9, offered_right=8)
    counts = (words, counted("test", translated=4, translated_right=4 - by_translation))
    case = StressCount(case="a case", clips=9, right=1, wrong=3, wrong_translations=by_translation)
    fit = Fit(
        seed=1, minutes=2.0, date="2026-01-01", code="c0ffee", promises=("trained: proven",), motion_floor=0.2,
        counts=counts, stress=(case,),
    )  # fmt: skip
    return Proof(origin=Origin(command="python x", machine="1 core", split_hash="a" * 64), fits=(fit, fit))


@pytest.mark.parametrize(
    ("measured", "kept"), [(proof(0), [True] * 3), (proof(1), [True] * 3), (proof(2), [True, False, True]),
                           (proof(0, 1), [False, True, False])],
)  # fmt: skip
def test_the_page_says_what_is_kept(measured: Proof, kept: list[bool]) -> None:
    lines = promise_page.page(measured).splitlines()
    verdicts = [line.endswith("| kept |") for line in lines if line.endswith(("kept |", "kept** |"))]
    assert verdicts == kept


def test_the_page_pools_models_and_tells_coverage() -> None:
    text = promise_page.page(proof(1))
    assert (
        "| wrong among accepted answers to enrolled words | at most 2 in 100 | 2 of 100, 0.980 (0.930-0.994) right"
        in text
    )
    assert "| enrolled words answered | told | 100 of 200, 0.500 (0.431-0.569) |" in text
    assert text.count("| 1 | s02 | 100 | 49 of 50") == 2
    assert "| a case | 18 | 2 | 6 | 0 |" in text
    assert f"| {KINDS['words']} |" in text and f"| {KINDS['idle']} |" not in text


@pytest.mark.parametrize("path", sorted(results_page.ROWS.glob("promise*.json")), ids=lambda path: path.stem)
def test_the_page_of_the_repository_is_that_of_its_figures(path: Path) -> None:
    measured = Proof.model_validate(read_json(path))
    assert (results_page.PAGES / f"{path.stem}.md").read_text(encoding="utf-8") == promise_page.page(measured)
    assert [fit.seed for fit in measured.fits] == [42, 43, 44]
