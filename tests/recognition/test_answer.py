import json
from dataclasses import replace

import pytest

from made.stress import answer


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (answer("Where does it hurt?", confidence=0.974), "Where does it hurt? (0.97)"),
        (answer(accepted=False, reason="ambiguous_top2"), "not sure: ambiguous_top2"),
        (
            answer(accepted=False, translation="i go home", shown=True, reason="low_similarity"),
            "i go home (0.90) (translated)",
        ),
        (answer(accepted=False, translation="i go home", reason="low_similarity"), "not sure: low_similarity"),
    ],
)
def test_an_answer_is_one_line_that_a_person_reads(made: object, line: str) -> None:
    assert str(made) == line


def test_choices_and_written_sentences_are_said_to_be_so() -> None:
    first = answer("A").candidates[0]
    unsure = answer(accepted=False, reason="ambiguous_top2")
    offered = replace(unsure, choices=(first, replace(first, sentence="B")))
    assert str(offered) == "one of these? A / B"
    assert offered.outcome == "choices"
    written = replace(answer("A"), candidates=(replace(first, num_references=0),))
    assert str(written) == "A (0.90) (only written)"


def test_a_dictionary_holds_plain_values_and_what_is_shown() -> None:
    said = json.loads(json.dumps(answer("A", translation="b").to_dict()))
    assert (said["sentence"], said["text"], said["text_source"], said["outcome"]) == ("A", "A", "sentence", "answer")
    assert said["candidates"][0]["sentence"] == "A"
    assert said["translation_words"] == [["b", 0.9]]
    unsure = answer(accepted=False, reason="low_similarity").to_dict()
    assert (unsure["text"], unsure["outcome"], unsure["reason"]) == (None, "not_sure", "low_similarity")
